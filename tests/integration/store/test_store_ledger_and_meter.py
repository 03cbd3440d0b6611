"""The effect ledger under repetition and concurrency, and the meter."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain.cases.records import EffectStatus, MeterRecord
from domain.errors import VendorRefused
from integrations.store.store import SqlStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_call(key: str, **changes: object) -> MeterRecord:
    fields: dict[str, object] = {
        "key": key,
        "tenant": "acme",
        "workflow_id": "w1",
        "provider": "primary",
        "model": "m",
        "purpose": "classify",
        "input_tokens": 100,
        "output_tokens": 10,
        "cost": 0.25,
        "at": NOON,
    }
    return MeterRecord.model_validate(fields | changes)


async def test_a_claim_is_new_once_and_counts_further_attempts(store: SqlStore) -> None:
    first = await store.ledger.claim("w1/mail", "acme")
    second = await store.ledger.claim("w1/mail", "acme")
    third = await store.ledger.claim("w1/mail", "acme")
    assert [entry.status for entry in (first, second, third)] == ["new", "claimed", "claimed"]
    assert [entry.attempts for entry in (first, second, third)] == [1, 2, 3]


async def test_a_recorded_effect_answers_every_later_claim_with_its_outcome(store: SqlStore) -> None:
    await store.ledger.claim("w1/refund", "acme")
    await store.ledger.record("w1/refund", {"refund": "re_1", "amount": 12.5})
    entry = await store.ledger.claim("w1/refund", "acme")
    assert (entry.status, entry.outcome) == (EffectStatus.DONE, {"refund": "re_1", "amount": 12.5})
    assert entry.attempts == 1


async def test_the_first_recorded_outcome_stays(store: SqlStore) -> None:
    await store.ledger.claim("k", "acme")
    await store.ledger.record("k", {"n": 1})
    await store.ledger.record("k", {"n": 2})
    assert (await store.ledger.claim("k", "acme")).outcome == {"n": 1}


async def test_recording_what_nobody_claimed_is_refused(store: SqlStore) -> None:
    with pytest.raises(VendorRefused):
        await store.ledger.record("never", {})


async def test_a_released_claim_is_new_again_and_a_done_one_is_not(store: SqlStore) -> None:
    await store.ledger.claim("k", "acme")
    await store.ledger.release("k")
    assert (await store.ledger.claim("k", "acme")).status == EffectStatus.NEW
    await store.ledger.record("k", {})
    await store.ledger.release("k")
    await store.ledger.release("unknown")
    assert (await store.ledger.claim("k", "acme")).status == EffectStatus.DONE


async def test_another_tenants_key_is_refused_and_tells_nothing(store: SqlStore) -> None:
    await store.ledger.claim("k", "acme")
    await store.ledger.record("k", {"secret": "x"})
    with pytest.raises(VendorRefused) as caught:
        await store.ledger.claim("k", "other")
    assert "x" not in caught.value.args
    assert (await store.ledger.claim("k", "acme")).attempts == 1


async def test_of_five_hundred_claims_at_once_exactly_one_is_new(store: SqlStore) -> None:
    entries = await asyncio.gather(*(store.ledger.claim("k", "acme") for _ in range(500)))
    assert Counter(entry.status for entry in entries) == {EffectStatus.NEW: 1, EffectStatus.CLAIMED: 499}
    assert sorted(entry.attempts for entry in entries) == list(range(1, 501))


async def test_two_processes_worth_of_connections_still_make_one_new_claim(store: SqlStore, url: str) -> None:
    other = await SqlStore.open(url)
    try:
        claims = [each.ledger.claim("k", "acme") for each in (store, other) for _ in range(50)]
        entries = await asyncio.gather(*claims)
    finally:
        await other.close()
    assert Counter(entry.status for entry in entries) == {EffectStatus.NEW: 1, EffectStatus.CLAIMED: 99}


async def test_one_call_reported_twice_is_paid_once(store: SqlStore) -> None:
    await store.meter.record(a_call("c1"))
    await store.meter.record(a_call("c1"))
    spent = await store.meter.spending("acme", "w1", NOON)
    assert (spent.case_cost, spent.case_calls, spent.day_cost) == (0.25, 1, 0.25)


async def test_spending_is_by_case_and_by_tenant_and_utc_day(store: SqlStore) -> None:
    midnight = NOON.replace(hour=0)
    await store.meter.record(a_call("yesterday", at=midnight - timedelta(microseconds=1), cost=1.0))
    await store.meter.record(a_call("first", at=midnight, cost=2.0))
    await store.meter.record(a_call("last", at=midnight + timedelta(days=1, microseconds=-1), cost=4.0))
    await store.meter.record(a_call("tomorrow", at=midnight + timedelta(days=1), cost=8.0))
    await store.meter.record(a_call("other case", workflow_id="w2", cost=16.0))
    await store.meter.record(a_call("other tenant", tenant="other", cost=32.0))
    # Half past midnight in Delhi is still the day before in UTC.
    day = datetime(2026, 3, 2, 0, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    spent = await store.meter.spending("acme", "w1", day)
    assert (spent.case_cost, spent.case_calls, spent.day_cost) == (15.0, 4, 22.0)


async def test_a_case_without_calls_has_spent_nothing(store: SqlStore) -> None:
    spent = await store.meter.spending("acme", "w1", NOON)
    assert (spent.case_cost, spent.case_calls, spent.day_cost) == (0.0, 0, 0.0)
