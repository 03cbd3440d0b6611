"""Every way in which a ticket comes to an incident, each driven through a real worker for recording."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from domain.cases.messages import JoinIncidentInput, OpenIncidentOrder
from domain.ids import troubleshooting_workflow_id
from domain.policies.incident_policy import IncidentPolicy, OpeningByTickets
from domain.troubleshooting.messages import IncidentInput, IncidentReport, UnlinkTicketInput
from tests.replay.paths import handed_over, submit
from tests.workflows.conftest import Handle, World
from workflows import search_attributes
from workflows.escalation import EscalationWorkflow
from workflows.troubleshooting import TroubleshootingWorkflow

TicketPath = Callable[[World], Awaitable[Handle]]
TICKET_PATHS: dict[str, TicketPath] = {}
"""Name -> what happens. The recordings bear the same names."""
DOWN = "Checkout is down for all our customers since 14:05, every order fails."


def path(drive: TicketPath) -> TicketPath:
    """Register a path under its function's name."""
    TICKET_PATHS[drive.__name__] = drive
    return drive


async def an_incident(world: World) -> str:
    """An incident about the checkout; its name."""
    await world.client.start_workflow(
        TroubleshootingWorkflow.run,
        IncidentInput(tenant="default", report=IncidentReport(incident_id="I-1", title="Checkout fails")),
        id=troubleshooting_workflow_id("default", "I-1"),
        task_queue=world.task_queue,
        search_attributes=search_attributes.at_incident_start("default"),
    )
    while not world.store.cases:
        await world.pass_time(world.policy.timers.retry_first)
    return "incident:I-1"


@path
async def ticket_joined_by_rule(world: World) -> Handle:
    name = await an_incident(world)
    case = await submit(world, DOWN)
    await handed_over(world, case)
    await world.until(case, lambda s: name in s.incidents)
    return case


@path
async def ticket_that_may_be_an_incident(world: World) -> Handle:
    case = await submit(world, DOWN)
    state = await handed_over(world, case)
    assert state.incident_lines
    return case


@path
async def ticket_whose_incident_a_person_opens(world: World) -> Handle:
    case = await submit(world, DOWN)
    await handed_over(world, case)
    for _ in range(2):
        await case.execute_update(EscalationWorkflow.open_incident, OpenIncidentOrder(person_id="p-ivan"))
    await world.until(case, lambda s: bool(s.incidents))
    return case


@path
async def ticket_that_opens_an_incident(world: World) -> Handle:
    world.change_policy(incidents=IncidentPolicy(open_from_tickets=OpeningByTickets.ON_URGENT))
    case = await submit(world, DOWN)
    await handed_over(world, case)
    await world.until(case, lambda s: bool(s.incidents))
    return case


@path
async def ticket_joined_and_unlinked_by_people(world: World) -> Handle:
    name = await an_incident(world)
    case = await submit(world)
    await world.until(case, lambda s: s.next_unhandled() is None and s.decision is not None)
    word = JoinIncidentInput(person_id="p-ivan", incident=name)
    await case.execute_update(EscalationWorkflow.join_incident, word)
    incident = world.client.get_workflow_handle_for(
        TroubleshootingWorkflow.run, troubleshooting_workflow_id("default", "I-1")
    )
    unlink = UnlinkTicketInput(ticket_id=world.task_queue, person_id="p-ruth")
    await incident.execute_update(TroubleshootingWorkflow.unlink_ticket, unlink)
    await world.until(case, lambda s: s.not_incidents == [name])
    return case
