"""Limits that add up over cases, on both databases: never exceeded, all or none, once per key."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from domain.errors import VendorRefused
from domain.policies.guardrails import LimitPer
from domain.ports.effects import AllowanceClaim
from integrations.store.effects.allowances import SqlAllowances
from integrations.store.store import SqlStore
from integrations.store.tables.effects import allowance_claims, allowances


def claim(limit: str = "refunds", subject: str = "cus_1", amount: float = 1, at_most: float = 10) -> AllowanceClaim:
    return AllowanceClaim(limit=limit, per=LimitPer.CUSTOMER_DAY, subject=subject, amount=amount, at_most=at_most)


async def used(store: SqlStore) -> dict[str, float]:
    async with store.database.reading() as connection:
        rows = await connection.execute(select(allowances.c.limit_name, allowances.c.used))
        return {str(name): float(amount) for name, amount in rows}


async def test_of_fifty_claims_at_once_only_as_many_stand_as_the_limit_takes(store: SqlStore) -> None:
    answers = await asyncio.gather(*(store.allowances.reserve("acme", f"call-{n}", [claim()]) for n in range(50)))
    assert sorted(answers) == [()] * 10 + [("refunds",)] * 40
    assert await used(store) == {"refunds": 10}


async def test_fifty_claims_on_two_limits_at_once_take_both_or_none(store: SqlStore) -> None:
    async def reserve(number: int) -> tuple[str, ...]:
        pair = [claim("calls", at_most=30), claim("amount", amount=5, at_most=60)]
        # Asked for in either order: a ring of waiting calls would show here.
        return tuple(await store.allowances.reserve("acme", f"call-{number}", pair[:: 1 if number % 2 else -1]))

    answers = await asyncio.gather(*(reserve(number) for number in range(50)))
    assert answers.count(()) == 12
    assert answers.count(("amount",)) == 38
    assert await used(store) == {"amount": 60, "calls": 12}


async def test_claims_from_several_processes_never_go_over_the_limit_together(store: SqlStore, url: str) -> None:
    program = """
import asyncio, sys
from domain.policies.guardrails import LimitPer
from domain.ports.effects import AllowanceClaim
from integrations.store.store import SqlStore

async def main() -> None:
    store = await SqlStore.open(sys.argv[1])
    claim = AllowanceClaim(limit="refunds", per=LimitPer.CUSTOMER_DAY, subject="cus_1", amount=1, at_most=20)
    keys = [f"{sys.argv[2]}-{number}" for number in range(15)]
    answers = await asyncio.gather(*(store.allowances.reserve("acme", key, [claim]) for key in keys))
    sys.stdout.write(str(sum(not answer for answer in answers)))
    await store.close()

asyncio.run(main())
"""
    begun = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, url, name, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        for name in ("one", "two")
    ]
    ends = await asyncio.gather(*(process.communicate() for process in begun))
    assert [process.returncode for process in begun] == [0, 0], ends
    assert sum(int(out) for out, _ in ends) == 20
    assert await used(store) == {"refunds": 20}


async def test_a_repeat_with_the_same_key_claims_nothing_twice(store: SqlStore) -> None:
    answers = await asyncio.gather(*(store.allowances.reserve("acme", "call", [claim(at_most=1)]) for _ in range(8)))
    assert answers == [()] * 8
    assert await used(store) == {"refunds": 1}


async def test_a_refused_claim_leaves_nothing_and_may_be_asked_again(store: SqlStore) -> None:
    both = [claim("calls"), claim("amount", amount=99, at_most=50)]
    assert await store.allowances.reserve("acme", "call", both) == ("amount",)
    assert await used(store) == {}
    lifted = [claim("calls"), claim("amount", amount=99, at_most=1e15)]
    assert await store.allowances.reserve("acme", "call", lifted) == ()
    assert await used(store) == {"amount": 99, "calls": 1}


async def test_what_is_released_is_there_for_others_once(store: SqlStore) -> None:
    await store.allowances.reserve("acme", "first", [claim(amount=4)])
    await store.allowances.reserve("acme", "second", [claim(amount=6)])
    assert await store.allowances.reserve("acme", "third", [claim(amount=4)]) == ("refunds",)
    await asyncio.gather(*(store.allowances.release("first") for _ in range(5)))
    assert await used(store) == {"refunds": 6}
    assert await store.allowances.reserve("acme", "third", [claim(amount=4)]) == ()
    await store.allowances.release("never claimed")


async def test_customers_tenants_and_days_do_not_share_an_allowance(store: SqlStore) -> None:
    now = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
    today = SqlAllowances(store.database, clock=lambda: now)
    tomorrow = SqlAllowances(store.database, clock=lambda: now + timedelta(minutes=2))
    one = [claim(at_most=1)]
    assert await today.reserve("acme", "a", one) == ()
    assert await today.reserve("acme", "b", one) == ("refunds",)
    assert await today.reserve("acme", "c", [claim(subject="cus_2", at_most=1)]) == ()
    assert await today.reserve("other", "d", one) == ()
    assert await tomorrow.reserve("acme", "e", one) == ()
    # A repeat counts for the day of the first claim, and is given back to that day.
    assert await tomorrow.reserve("acme", "a", one) == ()
    await tomorrow.release("a")
    assert await today.reserve("acme", "b", one) == ()


async def test_the_day_is_that_of_the_databases_clock_in_utc(store: SqlStore) -> None:
    before = datetime.now(UTC).date().isoformat()
    await store.allowances.reserve("acme", "call", [claim()])
    async with store.database.reading() as connection:
        day, at = (await connection.execute(select(allowance_claims.c.day, allowance_claims.c.claimed_at))).one()
    assert before <= day <= datetime.now(UTC).date().isoformat()
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


async def test_cents_add_up_to_exactly_the_limit(store: SqlStore) -> None:
    for number in range(3):
        assert await store.allowances.reserve("acme", str(number), [claim(amount=0.1, at_most=0.3)]) == ()
    assert await store.allowances.reserve("acme", "more", [claim(amount=0.01, at_most=0.3)]) == ("refunds",)


@pytest.mark.parametrize("amount", [-1, float("nan"), float("inf")])
async def test_an_amount_that_would_break_the_count_is_refused(store: SqlStore, amount: float) -> None:
    with pytest.raises(VendorRefused):
        await store.allowances.reserve("acme", "call", [claim(amount=amount)])


async def test_another_tenants_key_is_refused(store: SqlStore) -> None:
    await store.allowances.reserve("acme", "call", [claim()])
    with pytest.raises(VendorRefused, match="another tenant"):
        await store.allowances.reserve("other", "call", [claim()])


async def test_customers_are_hashed_in_the_store(store: SqlStore) -> None:
    await store.allowances.reserve("acme", "call", [claim(subject="lena@example.com")])
    async with store.database.reading() as connection:
        rows = [*(await connection.execute(select(allowances))), *(await connection.execute(select(allowance_claims)))]
    assert len(rows) == 2
    assert "lena" not in str(rows)
