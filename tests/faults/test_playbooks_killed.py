"""A worker is killed while each step of each shipped playbook is under way: all of it is done, once, or all undone.

All runs hang at once, each in a step of its own, and the worker dies once for all of them.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.faults.conftest import Running
from tests.faults.installation import UNHURRIED_SECONDS, Installation
from tests.faults.playbook_runs import PlaybookRuns, deaths
from tests.faults.playbook_ways import ONLY_AFTER_DAYS, WAYS
from tests.playbooks.enumerating import effectful_steps, playbook_names

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOST = ("hang", "stall")
"""The request is lost, or it takes effect; either way nobody answers, and the worker dies over it."""


STEPS = {way.playbook: effectful_steps(way.playbook) for way in WAYS}
"""Read before any loop runs."""


def task_of(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def wanted(kind: str) -> set[tuple[str, str]]:
    """Steps that change something, of every playbook that has a way.

    What takes effect and is not answered is in every step. A request that is lost is as if it had not been made, which
    is the same for all steps of a playbook with one tool: it is in the first of them.
    """
    chosen = set()
    for name, steps in STEPS.items():
        first: dict[str, str] = {}
        for step in steps:
            if (name, task_of(step.reference)) not in ONLY_AFTER_DAYS:
                first.setdefault(step.tool, step.reference)
        chosen |= {(name, step.reference) for step in steps if kind == "stall" or step.reference in first.values()}
    return {(name, reference) for name, reference in chosen if (name, task_of(reference)) not in ONLY_AFTER_DAYS}


async def killed_in_every_step(client: Client, folder: Path) -> None:
    async with Installation(client, folder, patience_seconds=UNHURRIED_SECONDS) as installation:
        runs = PlaybookRuns(installation)
        worker = installation.worker()
        undisturbed = await asyncio.gather(*(runs.start(way) for way in WAYS))
        await runs.finish(undisturbed)
        assert [f"{run}: {run.result}" for run in undisturbed if run.result and run.result.status != "completed"] == []
        disturbed = [
            (reference, await runs.start(model.way, death))
            for model in undisturbed
            for kind in LOST
            for reference, death in deaths(model, kind)
            if (model.way.playbook, reference) in wanted(kind)
        ]
        killed = [run for _, run in disturbed]
        await runs.until_hanging(killed)
        await worker.restart()
        await runs.finish(killed)
        for kind in LOST:
            hung = {
                (run.way.playbook, at) for at, run in disturbed if run.hung and run.fault and run.fault.kind == kind
            }
            assert wanted(kind) - hung == set(), f"no worker died in these steps ({kind})"
        as_it_should_be = {str(run.way): run for run in undisturbed}
        problems = [problem for run in killed for problem in runs.problems(run, as_it_should_be[str(run.way)])]
        assert problems == []
        assert runs.twice() == []


async def test_worker_killed_in_a_step_of_a_playbook_leaves_all_of_it_done_once(
    client: Client, running: Running, tmp_path: Path
) -> None:
    # A hundred runs at once want the machine for themselves.
    await running.all_done()
    await killed_in_every_step(client, tmp_path)


async def test_every_shipped_playbook_has_a_way() -> None:
    assert {name for name in playbook_names() if effectful_steps(name)} == {way.playbook for way in WAYS}
