"""Memory of waiting cases: `python -m bench.memory WORLD CASES CACHED ADDRESS`, one process per measurement.

A process of its own, because memory that another measurement has used once is never given back for certain.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

from temporalio.client import Client

from bench.world import Bare, Product, World
from runtime.temporal.connection import data_converter

_AT_ONCE = 50


def resident_bytes() -> int:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096


def _settle() -> int:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return resident_bytes()


async def _open(world: World, cases: int) -> None:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one() -> None:
        async with turns:
            handle = await world.start()
            await world.handoffs.of(handle.id).wait()

    await asyncio.gather(*(one() for _ in range(cases)))
    await asyncio.sleep(1)


async def _measure(kind: str, cases: int, cached: int, address: str) -> dict[str, Any]:
    client = await Client.connect(address, data_converter=data_converter())
    world: World = Product(client, cached=cached) if kind == "surehand" else Bare(client, cached=cached)
    async with world.worker():
        await _open(world, 20)  # what the first cases load stays
        world.forget_effects()
        before = _settle()
        began = time.monotonic()
        await _open(world, cases)
        world.forget_effects()
        after = _settle()
        return {
            "cases": cases,
            "cached": cached,
            "kilobytes_per_case": round((after - before) / cases / 1_000, 1),
            "resident_megabytes": round(after / 1_000_000),
            "seconds_to_open": round(time.monotonic() - began, 1),
        }


async def measured_apart(kind: str, cases: int, cached: int, address: str) -> dict[str, Any]:
    """Run one measurement in a process of its own."""
    words = (kind, str(cases), str(cached), address)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.memory", *words, stdout=PIPE)
    output, _ = await process.communicate()
    found: dict[str, Any] = json.loads(output)
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))))
