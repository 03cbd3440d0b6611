"""Conversations: repeats, thanks, anger, forwarding, reopening, and carrying on in a new run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError

from domain.cases.messages import ClaimInput, EscalateNowInput, MessageInput, ResolveInput
from domain.cases.terms import Status
from domain.sla.clocks import ClockName
from tests.workflows.conftest import OUTAGE_TICKET, Handle, World, a_ticket
from workflows.escalation import EscalationWorkflow


async def write(handle: Handle, text: str, message_id: str = "m1", author: str = "customer") -> str:
    accepted = await handle.execute_update(
        EscalationWorkflow.add_message, MessageInput(message_id=message_id, text=text, author=author)
    )
    return accepted.text


async def answered(world: World, handle: Handle, times: int = 1) -> None:
    await world.until(
        handle,
        lambda s: sum(m.author == "surehand" for m in s.conversation) >= times and s.next_unhandled() is None,
    )


async def test_thanks_resolves_the_case(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket())
        await answered(world, handle)
        await write(handle, "Thank you, that worked!")
        state = await world.until(handle, lambda s: s.is_resolved)
        await handle.result()
    assert state.outcome.resolved_by == "customer"


async def test_message_delivered_twice_counts_once(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket())
        await answered(world, handle)
        assert await write(handle, "Which link do you mean?") == "The message is in the case."
        assert "already" in await write(handle, "Which link do you mean?")
        await answered(world, handle, times=2)
        state = await handle.query(EscalationWorkflow.query_state)
    assert sum(message.author == "customer" for message in state.conversation) == 2


async def test_angry_message_hands_the_case_to_people(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket())
        await answered(world, handle)
        await write(
            handle,
            "This is completely unacceptable!!! I am furious and angry, nothing works, I have asked THREE times. "
            "I want to speak to a manager NOW, and my lawyer will take legal action.",
        )
        state = await world.until(handle, lambda s: s.people_have_it)
    assert state.status is Status.WAITING_CLAIM
    assert state.escalation_announced
    assert state.decision is not None
    assert state.decision.escalates


async def test_message_in_a_case_that_people_have_is_shown_to_them_and_not_answered(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        await world.until(handle, lambda s: s.people_have_it and s.handled == 1)
        before = len(world.mailer.to("customer@example.org"))
        await write(handle, "Here is the request id: 7f3a.")
        await world.until(handle, lambda s: s.next_unhandled() is None)
    assert len(world.mailer.to("customer@example.org")) == before
    assert [m.thread for m in world.chat.posted.values() if "/forward-" in m.key] == ["0"]


async def test_agent_cannot_write_before_the_handoff_and_nobody_writes_nothing(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket())
        await answered(world, handle)
        with pytest.raises(WorkflowUpdateFailedError) as early:
            await write(handle, "Hello", author="p-ivan")
        assert "not handed over" in str(early.value.cause)
        with pytest.raises(WorkflowUpdateFailedError) as empty:
            await write(handle, "   ")
        assert "empty" in str(empty.value.cause)


async def test_nobody_claims_a_case_that_was_not_handed_over(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket())
        await world.until(handle, lambda s: s.last_word_at is not None)
        with pytest.raises(WorkflowUpdateFailedError) as caught:
            await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-ivan"))
        assert "nothing to claim" in str(caught.value.cause)
        await handle.cancel()


async def test_person_can_hand_over_a_case_that_was_not_to_be_escalated(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket())
        await answered(world, handle)
        await handle.signal(EscalationWorkflow.escalate_now, EscalateNowInput(person_id="p-lena", reason="A known VIP"))
        state = await world.until(handle, lambda s: s.people_have_it)
    assert state.decision is not None
    assert "A known VIP" in state.decision.reasons


async def test_reply_after_the_resolution_reopens_and_thanks_do_not(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        await world.until(handle, lambda s: s.people_have_it)
        resolution = ResolveInput(person_id="p-ivan", resolution="Rotated the signing keys.")
        await handle.execute_update(EscalationWorkflow.resolve, resolution)
        await world.until(handle, lambda s: s.outcome.told_customer)
        await write(handle, "Thank you so much!", "m1")
        await world.until(handle, lambda s: s.next_unhandled() is None)
        assert (await handle.query(EscalationWorkflow.query_state)).is_resolved
        await write(handle, "It is broken again, the same error is back.", "m2")
        state = await world.until(handle, lambda s: s.outcome.reopened == 1 and s.next_unhandled() is None)
        assert state.status in (Status.WAITING_CLAIM, Status.WITH_AGENT)
        clock = state.clocks[ClockName.RESOLUTION]
        assert (clock.met_at, clock.is_over, clock.running_since is not None) == (None, False, True)
        await handle.execute_update(EscalationWorkflow.resolve, resolution)
        result = await handle.result()
    assert result.reopened == world.store.results[handle.id].reopened == 1
    assert result.status == "closed"


async def test_ticket_reopened_in_the_ticketing_system_reopens_the_case(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET, external_id="4711"))
        await world.until(handle, lambda s: s.people_have_it)
        await handle.execute_update(
            EscalationWorkflow.resolve, ResolveInput(person_id="p-ivan", resolution="Rotated the signing keys.")
        )
        await world.until(handle, lambda s: world.tickets.statuses.get("4711") == "solved")
        world.tickets.statuses["4711"] = "open"
        await world.pass_time(world.policy.timers.resolution_check_after + timedelta(minutes=1))
        state = await world.until(handle, lambda s: s.outcome.reopened == 1)
    assert not state.is_resolved


async def test_handoff_asked_for_during_triage_is_not_forgotten(world: World) -> None:
    handle = await world.submit(a_ticket())
    await handle.signal(EscalationWorkflow.escalate_now, EscalateNowInput(person_id="p-lena", reason="A known VIP"))
    async with world.worker():
        state = await world.until(handle, lambda s: s.people_have_it)
    assert state.decision is not None
    assert "A known VIP" in state.decision.reasons


async def test_answer_that_fails_its_review_is_not_sent_and_people_write_it(world: World) -> None:
    world.change_policy(reply=world.policy.reply.model_copy(update={"minimum_quality": 10.1}))
    async with world.worker():
        handle = await world.submit(a_ticket())
        state = await world.until(handle, lambda s: s.people_have_it and s.escalation_announced)
    assert any("did not pass its quality review" in entry.text for entry in state.timeline)
    steps = [key.rsplit("/", 1)[1] for key in world.mailer.sent if "/reply-" in key]
    assert steps == ["reply-2"]  # the notice that people take over
