"""Turns in the life of an incident: each is driven here, for recording and for the tests of what comes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowHandle

from domain.cases.approval import ApprovalState
from domain.cases.messages import AbortInput, UnparkInput
from domain.cases.terms import UnparkAction
from domain.errors import VendorRefused
from domain.playbook.messages import PlaybookResult
from domain.troubleshooting.evidence import Change, EvidenceKind, Sign
from domain.troubleshooting.messages import CloseIncidentInput, EvidenceInput, LinkTicketInput, QueryInput
from domain.troubleshooting.state import IncidentState
from tests.replay.incident_paths import (
    ASKED,
    BACK,
    HEALTH,
    ROLL_BACK_AND_LOOK,
    IncidentPath,
    begin,
    can_roll_back,
    closed_by_hand,
    ended,
)
from tests.workflows.incident_world import ONSET, Incident, IncidentWorld, evidence, finding
from tests.workflows.playbook_world import playbook
from workflows.playbook import PlaybookWorkflow
from workflows.troubleshooting import TroubleshootingWorkflow

TURNS: dict[str, IncidentPath] = {}
"""Name -> what happens. The recordings bear the same names."""

ROLL_BACK_AND_WAIT = playbook(f"{BACK}- settle: {{wait: PT10M}}", "roll-back-deployment", input=ASKED)
OF_PAYMENTS = Change(
    change_id="CHG-9",
    at=ONSET - timedelta(minutes=2),
    kind="deployment",
    service="payments",
    summary="payments 7.1.0",
    version="7.1.0",
    before="7.0.3",
)
_BEFORE = {"at": ONSET - timedelta(minutes=1)}
PAYMENTS_FAILS = (
    finding("payments", Sign.NEW_ERROR, "New error: no route (300 per minute)", strength=0.95, **_BEFORE),
    finding("payments", Sign.ERRORS, "Errors rose from 1 to 300 per minute", strength=0.9, **_BEFORE),
    finding("checkout", Sign.ERRORS, "503 from payments rose from 0 to 90 per minute", about="payments", strength=0.9),
)
LATER = EvidenceInput(
    evidence=(evidence(EvidenceKind.LOGS, "payments.log"), evidence(EvidenceKind.CHANGES, "more.json")),
    person_id="p-ivan",
)


def turn(drive: IncidentPath) -> IncidentPath:
    """Register a turn under its function's name."""
    TURNS[drive.__name__] = drive
    return drive


async def asked(world: IncidentWorld, incident: Incident) -> ApprovalState:
    """The open request, once somebody was asked."""
    state = await world.when(incident, lambda s: any(r.rungs and r.rungs[-1].approvers for r in s.pending_approvals))
    return next(r for r in state.pending_approvals if r.rungs)


async def watched(world: IncidentWorld, incident: Incident) -> IncidentState:
    return await world.when(incident, lambda s: s.monitoring is not None)


async def pass_until(
    world: IncidentWorld, incident: Incident, holds: Any, *, step: timedelta = timedelta(minutes=2), most: int = 40
) -> IncidentState:
    """Let time pass in steps until something holds."""
    for _ in range(most):
        state = await incident.query(TroubleshootingWorkflow.query_state)
        if holds(state):
            return state
        await world.pass_time(step)
    return await world.when(incident, holds)


def run_of(world: IncidentWorld, state: IncidentState) -> WorkflowHandle[PlaybookWorkflow, PlaybookResult]:
    assert state.execution is not None
    return world.client.get_workflow_handle_for(PlaybookWorkflow.run, state.execution.run)


async def stop(world: IncidentWorld, state: IncidentState) -> None:
    """A person aborts the playbook that carries the fix out."""
    word = AbortInput(person_id="p-ruth", reason="The customer called.")
    await run_of(world, state).execute_update(PlaybookWorkflow.abort, word)


async def close(incident: Incident) -> None:
    word = CloseIncidentInput(person_id="p-ivan", resolution="The provider fixed it.")
    await incident.execute_update(TroubleshootingWorkflow.close, word)


# People decide


@turn
async def incident_fix_passed_along(world: IncidentWorld) -> Incident:
    """Nobody on the first rung answers; the second approves."""
    incident = await begin(world, health_urls=HEALTH)
    await asked(world, incident)
    await pass_until(
        world, incident, lambda s: len(s.pending_approvals[0].rungs) == 2, step=timedelta(minutes=10), most=10
    )
    await world.answer(incident)
    await watched(world, incident)
    return await closed_by_hand(world, incident)


