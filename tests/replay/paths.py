"""Every path of the escalation, each driven through a real worker on the time-skipping server for recording.

What the model proposes is fixed here, so that a path stays the same path when the rules are tuned.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowFailureError

from domain.cases.approval import ApprovalDecision, ApprovalState
from domain.cases.escalation import EscalationState
from domain.cases.messages import ClaimInput, EscalateNowInput, FeedbackInput, MessageInput, ResolveInput, UnparkInput
from domain.cases.terms import UnparkAction
from domain.errors import VendorRefused
from domain.mail import OutgoingMail
from domain.triage.decision import DecisionKind, Urgency
from tests.workflows.conftest import OUTAGE_TICKET, PASSWORD_TICKET, Handle, World, a_ticket
from workflows.cases.claims import ladder_of
from workflows.escalation import EscalationWorkflow

REFUND_TICKET = "I was charged twice this month and would like a refund of 49.90 EUR to my card, please."
ANGRY = (
    "This is completely unacceptable!!! I am furious and angry, nothing works, I have asked THREE times. "
    "I want to speak to a manager NOW, and my lawyer will take legal action."
)

PathToRecord = Callable[[World], Awaitable[Handle]]
PATHS: dict[str, PathToRecord] = {}
"""Name -> what happens. The recordings bear the same names."""
OF_EARLIER_CODE = ("refund_approved", "refund_taken_back")
"""Recordings of what no present code would schedule: they are replayed, and can never be recorded again."""
IN_REAL_TIME: set[str] = set()
"""Paths for the real server: the time-skipping one loses the last task of a run that continues as new meanwhile."""


def path(drive: PathToRecord) -> PathToRecord:
    """Register a path under its function's name."""
    PATHS[drive.__name__] = drive
    return drive


# What several paths do


async def submit(world: World, text: str = PASSWORD_TICKET, **changes: Any) -> Handle:
    return await world.submit(a_ticket(text, ticket_id=world.task_queue, **changes))


async def answered(world: World, handle: Handle, times: int = 1) -> EscalationState:
    return await world.until(
        handle, lambda s: sum(m.author == "surehand" for m in s.conversation) >= times and s.next_unhandled() is None
    )


async def handed_over(world: World, handle: Handle) -> EscalationState:
    return await world.until(handle, lambda s: s.people_have_it and s.next_unhandled() is None)


async def write(handle: Handle, text: str, message_id: str = "m1", author: str = "customer") -> None:
    await handle.execute_update(
        EscalationWorkflow.add_message, MessageInput(message_id=message_id, text=text, author=author)
    )


async def resolve(handle: Handle) -> None:
    await handle.execute_update(
        EscalationWorkflow.resolve, ResolveInput(person_id="p-ivan", resolution="Rotated the signing keys.")
    )


async def asked(world: World, handle: Handle, number: int = 1) -> ApprovalState:
    state = await world.until(
        handle, lambda s: len(s.approvals) == number and any(r.rungs for r in s.pending_approvals)
    )
    return list(state.approvals.values())[-1]


async def decide(handle: Handle, request: ApprovalState, person: str, *, approve: bool = True, why: str = "") -> None:
    word = ApprovalDecision(
        request_id=request.request_id, person_id=person, approve=approve, digest=request.digest, reason=why
    )
    await handle.execute_update(EscalationWorkflow.decide_approval, word)


async def unpark(world: World, handle: Handle, step: str, action: UnparkAction) -> None:
    await world.until(handle, lambda s: step in s.parked)
    await handle.execute_update(EscalationWorkflow.unpark, UnparkInput(step=step, action=action, person_id="p-ruth"))


def propose(world: World, kind: DecisionKind, urgency: Urgency) -> None:
    world.model.answers["decide"] = {"kind": kind.value, "urgency": urgency.value, "reasons": ["As proposed."]}


def refuse_our_side(mail: OutgoingMail) -> VendorRefused | None:
    return None if "customer@example.org" in mail.to else VendorRefused("mail", "550", "No.")


def people_cannot_be_reached(world: World) -> None:
    world.mailer.always = refuse_our_side
    world.chat.always = lambda _: VendorRefused("slack", "token_revoked", "Slack refused the token.")


def everybody_can_be_reached(world: World) -> None:
    world.mailer.always = world.chat.always = lambda _: None


# Answered at this level


@path
async def answered_then_silence(world: World) -> Handle:
    handle = await submit(world)
    await handle.result()
    return handle


@path
async def answered_then_thanked(world: World) -> Handle:
    handle = await submit(world)
    await answered(world, handle)
    await write(handle, "Thank you, that worked!")
    await world.until(handle, lambda s: s.is_resolved)
    await handle.execute_update(EscalationWorkflow.record_feedback, FeedbackInput(rating=5))
    await handle.result()
    return handle


