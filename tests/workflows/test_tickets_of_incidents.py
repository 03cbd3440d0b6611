"""Tickets and incidents find each other: by rule after triage, by people, and back when a person knows better."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.cases.approval import ApprovalDecision
from domain.cases.messages import JoinIncidentInput, OpenIncidentOrder
from domain.cases.records import CaseRecord
from domain.errors import VendorRefused
from domain.ids import troubleshooting_workflow_id
from domain.policies.incident_policy import IncidentPolicy, JoiningIncidents, OpeningByTickets
from domain.troubleshooting.linking import LinkKind
from domain.troubleshooting.messages import (
    CloseIncidentInput,
    IncidentInput,
    IncidentReport,
    IncidentResult,
    LinkTicketInput,
    QueryInput,
    UnlinkTicketInput,
)
from tests.workflows.conftest import Handle, World, a_ticket
from tests.workflows.telling_store import TellingStore, tells
from workflows import search_attributes
from workflows.escalation import EscalationWorkflow
from workflows.troubleshooting import TroubleshootingWorkflow

Incident = WorkflowHandle[TroubleshootingWorkflow, IncidentResult]
DOWN = "Checkout is down for all our customers since 14:05, every order fails."
SUBJECT = "Checkout is down"
NAME = "incident:I-1"
NEWS = "problem that you wrote to us about"
OPENING = IncidentPolicy(open_from_tickets=OpeningByTickets.ON_URGENT)


async def an_incident(world: World, incident_id: str = "I-1", title: str = "Checkout fails") -> Incident:
    handle = await world.client.start_workflow(
        TroubleshootingWorkflow.run,
        IncidentInput(
            tenant="default", report=IncidentReport(incident_id=incident_id, title=title, service="checkout")
        ),
        id=troubleshooting_workflow_id("default", incident_id),
        task_queue=world.task_queue,
        search_attributes=search_attributes.at_incident_start("default"),
    )
    await seen(world, handle, lambda s: s.people_have_it)
    return handle


def incident_of(world: World, incident_id: str) -> Incident:
    return world.client.get_workflow_handle_for(
        TroubleshootingWorkflow.run, troubleshooting_workflow_id("default", incident_id)
    )


async def seen(world: World, incident: Incident, condition: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(90):
        while True:
            state = await incident.query(TroubleshootingWorkflow.query_state)
            if condition(state):
                return state
            await asyncio.sleep(0.02)


async def triaged(world: World, handle: Handle) -> Any:
    return await world.until(handle, lambda s: s.decision is not None and s.phase == "conversation" and s.acknowledged)


def scheduled(history: Any) -> list[str]:
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]


def news(world: World) -> list[str]:
    return [mail.to[0] for mail in world.mailer.sent.values() if NEWS in mail.text]


async def close(world: World, incident: Incident) -> None:
    word = CloseIncidentInput(person_id="p-ivan", resolution="The provider fixed it.")
    await incident.execute_update(TroubleshootingWorkflow.close, word)


async def approve(world: World, incident: Incident) -> None:
    state = await seen(world, incident, lambda s: any(r.rungs and r.rungs[-1].approvers for r in s.pending_approvals))
    (request,) = state.pending_approvals
    await incident.execute_update(
        TroubleshootingWorkflow.decide_approval,
        ApprovalDecision(
            request_id=request.request_id,
            person_id=request.rungs[-1].approvers[0],
            approve=True,
            digest=request.digest,
        ),
    )


async def test_a_ticket_that_fits_joins_and_its_customer_hears_once_after_approval(world: World) -> None:
    async with world.worker():
        incident = await an_incident(world)
        case = await world.submit(a_ticket(DOWN, subject=SUBJECT, ticket_id="T-1"))
        state = await world.until(case, lambda s: NAME in s.incidents and s.people_have_it)
        assert state.incident_advice.kind is LinkKind.JOIN
        linked = await seen(world, incident, lambda s: s.is_linked("T-1"))
        assert linked.customers == {"T-1": "CUST-1"}
        # People who take the ticket over read it.
        assert [mail for mail in world.mailer.sent.values() if f"Belongs to {NAME}" in mail.text]
        await close(world, incident)
        await seen(world, incident, lambda s: bool(s.pending_approvals))
        assert not news(world)
        await approve(world, incident)
        await world.until(case, lambda s: bool(s.incidents[NAME]))
        await incident.result()
        assert news(world) == ["customer@example.org"]
        await case.terminate()


async def test_a_ticket_that_fits_nothing_says_how_to_open_one_and_a_person_opens_it_once(world: World) -> None:
    async with world.worker():
        case = await world.submit(a_ticket(DOWN, subject=SUBJECT, ticket_id="T-1"))
        state = await world.until(case, lambda s: s.people_have_it and s.incident_advice is not None)
        assert state.incident_advice.kind is LinkKind.SUGGEST_OPEN
        assert not state.incidents
        assert "surehand case open-incident T-1" in state.incident_lines[0]
        order = OpenIncidentOrder(person_id="p-ivan")
        answers = await asyncio.gather(
            *(case.execute_update(EscalationWorkflow.open_incident, order) for _ in range(3))
        )
        assert {answer.text for answer in answers} == {"incident:TICKET-T-1 is open, and this ticket is linked to it."}
        incident = incident_of(world, "TICKET-T-1")
        opened = await seen(world, incident, lambda s: s.is_linked("T-1"))
        assert (opened.report.reported_by, [one.ticket_id for one in opened.linked]) == ("p-ivan", ["T-1"])
        state = await case.query(EscalationWorkflow.query_state)
        assert state.incident_lines == ("Belongs to incident:TICKET-T-1",)
        # The incident goes on when the ticket's case is gone.
        await case.terminate()
        question = QueryInput(message_id="q-1", author="p-ivan", text="What is the status?")
        await incident.execute_update(TroubleshootingWorkflow.add_query, question)
        await seen(world, incident, lambda s: any(not query.is_open for query in s.queries))
        await incident.terminate()


async def test_where_the_policy_says_so_an_outage_opens_an_incident_and_the_next_ticket_joins_it(world: World) -> None:
    world.change_policy(incidents=OPENING)
    async with world.worker():
        first = await world.submit(a_ticket(DOWN, subject=SUBJECT, ticket_id="T-1"))
        await world.until(first, lambda s: "incident:TICKET-T-1" in s.incidents)
        incident = incident_of(world, "TICKET-T-1")
        opened = await seen(world, incident, lambda s: s.policy is not None)
        assert opened.report.reported_by == first.id
        second = await world.submit(a_ticket("Our checkout is down, all customers fail to pay.", ticket_id="T-2"))
        await world.until(second, lambda s: "incident:TICKET-T-1" in s.incidents)
        await seen(world, incident, lambda s: s.is_linked("T-1") and s.is_linked("T-2"))
        for handle in (first, second, incident):
            await handle.terminate()


async def test_tickets_open_no_more_incidents_within_an_hour_than_the_policy_says(world: World) -> None:
    world.change_policy(incidents=OPENING.model_copy(update={"opened_per_hour": 1}))
    async with world.worker():
        first = await world.submit(a_ticket(DOWN, subject=SUBJECT, ticket_id="T-1"))
        await world.until(first, lambda s: bool(s.incidents))
        text = "The search is down for everyone, nobody can use it."
        second = await world.submit(a_ticket(text, subject="Search is down", ticket_id="T-2"))
        state = await world.until(second, lambda s: s.incident_advice is not None)
        assert state.incident_advice.kind is LinkKind.SUGGEST_OPEN
        assert "within this hour" in state.incident_lines[0]
        for handle in (first, second, incident_of(world, "TICKET-T-1")):
            await handle.terminate()


async def test_other_tickets_and_tenants_that_want_none_of_it_look_for_nothing(world: World) -> None:
    async with world.worker():
        ordinary = await world.submit(a_ticket(ticket_id="T-1"))
        await triaged(world, ordinary)
        world.change_policy(
            incidents=IncidentPolicy(open_from_tickets=OpeningByTickets.NEVER, join=JoiningIncidents.NEVER)
        )
        refused = await world.submit(a_ticket(DOWN, subject=SUBJECT, ticket_id="T-2"))
        await triaged(world, refused)
        for case in (ordinary, refused):
            history = await case.fetch_history()
            assert "find_incident" not in scheduled(history)
            assert not [event for event in history.events if event.HasField("marker_recorded_event_attributes")]
            await case.terminate()


async def test_a_store_that_cannot_say_which_incidents_there_are_holds_up_nobody(world: World) -> None:
    world.store.incidents_are_unknown = VendorRefused("store", "down", "The store is down.")
    async with world.worker():
        case = await world.submit(a_ticket(DOWN, subject=SUBJECT, ticket_id="T-1"))
        state = await world.until(case, lambda s: s.people_have_it)
        assert state.incident_advice is None
        assert [entry for entry in state.timeline if "The look for an incident failed" in entry.text]
        await case.terminate()


async def test_an_incident_of_which_the_store_does_not_know_that_it_ended_is_not_joined(world: World) -> None:
    now = datetime.now(UTC) - timedelta(minutes=1)
    await world.store.save_case(
        CaseRecord(
            workflow_id=troubleshooting_workflow_id("default", "I-1"),
            tenant="default",
            kind="troubleshooting",
            case_id=NAME,
            ticket_id="I-1",
            status="investigating",
            phase="validation",
            subject="Checkout fails",
            opened_at=now,
            updated_at=now,
        )
    )
    async with world.worker():
        case = await world.submit(a_ticket(DOWN, subject=SUBJECT, ticket_id="T-1"))
        state = await world.until(case, lambda s: s.people_have_it)
        assert not state.incidents
        assert [entry for entry in state.timeline if "fits and has ended" in entry.text]
        assert state.incident_advice.kind is LinkKind.SUGGEST_OPEN
        order = JoinIncidentInput(person_id="p-ivan", incident=NAME)
        for incident, sentence in ((NAME, "is not open"), ("T-1", "is named incident:ID")):
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await case.execute_update(
                    EscalationWorkflow.join_incident, order.model_copy(update={"incident": incident})
                )
            assert isinstance(refused.value.cause, ApplicationError)
            assert sentence in refused.value.cause.message
        foreign = order.model_copy(update={"incident": "troubleshooting:acme-us:I-1"})
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await case.execute_update(EscalationWorkflow.join_incident, foreign)
        assert "another tenant" in str(refused.value.cause)
        await case.terminate()


async def test_a_person_joins_unlinks_and_no_rule_links_again(world: World) -> None:
    async with world.worker():
        incident = await an_incident(world)
        case = await world.submit(a_ticket(ticket_id="T-1"))
        await triaged(world, case)
        word = JoinIncidentInput(person_id="p-ivan", incident=NAME)
        for _ in range(2):
            answer = await case.execute_update(EscalationWorkflow.join_incident, word)
            assert answer.text == f"This ticket belongs to {NAME}."
        await seen(world, incident, lambda s: s.is_linked("T-1"))
        unlink = UnlinkTicketInput(ticket_id="T-1", person_id="p-ruth")
        texts = [(await incident.execute_update(TroubleshootingWorkflow.unlink_ticket, unlink)).text for _ in range(2)]
        assert texts == ["Ticket T-1 is unlinked.", "Ticket T-1 was unlinked already."]
        state = await world.until(case, lambda s: not s.incidents)
        assert state.not_incidents == [NAME]

        by_rule = LinkTicketInput(ticket_id="T-1", person_id="surehand")
        await incident.signal(TroubleshootingWorkflow.link_ticket, by_rule)
        answer = await incident.execute_update(TroubleshootingWorkflow.add_ticket, by_rule)
        assert "about something else" in answer.text
        await close(world, incident)
        assert (await incident.result()).linked_tickets == 0
        assert not news(world)
        await case.terminate()


async def test_a_person_may_link_again_what_a_person_unlinked_and_hears_when_there_is_no_case(world: World) -> None:
    async with world.worker():
        incident = await an_incident(world)
        gone = LinkTicketInput(ticket_id="T-GONE", person_id="p-ivan")
        answer = await incident.execute_update(TroubleshootingWorkflow.add_ticket, gone)
        assert "no open case" in answer.text
        assert "linked already" in (await incident.execute_update(TroubleshootingWorkflow.add_ticket, gone)).text
        await incident.execute_update(
            TroubleshootingWorkflow.unlink_ticket, UnlinkTicketInput(ticket_id="T-GONE", person_id="p-ivan")
        )
        await incident.execute_update(TroubleshootingWorkflow.add_ticket, gone)
        assert (await seen(world, incident, lambda s: s.is_linked("T-GONE"))).unlinked == []
        await incident.terminate()


class LastWriteWaits(TellingStore):
    """Somebody is told of the end, and that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.last_write = asyncio.Event()
        self.may_end = asyncio.Event()

    async def save_case(self, record: CaseRecord) -> None:
        # Two lanes write the end, in either order and sometimes as one.
        if record.kind == "troubleshooting" and record.status == "closed":
            self.last_write.set()
            await self.may_end.wait()
        await super().save_case(record)


