"""The handoff as a saga: all legs or none, the emergency path, parked when nothing works, withdrawn on cancellation."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import CancelledError

from domain.cases.messages import UnparkInput
from domain.cases.terms import Status, UnparkAction
from domain.errors import OutcomeUnknown, VendorRefused, VendorUnavailable
from domain.mail import ChatMessage, ChatReceipt, OutgoingMail
from domain.triage.decision import Urgency
from tests.workflows.conftest import OUTAGE_TICKET, World, a_ticket
from workflows.escalation import EscalationWorkflow


def down(vendor: str) -> VendorUnavailable:
    return VendorUnavailable(vendor, "503", f"{vendor} does not answer.")


def refuse_our_side(mail: OutgoingMail) -> VendorRefused | None:
    return None if "customer@example.org" in mail.to else VendorRefused("mail", "550", "No.")


async def test_all_legs_carry_the_case(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET, external_id="4711"))
        state = await world.until(handle, lambda s: s.people_have_it)
    mail = world.mailer.to("engineering-support@example.com")[0]
    assert [attachment.media_type for attachment in mail.attachments] == ["application/json"]
    assert OUTAGE_TICKET in mail.attachments[0].content
    assert len(world.chat.on("#engineering-support")) == 1
    assert next(iter(world.tickets.escalated.values())).external_id == "4711"
    assert state.handoff is not None
    assert not state.handoff.emergency


async def test_failed_leg_takes_the_others_back_and_reaches_people_by_the_emergency_path(world: World) -> None:
    world.tickets.always = lambda _: VendorRefused("zendesk", "403", "Zendesk refused the token.")
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        state = await world.until(handle, lambda s: s.people_have_it)
    assert state.handoff is not None
    assert state.handoff.emergency
    assert sorted(state.handoff.undone) == ["the chat message", "the e-mail to the team"]
    assert state.handoff.left_undone == []
    assert len(world.chat.deleted) == 1
    withdrawn = [key for key in world.mailer.sent if key.endswith("mail-withdrawn")]
    assert len(withdrawn) == 1
    assert len(world.chat.on(world.policy.emergency_channel)) == 1
    assert len(world.mailer.to(world.policy.escalation_mailbox)) == 1


async def test_passing_failure_of_a_leg_is_retried_and_leaves_no_second_message(world: World) -> None:
    world.chat.failures = [down("slack"), down("slack")]
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        state = await world.until(handle, lambda s: s.people_have_it)
    assert state.handoff is not None
    assert not state.handoff.emergency
    assert len(world.mailer.to("engineering-support@example.com")) == 1


async def test_handoff_that_reaches_nobody_is_parked_and_done_after_a_retry(world: World) -> None:
    world.mailer.always = lambda mail: (
        None if "customer@example.org" in mail.to else VendorRefused("mail", "550", "No.")
    )
    world.chat.always = lambda _: VendorRefused("slack", "token_revoked", "Slack refused the token.")
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        state = await world.until(handle, lambda s: "handoff" in s.parked)
        assert state.status is Status.PARKED
        assert "refused" in state.parked["handoff"].problem or "No." in state.parked["handoff"].problem
        world.mailer.always = world.chat.always = lambda _: None
        with pytest.raises(WorkflowUpdateFailedError) as caught:
            await handle.execute_update(
                EscalationWorkflow.unpark, UnparkInput(step="handoff", action=UnparkAction.SKIP, person_id="p-ruth")
            )
        assert "cannot be skipped" in str(caught.value.cause)
        await handle.execute_update(
            EscalationWorkflow.unpark, UnparkInput(step="handoff", action=UnparkAction.RETRY, person_id="p-ruth")
        )
        state = await world.until(handle, lambda s: s.people_have_it)
    assert state.handoff is not None
    assert not state.handoff.emergency
    assert state.handoff.number == 2
    assert len(world.chat.on("#engineering-support")) == 1


async def test_given_up_step_withdraws_the_case(world: World) -> None:
    world.mailer.always = lambda mail: (
        None if "customer@example.org" in mail.to else VendorRefused("mail", "550", "No.")
    )
    world.chat.always = lambda _: VendorRefused("slack", "token_revoked", "Slack refused the token.")
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        await world.until(handle, lambda s: "handoff" in s.parked)
        await handle.execute_update(
            EscalationWorkflow.unpark, UnparkInput(step="handoff", action=UnparkAction.GIVE_UP, person_id="p-ruth")
        )
        state = await world.until(handle, lambda s: "withdraw" in s.parked or s.withdrawn)
        if "withdraw" in state.parked:
            await handle.execute_update(
                EscalationWorkflow.unpark, UnparkInput(step="withdraw", action=UnparkAction.SKIP, person_id="p-ruth")
            )
        result = await handle.result()
    assert result.status == "withdrawn"
    assert any(key.endswith("withdrawn/customer") for key in world.mailer.sent)


async def test_cancelled_case_takes_back_what_it_sent_and_tells_team_and_customer(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET, external_id="4711"))
        await world.until(handle, lambda s: s.people_have_it and s.acknowledged and s.handled == 1)
        await world.until(handle, lambda s: s.timeline_saved > 0)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        assert isinstance(caught.value.cause, CancelledError)
        state = await handle.query(EscalationWorkflow.query_state)
    assert state.status is Status.WITHDRAWN
    assert len(world.tickets.reverted) == 1
    assert len(world.chat.updates) == 1
    keys = list(world.mailer.sent)
    assert any(key.endswith("withdrawn/customer") for key in keys)
    assert any(key.endswith("withdrawn/team") for key in keys)
    assert world.store.cases[handle.id].status == "withdrawn"


async def test_handoff_cancelled_while_it_is_taken_back_is_taken_back_all_the_same(world: World) -> None:
    world.tickets.always = lambda _: VendorRefused("zendesk", "403", "Zendesk refused the token.")
    world.change_timers(retry_first=timedelta(seconds=2))
    failed_once, delete = asyncio.Event(), world.chat.delete

    async def first_fails(receipt: ChatReceipt) -> None:
        if not failed_once.is_set():
            failed_once.set()
            raise down("slack")
        await delete(receipt)

    world.chat.delete = first_fails  # type: ignore[method-assign]
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        await failed_once.wait()
        await world.until(handle, lambda s: any("could not be completed" in e.text for e in s.timeline))
        await asyncio.sleep(0.3)  # the failed attempt is on record, and the next one is not due yet
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    assert len(world.chat.deleted) == 1


async def test_what_a_withdrawal_cannot_take_back_is_listed_for_a_person(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET, external_id="4711"))
        await world.until(handle, lambda s: s.people_have_it and s.acknowledged and s.handled == 1)
        await world.until(handle, lambda s: s.timeline_saved > 0)
        world.chat.always = lambda _: VendorRefused("slack", "token_revoked", "Slack refused the token.")
        await handle.cancel()
        state = await world.until(handle, lambda s: "withdraw" in s.parked)
        assert state.parked["withdraw"].left_undone == ["the chat message"]
        assert len(world.tickets.reverted) == 1  # one undo that fails stops no other
        word = UnparkInput(step="withdraw", action=UnparkAction.SKIP, person_id="p-ruth")
        await handle.execute_update(EscalationWorkflow.unpark, word)
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        state = await handle.query(EscalationWorkflow.query_state)
    assert state.status is Status.WITHDRAWN


async def test_leg_whose_answer_was_lost_is_found_and_taken_back_with_the_others(world: World) -> None:
    world.tickets.always = lambda _: VendorRefused("zendesk", "403", "Zendesk refused the token.")

    def took_effect_unanswered(message: ChatMessage) -> OutcomeUnknown | None:
        world.chat.posted.setdefault(message.key, message)
        given_up = any("emergency" in key for key in world.chat.posted)
        return None if given_up else OutcomeUnknown("slack", "timeout", "No answer.")

    world.chat.always = took_effect_unanswered
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        await world.until(handle, lambda s: s.handoff is not None)
        await world.pass_time(world.policy.timers.handoff_give_up_after * 3)
        state = await world.until(handle, lambda s: s.people_have_it)
    assert state.handoff is not None
    assert "the chat message" in state.handoff.undone
    assert len(world.chat.deleted) == 1


async def test_case_cancelled_while_it_waits_for_a_person_is_withdrawn_too(world: World) -> None:
    world.mailer.always = lambda _: VendorRefused("mail", "550", "No.")
    async with world.worker():
        handle = await world.submit(a_ticket())
        # Nothing is under way any more: the time-skipping server cannot cancel an activity that has just ended.
        await world.until(handle, lambda s: sum("E-mail (parked) failed" in e.text for e in s.timeline) == 2)
        await world.until(handle, lambda s: {"acknowledge", "reply-1"} == set(s.parked))
        await world.until(handle, lambda _: sum("parked" in key for key in world.chat.posted) == 2)
        world.mailer.always = lambda _: None
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        state = await handle.query(EscalationWorkflow.query_state)
    assert state.status is Status.WITHDRAWN
    assert world.mailer.sent == {}


async def test_dead_mail_server_keeps_no_outage_from_people(world: World) -> None:
    world.mailer.always = lambda _: down("mail")
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        await world.until(handle, lambda s: s.handoff is not None)
        await world.pass_time(world.policy.timers.handoff_give_up_after * 3)
        state = await world.until(handle, lambda s: s.people_have_it)
    assert state.handoff is not None
    assert state.handoff.emergency
    assert len(world.chat.on(world.policy.emergency_channel)) >= 1
    assert not state.acknowledged


async def test_dead_store_stops_neither_handoff_nor_claim_ladder(world: World) -> None:
    async with world.worker():
        world.store.always = lambda record: down("store") if record.status != "triaging" else None
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        await world.until(handle, lambda s: s.people_have_it)
        await world.pass_time(world.policy.timers.claim_within[Urgency.IMMEDIATE] * 3)
        state = await world.until(handle, lambda s: s.claim.rung >= 1)
    assert state.status is Status.WAITING_CLAIM
