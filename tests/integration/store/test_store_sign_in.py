"""Passwords, sessions of the console, and tries that are counted: on both databases, and however many come at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from domain.identity.passwords import PasswordRecord
from domain.identity.principals import ConsoleSession, Role
from integrations.store.access.sign_in_tries import TryLimit
from integrations.store.store import SqlStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EVER = NOW - timedelta(days=1)


def session(session_id: str, **changes: object) -> ConsoleSession:
    known = {"session_id": session_id, "tenant": "default", "principal": "person:p-lena", "person_id": "p-lena"}
    times = {"created_at": NOW, "seen_at": NOW, "expires_at": NOW + timedelta(hours=8)}
    return ConsoleSession.model_validate({**known, **times, **changes})


def password(tenant: str = "default", hashed: str = "$scrypt$one", *roles: Role) -> PasswordRecord:
    kept = roles or (Role.AGENT,)
    return PasswordRecord(tenant=tenant, person_id="p-lena", hashed=hashed, roles=kept, set_at=NOW)


async def test_a_session_lasts_until_nobody_was_seen_or_its_time_is_over(store: SqlStore) -> None:
    kept = store.console_sessions
    await kept.begin(session("a", roles=(Role.AGENT, Role.VIEWER)))
    found = await kept.find("a", now=NOW, seen_after=EVER)
    assert found is not None
    assert found.roles == (Role.AGENT, Role.VIEWER)
    assert await kept.find("a", now=NOW + timedelta(hours=8), seen_after=EVER) is None
    assert await kept.find("a", now=NOW + MINUTE, seen_after=NOW) is None
    await kept.see("a", NOW + MINUTE)
    await kept.see("a", NOW)
    assert await kept.find("a", now=NOW + MINUTE, seen_after=NOW) is not None
    assert await kept.find("b", now=NOW, seen_after=EVER) is None


async def test_a_new_session_ends_the_one_before_and_those_that_have_run_out(store: SqlStore) -> None:
    kept = store.console_sessions
    await kept.begin(session("old", created_at=EVER, expires_at=NOW - MINUTE))
    await kept.begin(session("a"))
    await kept.begin(session("b"), instead_of="a")
    left = [await kept.find(name, now=EVER, seen_after=EVER - MINUTE) is not None for name in ("old", "a", "b")]
    assert left == [False, False, True]
    assert await kept.end("b")
    assert not await kept.end("b")


async def test_all_sessions_of_a_person_end_together_and_nobody_elses(store: SqlStore) -> None:
    kept = store.console_sessions
    for name, changes in (
        ("by-password", {}),
        ("by-key", {"principal": "key:k"}),
        ("of-omar", {"principal": "person:p-omar", "person_id": "p-omar"}),
        ("of-nobody", {"principal": "key:n", "person_id": None}),
        ("elsewhere", {"tenant": "acme-us"}),
    ):
        await kept.begin(session(name, **changes))
    assert await kept.end_all(tenant="default", principal="person:p-lena", person_id="p-lena") == 2
    assert await kept.end_all(tenant="default", principal="key:x", person_id=None) == 0
    left = [await kept.find(one, now=NOW, seen_after=EVER) is not None for one in ("of-omar", "of-nobody", "elsewhere")]
    assert left == [True, True, True]


async def test_a_password_is_replaced_rehashed_only_if_it_is_the_same_and_taken_away(store: SqlStore) -> None:
    kept = store.passwords
    await kept.put(password())
    await kept.put(password("acme-us", "$scrypt$theirs", Role.VIEWER))
    await kept.put(password("default", "$scrypt$two", Role.AGENT, Role.APPROVER))
    assert [one.tenant for one in await kept.of("p-lena")] == ["acme-us", "default"]
    await kept.rehash(password(), "$scrypt$late")
    found = await kept.find("default", "p-lena")
    assert found is not None
    assert (found.hashed, found.roles) == ("$scrypt$two", (Role.AGENT, Role.APPROVER))
    await kept.rehash(found, "$scrypt$new")
    assert [one.hashed for one in await kept.of("p-lena")] == ["$scrypt$theirs", "$scrypt$new"]
    assert await kept.remove("default", "p-lena")
    assert not await kept.remove("default", "p-lena")
    assert await kept.find("default", "p-lena") is None
    assert await kept.of("p-omar") == []


async def test_however_many_try_at_once_no_more_get_through_than_the_limit_has(store: SqlStore) -> None:
    both = [TryLimit("account a", 5, 15 * MINUTE), TryLimit("address x", 30, 15 * MINUTE)]
    answers = await asyncio.gather(*(store.sign_in_tries.take(both, NOW) for _ in range(20)))
    assert answers.count(None) == 5
    assert {one for one in answers if one is not None} == {NOW + 15 * MINUTE}
    # What was refused under one limit counts under no other.
    other = [TryLimit("address x", 30, 15 * MINUTE)]
    answers = [await store.sign_in_tries.take(other, NOW) for _ in range(30)]
    assert answers.count(None) == 25


async def test_tries_count_anew_when_their_time_is_over_and_are_forgiven_to_whoever_signs_in(store: SqlStore) -> None:
    account, address = TryLimit("a", 2, 15 * MINUTE), TryLimit("x", 2, 15 * MINUTE)
    tries = store.sign_in_tries

    async def allowed(*limits: TryLimit, at: datetime = NOW) -> bool:
        return await tries.take(limits, at) is None

    assert [await allowed(account, address) for _ in range(3)] == [True, True, False]
    assert await allowed(account, address, at=NOW + 15 * MINUTE)
    await tries.forgive([account], once=[address])
    assert [await allowed(account, at=NOW + 16 * MINUTE) for _ in range(3)] == [True, True, False]
    assert [await allowed(address, at=NOW + 16 * MINUTE) for _ in range(3)] == [True, True, False]
    assert await tries.forget_before(NOW + 32 * MINUTE) == 2
    assert await allowed(account, address, at=NOW)
