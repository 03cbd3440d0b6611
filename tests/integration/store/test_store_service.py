"""What the HTTP service keeps, on both databases: promises, jobs, withdrawn questions, requests of a minute."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from domain.cases.deliveries import Delivery
from domain.identity.principals import Answered
from integrations.store.access.requests import RequestKey
from integrations.store.store import SqlStore

ANSWER = Answered(status=202, headers={"location": "/x"}, body=b"{}")


def delivery(name: str, tenant: str = "acme") -> Delivery:
    now = datetime.now(UTC)
    return Delivery(tenant=tenant, source="http", delivery_id=name, kind="http_ticket", body={"a": 1}, received_at=now)


async def test_of_many_promises_with_one_key_one_is_written_with_its_work(store: SqlStore) -> None:
    key = RequestKey("acme", "key:a", "k")
    made = await asyncio.gather(
        *(store.requests.promise(key, "digest", ANSWER, delivery(f"job-{number}")) for number in range(10))
    )
    assert sorted(made) == [False] * 9 + [True]
    assert await store.inbox.waiting() == 1
    again = await store.requests.claim(key, "digest", timedelta(seconds=60))
    assert again.answered == ANSWER
    assert (await store.requests.claim(key, "other", timedelta(seconds=60))).is_other
    assert await store.requests.promise(None, "digest", ANSWER, delivery("without a key"))
    assert await store.inbox.waiting() == 2


async def test_a_job_is_seen_by_its_tenant_and_taken_back_only_before_it_is_begun(store: SqlStore) -> None:
    for name in ("one", "two"):
        await store.requests.promise(None, "digest", ANSWER, delivery(name))
    assert await store.jobs.find("other", "http", "one") is None
    waits = await store.jobs.find("acme", "http", "one")
    assert waits is not None
    assert not waits.is_under_way
    assert not await store.jobs.take_back("other", "http", "one", "mine")
    assert await store.jobs.take_back("acme", "http", "one", "gone")
    assert not await store.jobs.take_back("acme", "http", "one", "gone")
    ended = await store.jobs.find("acme", "http", "one")
    assert ended is not None
    assert (ended.outcome, ended.done_at is not None) == ("gone", True)
    (claimed,) = await store.inbox.claim(["http_ticket"], 5, timedelta(seconds=60))
    assert claimed.delivery.delivery_id == "two"
    assert not await store.jobs.take_back("acme", "http", "two", "late")
    begun = await store.jobs.find("acme", "http", "two")
    assert begun is not None
    assert begun.is_under_way


async def test_a_question_is_withdrawn_once_and_for_its_tenant(store: SqlStore) -> None:
    first = await store.questions.withdraw("acme", "w", "q", "p-lena")
    assert await store.questions.withdraw("acme", "w", "q", "p-omar") == first
    assert await store.questions.withdrawn("acme", "w") == {"q": first}
    assert await store.questions.withdrawn("other", "w") == {}


async def test_replicas_that_ask_at_once_are_never_given_more_than_the_limit(store: SqlStore) -> None:
    now, lasts = datetime.now(UTC), timedelta(minutes=1)

    async def take(at: datetime) -> int:
        taken = await store.allowed_requests.take("acme", "key:a", limit=10, wanted=3, lasts=lasts, now=at)
        assert 0 <= taken.left <= 10
        return taken.given

    assert sorted(await asyncio.gather(*(take(now) for _ in range(6)))) == [0, 0, 1, 3, 3, 3]
    assert await take(now + lasts) == 3
    assert await store.allowed_requests.forget_before(now + lasts * 2) == 1
