"""A worker is killed while each effect of a playbook is being undone: each is undone once, and nothing stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tests.faults.conftest import Running
from tests.faults.installation import UNHURRIED_SECONDS, Installation
from tests.faults.playbook_runs import Death, KilledRun, PlaybookRuns, deaths
from tests.faults.playbook_ways import UNDONE

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOST = ("hang", "stall")
"""The request is lost, or it takes effect; either way nobody answers, and the worker dies over it."""
REFUSED, GIVEN_UP, ABORTED = (str(way) for way in UNDONE)
ENDS = {REFUSED: "completed", GIVEN_UP: "faulted", ABORTED: "cancelled"}
HIT = {REFUSED: 6, GIVEN_UP: 2, ABORTED: 2}
"""Undoing calls of each way in which a worker dies; those of the first way are the same in all."""


def more_deaths(model: KilledRun, first: KilledRun, kind: str) -> list[Death]:
    """Where to kill a worker while a run is undone; where only the first way is killed is left out of the others."""
    known = set() if model is first else {reference for reference, _ in deaths(first, kind, undoing=True)}
    return [death for reference, death in deaths(model, kind, undoing=True) if reference not in known]


async def killed_in_every_undo(client: Client, folder: Path) -> None:
    async with Installation(client, folder, patience_seconds=UNHURRIED_SECONDS) as installation:
        runs = PlaybookRuns(installation)
        worker = installation.worker()
        models = {str(way): await runs.start(way) for way in UNDONE}
        await runs.finish(list(models.values()))
        assert {way: run.result.status for way, run in models.items() if run.result} == ENDS
        assert [runs.standing(run) for run in models.values() if runs.standing(run)] == []
        killed = [
            await runs.start(model.way, death)
            for model in models.values()
            for kind in LOST
            for death in more_deaths(model, models[REFUSED], kind)
        ]
        await runs.until_hanging(killed)
        await worker.restart()
        await runs.finish(killed)
        for kind in LOST:
            hung = [str(run.way) for run in killed if run.hung and run.death and run.death.kind == kind]
            assert {way: hung.count(way) for way in ENDS} == HIT, kind
        assert [problem for run in killed for problem in runs.problems(run, models[str(run.way)])] == []
        assert [runs.standing(run) for run in killed if runs.standing(run)] == []
        assert runs.twice() == []


@pytest.mark.parametrize("scenario", [killed_in_every_undo], ids=lambda scenario: scenario.__name__)
async def test_worker_killed_while_a_playbook_is_undone_undoes_each_effect_once(
    scenario: Any, running: Running
) -> None:
    await running(scenario)
