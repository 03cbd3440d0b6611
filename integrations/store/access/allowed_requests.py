"""How many requests a principal may make in a minute, over all replicas of the service.

A replica takes a handful of them at a time, so that most requests ask nothing of the store. Never are more handed out
than the limit says; what a replica has taken and not used is lost with the minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, case, delete, literal, select

from integrations.store.database.connection import Database
from integrations.store.tables.access import request_windows as table


@dataclass(frozen=True)
class Window:
    """What a replica was given."""

    began_at: datetime
    given: int
    """Requests that the replica may let through; 0 when none are left."""
    left: int
    """That others may still be given in this window."""


class SqlAllowedRequests:
    """The table `request_windows` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(
        self, tenant: str, principal: str, *, limit: int, wanted: int, lasts: timedelta, now: datetime
    ) -> Window:
        """Take some of the requests of the window that runs, or begin a new one.

        Args:
            tenant: of the principal.
            principal: who asks.
            limit: requests in one window.
            wanted: how many at once; fewer are given when fewer are left.
            lasts: length of a window.
            now: the time.
        """
        which = and_(table.c.tenant == tenant, table.c.principal == principal)
        insert = self._database.insert(table).values(
            tenant=tenant, principal=principal, began_at=now, taken=min(wanted, limit)
        )
        is_over = table.c.began_at <= literal(now - lasts, table.c.began_at.type)
        # One statement, so that of two replicas none is given what the other has.
        statement = insert.on_conflict_do_update(
            index_elements=["tenant", "principal"],
            set_={
                "began_at": case((is_over, insert.excluded.began_at), else_=table.c.began_at),
                "taken": case((is_over, insert.excluded.taken), else_=table.c.taken + wanted),
            },
        )
        async with self._database.writing() as connection:
            await connection.execute(statement)
            row = (await connection.execute(select(table.c.began_at, table.c.taken).where(which))).one()
        before = row.taken - wanted if row.taken > min(wanted, limit) else 0
        given = max(0, min(wanted, limit - before))
        return Window(began_at=row.began_at, given=given, left=max(0, limit - before - given))

    async def forget_before(self, moment: datetime) -> int:
        """Forget windows that began before a moment; returns how many."""
        async with self._database.writing() as connection:
            return (await connection.execute(delete(table).where(table.c.began_at < moment))).rowcount
