"""Requests that may be repeated: of many with one key, one is carried out, and all others get its answer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, RowMapping, and_, bindparam, delete, select, update

from domain.cases.deliveries import Delivery
from domain.identity.principals import Answered
from integrations.store.database.connection import Database
from integrations.store.tables.access import repeatable_requests as table
from integrations.store.tables.deliveries import inbox

_TRIES = 5
"""Rows come and go while others claim and release; who finds none and makes none looks again."""
_SOON = timedelta(seconds=1)
# Built once: a statement that is built anew costs as much as it takes to run it.
_FIND = select(table).where(
    table.c.tenant == bindparam("t"), table.c.principal == bindparam("p"), table.c.key == bindparam("k")
)


@dataclass(frozen=True)
class RequestKey:
    """Whose request it is, and under which key."""

    tenant: str
    principal: str
    key: str


@dataclass(frozen=True)
class Claimed:
    """What became of a claim. Exactly one of the four holds."""

    mark: str | None = None
    """The request is ours to carry out; record or release it under this mark."""
    answered: Answered | None = None
    """It was carried out before."""
    is_other: bool = False
    """Another request has this key."""
    free_at: datetime | None = None
    """Somebody carries it out now, and has until then."""


class SqlRepeatableRequests:
    """The table `repeatable_requests` on a `Database`.

    Whoever claims a key has it for the time of a lease. When that process dies, the next one with the same request
    takes it over once the lease has run out; the dead one's answer can no longer be recorded.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert_new = database.insert(table).on_conflict_do_nothing()
        self._insert_delivery = database.insert(inbox).on_conflict_do_nothing()

    async def claim(self, key: RequestKey, digest: str, lease: timedelta) -> Claimed:
        """Claim a request, or learn what became of it.

        Args:
            key: of the request.
            digest: of everything that makes it this request.
            lease: how long it may take to carry it out.
        """
        mark = secrets.token_hex(16)
        for _ in range(_TRIES):
            now = datetime.now(UTC)
            # A look first: of a thousand repeats, none then waits for the right to write.
            row = await self._read(key)
            if row is None:
                if await self._insert(key, digest, mark, now, lease):
                    return Claimed(mark=mark)
            elif row["digest"] != digest:
                return Claimed(is_other=True)
            elif row["answered_at"] is not None:
                return Claimed(answered=Answered(status=row["status"], headers=row["headers"], body=row["body"]))
            elif row["leased_until"] > now:
                return Claimed(free_at=row["leased_until"])
            elif await self._take_over(key, row["claim"], mark, now, lease):
                return Claimed(mark=mark)
        return Claimed(free_at=datetime.now(UTC) + _SOON)

    async def record(self, key: RequestKey, mark: str, answered: Answered) -> bool:
        """Keep the answer; False when somebody else took the request over meanwhile."""
        values = {**answered.model_dump(), "answered_at": datetime.now(UTC)}
        async with self._database.writing() as connection:
            done = await connection.execute(update(table).where(_is(key), table.c.claim == mark).values(values))
        return bool(done.rowcount)

    async def release(self, key: RequestKey, mark: str) -> None:
        """Forget a request that was not carried out, so that its repeat is tried at once."""
        async with self._database.writing() as connection:
            await connection.execute(delete(table).where(_is(key), table.c.claim == mark))

    async def promise(self, key: RequestKey | None, digest: str, answered: Answered, delivery: Delivery) -> bool:
        """Write down what is to be done and its answer, in one transaction; False where the key is taken already.

        Args:
            key: of the request; None where it has none.
            digest: of everything that makes it this request.
            answered: the answer, which is the same whatever becomes of the work.
            delivery: the work.
        """
        now = datetime.now(UTC)
        async with self._database.writing() as connection:
            if key is not None:
                row = _row(key, digest, secrets.token_hex(16), now, timedelta())
                made = await connection.execute(self._insert_new, row | answered.model_dump() | {"answered_at": now})
                if not made.rowcount:
                    return False
            await connection.execute(self._insert_delivery, delivery.model_dump() | {"due_at": delivery.received_at})
        return True

    async def forget_before(self, moment: datetime) -> int:
        """Forget what was claimed before a moment; returns how many."""
        async with self._database.writing() as connection:
            return (await connection.execute(delete(table).where(table.c.claimed_at < moment))).rowcount

    async def _insert(self, key: RequestKey, digest: str, mark: str, now: datetime, lease: timedelta) -> bool:
        """Whether it is ours; somebody may have come first."""
        async with self._database.writing() as connection:
            made = await connection.execute(self._insert_new, _row(key, digest, mark, now, lease))
        return bool(made.rowcount)

    async def _take_over(self, key: RequestKey, before: str, mark: str, now: datetime, lease: timedelta) -> bool:
        async with self._database.writing() as connection:
            taken = await connection.execute(
                update(table)
                .where(_is(key), table.c.claim == before, table.c.answered_at.is_(None))
                .values(claim=mark, claimed_at=now, leased_until=now + lease)
            )
        return bool(taken.rowcount)

    async def _read(self, key: RequestKey) -> RowMapping | None:
        async with self._database.reading() as connection:
            found = await connection.execute(_FIND, {"t": key.tenant, "p": key.principal, "k": key.key})
            return found.mappings().first()


def _row(key: RequestKey, digest: str, mark: str, now: datetime, lease: timedelta) -> dict[str, object]:
    return {
        "tenant": key.tenant,
        "principal": key.principal,
        "key": key.key,
        "digest": digest,
        "claim": mark,
        "claimed_at": now,
        "leased_until": now + lease,
    }


def _is(key: RequestKey) -> ColumnElement[bool]:
    return and_(table.c.tenant == key.tenant, table.c.principal == key.principal, table.c.key == key.key)
