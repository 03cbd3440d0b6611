"""Whole lives of tickets, from arrival to 72 hours after the resolution."""

from __future__ import annotations

from datetime import timedelta

from domain.cases.messages import ClaimInput, FeedbackInput, MessageInput, ResolveInput
from domain.cases.terms import Status
from domain.cases.timeline import TimelineKind
from domain.policies.case_policy import Terms
from tests.workflows.conftest import OUTAGE_TICKET, World, a_ticket
from workflows.escalation import EscalationWorkflow


async def test_simple_question_is_answered_and_closed_after_silence(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket())
        result = await handle.result()
    assert result.status == "closed"
    assert not result.escalated
    subjects = [mail.subject for mail in world.mailer.to("customer@example.org")]
    assert len(subjects) == 4, subjects  # acknowledgement, answer, follow-up (which announces the closing), survey
    assert world.store.results[handle.id].escalation_was_right is True


async def test_what_a_tenant_calls_a_case_stands_in_every_mail_of_it(world: World) -> None:
    world.change_policy(reply=world.policy.reply.model_copy(update={"terms": Terms(case="matter", team="practice")}))
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        await world.until(handle, lambda state: state.status is Status.WAITING_CLAIM)
        # It is pinned: what is changed later is for later cases.
        world.change_policy(reply=world.policy.reply.model_copy(update={"terms": Terms(case="affair")}))
        await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-ivan"))
        await handle.execute_update(
            EscalationWorkflow.resolve, ResolveInput(person_id="p-ivan", resolution="Rotated the signing keys.")
        )
        await handle.result()
    subjects = [mail.subject for mail in world.mailer.sent.values()]
    assert len(subjects) >= 4
    assert {subject.split(" ")[0] for subject in subjects} == {"[Matter"}


async def test_outage_is_handed_over_claimed_resolved_and_followed_for_72_hours(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET, external_id="4711"))
        await world.until(handle, lambda state: state.status is Status.WAITING_CLAIM)
        await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-ivan"))
        await handle.execute_update(
            EscalationWorkflow.add_message,
            MessageInput(message_id="m1", author="p-ivan", text="We found it; the keys are being rotated."),
        )
        await handle.execute_update(
            EscalationWorkflow.resolve, ResolveInput(person_id="p-ivan", resolution="Rotated the signing keys.")
        )
        await handle.execute_update(EscalationWorkflow.record_feedback, FeedbackInput(rating=5))
        result = await handle.result()
    assert result.status == "closed"
    assert result.escalated
    assert result.handoff_seconds is not None
    assert result.handoff_seconds < timedelta(minutes=1).total_seconds()
    assert result.satisfaction == 5
    assert world.tickets.statuses == {"4711": "solved"}
    assert len(world.mailer.to("engineering-support@example.com")) == 1
    assert len(world.chat.on("#engineering-support")) == 1
    assert world.knowledge.added[0].body.endswith("Rotated the signing keys.")
    record = world.store.results[handle.id]
    assert (record.satisfaction, record.reopened, record.escalated) == (5, 0, True)
    assert world.records.profiles["CUST-1"] != {}
    assert "performance" in world.mailer.to(world.policy.reports_mailbox)[0].subject.lower()


async def test_each_look_after_the_resolution_comes_at_its_time(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET, external_id="4711"))
        await world.until(handle, lambda state: state.people_have_it)
        resolution = ResolveInput(person_id="p-ivan", resolution="Rotated the signing keys.")
        await handle.execute_update(EscalationWorkflow.resolve, resolution)
        resolved_at = (await handle.query(EscalationWorkflow.query_state)).resolved_at
        await handle.result()
        entries = (await handle.query(EscalationWorkflow.query_state)).timeline
    assert resolved_at is not None

    def hours_until(words: str) -> int:
        at = next(e.at for e in entries if words in e.text and e.kind in (TimelineKind.OUTCOME, TimelineKind.MESSAGE))
        return round((at - resolved_at) / timedelta(hours=1))

    assert hours_until("Two hours after") == 2
    assert hours_until("the satisfaction survey") == 24
    assert hours_until("72 hours after") == 72
