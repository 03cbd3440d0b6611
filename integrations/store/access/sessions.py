"""Sessions of the HTTP service's clients."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, select

from domain.identity.principals import SessionRecord
from integrations.store.database.connection import Database
from integrations.store.tables.access import sessions


class SqlSessions:
    """The table `sessions` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: SessionRecord) -> bool:
        """Keep a new session, and forget those that have run out; False for one that is kept already."""
        async with self._database.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.expires_at < session.created_at))
            added = await connection.execute(
                self._database.insert(sessions).on_conflict_do_nothing().values(session.model_dump())
            )
        return bool(added.rowcount)

    async def find(self, session_id: str, *, tenant: str, principal: str, now: datetime) -> SessionRecord | None:
        """A session that has not run out; None for another's."""
        query = select(sessions).where(_own(tenant, principal, now), sessions.c.session_id == session_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        return SessionRecord.model_validate(dict(row)) if row is not None else None

    async def take(self, session_id: str, *, kinds: Collection[str], now: datetime) -> SessionRecord | None:
        """End a session and return it; of many who ask at once, one gets it."""
        async with self._database.writing() as connection:
            taken = delete(sessions).where(_open(session_id, kinds, now)).returning(*sessions.c)
            row = (await connection.execute(taken)).mappings().first()
        return SessionRecord.model_validate(dict(row)) if row is not None else None

    async def page(
        self, *, tenant: str, principal: str, now: datetime, limit: int, offset: int, newest_first: bool
    ) -> tuple[list[SessionRecord], int]:
        """Some of a principal's sessions, and how many there are."""
        own = _own(tenant, principal, now)
        order = sessions.c.created_at.desc() if newest_first else sessions.c.created_at
        query = select(sessions).where(own).order_by(order, sessions.c.session_id).limit(limit).offset(offset)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
            total = await connection.scalar(select(func.count()).select_from(sessions).where(own))
        return [SessionRecord.model_validate(dict(row)) for row in rows], int(total or 0)

    async def remove(self, session_id: str, *, tenant: str, principal: str) -> bool:
        """End a session; False when there is none."""
        mine = and_(sessions.c.session_id == session_id, sessions.c.tenant == tenant, sessions.c.principal == principal)
        async with self._database.writing() as connection:
            return bool((await connection.execute(delete(sessions).where(mine))).rowcount)


def _own(tenant: str, principal: str, now: datetime) -> ColumnElement[bool]:
    return and_(sessions.c.tenant == tenant, sessions.c.principal == principal, sessions.c.expires_at > now)


def _open(session_id: str, kinds: Collection[str], now: datetime) -> ColumnElement[bool]:
    return and_(sessions.c.session_id == session_id, sessions.c.kind.in_(kinds), sessions.c.expires_at > now)