@turn
async def incident_rejected_until_nothing_is_left(world: IncidentWorld) -> Incident:
    incident = await begin(world)
    first = await world.answer(incident, approve=False, reason="No roll back now, the schema has changed.")
    assert not first.rejected
    await world.when(incident, lambda s: len(s.rejected) == 1 and bool(s.pending_approvals))
    await world.answer(incident, approve=False, reason="No restart during the sale.")
    state = await world.when(
        incident, lambda s: s.people_have_it or (len(s.rejected) == 2 and bool(s.pending_approvals))
    )
    if not state.people_have_it:
        await world.answer(incident, approve=False, reason="By hand is too risky as well.")
        await world.when(incident, lambda s: s.people_have_it)
    return await closed_by_hand(world, incident)


@turn
async def incident_withdrawn_while_people_decide(world: IncidentWorld) -> Incident:
    incident = await begin(world)
    await asked(world, incident)
    return await ended(world, incident)


@turn
async def incident_evidence_speaks_against_the_proposal(world: IncidentWorld) -> Incident:
    incident = await begin(world, health_urls={**HEALTH, "payments": "https://payments.example/health"})
    await asked(world, incident)
    world.finds(PAYMENTS_FAILS, changes=(OF_PAYMENTS,))
    await incident.execute_update(TroubleshootingWorkflow.add_evidence, LATER)
    await world.when(incident, lambda s: s.cause is not None and s.cause.service == "payments" and len(s.solutions) == 1
                     and any(r.rungs for r in s.pending_approvals))  # fmt: skip
    await world.answer(incident)
    await watched(world, incident)
    return await closed_by_hand(world, incident)


@turn
async def incident_evidence_changes_nothing_about_the_proposal(world: IncidentWorld) -> Incident:
    incident = await begin(world, health_urls=HEALTH)
    await asked(world, incident)
    await incident.execute_update(TroubleshootingWorkflow.add_evidence, LATER)
    await world.when(incident, lambda s: any("new evidence was read" in entry.text for entry in s.timeline))
    await world.answer(incident)
    await watched(world, incident)
    return await closed_by_hand(world, incident)


# The fix is carried out and watched


@turn
async def incident_stopped_while_its_fix_runs(world: IncidentWorld) -> Incident:
    can_roll_back(world)
    world.library.definitions["roll-back-deployment"] = ROLL_BACK_AND_WAIT
    incident = await world.report(incident_id=world.task_queue)
    await world.answer(incident)
    state = await world.when(incident, lambda s: s.execution is not None and bool(s.execution.run))
    await world.until(run_of(world, state), lambda s: any(effect.known for effect in s.effects))
    await stop(world, state)
    await world.when(incident, lambda s: bool(s.rejected))
    return await closed_by_hand(world, incident)


@turn
async def incident_stopped_while_its_fix_is_watched(world: IncidentWorld) -> Incident:
    incident = await begin(world)
    await world.answer(incident)
    await stop(world, await watched(world, incident))
    await world.when(incident, lambda s: bool(s.rejected) and (s.people_have_it or bool(s.pending_approvals)))
    return await closed_by_hand(world, incident)


@turn
async def incident_closed_while_its_fix_runs(world: IncidentWorld) -> Incident:
    can_roll_back(world)
    world.library.definitions["roll-back-deployment"] = ROLL_BACK_AND_WAIT
    incident = await world.report(incident_id=world.task_queue)
    await world.answer(incident)
    await world.when(incident, lambda s: s.execution is not None and bool(s.execution.run))
    return await closed_by_hand(world, incident)


@turn
async def incident_closed_while_its_fix_is_watched(world: IncidentWorld) -> Incident:
    incident = await begin(world)
    await world.answer(incident)
    await watched(world, incident)
    return await closed_by_hand(world, incident)


@turn
async def incident_asked_and_added_to_while_its_fix_is_watched(world: IncidentWorld) -> Incident:
    incident = await begin(world, health_urls=HEALTH)
    await world.answer(incident)
    await watched(world, incident)
    await incident.execute_update(TroubleshootingWorkflow.add_evidence, LATER)
    question = QueryInput(message_id="q-1", author="p-ivan", text="What is the status?")
    await incident.execute_update(TroubleshootingWorkflow.add_query, question)
    await world.when(
        incident,
        lambda s: s.open_query is None and any("new evidence was read" in entry.text for entry in s.timeline),
    )
    return await closed_by_hand(world, incident)


