"""The outbox on both databases: written with the change or not at all, once, and each endpoint for itself."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from domain.cases.records import ApprovalRecord
from domain.errors import VendorError
from domain.webhooks.events import Subscription, WebhookAttempt, WebhookDelivery
from integrations.store.store import SqlStore
from tests.workflows.webhook_world import DOWN, OPENED_AT, TAKEN, a_case

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def an_endpoint(name: str, tenant: str = "default", **more: object) -> Subscription:
    return Subscription(name=name, tenant=tenant, url=f"https://{name}.test/", secrets=("s",), **more)  # type: ignore[arg-type]  # fields by name


def a_line(event: str, number: int = 1, case: str = "T-1") -> ApprovalRecord:
    return ApprovalRecord(
        workflow_id=f"escalation:default:{case}",
        tenant="default",
        request_id="reply-1",
        number=number,
        event=event,
        at=OPENED_AT + timedelta(minutes=number),
        digest="d" * 64,
    )


@pytest.fixture
def portal(store: SqlStore) -> Subscription:
    one = an_endpoint("portal")
    store.outbox.tell([one], {"default": "https://desk.test"})
    return one


async def told(store: SqlStore, endpoint: str = "portal", tenant: str = "default") -> list[WebhookDelivery]:
    found, _ = await store.outbox.deliveries(tenant, endpoint)
    return found[::-1]


async def kinds(store: SqlStore, endpoint: str = "portal") -> list[str]:
    return [one.kind.rpartition(".")[2] for one in await told(store, endpoint)]


async def test_a_change_is_told_once_however_often_it_is_saved(store: SqlStore, portal: Subscription) -> None:
    for _ in range(3):
        await store.cases.save_case(a_case())
        await store.cases.save_case(a_case(at=1, status="waiting_approval"))
        await store.cases.audit_approval(a_line("requested"))
    assert await kinds(store) == ["opened", "status_changed", "approval_requested"]
    await asyncio.gather(*(store.cases.save_case(a_case(at=2, status="parked")) for _ in range(8)))
    assert (await kinds(store))[3:] == ["status_changed", "parked"]


async def test_saves_that_race_open_a_case_once(store: SqlStore, portal: Subscription) -> None:
    await asyncio.gather(*(store.cases.save_case(a_case(at=n, phase=f"p{n}")) for n in range(6)))
    assert (await kinds(store)).count("opened") == 1


async def test_a_save_that_comes_late_tells_nothing_of_what_was_before(store: SqlStore, portal: Subscription) -> None:
    await store.cases.save_case(a_case())
    await store.cases.save_case(a_case(at=2, status="closed"))
    before = await kinds(store)
    await store.cases.save_case(a_case(at=1, status="parked"))
    assert await kinds(store) == before


async def test_a_change_that_is_not_saved_is_not_told(store: SqlStore, portal: Subscription) -> None:
    await store.cases.save_case(a_case())
    broken = a_case(at=1, status="parked", timeline=({"number": 0, "at": OPENED_AT, "kind": "case", "text": "x"},))
    async with store.database.writing() as connection:
        # Now the entries of the timeline cannot be written: the last statement of the save fails.
        await connection.execute(text("ALTER TABLE timeline RENAME TO timeline_away"))
    with pytest.raises(VendorError):
        await store.cases.save_case(broken)
    assert await kinds(store) == ["opened"]
    found = await store.cases.find_case(broken.workflow_id)
    assert found is not None
    assert found.status == "triaging"


async def test_a_change_whose_event_cannot_be_written_is_not_saved(store: SqlStore, portal: Subscription) -> None:
    await store.cases.save_case(a_case())
    async with store.database.writing() as connection:
        await connection.execute(text("ALTER TABLE webhook_deliveries RENAME TO webhook_deliveries_away"))
    with pytest.raises(VendorError):
        await store.cases.save_case(a_case(at=1, status="parked"))
    found = await store.cases.find_case(a_case().workflow_id)
    assert found is not None
    assert found.status == "triaging", "saved, and nobody will ever be told"


async def test_nothing_is_written_where_nobody_is_told(store: SqlStore) -> None:
    store.outbox.tell([an_endpoint("theirs", "globex"), an_endpoint("some", events=("closed",))], {})
    await store.cases.save_case(a_case())
    assert await told(store, "some") == []
    assert await told(store, "theirs", "globex") == []


async def test_each_tenant_and_endpoint_is_told_its_own(store: SqlStore) -> None:
    store.outbox.tell([an_endpoint("a"), an_endpoint("b"), an_endpoint("a", "globex")], {})
    await store.cases.save_case(a_case())
    await store.cases.save_case(a_case(tenant="globex"))
    first, second, other = await told(store, "a"), await told(store, "b"), await told(store, "a", "globex")
    assert first[0].event_id == second[0].event_id
    assert [json.loads(one.body)["data"]["tenant"] for one in (*first, *other)] == ["default", "globex"]
    assert await store.outbox.find("globex", "a", first[0].number) is None
    assert await store.outbox.replay("globex", "a", event_id=first[0].event_id) == 0
    await store.outbox.disable("globex", "a", by="p", why="x", now=NOW)
    assert [name for _, name, _ in await store.outbox.waiting()] == ["a", "b"]
    assert await store.outbox.health("default") == {}


async def test_only_the_oldest_of_a_case_may_be_sent_and_those_tried_least_come_first(
    store: SqlStore, portal: Subscription
) -> None:
    for name in ("T-1", "T-2", "T-3"):
        await store.cases.save_case(a_case(name))
        await store.cases.save_case(a_case(name, at=1, status="closed"))
    heads = await store.outbox.heads("default", "portal", limit=5)
    assert [(one.workflow_id[-3:], one.kind.rpartition(".")[2]) for one in heads] == [
        ("T-1", "opened"), ("T-2", "opened"), ("T-3", "opened"),
    ]  # fmt: skip
    await store.outbox.record_attempt(heads[0], DOWN, NOW)
    await store.outbox.record_attempt(heads[1], TAKEN, NOW)
    left = await store.outbox.heads("default", "portal", limit=5, without=[heads[2].workflow_id])
    assert [(one.workflow_id[-3:], one.attempts) for one in left] == [("T-2", 0), ("T-1", 1)]


async def test_health_says_since_when_an_endpoint_fails_and_forgets_it_with_the_next_success(
    store: SqlStore, portal: Subscription
) -> None:
    await store.cases.save_case(a_case())
    [head] = await store.outbox.heads("default", "portal", limit=1)
    for minute in (0, 5):
        await store.outbox.record_attempt(head, DOWN, NOW + timedelta(minutes=minute))
    health = (await store.outbox.health("default"))["portal"]
    assert (health.failing_since, health.last_outcome) == (NOW, "503")
    assert (await told(store))[0].attempts == 2
    await store.outbox.record_attempt(head, TAKEN, NOW + timedelta(minutes=9))
    health = (await store.outbox.health("default"))["portal"]
    assert (health.failing_since, health.last_success_at) == (None, NOW + timedelta(minutes=9))
    assert await store.outbox.heads("default", "portal", limit=1) == []


async def test_an_endpoint_is_disabled_once_and_what_it_was_not_told_waits(
    store: SqlStore, portal: Subscription
) -> None:
    await store.cases.save_case(a_case())
    assert await store.outbox.disable("default", "portal", by="p-lena", why="Moving house", now=NOW)
    assert not await store.outbox.disable("default", "portal", by="p-otto", why="Again", now=NOW)
    assert (await store.outbox.health("default"))["portal"].disabled_by == "p-lena"
    await store.cases.save_case(a_case(at=1, status="closed"))
    assert await store.outbox.waiting() == []
    await store.outbox.enable("default", "portal")
    assert await store.outbox.waiting() == [("default", "portal", False)]
    assert await store.outbox.counts("default") == {("portal", "waiting"): 3}


async def test_what_was_sent_can_be_sent_again_by_its_id_or_from_a_moment_on(
    store: SqlStore, portal: Subscription
) -> None:
    await store.cases.save_case(a_case())
    await store.cases.save_case(a_case(at=30, phase="triage"))
    for _ in range(2):
        [head] = await store.outbox.heads("default", "portal", limit=1)
        await store.outbox.record_attempt(head, TAKEN, NOW)
    assert await store.outbox.replay("default", "portal", since=OPENED_AT + timedelta(minutes=10)) == 1
    [again] = await store.outbox.heads("default", "portal", limit=1)
    assert (again.kind.rpartition(".")[2], again.attempts) == ("status_changed", 0)
    assert again.body == (await told(store))[1].body


async def test_what_was_told_long_ago_is_forgotten_and_what_waits_is_not(store: SqlStore, portal: Subscription) -> None:
    await store.cases.save_case(a_case())
    await store.cases.save_case(a_case("T-2"))
    [head] = await store.outbox.heads("default", "portal", limit=1)
    await store.outbox.record_attempt(head, TAKEN, NOW)
    assert await store.outbox.forget_before(NOW) == 0
    assert await store.outbox.forget_before(NOW + timedelta(days=400)) == 1
    assert len(await told(store)) == 1
    store.outbox.tell([], {})
    assert await store.outbox.forget_before(NOW + timedelta(days=400)) == 1, "nobody is there to be told any more"


async def test_whoever_listens_hears_after_the_commit(store: SqlStore, portal: Subscription) -> None:
    rung: list[str] = []
    store.outbox.listen(lambda: rung.append("x"))
    await store.cases.save_case(a_case())
    assert len(rung) == 1
    await store.cases.save_case(a_case())
    assert len(rung) == 1, "nothing new, and yet rung"
    await store.cases.audit_approval(a_line("reminded"))
    assert len(rung) == 1
    for _ in range(2):
        await store.cases.audit_approval(a_line("requested", 2))
    assert len(rung) == 2


_SAVES_AND_DIES = """
import asyncio, os, signal, sys
from domain.cases.records import CaseRecord
from domain.webhooks.events import Subscription
from integrations.store.store import SqlStore

async def main(url, row):
    store = await SqlStore.open(url)
    store.outbox.tell([Subscription(name="portal", tenant="default", url="https://x.test", secrets=("s",))], {})
    # Between the commit and the waking of a sender.
    store.outbox.listen(lambda: os.kill(os.getpid(), signal.SIGKILL))
    await store.cases.save_case(CaseRecord.model_validate_json(row))

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_process_killed_between_save_and_send_leaves_the_event_for_the_next(store: SqlStore, url: str) -> None:
    row = a_case().model_dump_json()
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", _SAVES_AND_DIES, url, row)
    assert await killed.wait() == -signal.SIGKILL
    assert await store.outbox.waiting() == [("default", "portal", False)]
    [head] = await store.outbox.heads("default", "portal", limit=5)
    assert head.kind == "com.surehand.case.opened"
    await store.outbox.record_attempt(head, WebhookAttempt(delivered=True, outcome="200"), NOW)
    assert await store.outbox.waiting() == []
