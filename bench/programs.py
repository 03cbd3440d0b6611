"""Whole programs: how soon `surehand dev` is ready, how long the demo takes, how soon a killed worker is back."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL
from pathlib import Path
from typing import Any

from temporalio.client import Client

from tests.dev_process import Dev
from tests.faults.installation import PASSWORD_TICKET, Installation

ROOT = Path(__file__).resolve().parents[1]


async def programs() -> dict[str, Any]:
    """Start each once, from where nothing was kept."""
    with tempfile.TemporaryDirectory() as folder:
        dev = Dev(Path(folder) / "dev")
        try:
            await asyncio.to_thread(dev.start)
            ready = dev.ready_after_seconds
        finally:
            await asyncio.to_thread(dev.stop)
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        plain = {name: text for name, text in os.environ.items() if not name.startswith("SUREHAND_")}
        demo = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "starters.cli", "demo", "--json",
            env={**plain, "SUREHAND_DATA_DIR": folder}, cwd=ROOT, stdout=DEVNULL, stderr=DEVNULL, stdin=DEVNULL,
        )  # fmt: skip
        code = await demo.wait()
        taken = time.monotonic() - began
    return {"dev_ready_seconds": round(ready, 1), "demo_seconds": round(taken, 1), "demo_exit_code": code}


async def worker_restart(client: Client, times: int) -> dict[str, Any]:
    """Kill a worker that knows a case, start another, and approve: seconds from its start to the accepted approval."""
    taken: list[float] = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            async with Installation(client, Path(folder)) as installation:
                worker = installation.worker()
                case = await installation.submit(PASSWORD_TICKET, customer={"tier": "vip"})
                request = await case.asked()
                await asyncio.sleep(1)
                worker.kill()
                began = time.monotonic()
                worker.start()
                await case.approve(request, "p-lena")
                taken.append(time.monotonic() - began)
    return {"approval_accepted_seconds": round(statistics.median(taken), 2), "slowest_seconds": round(max(taken), 2)}