@turn
async def incident_regressed_and_not_undone(world: IncidentWorld) -> Incident:
    """The undo of the fix is refused: a person takes it back by hand, and is asked once."""
    can_roll_back(world)
    world.tools.on("health.probe", {"healthy": False, "reason": "It answers 500."})
    world.tools.on("deploy.rollForward", VendorRefused("deploy", "gone", "That version is gone."))
    incident = await world.report(incident_id=world.task_queue, health_urls=HEALTH)
    await world.answer(incident)
    await watched(world, incident)
    state = await pass_until(world, incident, lambda s: s.reopened)
    run = run_of(world, state)
    await world.until(run, lambda s: "undo" in s.parked)
    word = UnparkInput(step="undo", action=UnparkAction.SKIP, person_id="p-ruth", reason="Done by hand.")
    await run.execute_update(PlaybookWorkflow.unpark, word)
    await world.when(incident, lambda s: s.people_have_it or bool(s.pending_approvals) or bool(s.parked))
    return await closed_by_hand(world, incident)


@turn
async def incident_fixed_by_hand_after_a_run_that_failed(world: IncidentWorld) -> Incident:
    """What people do takes its time: it is no regression that it is not well at once."""
    can_roll_back(world)
    world.tools.on("health.probe", {"healthy": False, "reason": "It answers 500."})
    world.tools.on("deploy.check", VendorRefused("deploy", "unwell", "The service is not well."))
    world.library.definitions["roll-back-deployment"] = ROLL_BACK_AND_LOOK
    incident = await world.report(incident_id=world.task_queue, health_urls=HEALTH)
    await world.answer(incident)
    await world.when(incident, lambda s: len(s.rejected) == 1 and bool(s.pending_approvals))
    await world.answer(incident)
    await watched(world, incident)
    await pass_until(world, incident, lambda s: s.monitoring.looks >= 3)
    world.tools.on("health.probe", {"healthy": True, "reason": "It answers."})
    await world.result(incident)
    return incident


# Tickets, questions and the end


@turn
async def incident_with_tickets_of_all_kinds(world: IncidentWorld) -> Incident:
    """Linked before, during and after; one has ended; one is linked, and a question asked, while people decide."""
    open_ones = [await world.ticket(f"{world.task_queue}-T{number}") for number in (1, 2)]
    over = await world.ticket(f"{world.task_queue}-OVER")
    await over.terminate()
    incident = await begin(world, linked_tickets=(f"{world.task_queue}-OVER",))
    await asked(world, incident)
    link = LinkTicketInput(ticket_id=f"{world.task_queue}-T1", person_id="p-ivan")
    for _ in range(2):
        await incident.signal(TroubleshootingWorkflow.link_ticket, link)
    await world.when(incident, lambda s: len(s.linked) == 2)
    await close(incident)
    await world.when(incident, lambda s: any(r.question.action == "incident_news" for r in s.pending_approvals))
    late = LinkTicketInput(ticket_id=f"{world.task_queue}-T2", person_id="p-ivan")
    await incident.signal(TroubleshootingWorkflow.link_ticket, late)
    question = QueryInput(message_id="q-1", author="p-ivan", text="What is the root cause?")
    await incident.execute_update(TroubleshootingWorkflow.add_query, question)
    await world.when(incident, lambda s: len(s.linked) == 3 and s.open_query is None)
    await world.answer(incident)
    await world.when(incident, lambda s: len(s.approvals) > 2 and bool(s.pending_approvals))
    await world.answer(incident)
    await world.result(incident)
    for ticket in open_ones:
        await ticket.terminate()
    return incident


@turn
async def incident_handed_over_while_the_store_is_down(world: IncidentWorld) -> Incident:
    world.finds(())
    incident = await begin(world)
    await world.when(incident, lambda s: bool(s.calls))
    world.store.always = lambda _: VendorRefused("store", "down", "The store cannot be written to.")
    await world.when(incident, lambda s: s.people_have_it and bool(s.parked))
    world.store.always = lambda _: None
    (step,) = (await incident.query(TroubleshootingWorkflow.query_state)).parked
    word = UnparkInput(step=step, action=UnparkAction.RETRY, person_id="p-ruth")
    await incident.execute_update(TroubleshootingWorkflow.unpark, word)
    await world.when(incident, lambda s: not s.parked)
    return await closed_by_hand(world, incident)


@turn
async def incident_continued_with_a_linked_ticket(world: IncidentWorld) -> Incident:
    world.continue_after_events = 30
    world.finds(())
    ticket = await world.ticket(f"{world.task_queue}-T1")
    incident = await begin(world)
    link = LinkTicketInput(ticket_id=f"{world.task_queue}-T1", person_id="p-ivan")
    await incident.signal(TroubleshootingWorkflow.link_ticket, link)
    await world.when(incident, lambda s: s.runs > 1 and s.people_have_it)
    await incident.signal(TroubleshootingWorkflow.link_ticket, link)
    await close(incident)
    await world.answer(incident)
    # The time-skipping server at times tells nobody that a run which came after others has ended.
    await world.when(incident, lambda s: s.closed)
    await ticket.terminate()
    return incident
