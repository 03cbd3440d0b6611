"""Who is signed in to the web console."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, delete, or_, select, update

from domain.identity.principals import ConsoleSession
from integrations.store.database.connection import Database
from integrations.store.tables.sign_in import console_sessions as table


class SqlConsoleSessions:
    """The table `console_sessions` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, session: ConsoleSession, *, instead_of: str | None = None) -> None:
        """Keep a new session, and forget the one that the browser had, and those that have run out.

        Args:
            session: the new one.
            instead_of: id of the one that ends with it.
        """
        row = {**session.model_dump(), "roles": [role.value for role in session.roles]}
        async with self._database.writing() as connection:
            await connection.execute(delete(table).where(table.c.expires_at < session.created_at))
            if instead_of is not None:
                await connection.execute(delete(table).where(table.c.session_id == instead_of))
            await connection.execute(table.insert(), row)

    async def find(self, session_id: str, *, now: datetime, seen_after: datetime) -> ConsoleSession | None:
        """A session that has not run out.

        Args:
            session_id: digest of the cookie's secret.
            now: the time.
            seen_after: one whose person was last seen before has ended.
        """
        still = and_(table.c.session_id == session_id, table.c.expires_at > now, table.c.seen_at > seen_after)
        async with self._database.reading() as connection:
            row = (await connection.execute(select(table).where(still))).mappings().first()
        return ConsoleSession.model_validate(dict(row)) if row is not None else None

    async def see(self, session_id: str, now: datetime) -> None:
        """Note that the person is there."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(table).where(table.c.session_id == session_id, table.c.seen_at < now).values(seen_at=now)
            )

    async def end(self, session_id: str) -> bool:
        """End a session; False when there is none."""
        async with self._database.writing() as connection:
            return bool((await connection.execute(delete(table).where(table.c.session_id == session_id))).rowcount)

    async def end_all(self, *, tenant: str, principal: str, person_id: str | None) -> int:
        """End every session of a principal and, where it is a person, all that the person opened in other ways.

        Returns:
            How many there were.
        """
        theirs = table.c.principal == principal
        if person_id is not None:
            theirs = or_(theirs, table.c.person_id == person_id)
        async with self._database.writing() as connection:
            ended = await connection.execute(delete(table).where(table.c.tenant == tenant, theirs))
        return int(ended.rowcount)
