"""Incidents that make checks of their installation: to tell causes apart, and to see whether a fix helped."""

from __future__ import annotations

from datetime import timedelta

from tests.replay.incident_paths import IncidentPath, ended
from tests.workflows.checked_world import BLAMED, LOCKS, POOL, can_check, rows
from tests.workflows.incident_world import Incident, IncidentWorld
from workflows.troubleshooting import TroubleshootingWorkflow

CHECK_PATHS: dict[str, IncidentPath] = {}


def path(drive: IncidentPath) -> IncidentPath:
    """Register a path under its function's name."""
    CHECK_PATHS[drive.__name__] = drive
    return drive


@path
async def incident_decided_by_checks(world: IncidentWorld) -> Incident:
    can_check(world)
    rows(world, sessions=20, locks=0)
    incident = await world.report(incident_id=world.task_queue)
    await world.answer(incident)
    await world.when(incident, lambda s: s.monitoring is not None)
    rows(world, sessions=4, locks=0)
    await world.pass_time(timedelta(minutes=5))
    await world.when(incident, lambda s: s.monitoring is not None and s.monitoring.looks > 0)
    rows(world, sessions=20, locks=0)
    for _ in range(10):
        await world.pass_time(timedelta(minutes=3))
        if (await incident.query(TroubleshootingWorkflow.query_state)).reopened:
            break
    await world.when(incident, lambda s: s.execution is not None and bool(s.execution.undone))
    return await ended(world, incident)


@path
async def incident_whose_cause_a_check_refutes(world: IncidentWorld) -> Incident:
    can_check(world)
    world.finds((POOL.model_copy(update={"strength": 0.85}), LOCKS, *BLAMED))
    rows(world, sessions=3, locks=40)
    incident = await world.report(incident_id=world.task_queue)
    await world.when(incident, lambda s: bool(s.pending_approvals))
    return await ended(world, incident)
