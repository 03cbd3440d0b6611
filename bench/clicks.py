"""How soon the service acknowledges a click in Slack while Temporal is stopped; Slack waits three seconds.

The service is a process of its own, with nobody at Temporal's address. Each client presses, waits for its answer, rests
and presses again; every click is of another case, so that each one is kept and none is a repetition.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.service import percentiles
from domain.ids import escalation_workflow_id
from runtime.temporal.dev_server import free_port
from sandbox.slack_pressing import APP, SIGNING_SECRET, TEAM, signature
from tests.dev_process import ROOT
from tests.service.raw import Client, head

Numbers = dict[str, Any]

CLIENTS = 20
REST_SECONDS = 1.0
"""Between two clicks of one client, on average: 20 clients then press 20 times in a second."""
_UP_WITHIN_SECONDS = 60.0


async def clicks(*, clients: int = CLIENTS, seconds: float = 30) -> Numbers:
    """Milliseconds from a click to its acknowledgement.

    Args:
        clients: people who press at the same time.
        seconds: for which it is measured.
    """
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        service = _serve(Path(folder), port)
        try:
            await _up(port)
            taken = await _pressed(f"http://127.0.0.1:{port}", clients, seconds)
        finally:
            service.terminate()
            await asyncio.to_thread(service.wait, 30)
    return {"clients": clients, **percentiles(taken)}


def _serve(folder: Path, port: int) -> subprocess.Popen[bytes]:
    plain = {name: text for name, text in os.environ.items() if not name.startswith("SUREHAND_")}
    told = {
        "SUREHAND_DATA_DIR": str(folder),
        "SUREHAND_TEMPORAL__ADDRESS": f"127.0.0.1:{free_port()}",
        "SUREHAND_SLACK__BOT_TOKEN": "xoxb-bench",
        "SUREHAND_SLACK__BASE_URL": f"http://127.0.0.1:{free_port()}",
        "SUREHAND_SLACK__SIGNING_SECRET": SIGNING_SECRET,
        "SUREHAND_SLACK__TEAM_ID": TEAM,
        "SUREHAND_SLACK__APP_ID": APP,
    }
    with (folder / "service.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "starters.cli", "serve", "--port", str(port)],
            env={**plain, **told}, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip


async def _up(port: int) -> None:
    async with asyncio.timeout(_UP_WITHIN_SECONDS):
        while True:
            try:
                async with Client(f"http://127.0.0.1:{port}") as client:
                    await client.say(head("GET", "/health/live", []))
                    return
            except OSError:
                await asyncio.sleep(0.1)


async def _pressed(url: str, clients: int, seconds: float) -> list[float]:
    taken: list[float] = []
    until = time.perf_counter() + seconds

    async def one(number: int) -> None:
        chance = random.Random(number)
        async with Client(url) as client:
            await asyncio.sleep(chance.uniform(0, REST_SECONDS))
            while time.perf_counter() < until:
                taken.append(await _press(client))
                await asyncio.sleep(chance.uniform(0.5, 1.5) * REST_SECONDS)

    await asyncio.gather(*(one(number) for number in range(clients)))
    return taken


async def _press(client: Client) -> float:
    body = urlencode({"payload": json.dumps(_click())}).encode()
    stamp = str(int(time.time()))
    known = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(SIGNING_SECRET, stamp, body),
    }
    began = time.perf_counter()
    answer = await client.say(head("POST", "/slack/interactivity", known.items()) + body)
    if answer.status != 200:
        raise AssertionError(f"{answer.status}: {answer.body!r}")
    return time.perf_counter() - began


def _click() -> dict[str, Any]:
    case = escalation_workflow_id("default", f"B-{uuid.uuid4().hex[:12]}")
    value = {"workflow": case, "request": "refund", "digest": "0" * 64, "channel": "slack"}
    return {
        "type": "block_actions",
        "user": {"id": "U0LENA", "team_id": TEAM},
        "team": {"id": TEAM},
        "api_app_id": APP,
        "trigger_id": uuid.uuid4().hex,
        "channel": {"id": "C0BENCH"},
        "container": {"type": "message", "message_ts": "1.1", "channel_id": "C0BENCH"},
        "actions": [
            {
                "action_id": "approve_request",
                "block_id": "b",
                "action_ts": f"{time.time():.6f}",
                "value": json.dumps(value),
            }
        ],
    }


__all__ = ["clicks"]
