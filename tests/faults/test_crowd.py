"""Two workers share what is open and one of them is killed again and again: everything ends with exact counts."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tests.faults.conftest import Running
from tests.faults.installation import OUTAGE_TICKET, PASSWORD_TICKET, UNHURRIED_SECONDS, Case, Installation
from tests.faults.playbook_runs import PlaybookRuns
from tests.faults.playbook_ways import UNDONE, WAYS
from tests.faults.worker_process import WorkerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")

CASES = 20
KILLS = 4
PLAYBOOKS = ("order-fulfilment", "payment", "canary-deployment", "order-return", "credential-rotation")
KILLS_UNDER_PLAYBOOKS = 3


async def one_of_two_workers_is_killed_at_random(client: Client, folder: Path) -> None:
    async with Installation(client, folder) as installation:
        workers = [installation.worker(), installation.worker()]
        chance = random.Random(20)
        killing = asyncio.create_task(kill_now_and_then(workers, chance, KILLS))
        cases = [await open_one(installation, number) for number in range(CASES)]
        await killing
        await asyncio.gather(*(live_on(case) for case in cases))
        results = [await case.result() for case in cases]
        assert [result.status for result in results] == ["closed"] * CASES
        assert not any(result.emergency_handoff for result in results)
        for case in cases:
            # Each of the kills may meet the same mail, after the server took it and before the worker knew.
            await case.assert_each_effect_once("acknowledge", "reply-1", "resolved-1", "survey-1", kills=KILLS)


async def one_of_two_workers_is_killed_under_playbooks(client: Client, folder: Path) -> None:
    """The last of the orders is refused late, and undone."""
    async with Installation(client, folder, patience_seconds=UNHURRIED_SECONDS) as installation:
        runs = PlaybookRuns(installation)
        workers = [installation.worker(), installation.worker()]
        ways = [*(way for way in WAYS if str(way) in PLAYBOOKS), UNDONE[0]]
        models = [await runs.start(way) for way in ways]
        await runs.finish(models)
        killing = asyncio.create_task(kill_now_and_then(workers, random.Random(7), KILLS_UNDER_PLAYBOOKS, 0.5, 1.5))
        disturbed = []
        for way in ways:
            # Spread out, so that some have just begun whenever a worker dies.
            disturbed.append(await runs.start(way))
            await asyncio.sleep(0.8)
        await killing
        await runs.finish(disturbed)
        assert [run.result.status for run in disturbed if run.result] == ["completed"] * len(ways)
        pairs = zip(disturbed, models, strict=True)
        assert [problem for run, model in pairs for problem in runs.problems(run, model)] == []
        assert runs.twice() == []


async def kill_now_and_then(
    workers: list[WorkerProcess], chance: random.Random, times: int, soonest: float = 1.0, latest: float = 3.0
) -> None:
    """Kill one of the workers several times, so many seconds apart."""
    for _ in range(times):
        await asyncio.sleep(chance.uniform(soonest, latest))
        await chance.choice(workers).restart()


async def open_one(installation: Installation, number: int) -> Case:
    if number % 4 == 0:
        return await installation.submit(PASSWORD_TICKET, customer={"tier": "vip"})
    if number % 4 == 1:
        return await installation.submit(PASSWORD_TICKET)
    return await installation.submit(OUTAGE_TICKET, external_id=str(7_000 + number))


async def live_on(case: Case) -> None:
    await case.approve_what_is_asked()
    state = await case.until(lambda s: s.last_word_at is not None and s.next_unhandled() is None)
    if state.decision is not None and state.decision.escalates:
        await case.until(lambda s: s.people_have_it)
    await case.resolve()


@pytest.mark.parametrize(
    "scenario",
    [one_of_two_workers_is_killed_at_random, one_of_two_workers_is_killed_under_playbooks],
    ids=lambda scenario: scenario.__name__,
)
async def test_killing_one_of_two_workers_at_random_changes_no_count(scenario: Any, running: Running) -> None:
    await running(scenario)