async def test_a_ticket_linked_while_the_last_line_is_written_is_told_after_approval(world: World) -> None:
    tells(world)
    store = world.store = LastWriteWaits()
    async with world.worker():
        case = await world.submit(a_ticket("How do I change my address?", ticket_id="T-7"))
        await triaged(world, case)
        incident = await an_incident(world)
        await close(world, incident)
        async with asyncio.timeout(90):
            await store.last_write.wait()
        link = LinkTicketInput(ticket_id="T-7", person_id="p-ivan", customer_id="CUST-1")
        await incident.signal(TroubleshootingWorkflow.link_ticket, link)
        await seen(world, incident, lambda s: s.is_linked("T-7"))
        store.may_end.set()
        await seen(world, incident, lambda s: bool(s.pending_approvals))
        await approve(world, incident)
        await world.until(case, lambda s: bool(s.incidents[NAME]))
        await incident.result()
        assert news(world) == ["customer@example.org"]
        await case.terminate()


async def test_a_ticket_of_an_incident_that_is_withdrawn_waits_for_no_news_of_it(world: World) -> None:
    async with world.worker():
        case = await world.submit(a_ticket("How do I change my address?", ticket_id="T-8"))
        await triaged(world, case)
        incident = await an_incident(world)
        link = LinkTicketInput(ticket_id="T-8", person_id="p-ivan", customer_id="CUST-1")
        await incident.signal(TroubleshootingWorkflow.link_ticket, link)
        await world.until(case, lambda s: NAME in s.incidents)
        await incident.cancel()
        state = await world.until(case, lambda s: NAME not in s.incidents)
        assert state.not_incidents == [NAME]
        await case.terminate()
