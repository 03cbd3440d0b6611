"""Incidents go on where they were when a worker or the server dies under them: nothing is lost, nothing is twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from domain.cases.terms import Status
from domain.troubleshooting.state import IncidentState
from tests.faults.conftest import Running
from tests.faults.incident_runs import IncidentRun, IncidentRuns
from tests.faults.installation import UNHURRIED_SECONDS, Installation, met
from tests.faults.test_server_killed import on_a_file
from tests.faults.worker_process import WorkerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")

MINUTE = "1 s"
"""Fixes are watched for 30 of them: long enough that a busy machine can spoil one meanwhile."""
FIXED, TAKEN_BACK = ["rolled_back v3"], ["rolled_back v3", "rolled_back v4"]
DOWN_SECONDS = 3
KILLS_EVERY_SECONDS = 3.0
KILLS = 3


async def in_every_place(installation: Installation, kill: Callable[[], Awaitable[None]]) -> None:
    """One incident in each place, and all of them are hit at once."""
    runs = IncidentRuns(installation)
    asking, fixing, undoing, watching = [
        await runs.start(name) for name in ("svc-asks", "svc-fixes", "svc-undoes", "svc-watches")
    ]
    await runs.approve(undoing)
    await runs.watched(undoing)
    # The second time that something is rolled back there is the undo of the first.
    undo = installation.break_vendor("deployments", "stall", match="svc-undoes/rollback")
    runs.trouble("svc-undoes", "v3")
    fix = installation.break_vendor("deployments", "stall", match="svc-fixes/rollback")
    await runs.approve(fixing)
    await asyncio.gather(met(undo), met(fix))
    await runs.asked(asking)
    await runs.approve(watching)
    await runs.watched(watching)
    reading = await runs.start("svc-reads", long=True)
    await runs.until_read_from(reading)
    assert watching.state is not None
    assert watching.state.current_status() is Status.MONITORING
    await kill()
    every = [asking, fixing, undoing, watching, reading]
    ends = dict(zip(every, await asyncio.gather(*(runs.finish(run) for run in every)), strict=True))
    for run in (asking, fixing, watching, reading):
        await assert_fixed(runs, run, ends[run])
    await assert_taken_back(runs, undoing, ends[undoing])
    read = [call for call in ends[reading].calls if call.capability == "logs.analyse" and call.ok]
    assert len(read) == 1, "the logs are read once, whoever died over them"
    assert len([seen for seen in ends[reading].observed if seen.call_id == read[0].call_id]) == 1


async def assert_fixed(runs: IncidentRuns, run: IncidentRun, state: IncidentState) -> None:
    """It ended as it does where nothing happens: rolled back once, watched, and closed by nobody."""
    assert (runs.effects(run), runs.version_of(run)) == (FIXED, "v3"), run
    assert len(await runs.keys_of(state)) == 1, run
    assert state.cause is not None, run
    assert (state.cause.service, state.resolved_by, state.reopened) == (run.name, "surehand", 0), run
    assert state.execution is not None, run
    assert (state.execution.status, state.execution.undone, state.parked) == ("completed", [], {}), run
    assert state.monitoring is not None, run
    assert state.monitoring.outcome == "held", run
    assert len(state.solutions) == 1, run


async def assert_taken_back(runs: IncidentRuns, run: IncidentRun, state: IncidentState) -> None:
    """It regressed, was taken back once, and people had it."""
    assert (runs.effects(run), runs.version_of(run)) == (TAKEN_BACK, "v4"), run
    keys = await runs.keys_of(state)
    assert len(set(keys)) == len(keys) == 2, run
    assert state.execution is not None, run
    assert (state.execution.status, len(state.execution.undone), state.execution.left) == ("cancelled", 1, []), run
    assert (state.reopened, state.people_have_it, state.resolved_by) == (1, True, "p-ivan"), run


async def worker_killed_in_every_place(client: Client, folder: Path) -> None:
    async with Installation(client, folder, patience_seconds=UNHURRIED_SECONDS, agreed_minute=MINUTE) as installation:
        worker = installation.worker()

        async def kill() -> None:
            # Its call has begun; the process that reads is started a moment later.
            for _ in range(500):
                readers = readers_of(worker)
                if readers:
                    break
                await asyncio.sleep(0.02)
            assert readers, "the logs are read in a process of their own"
            worker.kill()
            for _ in range(100):
                if not any(is_alive(pid) for pid in readers):
                    break
                await asyncio.sleep(0.1)
            assert [pid for pid in readers if is_alive(pid)] == [], "a reader outlived its worker"
            worker.start()

        await in_every_place(installation, kill)


async def server_killed_in_every_place(_: Client, folder: Path) -> None:
    async with on_a_file(folder, patience_seconds=UNHURRIED_SECONDS, agreed_minute=MINUTE) as (server, installation):
        installation.worker()

        async def kill() -> None:
            await server.kill()
            await asyncio.sleep(DOWN_SECONDS)
            await server.start()

        await in_every_place(installation, kill)


async def two_workers_killed_at_random(client: Client, folder: Path) -> None:
    chosen = random.Random(7)
    async with Installation(client, folder, agreed_minute=MINUTE) as installation:
        workers = [installation.worker(), installation.worker()]
        runs = IncidentRuns(installation)
        good, bad = await runs.start("svc-good"), await runs.start("svc-bad")
        ends = asyncio.gather(runs.finish(good), runs.finish(bad))
        spoilt = asyncio.create_task(_spoil(runs, bad))
        for _ in range(KILLS):
            await asyncio.sleep(KILLS_EVERY_SECONDS)
            await chosen.choice(workers).restart()
        fixed, taken_back = await ends
        await spoilt
        await assert_fixed(runs, good, fixed)
        await assert_taken_back(runs, bad, taken_back)


async def _spoil(runs: IncidentRuns, run: IncidentRun) -> None:
    """Once its fix is watched, the service fails again."""
    await runs.watched(run)
    runs.trouble(run.name, "v3")


async def store_locked_under_incidents(client: Client, folder: Path) -> None:
    async with Installation(client, folder, agreed_minute=MINUTE) as installation:
        installation.worker()
        runs = IncidentRuns(installation)
        open_one = await runs.start("svc-open")
        await runs.asked(open_one)
        lock = installation.lock_store()
        new_one = await runs.start("svc-new")
        await runs.approve(open_one)
        await asyncio.sleep(6)
        lock.close()
        for run in (open_one, new_one):
            await assert_fixed(runs, run, await runs.finish(run))


def readers_of(worker: WorkerProcess) -> list[int]:
    """Processes that a worker started."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            pid = int(entry.name)
            if _parent_of(pid) == worker.pid:
                found.append(pid)
    return found


def is_alive(pid: int) -> bool:
    """Whether a process still runs; one that has ended and was not looked after counts as gone."""
    with suppress(OSError, IndexError):
        return _stat(pid)[0] != "Z"
    return False


def _parent_of(pid: int) -> int:
    return int(_stat(pid)[1])


def _stat(pid: int) -> list[str]:
    """What follows the name, which may hold anything: state, parent, ..."""
    return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()


@pytest.mark.parametrize(
    "scenario",
    [
        worker_killed_in_every_place,
        server_killed_in_every_place,
        two_workers_killed_at_random,
        store_locked_under_incidents,
    ],
    ids=lambda scenario: scenario.__name__,
)
async def test_incidents_end_as_if_nothing_had_been_killed(scenario: Any, running: Running) -> None:
    await running(scenario)
