"""Every path of the troubleshooting lifecycle, each driven through a real worker on fake tools for recording."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowFailureError

from domain.errors import VendorRefused, VendorUnavailable
from domain.tools.tool import Safety, ToolUndo
from domain.troubleshooting.budget import Budget
from domain.troubleshooting.messages import CloseIncidentInput, LinkTicketInput, QueryInput, UnlinkTicketInput
from tests.workflows.incident_world import Incident, IncidentWorld
from tests.workflows.playbook_world import a_tool, playbook
from workflows.troubleshooting import TroubleshootingWorkflow

IncidentPath = Callable[[IncidentWorld], Awaitable[Incident]]
INCIDENT_PATHS: dict[str, IncidentPath] = {}
"""Name -> what happens. The recordings bear the same names."""
INCIDENTS_IN_REAL_TIME = {"incident_asked_about_while_it_thinks"}
"""On a real server, where the result of a thought may come in a workflow task of its own when it is asked about."""

HEALTH = {"checkout": "https://checkout.example/health"}
ASKED: dict[str, Any] = {
    "schema": {
        "document": {
            "type": "object",
            "required": ["service", "to_version"],
            "properties": {"service": {"type": "string"}, "to_version": {"type": "string"}},
        }
    }
}
BACK = "- back: {call: deploy.rollBack, with: {service: '${ .service }', to: '${ .to_version }'}}\n"
ROLL_BACK = playbook(BACK, "roll-back-deployment", input=ASKED)
ROLL_BACK_AND_LOOK = playbook(
    f"{BACK}- look: {{call: deploy.check, metadata: {{park: never}}}}", "roll-back-deployment", input=ASKED
)


def path(drive: IncidentPath) -> IncidentPath:
    """Register a path under its function's name."""
    INCIDENT_PATHS[drive.__name__] = drive
    return drive


def can_roll_back(world: IncidentWorld) -> None:
    """Give the world a playbook that rolls back, and can itself be taken back."""
    undo = ToolUndo(tool="deploy.rollForward", arguments={"service": "${ $arguments.service }"})
    world.tools.add(a_tool("deploy.rollBack", Safety.DANGEROUS, undo=undo), a_tool("deploy.rollForward"))
    world.tools.add(a_tool("deploy.check"))
    world.tools.on("health.probe", {"healthy": True, "reason": "It answers."})
    world.library.definitions["roll-back-deployment"] = ROLL_BACK


async def begin(world: IncidentWorld, **more: Any) -> Incident:
    can_roll_back(world)
    return await world.report(incident_id=world.task_queue, **more)


async def ended(world: IncidentWorld, incident: Incident) -> Incident:
    """Cancel it, and wait until it took everything back."""
    await world.cancel(incident)
    try:
        await world.result(incident)
    except WorkflowFailureError:
        return incident
    raise AssertionError("it did not end as cancelled")


async def closed_by_hand(world: IncidentWorld, incident: Incident) -> Incident:
    word = CloseIncidentInput(person_id="p-ivan", resolution="The provider fixed it.")
    await incident.execute_update(TroubleshootingWorkflow.close, word)
    await world.result(incident)
    return incident


@path
async def incident_solved(world: IncidentWorld) -> Incident:
    incident = await begin(world, health_urls=HEALTH)
    await world.answer(incident)
    await world.result(incident)
    return incident


@path
async def incident_fix_rejected(world: IncidentWorld) -> Incident:
    incident = await begin(world)
    await world.answer(incident, approve=False, reason="No roll back now, the schema has changed.")
    await world.when(incident, lambda s: len(s.solutions) > 1 and bool(s.pending_approvals))
    return await ended(world, incident)


@path
async def incident_fix_expired(world: IncidentWorld) -> Incident:
    incident = await begin(world)
    await world.when(incident, lambda s: bool(s.pending_approvals))
    for _ in range(12):
        await world.pass_time(timedelta(hours=2))
        if (await incident.query(TroubleshootingWorkflow.query_state)).people_have_it:
            break
    return await closed_by_hand(world, incident)