# Each type of escalation


@path
async def escalated_scheduled(world: World) -> Handle:
    propose(world, DecisionKind.SCHEDULED, Urgency.SCHEDULED)
    handle = await submit(world)
    await world.until(handle, lambda s: s.escalation_announced and s.next_unhandled() is None)
    await world.pass_time(world.policy.timers.urgency_delay[Urgency.SCHEDULED] + timedelta(minutes=1))
    await handed_over(world, handle)
    await resolve(handle)
    await handle.result()
    return handle


@path
async def escalated_to_specialist(world: World) -> Handle:
    propose(world, DecisionKind.SPECIALIST, Urgency.URGENT)
    handle = await submit(world)
    await world.until(handle, lambda s: s.escalation_announced and s.next_unhandled() is None)
    await world.pass_time(world.policy.timers.urgency_delay[Urgency.URGENT] + timedelta(minutes=1))
    await handed_over(world, handle)
    await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-tom"))
    await resolve(handle)
    await handle.result()
    return handle


@path
async def escalated_to_management(world: World) -> Handle:
    propose(world, DecisionKind.MANAGEMENT, Urgency.IMMEDIATE)
    handle = await submit(world)
    await handed_over(world, handle)
    await resolve(handle)
    await handle.result()
    return handle


@path
async def escalated_immediately(world: World) -> Handle:
    handle = await submit(world, OUTAGE_TICKET, external_id="4711")
    await handed_over(world, handle)
    await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-ivan"))
    await world.until(handle, lambda s: s.claim.announced)
    await write(handle, "Here is the request id: 7f3a.", "m1")
    await write(handle, "We found it; the keys are being rotated.", "m2", author="p-ivan")
    await world.until(handle, lambda s: s.next_unhandled() is None)
    await resolve(handle)
    await handle.execute_update(EscalationWorkflow.record_feedback, FeedbackInput(rating=4, escalation_was_right=True))
    await handle.result()
    return handle


@path
async def brought_forward_by_message(world: World) -> Handle:
    propose(world, DecisionKind.SCHEDULED, Urgency.SCHEDULED)
    handle = await submit(world)
    await world.until(handle, lambda s: s.escalation_announced and s.next_unhandled() is None)
    await write(handle, ANGRY)
    await handed_over(world, handle)
    return handle


@path
async def brought_forward_by_person(world: World) -> Handle:
    handle = await submit(world)
    await answered(world, handle)
    await handle.signal(EscalationWorkflow.escalate_now, EscalateNowInput(person_id="p-lena", reason="A known VIP"))
    await handed_over(world, handle)
    return handle


# Approvals

VIP = {"tier": "vip"}


@path
async def approval_granted(world: World) -> Handle:
    handle = await submit(world, customer=VIP)
    await decide(handle, await asked(world, handle), "p-lena")
    await handle.result()
    return handle


@path
async def approval_by_signal(world: World) -> Handle:
    handle = await submit(world, customer=VIP)
    request = await asked(world, handle)
    word = ApprovalDecision(request_id=request.request_id, person_id="p-lena", approve=True, digest=request.digest)
    await handle.signal(EscalationWorkflow.approval_decision, word.model_copy(update={"person_id": "p-tom"}))
    await handle.signal(EscalationWorkflow.approval_decision, word)
    await answered(world, handle)
    return handle


@path
async def approval_rejected_then_granted(world: World) -> Handle:
    handle = await submit(world, customer=VIP)
    await decide(handle, await asked(world, handle), "p-lena", approve=False, why="Mention the recovery codes")
    await decide(handle, await asked(world, handle, number=2), "p-lena")
    await answered(world, handle)
    return handle


@path
async def approval_rejected_twice(world: World) -> Handle:
    handle = await submit(world, customer=VIP)
    for number in (1, 2):
        await decide(handle, await asked(world, handle, number), "p-lena", approve=False, why="Not like this")
    await handed_over(world, handle)
    return handle


@path
async def approval_passed_to_next_rung(world: World) -> Handle:
    handle = await submit(world, customer=VIP)
    request = await asked(world, handle)
    await world.pass_time(world.policy.ladder("reply").rungs[0].time_allowed + timedelta(minutes=1))
    await world.until(handle, lambda s: len(s.approvals[request.request_id].rungs) == 2)
    await decide(handle, request, "p-omar")
    await answered(world, handle)
    return handle


