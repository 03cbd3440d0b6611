"""Approvals through a real workflow: the ladder, refusals, changed minds, and people who lost their authority."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from domain.cases.approval import ApprovalDecision, ApprovalState, ApprovalStatus
from domain.cases.escalation import EscalationState
from domain.cases.messages import MessageInput
from domain.cases.terms import Status
from tests.workflows.conftest import Handle, World, a_ticket
from workflows.escalation import EscalationWorkflow

VIP = {"tier": "vip"}


async def waiting_approval(world: World, handle: Handle, number: int = 1) -> ApprovalState:
    state = await world.until(
        handle, lambda s: len(s.approvals) == number and bool(s.pending_approvals) and bool(last(s).rungs)
    )
    return last(state)


def last(state: EscalationState) -> ApprovalState:
    return list(state.approvals.values())[-1]


def decision(request: ApprovalState, person: str, **changes: Any) -> ApprovalDecision:
    values: dict[str, Any] = {"approve": True, "digest": request.digest, **changes}
    return ApprovalDecision(request_id=request.request_id, person_id=person, **values)


async def decide(handle: Handle, word: ApprovalDecision) -> None:
    await handle.execute_update(
        EscalationWorkflow.decide_approval, word, id=f"{word.request_id}/{word.person_id}/{word.digest[:8]}"
    )


async def refused(handle: Handle, word: ApprovalDecision) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update(EscalationWorkflow.decide_approval, word)
    assert isinstance(caught.value.cause, ApplicationError)
    return str(caught.value.cause)


def answers(world: World) -> list[str]:
    steps = (key.rsplit("/", 1)[1] for key in world.mailer.sent if "/approval/" not in key)
    return [step for step in steps if step.startswith("reply-")]


async def test_answer_to_a_vip_waits_for_approval_and_is_sent_once_granted(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(customer=VIP))
        request = await waiting_approval(world, handle)
        assert (await world.until(handle, lambda s: s.status is Status.WAITING_APPROVAL)).pending_reply is not None
        assert answers(world) == []
        await decide(handle, decision(request, "p-lena"))
        result = await handle.result()
    assert answers(world) == ["reply-1"]
    assert result.status == "closed"
    assert ["p-lena" in str(message.blocks) for message in world.chat.updates] == [True]
    events = [record.event for record in await world.store.approvals_of(handle.id)]
    assert events == ["requested", "approved"]


async def test_decision_by_signal_counts_like_one_by_update(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(customer=VIP))
        request = await waiting_approval(world, handle)
        await handle.signal(EscalationWorkflow.approval_decision, decision(request, "p-lena"))
        await handle.result()
    assert answers(world) == ["reply-1"]


async def test_a_signal_that_may_not_decide_changes_nothing_and_is_on_record(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(customer=VIP))
        request = await waiting_approval(world, handle)
        for bad in (decision(request, "p-tom"), decision(request, "p-lena", digest="0" * 64)):
            await handle.signal(EscalationWorkflow.approval_decision, bad)
        state = await world.until(handle, lambda s: sum("was not taken" in e.text for e in s.timeline) == 2)
        assert state.approvals[request.request_id].votes == []
        await decide(handle, decision(request, "p-lena"))
        await handle.result()
    assert answers(world) == ["reply-1"]
    events = [record.event for record in await world.store.approvals_of(handle.id)]
    assert events == ["requested", "refused", "refused", "approved"]


async def test_rejection_needs_a_reason_which_flows_into_the_next_answer(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(customer=VIP))
        request = await waiting_approval(world, handle)
        assert "needs a reason" in await refused(handle, decision(request, "p-lena", approve=False))
        await decide(handle, decision(request, "p-lena", approve=False, reason="Mention the recovery codes"))
        second = await waiting_approval(world, handle, number=2)
        state = await handle.query(EscalationWorkflow.query_state)
        assert state.rejection_reason == "Mention the recovery codes"
        assert second.request_id == "reply-2"
        await decide(handle, decision(second, "p-lena"))
        await handle.result()
    assert answers(world) == ["reply-2"]


async def test_second_rejection_hands_the_case_to_people(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(customer=VIP))
        for number in (1, 2):
            request = await waiting_approval(world, handle, number)
            await decide(handle, decision(request, "p-lena", approve=False, reason="No"))
        state = await world.until(handle, lambda s: s.people_have_it)
    assert state.status is Status.WAITING_CLAIM
    assert state.escalation_announced


async def test_decisions_are_refused_with_a_sentence_and_leave_the_request_open(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(customer=VIP))
        request = await waiting_approval(world, handle)
        assert "not been asked" in await refused(handle, decision(request, "p-tom"))
        assert "own request" in await refused(handle, decision(request, "surehand"))
        assert "changed after you saw" in await refused(handle, decision(request, "p-lena", digest="0" * 64))
        nowhere = ApprovalDecision(request_id="reply-9", person_id="p-lena", approve=True, digest=request.digest)
        assert "no such approval" in await refused(handle, nowhere)
        assert (await handle.query(EscalationWorkflow.pending_approvals))[0].votes == []
        await decide(handle, decision(request, "p-lena"))
        await world.until(handle, lambda s: not s.pending_approvals)
        assert "approved already" in await refused(handle, decision(request, "p-noor"))
        await handle.result()
    assert answers(world) == ["reply-1"]


async def test_decision_after_the_case_closed_is_refused(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(customer=VIP))
        request = await waiting_approval(world, handle)
        await decide(handle, decision(request, "p-lena"))
        await handle.result()
        with pytest.raises(RPCError):
            await handle.execute_update(EscalationWorkflow.decide_approval, decision(request, "p-noor"))


async def test_unanswered_request_is_reminded_passed_on_and_denied_by_default(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(customer=VIP))
        await waiting_approval(world, handle)
        ladder = world.policy.ladder("reply")
        for rung in ladder.rungs:
            await world.pass_time(rung.time_allowed + timedelta(minutes=1))
        state = await world.until(handle, lambda s: s.people_have_it)
    request = last(state)
    assert request.status is ApprovalStatus.EXPIRED
    assert not request.granted
    assert [rung.name for rung in request.rungs] == [rung.name for rung in ladder.rungs]
    assert all(rung.reminded for rung in request.rungs)
    assert answers(world) == ["reply-2"]  # the notice that people take over; the answer itself was never sent


async def test_first_rung_may_still_decide_after_the_request_was_passed_on(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(customer=VIP))
        request = await waiting_approval(world, handle)
        await world.pass_time(world.policy.ladder("reply").rungs[0].time_allowed + timedelta(minutes=1))
        await world.until(handle, lambda s: len(last(s).rungs) == 2)
        await decide(handle, decision(request, "p-lena"))
        await handle.result()
    assert answers(world) == ["reply-1"]


async def test_approver_who_left_between_request_and_click_does_not_count(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(customer=VIP))
        request = await waiting_approval(world, handle)
        world.directory.deactivate("p-lena")
        await decide(handle, decision(request, "p-lena"))
        await world.until(handle, lambda s: any("does not count" in entry.text for entry in s.timeline))
        assert answers(world) == []
        await decide(handle, decision(request, "p-noor"))
        await handle.result()
    assert answers(world) == ["reply-1"]


async def test_quorum_counts_distinct_people(world: World) -> None:
    ladder = world.policy.ladder("reply")
    two = ladder.rungs[0].model_copy(update={"quorum": 2})
    world.change_policy(ladders={**world.policy.ladders, "reply": ladder.model_copy(update={"rungs": (two,)})})
    async with world.worker():
        handle = await world.submit(a_ticket(customer=VIP))
        request = await waiting_approval(world, handle)
        await decide(handle, decision(request, "p-lena"))
        assert "decided on this request already" in await refused(handle, decision(request, "p-lena"))
        assert (await handle.query(EscalationWorkflow.pending_approvals)) != []
        await decide(handle, decision(request, "p-noor"))
        await handle.result()
    assert answers(world) == ["reply-1"]


async def test_new_customer_message_takes_the_question_back(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(customer=VIP))
        first = await waiting_approval(world, handle)
        await handle.execute_update(
            EscalationWorkflow.add_message,
            MessageInput(message_id="m1", text="One more thing: which browser should I use for the reset?"),
        )
        second = await waiting_approval(world, handle, number=2)
        state = await handle.query(EscalationWorkflow.query_state)
        assert state.approvals[first.request_id].status is ApprovalStatus.SUPERSEDED
        assert "superseded already" in await refused(handle, decision(first, "p-lena"))
        await decide(handle, decision(second, "p-lena"))
        await handle.result()
    assert answers(world) == ["reply-2"]
