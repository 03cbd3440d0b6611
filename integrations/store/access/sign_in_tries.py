"""How often somebody tried to sign in: counted for all replicas together, and before the password is looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, delete, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from integrations.store.database.connection import Database
from integrations.store.tables.columns import UtcTime
from integrations.store.tables.sign_in import sign_in_tries as table

_EVERYBODY = "*"
"""Tries are counted over all tenants: nobody knows yet whose they are."""


@dataclass(frozen=True)
class TryLimit:
    """So many tries within so much time."""

    subject: str
    """What is counted: an account, an address, or both; kept as a digest."""
    most: int
    within: timedelta


class _TooMany(Exception):
    """Rolls the transaction back."""

    def __init__(self, free_at: datetime) -> None:
        super().__init__()
        self.free_at = free_at


class SqlSignInTries:
    """The table `sign_in_tries` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, limits: Sequence[TryLimit], now: datetime) -> datetime | None:
        """Count a try under every limit, or under none.

        However many try at once, no more get through than a limit has.

        Returns:
            None when it may be made, else when to come back.
        """
        try:
            async with self._database.writing() as connection:
                # In one order everywhere, so that two tries never wait for each other.
                for limit in sorted(limits, key=lambda one: _digest(one.subject)):
                    await self._count(connection, limit, now)
        except _TooMany as too_many:
            return too_many.free_at
        return None

    async def forgive(self, limits: Sequence[TryLimit], *, once: Sequence[TryLimit] = ()) -> None:
        """Forget the tries of whoever signed in.

        Args:
            limits: forgotten wholly.
            once: taken back by one, for others count there too.
        """
        async with self._database.writing() as connection:
            for limit in sorted((*limits, *once), key=lambda one: _digest(one.subject)):
                if limit in once:
                    fewer = case((table.c.tries > 0, table.c.tries - 1), else_=0)
                    await connection.execute(update(table).where(_is(limit)).values(tries=fewer))
                else:
                    await connection.execute(delete(table).where(_is(limit)))

    async def forget_before(self, moment: datetime) -> int:
        """Forget what no longer counts; returns how many."""
        async with self._database.writing() as connection:
            return int((await connection.execute(delete(table).where(table.c.ends_at < moment))).rowcount)

    async def _count(self, connection: AsyncConnection, limit: TryLimit, now: datetime) -> None:
        row = {"tenant": _EVERYBODY, "subject": _digest(limit.subject), "tries": 0, "ends_at": now}
        await connection.execute(self._database.insert(table).on_conflict_do_nothing(), row)
        over = table.c.ends_at <= now
        counted = await connection.execute(
            update(table)
            .where(_is(limit), or_(over, table.c.tries < limit.most))
            .values(
                tries=case((over, 1), else_=table.c.tries + 1),
                ends_at=case((over, literal(now + limit.within, UtcTime())), else_=table.c.ends_at),
            )
        )
        if not counted.rowcount:
            free_at = await connection.scalar(select(table.c.ends_at).where(_is(limit)))
            raise _TooMany(free_at or now + limit.within)


def _is(limit: TryLimit) -> ColumnElement[bool]:
    return and_(table.c.tenant == _EVERYBODY, table.c.subject == _digest(limit.subject))


def _digest(subject: str) -> str:
    return hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