@path
async def approval_expired(world: World) -> Handle:
    handle = await submit(world, customer=VIP)
    await asked(world, handle)
    for rung in world.policy.ladder("reply").rungs:
        await world.pass_time(rung.time_allowed + timedelta(minutes=1))
    await handed_over(world, handle)
    return handle


@path
async def approval_superseded(world: World) -> Handle:
    handle = await submit(world, customer=VIP)
    await asked(world, handle)
    await write(handle, "One more thing: which browser should I use for the reset?")
    await decide(handle, await asked(world, handle, number=2), "p-lena")
    await answered(world, handle)
    return handle


# Money


@path
async def refund_approved_by_playbook(world: World) -> Handle:
    handle = await submit(world, REFUND_TICKET)
    await decide(handle, await asked(world, handle), "p-greta")
    await answered(world, handle)
    assert len(world.billing.refunds) == 1
    return handle


@path
async def refund_rejected(world: World) -> Handle:
    handle = await submit(world, REFUND_TICKET)
    await decide(handle, await asked(world, handle), "p-greta", approve=False, why="It was refunded last week")
    await handed_over(world, handle)
    assert not world.billing.refunds
    return handle


@path
async def refund_taken_back_by_playbook(world: World) -> Handle:
    """The answer that goes with the refund cannot be sent, and a person gives it up."""
    handle = await submit(world, REFUND_TICKET)
    request = await asked(world, handle)
    world.mailer.always = lambda mail: VendorRefused("mail", "550", "No.") if mail.key.endswith("/reply-1") else None
    await decide(handle, request, "p-greta")
    await unpark(world, handle, "reply-1", UnparkAction.GIVE_UP)
    await handle.result()
    assert len(world.billing.taken_back) == 1
    return handle


CREDIT_TICKET = "We would like an account credit of 49.90 EUR for the fee on our last invoice, please."


@path
async def credit_approved_by_playbook(world: World) -> Handle:
    handle = await submit(world, CREDIT_TICKET)
    request = await asked(world, handle)
    await decide(handle, request, request.rungs[-1].approvers[0])
    await answered(world, handle)
    assert len(world.billing.credits) == 1
    return handle


@path
async def credit_taken_back_by_playbook(world: World) -> Handle:
    handle = await submit(world, CREDIT_TICKET)
    request = await asked(world, handle)
    world.mailer.always = lambda mail: VendorRefused("mail", "550", "No.") if mail.key.endswith("/reply-1") else None
    await decide(handle, request, request.rungs[-1].approvers[0])
    await unpark(world, handle, "reply-1", UnparkAction.GIVE_UP)
    await handle.result()
    assert (len(world.billing.credits), len(world.billing.taken_back)) == (1, 1)
    return handle


@path
async def refund_refused_in_its_playbook(world: World) -> Handle:
    """The payment provider says no: the step is parked, and given up by a person."""
    world.billing.always = lambda _: VendorRefused("stripe", "charge_already_refunded", "Refunded already.")
    handle = await submit(world, REFUND_TICKET)
    await decide(handle, await asked(world, handle), "p-greta")
    state = await world.until(handle, lambda s: bool(s.parked))
    await unpark(world, handle, next(iter(state.parked)), UnparkAction.GIVE_UP)
    await handle.result()
    return handle


# The handoff and the claim


@path
async def handoff_rolled_back(world: World) -> Handle:
    world.tickets.always = lambda _: VendorRefused("zendesk", "403", "Zendesk refused the token.")
    handle = await submit(world, OUTAGE_TICKET)
    state = await handed_over(world, handle)
    assert state.handoff is not None
    assert state.handoff.emergency
    return handle


@path
async def claim_ladder_to_its_end(world: World) -> Handle:
    handle = await submit(world, OUTAGE_TICKET)
    state = await handed_over(world, handle)
    assert state.handoff is not None
    rungs = len(ladder_of(world.policy, state.handoff.team))
    await world.pass_time(world.policy.timers.claim_within[Urgency.IMMEDIATE] * (rungs + 1))
    await world.pass_time(world.policy.timers.claim_reminder_repeats_after + timedelta(minutes=1))
    await world.until(handle, lambda s: s.claim.rung > rungs)
    return handle


@path
async def claim_expired(world: World) -> Handle:
    handle = await submit(world, OUTAGE_TICKET)
    await handed_over(world, handle)
    await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-ivan"))
    await world.pass_time(world.policy.timers.claim_expires_after + timedelta(minutes=1))
    await world.until(handle, lambda s: s.claim.expired_claims == 1)
    await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-noor"))
    await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-ivan", take_over=True))
    await world.until(handle, lambda s: s.claim.announced)
    return handle


