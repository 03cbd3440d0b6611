"""Cases, timelines, conversations, audit, outcomes and texts, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from domain.cases.records import ApprovalRecord, CaseMatch, CaseRecord, InterventionRecord, OutcomeRecord
from domain.cases.timeline import CaseMessage, TimelineEntry, TimelineKind
from domain.errors import VendorRefused
from integrations.store.store import SqlStore

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
CASE = "escalation:acme:T-1"


def a_case(**changes: object) -> CaseRecord:
    fields: dict[str, object] = {
        "workflow_id": CASE,
        "tenant": "acme",
        "kind": "escalation",
        "case_id": "T-1",
        "ticket_id": "T-1",
        "status": "triaging",
        "phase": "intake",
        "opened_at": NOON,
        "updated_at": NOON,
    }
    return CaseRecord.model_validate(fields | changes)


def an_incident(number: int, **changes: object) -> CaseRecord:
    fields: dict[str, object] = {
        "workflow_id": f"troubleshooting:acme:I-{number}",
        "kind": "troubleshooting",
        "case_id": f"incident:I-{number}",
        "ticket_id": f"I-{number}",
        "status": "investigating",
        "opened_at": NOON + timedelta(minutes=number),
    }
    return a_case(**(fields | changes))


def an_entry(number: int, words: str = "Something happened") -> TimelineEntry:
    return TimelineEntry(number=number, at=NOON + timedelta(minutes=number), kind=TimelineKind.CASE, text=words)


def a_message(number: int, words: str = "Hello") -> CaseMessage:
    return CaseMessage(number=number, message_id=f"m{number}", at=NOON, author="customer", text=words)


def a_line(number: int = 1, **changes: object) -> ApprovalRecord:
    fields: dict[str, object] = {
        "workflow_id": CASE,
        "tenant": "acme",
        "request_id": "reply",
        "number": number,
        "event": "requested",
        "at": NOON,
        "digest": "abc",
    }
    return ApprovalRecord.model_validate(fields | changes)


def a_word(number: int = 1, **changes: object) -> InterventionRecord:
    fields: dict[str, object] = {
        "workflow_id": CASE,
        "tenant": "acme",
        "number": number,
        "step": "/do/2/charge",
        "title": "Charge (payments.capture)",
        "tool": "payments.capture",
        "problem": "No answer.",
        "parked_at": NOON,
        "action": "retry",
        "person_id": "p-greta",
        "at": NOON + timedelta(minutes=number),
        "reason": "typing error",
        "digest_before": "a" * 64,
        "digest_after": "b" * 64,
    }
    return InterventionRecord.model_validate(fields | changes)


def an_outcome(**changes: object) -> OutcomeRecord:
    fields: dict[str, object] = {
        "workflow_id": CASE,
        "tenant": "acme",
        "decision": "none",
        "category": "account",
        "priority": "low",
        "risk": 20,
        "escalated": False,
        "recorded_at": NOON,
    }
    return OutcomeRecord.model_validate(fields | changes)


async def test_a_case_comes_back_as_it_was_saved_with_its_times_in_utc(store: SqlStore) -> None:
    elsewhere = timezone(timedelta(hours=5, minutes=30))
    record = a_case(
        category="billing",
        risk=71,
        subject="Größe 👍 'quoted' -- ;",
        opened_at=NOON.astimezone(elsewhere),
        resolved_at=NOON + timedelta(days=2),
        details={"triage": {"score": 0.25, "list": [1, None, "x"]}},
    )
    await store.cases.save_case(record)
    found = await store.cases.find_case(CASE)
    assert found == record
    assert found is not None
    assert found.opened_at.tzinfo is UTC


async def test_saving_the_same_milestone_twice_changes_nothing(store: SqlStore) -> None:
    record = a_case(timeline=(an_entry(1), an_entry(2)), conversation=(a_message(1),))
    await store.cases.save_case(record)
    await store.cases.save_case(record)
    assert [entry.number for entry in await store.cases.timeline(CASE)] == [1, 2]
    assert await store.cases.conversation(CASE) == [a_message(1)]


async def test_an_older_milestone_that_arrives_late_keeps_the_newer_row_and_adds_its_entries(store: SqlStore) -> None:
    await store.cases.save_case(a_case(status="resolved", updated_at=NOON + timedelta(1), timeline=(an_entry(2),)))
    await store.cases.save_case(a_case(status="triaging", updated_at=NOON, timeline=(an_entry(1),)))
    found = await store.cases.find_case(CASE)
    assert found is not None
    assert found.status == "resolved"
    assert await store.cases.timeline(CASE) == [an_entry(1), an_entry(2)]


async def test_of_two_milestones_at_one_moment_the_later_arrival_stays(store: SqlStore) -> None:
    await store.cases.save_case(a_case(status="triaging"))
    await store.cases.save_case(a_case(status="with_agent"))
    found = await store.cases.find_case(CASE)
    assert found is not None
    assert found.status == "with_agent"


async def test_a_timeline_entry_never_changes_once_written(store: SqlStore) -> None:
    await store.cases.save_case(a_case(timeline=(an_entry(1, "first"),)))
    await store.cases.save_case(a_case(timeline=(an_entry(1, "rewritten"),)))
    assert [entry.text for entry in await store.cases.timeline(CASE)] == ["first"]


async def test_a_long_timeline_is_saved_in_one_go(store: SqlStore) -> None:
    await store.cases.save_case(a_case(timeline=tuple(an_entry(number) for number in range(1, 5001))))
    assert len(await store.cases.timeline(CASE)) == 5000


async def test_another_tenant_sees_nothing_of_a_case(store: SqlStore) -> None:
    await store.cases.save_case(a_case(timeline=(an_entry(1),), conversation=(a_message(1),)))
    await store.cases.audit_approval(a_line())
    assert await store.cases.find_case(CASE, tenant="other") is None
    assert await store.cases.timeline(CASE, tenant="other") == []
    assert await store.cases.conversation(CASE, tenant="other") == []
    assert await store.cases.approvals_of(CASE, tenant="other") == []
    assert await store.cases.list_cases("other") == []
    assert len(await store.cases.timeline(CASE, tenant="acme")) == 1


async def test_another_tenant_cannot_overwrite_a_case(store: SqlStore) -> None:
    await store.cases.save_case(a_case(status="triaging"))
    await store.cases.save_case(a_case(tenant="other", status="closed", updated_at=NOON + timedelta(1)))
    found = await store.cases.find_case(CASE)
    assert found is not None
    assert (found.tenant, found.status) == ("acme", "triaging")


async def test_cases_are_listed_newest_first_by_status_and_page(store: SqlStore) -> None:
    for number in range(5):
        status = "closed" if number % 2 else "triaging"
        await store.cases.save_case(a_case(workflow_id=f"c{number}", status=status, opened_at=NOON + timedelta(number)))
    listed = await store.cases.list_cases("acme", limit=2, offset=1)
    assert [case.workflow_id for case in listed] == ["c3", "c2"]
    closed = await store.cases.list_cases("acme", CaseMatch(status="closed"))
    assert [case.workflow_id for case in closed] == ["c3", "c1"]


@pytest.mark.parametrize("name", ["kind", "status", "team", "category", "priority"])
async def test_rows_are_chosen_before_the_page_is_cut(store: SqlStore, name: str) -> None:
    await store.cases.save_case(a_case(workflow_id="old", **{name: "wanted"}))
    for number in range(1, 4):
        await store.cases.save_case(a_case(workflow_id=f"c{number}", opened_at=NOON + timedelta(number)))
    listed = await store.cases.list_cases("acme", CaseMatch.model_validate({name: "wanted"}), limit=1)
    assert [case.workflow_id for case in listed] == ["old"]
    found = await store.cases.with_words("acme", "t-1", CaseMatch.model_validate({name: "wanted"}), limit=1)
    assert [case.workflow_id for case in found] == ["old"]


async def test_the_audit_keeps_order_and_the_first_of_repeated_lines(store: SqlStore) -> None:
    await store.cases.audit_approval(a_line(2, event="approved", at=NOON + timedelta(minutes=5), person_id="lena"))
    await store.cases.audit_approval(a_line(1, text="first"))
    await store.cases.audit_approval(a_line(1, text="changed"))
    lines = await store.cases.approvals_of(CASE)
    assert [(line.number, line.event, line.text) for line in lines] == [(1, "requested", "first"), (2, "approved", "")]


@pytest.mark.parametrize(
    "change",
    ["UPDATE approvals SET event = 'approved'", "DELETE FROM approvals"],
)
async def test_nobody_can_change_the_audit(store: SqlStore, change: str) -> None:
    await store.cases.audit_approval(a_line(event="rejected"))
    with pytest.raises(VendorRefused):
        async with store.database.writing() as connection:
            await connection.execute(text(change))
    assert [line.event for line in await store.cases.approvals_of(CASE)] == ["rejected"]


async def test_the_audit_cannot_be_replaced_or_truncated(store: SqlStore) -> None:
    await store.cases.audit_approval(a_line(event="rejected"))
    if store.database.is_sqlite:
        columns = "workflow_id, request_id, number, tenant, event, at, digest, text"
        values = f"'{CASE}', 'reply', 1, 'acme', 'approved', '2026-03-01 12:00:00.000000', 'abc', ''"
        async with store.database.writing() as connection:
            await connection.execute(text(f"INSERT OR REPLACE INTO approvals ({columns}) VALUES ({values})"))
    else:
        with pytest.raises(VendorRefused):
            async with store.database.writing() as connection:
                await connection.execute(text("TRUNCATE approvals"))
    assert [line.event for line in await store.cases.approvals_of(CASE)] == ["rejected"]


async def test_what_people_said_about_parked_steps_is_kept_in_order_and_the_first_of_repeats_stays(
    store: SqlStore,
) -> None:
    await store.cases.audit_intervention(a_word(2, tool=None, digest_before=None, digest_after=None, action="skip"))
    await store.cases.audit_intervention(a_word(1))
    await store.cases.audit_intervention(a_word(1, reason="changed"))
    assert await store.cases.interventions_of(CASE) == [
        a_word(1),
        a_word(2, tool=None, digest_before=None, digest_after=None, action="skip"),
    ]
    assert await store.cases.interventions_of(CASE, tenant="other") == []


@pytest.mark.parametrize("change", ["UPDATE interventions SET reason = 'other'", "DELETE FROM interventions"])
async def test_nobody_can_change_what_people_said_about_parked_steps(store: SqlStore, change: str) -> None:
    await store.cases.audit_intervention(a_word())
    with pytest.raises(VendorRefused):
        async with store.database.writing() as connection:
            await connection.execute(text(change))
    assert await store.cases.interventions_of(CASE) == [a_word()]


async def test_an_outcome_is_one_row_and_the_newest_record_wins(store: SqlStore) -> None:
    await store.cases.save_outcome(an_outcome(recorded_at=NOON + timedelta(2), satisfaction=5, model_cost=0.1))
    await store.cases.save_outcome(an_outcome(recorded_at=NOON, satisfaction=1))
    assert await store.cases.outcomes("acme") == [
        an_outcome(recorded_at=NOON + timedelta(2), satisfaction=5, model_cost=0.1)
    ]


async def test_outcomes_are_filtered_by_tenant_and_category(store: SqlStore) -> None:
    await store.cases.save_outcome(an_outcome(workflow_id="a"))
    await store.cases.save_outcome(an_outcome(workflow_id="b", category="billing", recorded_at=NOON + timedelta(1)))
    await store.cases.save_outcome(an_outcome(workflow_id="c", tenant="other"))
    assert [row.workflow_id for row in await store.cases.outcomes("acme")] == ["b", "a"]
    assert [row.workflow_id for row in await store.cases.outcomes("acme", category="billing")] == ["b"]
    assert [row.workflow_id for row in await store.cases.outcomes("acme", limit=1)] == ["b"]


async def test_a_long_text_is_kept_whole_for_its_tenant_only(store: SqlStore) -> None:
    words = "Ein Satz über 💾. " * 60_000
    await store.cases.save_text("ref", "acme", words)
    await store.cases.save_text("ref", "acme", "something else")
    await store.cases.save_text("ref", "other", "theirs")
    assert await store.cases.load_text("ref", "acme") == words
    assert await store.cases.load_text("ref", "other") == "theirs"
    assert await store.cases.load_text("ref", "third") is None


async def test_a_lone_surrogate_is_refused_and_leaves_nothing_behind(store: SqlStore) -> None:
    for record in (
        a_case(subject="\ud800"),
        a_case(details={"x": "\ud800"}),
        a_case(timeline=(an_entry(1, "\udfff"),)),
    ):
        with pytest.raises(VendorRefused):
            await store.cases.save_case(record)
    assert await store.cases.find_case(CASE) is None


async def test_a_number_that_json_does_not_know_is_refused(store: SqlStore) -> None:
    with pytest.raises(VendorRefused):
        await store.cases.save_case(a_case(details={"score": float("nan")}))


async def test_a_time_without_a_zone_is_refused(store: SqlStore) -> None:
    with pytest.raises(VendorRefused):
        await store.cases.save_case(a_case(opened_at=datetime(2026, 3, 1)))  # noqa: DTZ001 - the mistake under test


async def test_a_nul_character_does_not_cost_a_case(store: SqlStore) -> None:
    await store.cases.save_case(a_case(subject="a\x00b", details={"x": "a\x00b", "y": "\\u0000"}))
    found = await store.cases.find_case(CASE)
    assert found is not None
    assert found.subject == "a�b"
    assert found.details == {"x": "a�b", "y": "\\u0000"}


async def test_an_error_quotes_nothing_of_what_was_saved(store: SqlStore) -> None:
    with pytest.raises(VendorRefused) as caught:
        await store.cases.save_case(a_case(subject="anna@example.org \ud800"))
    assert "anna" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_incidents_that_are_not_over_are_found_newest_first_whatever_else_there_is(store: SqlStore) -> None:
    for number, status in enumerate(("investigating", "monitoring", "resolved", "closed", "withdrawn", "parked")):
        await store.cases.save_case(an_incident(number, status=status))
    await store.cases.save_case(a_case())
    foreign = {"workflow_id": "troubleshooting:other:I-1", "tenant": "other"}
    await store.cases.save_case(an_incident(9, **foreign))

    found = await store.cases.open_incidents("acme")
    assert [row.case_id for row in found] == ["incident:I-5", "incident:I-1", "incident:I-0"]
    assert [row.case_id for row in await store.cases.open_incidents("acme", limit=1)] == ["incident:I-5"]
    assert [row.tenant for row in await store.cases.open_incidents("other")] == ["other"]
    assert await store.cases.open_incidents("nobody") == []
