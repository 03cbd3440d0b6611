"""What a tenant that floods costs another one: the time to handoff of the quiet tenant's cases, alone and beside it.

One worker as the product has it. The flood is sent at once, and the quiet tenant's cases come while it is worked on.
Each of the three is measured on a server of its own: alone; beside the flood on a server that does not let tenants take
turns; and on one that does, as ours is set.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from temporalio.client import Client
from temporalio.runtime import Runtime

from bench.world import Product
from runtime.temporal.connection import data_converter
from runtime.temporal.dev_server import EmbeddedServer

Numbers = dict[str, Any]

FLOOD, QUIET = 300, 10
_BEFORE_QUIET = 20
"""Cases of the flood that are handed off when the quiet tenant's first comes, so that it meets a backlog under way."""
_BETWEEN_SECONDS = 0.25


async def beside_a_flood(client: Client, *, flood: int = FLOOD, quiet: int = QUIET) -> Numbers:
    """Seconds to handoff of the quiet tenant's cases.

    Args:
        client: whose runtime of the SDK is used; each measurement has a server of its own.
        flood: cases of the other tenant, all at once.
        quiet: cases of the tenant that is watched.
    """
    runtime = client.service_client.config.runtime or Runtime.default()
    alone = await _measured(runtime, 0, quiet, shares=True)
    without = await _measured(runtime, flood, quiet, shares=False)
    with_turns = await _measured(runtime, flood, quiet, shares=True)
    return {
        "alone_seconds_p50": alone["p50"],
        "no_turns_seconds_p50": without["p50"],
        "no_turns_seconds_max": without["max"],
        "turns_seconds_p50": with_turns["p50"],
        "turns_seconds_max": with_turns["max"],
        "flood_seconds_no_turns": without["flood"],
        "flood_seconds_turns": with_turns["flood"],
        "cases": f"{flood} and {quiet}",
        "shorter_with_turns": round(without["p50"] / with_turns["p50"], 1),
        # Of the whole time that the flood took, so that a machine that was busier meanwhile does not mislead.
        "no_turns_part_of_flood": round(without["p50"] / without["flood"], 2),
        "turns_part_of_flood": round(with_turns["p50"] / with_turns["flood"], 2),
    }


async def _measured(runtime: Runtime, flood: int, quiet: int, *, shares: bool) -> Numbers:
    async with EmbeddedServer(ui=False, shares=shares) as server:
        client = await Client.connect(server.address, data_converter=data_converter(), runtime=runtime)
        world = Product(client)
        async with world.worker():
            await (await _case(world, "quiet"))[1]  # everything is warm
            began = time.perf_counter()
            floods = [end for _, end in await asyncio.gather(*(_case(world, "flood") for _ in range(flood)))]
            if flood:
                await _some_of(floods, min(_BEFORE_QUIET, flood))
            waits: list[asyncio.Task[float]] = []
            for _ in range(quiet):
                waits.append((await _case(world, "quiet"))[1])
                await asyncio.sleep(_BETWEEN_SECONDS)
            seconds = await asyncio.gather(*waits)
            await asyncio.gather(*floods)
            whole = time.perf_counter() - began
    return {"p50": round(statistics.median(seconds), 2), "max": round(max(seconds), 2), "flood": round(whole, 1)}


async def _case(world: Product, tenant: str) -> tuple[str, asyncio.Task[float]]:
    """Start a case; the task ends with its handoff, and says how long that took."""
    began = time.perf_counter()
    handle = await world.start(tenant=tenant)

    async def handed_off() -> float:
        await world.handoffs.of(handle.id).wait()
        return time.perf_counter() - began

    return handle.id, asyncio.create_task(handed_off())


async def _some_of(tasks: list[asyncio.Task[float]], many: int) -> None:
    waiting = set(tasks)
    while len(tasks) - len(waiting) < many:
        _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