@path
async def incident_fix_failed(world: IncidentWorld) -> Incident:
    can_roll_back(world)
    world.library.definitions["roll-back-deployment"] = ROLL_BACK_AND_LOOK
    world.tools.on("deploy.check", VendorRefused("deploy", "unwell", "The service is not well."))
    incident = await world.report(incident_id=world.task_queue)
    await world.answer(incident)
    await world.when(incident, lambda s: bool(s.rejected))
    return await ended(world, incident)


@path
async def incident_regressed(world: IncidentWorld) -> Incident:
    can_roll_back(world)
    world.tools.on("health.probe", {"healthy": False, "reason": "It answers 500."})
    incident = await world.report(incident_id=world.task_queue, health_urls=HEALTH)
    await world.answer(incident)
    await world.when(incident, lambda s: s.monitoring is not None)
    for _ in range(20):
        await world.pass_time(timedelta(minutes=2))
        if (await incident.query(TroubleshootingWorkflow.query_state)).reopened:
            break
    await world.when(incident, lambda s: s.execution is not None and bool(s.execution.undone))
    return await ended(world, incident)


@path
async def incident_cancelled_while_its_fix_is_watched(world: IncidentWorld) -> Incident:
    incident = await begin(world)
    await world.answer(incident)
    await world.when(incident, lambda s: s.monitoring is not None)
    return await ended(world, incident)


@path
async def incident_without_a_cause(world: IncidentWorld) -> Incident:
    world.finds(())
    incident = await begin(world)
    await world.when(incident, lambda s: s.people_have_it)
    question = QueryInput(message_id="q-1", author="p-ivan", text="What is the root cause?")
    await incident.execute_update(TroubleshootingWorkflow.add_query, question)
    await world.when(incident, lambda s: any(not q.is_open for q in s.queries))
    return await closed_by_hand(world, incident)


@path
async def incident_asked_about_while_it_thinks(world: IncidentWorld) -> Incident:
    world.finds(())
    world.thinks_for = 0.1
    incident = await begin(world)
    await world.when(incident, lambda s: s.people_have_it, within=30)
    world.thinks_for = 0.0
    return await closed_by_hand(world, incident)


@path
async def incident_with_its_tools_down(world: IncidentWorld) -> Incident:
    for name in ("logs.analyse", "changes.read", "topology.read", "knowledge.search"):
        world.tools.on(name, VendorUnavailable("tools", "down", "It is down."))
    incident = await begin(world)
    await world.when(incident, lambda s: s.people_have_it)
    return await closed_by_hand(world, incident)


@path
async def incident_over_its_budget(world: IncidentWorld) -> Incident:
    incident = await begin(world, budget=Budget(iterations=1))
    await world.when(incident, lambda s: s.people_have_it)
    return await closed_by_hand(world, incident)


@path
async def incident_whose_tickets_are_linked_and_unlinked(world: IncidentWorld) -> Incident:
    world.finds(())
    ticket = await world.ticket("T-77")
    incident = await begin(world)
    await world.when(incident, lambda s: s.people_have_it)
    for ticket_id in ("T-77", "T-GONE"):
        link = LinkTicketInput(ticket_id=ticket_id, person_id="p-ivan", customer_id="CUST-1")
        await incident.execute_update(TroubleshootingWorkflow.add_ticket, link)
    unlink = UnlinkTicketInput(ticket_id="T-77", person_id="p-ruth")
    await incident.execute_update(TroubleshootingWorkflow.unlink_ticket, unlink)
    await world.cancel(incident)
    await ticket.terminate()
    return incident


for _drive in (
    incident_solved,
    incident_regressed,
    incident_fix_failed,
    incident_fix_rejected,
    incident_without_a_cause,
    incident_with_its_tools_down,
    incident_over_its_budget,
):
    INCIDENT_PATHS[f"{_drive.__name__}_as_of_thoughts_in_activities"] = _drive
"""The same once more: the first recordings are from when thoughts were local activities, and replay as such."""