@path
async def sla_breached(world: World) -> Handle:
    world.change_timers(claim_within=dict.fromkeys(Urgency, timedelta(days=9)))
    handle = await submit(world, OUTAGE_TICKET)
    state = await handed_over(world, handle)
    await world.pass_time(world.policy.sla.targets[state.priority].first_response + timedelta(minutes=1))
    await world.until(handle, lambda s: s.sla_breaches == 1 and s.claim.rung == 1)
    return handle


# After the resolution


@path
async def reopened_by_customer(world: World) -> Handle:
    handle = await submit(world, OUTAGE_TICKET)
    await handed_over(world, handle)
    await resolve(handle)
    await world.until(handle, lambda s: s.outcome.told_customer)
    await write(handle, "Thank you so much!", "m1")
    await world.until(handle, lambda s: s.next_unhandled() is None)
    await write(handle, "It is broken again, the same error is back.", "m2")
    await world.until(handle, lambda s: s.outcome.reopened == 1 and s.next_unhandled() is None)
    await resolve(handle)
    await handle.result()
    return handle


@path
async def reopened_in_ticketing_system(world: World) -> Handle:
    handle = await submit(world, OUTAGE_TICKET, external_id="4711")
    await handed_over(world, handle)
    await resolve(handle)
    await world.until(handle, lambda s: world.tickets.statuses.get("4711") == "solved")
    world.tickets.statuses["4711"] = "open"
    await world.pass_time(world.policy.timers.resolution_check_after + timedelta(minutes=1))
    await world.until(handle, lambda s: s.outcome.reopened == 1)
    return handle


# Cancelled


async def cancelled(handle: Handle) -> Handle:
    await handle.cancel()
    try:
        await handle.result()
    except WorkflowFailureError:
        return handle
    raise AssertionError("The case was to end as cancelled.")


@path
async def cancelled_before_handoff(world: World) -> Handle:
    handle = await submit(world, customer=VIP)
    await asked(world, handle)
    return await cancelled(handle)


@path
async def cancelled_after_handoff(world: World) -> Handle:
    handle = await submit(world, OUTAGE_TICKET, external_id="4711")
    await handed_over(world, handle)
    return await cancelled(handle)


# Parked


@path
async def parked_then_retried(world: World) -> Handle:
    people_cannot_be_reached(world)
    handle = await submit(world, OUTAGE_TICKET)
    await world.until(handle, lambda s: "handoff" in s.parked)
    everybody_can_be_reached(world)
    await unpark(world, handle, "handoff", UnparkAction.RETRY)
    await handed_over(world, handle)
    return handle


@path
async def parked_then_skipped(world: World) -> Handle:
    world.mailer.always = lambda mail: VendorRefused("mail", "550", "No.") if "/acknowledge" in mail.key else None
    handle = await submit(world)
    await unpark(world, handle, "acknowledge", UnparkAction.SKIP)
    await answered(world, handle)
    return handle


@path
async def parked_then_given_up(world: World) -> Handle:
    people_cannot_be_reached(world)
    handle = await submit(world, OUTAGE_TICKET)
    await unpark(world, handle, "handoff", UnparkAction.GIVE_UP)
    await unpark(world, handle, "withdraw", UnparkAction.SKIP)
    await handle.result()
    return handle


# Long conversations


def in_real_time(drive: PathToRecord) -> PathToRecord:
    """Register a path that needs no time skipped."""
    IN_REAL_TIME.add(drive.__name__)
    return path(drive)


def end_soon(world: World) -> None:
    world.change_timers(survey_after=timedelta(milliseconds=100), final_analysis_after=timedelta(milliseconds=200))


async def thank_and_close(world: World, handle: Handle) -> Handle:
    await answered(world, handle)
    await write(handle, "Thank you, that worked!", "m9")
    await handle.result()
    return handle


@in_real_time
async def continued_as_new(world: World) -> Handle:
    """A conversation that carries on over several runs."""
    end_soon(world)
    world.continue_after_events = 40
    handle = await submit(world)
    await answered(world, handle)
    for number in range(1, 3):
        await write(handle, f"Question {number}: which page should I open next?", f"m{number}")
        await world.until(handle, lambda s: s.next_unhandled() is None)
    state = await world.until(handle, lambda s: s.runs > 1)
    assert state.runs > 1
    return await thank_and_close(world, handle)


@in_real_time
async def continued_as_new_while_asking(world: World) -> Handle:
    """A new run takes over an open question to an approver."""
    end_soon(world)
    world.continue_after_events = 30
    handle = await submit(world, customer=VIP)
    request = await asked(world, handle)
    await world.until(handle, lambda s: s.runs > 1 and bool(s.pending_approvals))
    await decide(handle, request, "p-lena")
    return await thank_and_close(world, handle)
