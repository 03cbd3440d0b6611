"""A worker dies while people are asked, between their word and the action, and while something is being undone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowFailureError

from domain.cases.approval import ApprovalDecision
from domain.cases.terms import Status
from tests.faults.conftest import Running, Scenario
from tests.faults.installation import (
    OUTAGE_TICKET,
    PASSWORD_TICKET,
    REFUND_TICKET,
    WITHDRAWN_HANDOFF,
    WRITES_4711,
    Case,
    Installation,
    met,
)
from workflows.escalation import EscalationWorkflow

pytestmark = pytest.mark.asyncio(loop_scope="session")

VIP = {"tier": "vip"}


async def approval_by_update_during_outage(client: Client, folder: Path) -> None:
    async with Installation(client, folder) as installation:
        worker = installation.worker()
        case = await installation.submit(PASSWORD_TICKET, customer=VIP)
        request = await case.asked()
        worker.kill()
        word = asyncio.create_task(case.approve(request, "p-lena"))
        await asyncio.sleep(1)
        assert not word.done()
        worker.start()
        await word
        await answered_once(case)


async def approval_by_signal_during_outage(client: Client, folder: Path) -> None:
    async with Installation(client, folder) as installation:
        worker = installation.worker()
        case = await installation.submit(PASSWORD_TICKET, customer=VIP)
        request = await case.asked()
        worker.kill()
        word = ApprovalDecision(request_id=request.request_id, person_id="p-lena", approve=True, digest=request.digest)
        await case.handle.signal(EscalationWorkflow.approval_decision, word)
        worker.start()
        await answered_once(case)


async def killed_between_approval_and_answer(client: Client, folder: Path) -> None:
    async with Installation(client, folder) as installation:
        worker = installation.worker()
        case = await installation.submit(PASSWORD_TICKET, customer=VIP)
        request = await case.asked()
        await case.until(lambda s: s.acknowledged and any(message.step.startswith("approval/") for message in s.sent))
        # The e-mail waits for its line in the ledger, so the approval is in and nothing has left.
        lock = installation.lock_store()
        await case.approve(request, "p-lena")
        await case.started("mail_customer")
        worker.kill()
        lock.close()
        worker.start()
        await answered_once(case)


async def killed_between_approval_and_refund(client: Client, folder: Path) -> None:
    async with Installation(client, folder) as installation:
        worker = installation.worker()
        case = await installation.submit(REFUND_TICKET)
        request = await case.asked()
        looking = installation.break_vendor("stripe", "hang", match="/v1/charges")
        await case.approve(request, "p-greta")
        await met(looking)
        await worker.restart()
        await case.until(lambda s: s.last_word_at is not None)
        assert len(case.entries("stripe", "refund")) == 1
        await answered_once(case)


async def answered_once(case: Case) -> None:
    state = await case.until(lambda s: s.last_word_at is not None and s.next_unhandled() is None)
    assert [request.status.value for request in state.approvals.values()] == ["approved"]
    await case.resolve()
    await case.result()
    await case.assert_each_effect_once("acknowledge", "reply-1", "resolved-1")


def killed_while_handoff_is_taken_back(vendor: str, match: str) -> Scenario:
    async def scenario(client: Client, folder: Path) -> None:
        async with Installation(client, folder) as installation:
            worker = installation.worker()
            installation.break_vendor("zendesk", "fail", status=403, times=None, match="/tickets/4711")
            undoing = installation.break_vendor(vendor, "hang", match=match)
            case = await installation.submit(OUTAGE_TICKET, external_id="4711")
            await met(undoing)
            await worker.restart()
            state = await case.until(lambda s: s.people_have_it and s.next_unhandled() is None)
            assert state.handoff is not None
            assert state.handoff.emergency
            assert sorted(state.handoff.undone) == ["the chat message", "the e-mail to the team"]
            assert state.handoff.left_undone == []
            await case.assert_each_effect_once(
                "handoff-1/mail", "handoff-1/chat", "handoff-1/mail-withdrawn", "handoff-1/emergency/mail"
            )
            assert len(case.entries("slack", "message_deleted")) == 1

    scenario.__name__ = f"killed_while_{vendor}_is_taken_back"
    return scenario


def killed_while_case_is_withdrawn(lost: str) -> Scenario:
    async def scenario(client: Client, folder: Path) -> None:
        async with Installation(client, folder, retry_first="3 s") as installation:
            worker = installation.worker()
            case = await installation.submit(OUTAGE_TICKET, external_id="4711")
            await case.until(lambda s: s.people_have_it and s.next_unhandled() is None)
            reverting = installation.break_vendor("zendesk", lost, match=WRITES_4711)
            await case.handle.cancel()
            await met(reverting)
            await worker.restart()
            with pytest.raises(WorkflowFailureError):
                await case.result()
            state = await case.assert_each_effect_once(
                "handoff-1/mail-withdrawn", "withdrawn/customer", "withdrawn/team"
            )
            assert state.status is Status.WITHDRAWN
            assert state.handoff is not None
            assert len(state.handoff.undone) == 3
            assert len(case.entries("slack", "message_changed")) == 1

    scenario.__name__ = f"killed_while_case_is_withdrawn_{lost}"
    return scenario


def named(scenario: Any) -> str:
    return str(scenario.__name__)


@pytest.mark.parametrize("scenario", [approval_by_update_during_outage, approval_by_signal_during_outage], ids=named)
async def test_approval_given_while_no_worker_runs_counts_afterwards(scenario: Any, running: Running) -> None:
    await running(scenario)


@pytest.mark.parametrize(
    "scenario", [killed_between_approval_and_answer, killed_between_approval_and_refund], ids=named
)
async def test_worker_killed_between_approval_and_action_acts_once(scenario: Any, running: Running) -> None:
    await running(scenario)


@pytest.mark.parametrize(
    "scenario",
    [
        killed_while_handoff_is_taken_back("slack", "chat.delete"),
        killed_while_handoff_is_taken_back("smtp", WITHDRAWN_HANDOFF),
        killed_while_case_is_withdrawn("hang"),
        killed_while_case_is_withdrawn("drop"),
    ],
    ids=named,
)
async def test_worker_killed_during_compensation_undoes_each_step_once(scenario: Any, running: Running) -> None:
    await running(scenario)
