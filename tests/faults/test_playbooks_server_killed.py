"""The Temporal server is killed under playbooks that wait and work: each goes on where it was, and nothing is twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from domain.model import JsonValue
from tests.faults.conftest import Running
from tests.faults.installation import SOON_SECONDS, met
from tests.faults.playbook_runs import KilledRun, PlaybookRuns
from tests.faults.playbook_ways import ORDER, PAYMENT, Prepared, way
from tests.faults.test_server_killed import on_a_file

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOWN_SECONDS = 4
TIMER_SECONDS = 6


async def _slowly(own: Prepared) -> JsonValue:
    given = await way("scale-out").given(own)
    return {**given, "check_minutes": TIMER_SECONDS / 60}


ASKS, HEARS, ANSWERED, LOST = way("refund"), way("order-return"), way(ORDER), way(PAYMENT)
SLEEPS = replace(way("scale-out"), given=_slowly)
WAYS = (ASKS, HEARS, SLEEPS, ANSWERED, LOST)


async def killed_while_playbooks_wait_and_work(_: Client, folder: Path) -> None:
    async with on_a_file(folder) as (server, installation):
        runs = PlaybookRuns(installation)
        installation.worker()
        models = [await runs.start(one) for one in WAYS]
        await runs.finish(models)
        asks, hears = [await runs.start(one) for one in (ASKS, replace(HEARS, hears=""))]
        await runs.until(asks, lambda s: any(request.rungs for request in s.pending_approvals), deciding=False)
        await runs.until(hears, lambda s: bool(s.waiting_for_event))
        hears.way = HEARS
        sleeps = await runs.start(SLEEPS)
        await until_it_sleeps(runs, sleeps)
        slow = installation.break_vendor("inventory", "delay", match="POST /v1/reservations", delay_ms=1_500)
        lost = installation.break_vendor("stripe", "drop", match="POST /v1/payment_intents")
        called = [await runs.start(ANSWERED), await runs.start(LOST)]
        await asyncio.gather(met(slow), met(lost))
        assert await is_asleep(sleeps)
        await server.kill()
        disturbed = [asks, hears, sleeps, *called]
        ends = asyncio.create_task(runs.finish(disturbed))
        # Longer than the call takes: its answer finds no server.
        await asyncio.sleep(DOWN_SECONDS)
        assert not ends.done()
        await server.start()
        await ends
        pairs = zip(disturbed, models, strict=True)
        assert [problem for run, model in pairs for problem in runs.problems(run, model)] == []
        assert [run.result.status for run in disturbed if run.result] == ["completed"] * len(WAYS)
        assert runs.twice() == []


async def until_it_sleeps(runs: PlaybookRuns, run: KilledRun) -> None:
    async with asyncio.timeout(SOON_SECONDS):
        while not await is_asleep(run):
            await runs.look(run)
            await asyncio.sleep(0.1)


async def is_asleep(run: KilledRun) -> bool:
    """Whether the playbook's own timer runs."""
    started, over = set(), set()
    for event in (await run.handle.fetch_history()).events:
        timer = event.timer_started_event_attributes
        if timer.start_to_fire_timeout.seconds == TIMER_SECONDS:
            started.add(timer.timer_id)
        over.add(event.timer_fired_event_attributes.timer_id)
    return bool(started - over)


@pytest.mark.parametrize("scenario", [killed_while_playbooks_wait_and_work], ids=lambda scenario: scenario.__name__)
async def test_server_killed_under_playbooks_loses_and_doubles_nothing(scenario: Any, running: Running) -> None:
    await running(scenario)
