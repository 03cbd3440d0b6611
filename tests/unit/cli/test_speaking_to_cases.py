"""What the typed client makes of names, filters and Temporal's errors, without a server."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from domain.cases.approval import ApprovalQuestion, ApprovalState, OpenRung, Vote
from domain.errors import InvalidInput, NotReachable, Refused, SurehandError, UnknownCase
from domain.ids import (
    case_id,
    escalation_workflow_id,
    escalation_workflow_id_for,
    kind_of,
    tenant_in,
    workflow_id_for,
)
from domain.policies.case_policy import Ladder, Rung
from starters.answers import answered_within
from starters.case_list import CaseFilter
from starters.cli.approvals import _seen, still_to_decide

SOON = timedelta(seconds=5)


@pytest.mark.parametrize("ticket_id", ["TICK-1", "a b", "x@example.com", "x" * 80])
def test_a_case_is_found_by_ticket_id_case_number_and_workflow_id(ticket_id):
    expected = escalation_workflow_id("default", ticket_id)
    assert escalation_workflow_id_for("default", ticket_id) == expected
    assert escalation_workflow_id_for("default", case_id(ticket_id)) == expected
    assert escalation_workflow_id_for("default", expected) == expected
    assert tenant_in(expected) == "default"


def test_another_tenants_workflow_id_is_refused():
    with pytest.raises(InvalidInput, match="another tenant"):
        escalation_workflow_id_for("default", "escalation:acme-us:TICK-1")


@pytest.mark.parametrize(
    "kind", ["escalation:acme-us:TICK-1", "playbook:acme-us:payment:A-1", "troubleshooting:acme-us:I-1"]
)
def test_no_kind_of_case_of_another_tenant_is_found(kind):
    with pytest.raises(InvalidInput, match="another tenant"):
        workflow_id_for("default", kind)
    assert workflow_id_for("acme-us", kind) == kind


@pytest.mark.parametrize(
    "wanted",
    [
        {"status": "closed' OR WorkflowId STARTS_WITH 'e"},
        {"team": "engineering' OR ''='"},
        {"category": "everything"},
        {"priority": "P0!!"},
        {"kind": "everything"},
        {"playbook": "payment' OR ''='"},
        {"tenant": "a' OR 'b"},
    ],
)
def test_a_filter_takes_only_words_of_ours(wanted):
    with pytest.raises(InvalidInput):
        CaseFilter(**{"tenant": "default", **wanted}).query()


def test_a_filter_becomes_a_visibility_query():
    query = CaseFilter(tenant="default", kind="escalation", status="waiting-approval", team="engineering").query()
    assert query == (
        "SurehandTenant = 'default' AND SurehandKind = 'escalation' AND SurehandStatus = 'waiting_approval' "
        "AND SurehandTeam = 'engineering'"
    )


def test_a_filter_takes_all_kinds_unless_one_is_asked_for():
    assert "SurehandKind IN ('escalation', 'playbook', 'troubleshooting')" in CaseFilter(tenant="default").query()
    assert CaseFilter(tenant="default", playbook="payment").query() == (
        "SurehandTenant = 'default' AND SurehandKind = 'playbook' AND SurehandCategory = 'payment'"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("payment:INV-1", "playbook:default:payment:INV-1"),
        ("playbook:default:payment:INV-1", "playbook:default:payment:INV-1"),
        (f"payment:{case_id('a b')}", f"playbook:default:payment:{case_id('a b')}"),
        ("payment:a b", f"playbook:default:payment:{case_id('a b')}"),
        ("TICK-1", "escalation:default:TICK-1"),
    ],
)
def test_a_run_is_found_by_name_and_key_as_it_is_shown_and_by_workflow_id(name, expected):
    assert workflow_id_for("default", name) == expected
    assert kind_of(expected) == expected.split(":")[0]


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (RPCError("workflow not found", RPCStatusCode.NOT_FOUND, b""), UnknownCase, "case list"),
        (RPCError("workflow execution already completed", RPCStatusCode.NOT_FOUND, b""), Refused, "closed"),
        (RPCError("workflow update was aborted by closing workflow", RPCStatusCode.NOT_FOUND, b""), Refused, "closed"),
        (RPCError("no poller seen", RPCStatusCode.FAILED_PRECONDITION, b""), NotReachable, "surehand worker"),
        (
            RPCError("Workflow Task in failed state.", RPCStatusCode.FAILED_PRECONDITION, b""),
            Refused,
            "replay --from-server",
        ),
        (RPCError("late", RPCStatusCode.DEADLINE_EXCEEDED, b""), NotReachable, "surehand worker"),
        (RPCError("gone", RPCStatusCode.UNAVAILABLE, b""), NotReachable, "doctor"),
        (RPCError("no", RPCStatusCode.PERMISSION_DENIED, b""), NotReachable, "let us in"),
        (WorkflowUpdateFailedError(ApplicationError("Talk to p-omar first.")), Refused, "Talk to p-omar first."),
    ],
)
async def test_what_temporal_says_becomes_a_sentence(error, kind: type[SurehandError], says):
    with pytest.raises(kind, match=says):
        async with answered_within(SOON):
            raise error


async def test_waiting_for_a_worker_ends_and_says_that_a_repeat_is_safe():
    with pytest.raises(NotReachable, match="again is safe"):
        async with answered_within(timedelta(milliseconds=20), changes=True):
            await asyncio.sleep(5)
    with pytest.raises(NotReachable, match=r"surehand worker`\.$"):
        async with answered_within(timedelta(milliseconds=20)):
            await asyncio.sleep(5)


async def test_an_update_that_times_out_and_one_that_is_interrupted_are_told_apart():
    async def update() -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            raise WorkflowUpdateRPCTimeoutOrCancelledError from None

    with pytest.raises(NotReachable):
        async with answered_within(timedelta(milliseconds=20), changes=True):
            await update()

    async def ask() -> None:
        async with answered_within(SOON, changes=True):
            await update()

    asking = asyncio.create_task(ask())
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


def request() -> ApprovalState:
    question = ApprovalQuestion(action="refund", summary="Refund 49.00 USD", arguments={"amount": 49.0})
    now = datetime(2026, 1, 1, tzinfo=UTC)
    rung = OpenRung(name="lead", approvers=["p-lena", "p-noor"], quorum=2, opened_at=now, expires_at=now)
    ladder = Ladder(rungs=(Rung(name="lead", roles=("support_lead",), time_allowed=timedelta(minutes=5)),))
    return ApprovalState(
        request_id="reply-1/refund",
        question=question,
        digest=question.digest,
        ladder=ladder,
        asked_at=now,
        rungs=[rung],
        votes=[Vote(person_id="p-lena", approve=True, at=now)],
    )


def test_who_has_decided_is_not_asked_again():
    assert still_to_decide(request()) == {"p-noor"}


def test_the_beginning_of_a_digest_stands_for_it_and_a_wrong_one_is_passed_on_to_be_refused():
    open_request = request()
    assert _seen(open_request, open_request.digest[:12]) == open_request.digest
    assert _seen(open_request, None) == open_request.digest
    assert _seen(open_request, "0" * 12) == "0" * 12
    with pytest.raises(InvalidInput):
        _seen(open_request, "abc")
