"""Refunds and credits of an escalation are playbooks: approved by the case's people, limited, and taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from temporalio.client import WorkflowHandle

from domain.cases.approval import ApprovalDecision, ApprovalState
from domain.cases.messages import UnparkInput
from domain.cases.terms import UnparkAction
from domain.errors import VendorRefused
from domain.money.currencies import Currencies
from domain.playbook.messages import PlaybookResult
from tests.workflows.conftest import Handle, World, a_ticket
from workflows.escalation import EscalationWorkflow
from workflows.playbook import PlaybookWorkflow

REFUND_TICKET = "I was charged twice this month and would like a refund of 49.90 EUR to my card, please."


async def approve(world: World, handle: Handle, person: str = "p-greta") -> None:
    state = await world.until(handle, lambda s: any(r.rungs for r in s.pending_approvals))
    request = next(r for r in state.pending_approvals if r.rungs)
    decision = ApprovalDecision(
        request_id=request.request_id, person_id=person, approve=True, digest=request.digest, reason=""
    )
    await handle.execute_update(EscalationWorkflow.decide_approval, decision)


async def test_an_approved_refund_runs_as_a_playbook_and_is_not_asked_for_twice(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(REFUND_TICKET))
        await approve(world, handle)
        state = await world.until(handle, lambda s: bool(s.billing_done))
        assert len(world.billing.refunds) == 1
        assert not state.pending_approvals
        assert not state.parked
        assert (await child_of(handle)).startswith("playbook:default:refund:")
        await handle.cancel()


async def test_a_refund_whose_answer_is_given_up_is_taken_back(world: World) -> None:
    world.change_timers(give_up_after=timedelta(seconds=3), retry_first=timedelta(milliseconds=200))
    world.mailer.always = lambda mail: VendorRefused("mail", "550", "No.") if "reply" in mail.key else None
    async with world.worker():
        handle = await world.submit(a_ticket(REFUND_TICKET))
        await approve(world, handle)
        state = await world.until(handle, lambda s: any(step.startswith("reply") for step in s.parked))
        step = next(step for step in state.parked if step.startswith("reply"))
        await handle.execute_update(
            EscalationWorkflow.unpark, UnparkInput(step=step, action=UnparkAction.GIVE_UP, person_id="p-ruth")
        )
        await handle.result()
    assert len(world.billing.refunds) == 1
    assert len(world.billing.taken_back) == 1


async def test_approvers_limits_are_in_the_tenants_own_currency(world: World) -> None:
    world.change_policy(currencies=Currencies(own="USD", rates={"EUR": 101.0}))
    async with world.worker():
        handle = await world.submit(a_ticket(REFUND_TICKET))
        state = await world.until(handle, lambda s: any(r.rungs for r in s.pending_approvals))
        (request,) = state.pending_approvals
        asked = [world.directory.people[name] for rung in request.rungs for name in rung.approvers]
        # 49.90 EUR are 5,039.90 here, and p-greta, who is asked first otherwise, may approve 5,000.
        assert all(person.approval_limit is None or person.approval_limit >= 5_039.9 for person in asked)
        assert request.question.arguments["amount"] == 49.9
        await handle.cancel()


async def test_money_in_a_currency_that_nobody_gave_a_rate_for_is_left_to_people(world: World) -> None:
    world.change_policy(currencies=Currencies(own="USD"))
    async with world.worker():
        handle = await world.submit(a_ticket(REFUND_TICKET))
        state = await world.until(handle, lambda s: s.people_have_it)
        assert state.approvals == {}
        await handle.cancel()
    assert world.billing.refunds == {}


async def test_an_approval_in_the_case_lifts_no_limit_of_the_day(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(REFUND_TICKET.replace("49.90", "649.90")))
        await approve(world, handle)
        await world.until(handle, lambda s: not s.pending_approvals)
        run = world.client.get_workflow_handle_for(PlaybookWorkflow.run, await child_of(handle))
        async with asyncio.timeout(60):
            asked = [request async for request in asked_by(run)]
        assert "refunded_per_customer" in " ".join(asked[0].question.evidence)
        assert world.billing.refunds == {}
        await handle.cancel()


async def asked_by(run: WorkflowHandle[PlaybookWorkflow, PlaybookResult]) -> AsyncIterator[ApprovalState]:
    """The open questions of a run, once it has some."""
    while True:
        asked = [request for request in await run.query(PlaybookWorkflow.pending_approvals) if request.rungs]
        for request in asked:
            yield request
        if asked:
            return
        await asyncio.sleep(0.05)


async def child_of(handle: Handle) -> str:
    """The workflow id of the first playbook that a case has started."""
    async with asyncio.timeout(60):
        while True:
            async for event in handle.fetch_history_events():
                if event.HasField("child_workflow_execution_started_event_attributes"):
                    started = event.child_workflow_execution_started_event_attributes
                    return started.workflow_execution.workflow_id
            await asyncio.sleep(0.05)
