"""Which changes of a case are events, and what stands in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.cases.records import ApprovalRecord, CaseRecord
from domain.cases.timeline import TimelineEntry, TimelineKind
from domain.webhooks.events import DeliveryRules, EventKind, Subscription, body_of, event_of_approval, events_of_change

AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SOLVED = {"status": "resolved", "resolved_at": AT}
PORTAL = Subscription(name="portal", tenant="acme", url="https://portal.test/x", secrets=("portal",))


def row(at: int = 0, **more: Any) -> CaseRecord:
    given: dict[str, Any] = {
        "workflow_id": "escalation:acme:T-1",
        "tenant": "acme",
        "kind": "escalation",
        "case_id": "T-1",
        "ticket_id": "T-1",
        "status": "triaging",
        "phase": "intake",
        "subject": "Ada Lovelace cannot sign in",
        "customer_ref": "cus_ada",
        "opened_at": AT,
        "updated_at": AT + timedelta(minutes=at),
        **more,
    }
    return CaseRecord(**given)


def kinds(before: CaseRecord | None, after: CaseRecord) -> list[str]:
    return [event.kind.value for event in events_of_change(before, after)]


def line(event: str, number: int = 1) -> ApprovalRecord:
    return ApprovalRecord(
        workflow_id="escalation:acme:T-1",
        tenant="acme",
        request_id="reply-1",
        number=number,
        event=event,
        at=AT,
        person_id="p-lena",
        digest="d" * 64,
        text="Refund Ada Lovelace 40 EUR",
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"phase": "triage"}, ["status_changed"]),
        ({}, {"priority": "high"}, ["status_changed"]),
        ({}, {"risk": 7}, []),
        ({}, {"status": "waiting_claim", "team": "senior"}, ["status_changed", "handed_over"]),
        ({"status": "waiting_claim"}, {"status": "with_agent", "claimed_by": "p-1"}, ["status_changed", "claimed"]),
        ({"status": "with_agent", "claimed_by": "p-1"}, {"status": "with_agent", "claimed_by": "p-2"}, ["claimed"]),
        ({"status": "with_agent"}, {"status": "parked"}, ["status_changed", "parked"]),
        ({}, {"status": "resolved", "resolved_at": AT}, ["status_changed", "resolved"]),
        (SOLVED, {"status": "with_agent"}, ["status_changed", "handed_over", "reopened"]),
        (SOLVED, {**SOLVED, "status": "closed"}, ["status_changed", "closed"]),
        ({}, {"status": "withdrawn"}, ["status_changed", "withdrawn"]),
    ],
)  # fmt: skip
def test_a_change_is_told_as_what_it_is(before: dict[str, Any], after: dict[str, Any], expected: list[str]) -> None:
    assert kinds(row(**before), row(1, **after)) == expected


def test_the_first_row_says_that_the_case_was_opened_and_the_same_row_again_says_nothing() -> None:
    assert kinds(None, row()) == ["opened"]
    assert kinds(row(), row()) == []


def test_a_run_ends_once_and_says_how() -> None:
    run = {"kind": "playbook", "workflow_id": "playbook:acme:a:1", "case_id": "a:1"}
    [_, ended] = events_of_change(row(**run), row(1, **run, status="faulted", phase="faulted", closed_at=AT))
    assert ended.kind is EventKind.RUN_ENDED
    assert json.loads(body_of(ended, PORTAL, None))["data"]["phase"] == "faulted"


def test_the_same_change_has_the_same_id_and_another_change_or_case_another() -> None:
    before, after = row(), row(1, status="parked")
    first = [event.event_id for event in events_of_change(before, after)]
    assert first == [event.event_id for event in events_of_change(before, after)]
    assert len(set(first)) == 2
    later = [event.event_id for event in events_of_change(before, row(2, status="parked"))]
    other = {"workflow_id": "escalation:acme:T-2"}
    elsewhere = [e.event_id for e in events_of_change(row(**other), row(1, status="parked", **other))]
    assert len({*first, *later, *elsewhere}) == 6


def test_a_case_that_comes_back_from_an_approval_was_not_handed_over_twice() -> None:
    handoff = {"details": {"handoff": {"completed_at": "2026-03-01T09:05:00Z"}}, "team": "senior"}
    [_, first] = events_of_change(row(), row(1, status="waiting_claim", **handoff))
    back = events_of_change(row(2, status="waiting_approval", **handoff), row(3, status="waiting_claim", **handoff))
    assert first.kind is EventKind.HANDED_OVER
    assert [event.event_id for event in back if event.kind is EventKind.HANDED_OVER] == [first.event_id]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("requested", "approval_requested"),
        ("approved", "approval_decided"),
        ("rejected", "approval_decided"),
        ("expired", "approval_expired"),
        ("superseded", "approval_withdrawn"),
    ],
)
def test_what_happens_to_an_approval_is_told(said: str, kind: str) -> None:
    event = event_of_approval(line(said), row())
    assert event is not None
    assert event.kind.value == kind
    approval = json.loads(body_of(event, PORTAL, None))["data"]["approval"]
    assert approval["request_id"] == "reply-1"
    assert approval.get("decision") == (said if kind == "approval_decided" else None)


@pytest.mark.parametrize("said", ["reminded", "passed_on", "refused"])
def test_reminders_and_words_that_do_not_count_are_not_told(said: str) -> None:
    assert event_of_approval(line(said), row()) is None


def test_an_event_is_a_cloud_event_with_a_link_and_without_anybodys_words_or_names() -> None:
    entry = TimelineEntry(number=0, at=AT, kind=TimelineKind.MESSAGE, text="Ada wrote", actor="customer")
    changed = row(1, status="with_agent", claimed_by="p-lena", details={"cause": "Ada's laptop"}, timeline=(entry,))
    events = [*events_of_change(row(), changed), event_of_approval(line("approved"), changed)]
    for event in events:
        assert event is not None
        text = body_of(event, PORTAL, "https://desk.test/console/")
        assert not [word for word in ("Ada", "Lovelace", "cus_ada", "p-lena", "Refund", "laptop") if word in text]
        envelope = json.loads(text)
        assert envelope["specversion"] == "1.0"
        assert envelope["source"] == "/surehand/acme"
        assert envelope["type"] == f"com.surehand.case.{event.kind.value}"
        assert envelope["subject"] == "T-1"
        assert envelope["time"].endswith("Z")
        assert envelope["data"]["link"] == "https://desk.test/console/cases/T-1"
        assert envelope["data"]["kind"] == "ticket"


def test_the_subject_line_is_told_to_whom_the_settings_allow_it() -> None:
    [event] = events_of_change(None, row())
    told = json.loads(body_of(event, PORTAL.model_copy(update={"subject": True}), None))
    assert told["data"]["subject"] == "Ada Lovelace cannot sign in"


def test_an_endpoint_is_told_of_the_kinds_it_names() -> None:
    some = PORTAL.model_copy(update={"events": ("opened", "closed")})
    assert some.wants(EventKind.OPENED)
    assert not some.wants(EventKind.PARKED)
    assert PORTAL.wants(EventKind.PARKED)


def test_waits_double_up_to_the_longest_and_chance_spreads_them() -> None:
    rules = DeliveryRules()
    assert [rules.backoff(n, 0.5).total_seconds() for n in (1, 2, 3, 11, 10_000)] == [5, 10, 20, 3600, 3600]
    assert rules.backoff(1, 0).total_seconds() == 3.75
    assert rules.backoff(1, 1).total_seconds() == 6.25
