"""Sessions: kept once, used up once while they last; and cases found by words."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from domain.cases.records import CaseRecord
from domain.identity.principals import SessionRecord
from integrations.store.store import SqlStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def session(session_id: str, **changes: object) -> SessionRecord:
    known = {"session_id": session_id, "tenant": "default", "principal": "console:key:a", "kind": "link"}
    times = {"created_at": NOW, "expires_at": NOW + timedelta(minutes=15)}
    return SessionRecord.model_validate({**known, **times, **changes})


async def test_of_many_who_take_a_session_at_once_one_gets_it(store: SqlStore) -> None:
    await store.sessions.add(session("s"))
    assert await store.sessions.take("s", kinds=("console",), now=NOW) is None
    assert await store.sessions.take("s", kinds=("link",), now=NOW + timedelta(minutes=15)) is None
    taken = await asyncio.gather(*(store.sessions.take("s", kinds=("link",), now=NOW) for _ in range(8)))
    assert [one for one in taken if one is not None] == [session("s")]
    assert await store.sessions.take("s", kinds=("link",), now=NOW) is None


async def test_a_session_is_there_for_its_own_principal_until_it_runs_out(store: SqlStore) -> None:
    ends = NOW + timedelta(minutes=15)
    await store.sessions.add(session("s"))
    whose = {"tenant": "default", "principal": "console:key:a"}
    assert await store.sessions.find("s", **whose, now=NOW) == session("s")
    for other in ({"tenant": "acme-us"}, {"principal": "console:key:b"}):
        assert await store.sessions.find("s", **{**whose, **other}, now=NOW) is None
        assert not await store.sessions.remove("s", **{**whose, **other})
    assert await store.sessions.find("s", **whose, now=ends) is None
    assert await store.sessions.page(**whose, now=ends, limit=9, offset=0, newest_first=True) == ([], 0)
    assert await store.sessions.remove("s", **whose)


async def test_of_many_who_keep_the_same_session_one_is_first(store: SqlStore) -> None:
    kept = await asyncio.gather(*(store.sessions.add(session("s")) for _ in range(8)))
    assert kept.count(True) == 1
    assert not await store.sessions.add(session("s"))
    assert await store.sessions.add(session("t", created_at=NOW + timedelta(hours=1)))
    assert await store.sessions.add(session("s")), "it had run out, and was forgotten"


async def test_cases_are_found_by_words_as_they_are_written_and_within_the_tenant(store: SqlStore) -> None:
    for number, (tenant, subject) in enumerate(
        (
            ("default", "Export is EMPTY"),
            ("default", "100% of it_all"),
            ("default", "100 of it all"),
            ("acme-us", "empty"),
        )
    ):
        await store.cases.save_case(
            CaseRecord(
                workflow_id=f"escalation:{tenant}:T-{number}",
                tenant=tenant,
                kind="escalation",
                case_id=f"T-{number}",
                ticket_id=f"T-{number}",
                status="closed",
                phase="done",
                subject=subject,
                updated_at=NOW,
                opened_at=NOW + timedelta(minutes=number),
            )
        )

    async def found(words: str) -> list[str]:
        return [record.case_id for record in await store.cases.with_words("default", words)]

    assert await found("empty") == ["T-0"]
    assert await found("100%") == ["T-1"]
    assert await found("it_all") == ["T-1"]
    assert await found("t-") == ["T-2", "T-1", "T-0"]
    names = ["escalation:default:T-1", "escalation:acme-us:T-3", "escalation:default:none"]
    assert [record.case_id for record in await store.cases.named("default", names)] == ["T-1"]
    assert await store.cases.named("default", []) == []
