"""The inbox: each delivery once, whoever looks, and none lost with the process that had it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from domain.cases.deliveries import Delivery
from integrations.store.store import SqlStore

KINDS = ("claim", "say")
LEASE = timedelta(seconds=30)


def delivery(number: int = 1, tenant: str = "default") -> Delivery:
    return Delivery(
        tenant=tenant,
        source="slack",
        delivery_id=f"d-{number}",
        kind="claim",
        body={"workflow": "escalation:default:T-1", "nul": "a\x00b"},
        correlation_id="c",
        received_at=datetime.now(UTC),
    )


async def test_of_many_with_one_id_the_first_is_kept(store: SqlStore) -> None:
    news = await asyncio.gather(*(store.inbox.take(delivery()) for _ in range(50)))
    assert sum(news) == 1
    assert await store.inbox.take(delivery(tenant="acme-us")), "another tenant's id is another delivery"
    assert await store.inbox.waiting() == 2


async def test_a_token_counts_once_whatever_comes_under_it_at_the_same_moment(store: SqlStore) -> None:
    news = await asyncio.gather(*(store.inbox.take(delivery(number), once="token/t") for number in range(20)))
    assert sum(news) == 1
    assert not await store.inbox.take(delivery(99), once="token/t")
    [kept] = await store.inbox.find("default", "slack")
    assert (kept.done_at, kept.outcome) == (None, None)


async def test_replicas_that_look_at_once_share_what_is_due(store: SqlStore) -> None:
    for number in range(20):
        await store.inbox.take(delivery(number))
    found = await asyncio.gather(*(store.inbox.claim(KINDS, 8, LEASE) for _ in range(6)))
    ids = [one.delivery.delivery_id for part in found for one in part]
    assert len(ids) == len(set(ids))
    while more := await store.inbox.claim(KINDS, 8, LEASE):
        ids += [one.delivery.delivery_id for one in more]
    assert sorted(ids) == sorted(f"d-{number}" for number in range(20))


async def test_what_a_dead_process_had_is_taken_over_and_its_late_word_does_not_count(store: SqlStore) -> None:
    await store.inbox.take(delivery())
    [dead] = await store.inbox.claim(KINDS, 1, timedelta(seconds=-1))
    [living] = await store.inbox.claim(KINDS, 1, LEASE)
    assert not await store.inbox.finish(dead, "late")
    assert await store.inbox.finish(living, "done")
    assert await store.inbox.outcome("default", "slack", "d-1") == "done"
    assert not await store.inbox.take(delivery()), "a repeat is known after the delivery, too"


async def test_what_could_not_be_delivered_comes_again_when_it_is_due(store: SqlStore) -> None:
    await store.inbox.take(delivery())
    [first] = await store.inbox.claim(KINDS, 1, LEASE)
    await store.inbox.postpone(first, datetime.now(UTC) + timedelta(hours=1))
    assert await store.inbox.claim(KINDS, 1, LEASE) == []
    await store.inbox.postpone(first, datetime.now(UTC))  # of the same claim, so it still counts as one try
    [again] = await store.inbox.claim(KINDS, 1, LEASE)
    assert again.delivery.attempts == 1
    assert again.delivery.body["workflow"] == "escalation:default:T-1"
    await store.inbox.release(again)
    [third] = await store.inbox.claim(KINDS, 1, LEASE)
    assert third.delivery.attempts == 1


async def test_what_follows_is_kept_with_the_outcome_and_old_rows_are_forgotten(store: SqlStore) -> None:
    await store.inbox.take(delivery())
    [one] = await store.inbox.claim(KINDS, 1, LEASE)
    now = datetime.now(UTC)
    await store.inbox.finish(one, "refused", [one.delivery.follow("say", {"text": "No."}, now)])
    [say] = await store.inbox.claim(KINDS, 5, LEASE)
    assert (say.delivery.delivery_id, say.delivery.kind) == ("d-1/say", "say")
    assert await store.inbox.forget_before(datetime.now(UTC) + timedelta(seconds=1)) == 1
    assert await store.inbox.waiting() == 1
