"""The effect ledger: which outside effects happened, decided by one atomic statement."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, RowMapping, case, delete, select, update

from domain.cases.records import EffectEntry, EffectStatus
from domain.errors import VendorRefused, VendorUnavailable
from domain.model import JsonValue
from integrations.store.database.connection import Database
from integrations.store.database.errors import connection_broke
from integrations.store.tables.effects import effects

_PAUSES_SECONDS = (0.0, 0.5, 1.0, 2.0)


class SqlEffectLedger:
    """`domain.ports.effects.EffectLedger` on a `Database`: of many claims at once, exactly one is new."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, key: str, tenant: str) -> EffectEntry:
        """Claim a key, or count one more attempt on a claim without outcome.

        Each call carries a random mark. When the connection breaks during the commit, the row is read again by its
        key: our own mark in it means that the claim took effect and nobody has acted yet, so it is still new.

        Raises:
            VendorUnavailable: the store cannot do it now; claim again.
            VendorRefused: the key belongs to another tenant.
        """
        mark = secrets.token_hex(16)
        try:
            row = await self._insert(key, tenant, mark)
        except VendorUnavailable as error:
            row = await self._read_again(key, tenant) if connection_broke(error) else None
            if row is None or row["claim"] != mark:
                raise
        if row is None:
            raise VendorRefused(
                "store", "other_tenant", "This effect's key belongs to another tenant: use its own key."
            )
        status = EffectStatus.NEW if row["claim"] == mark else EffectStatus(row["status"])
        return EffectEntry(key=key, status=status, outcome=row["outcome"], attempts=row["attempts"])

    async def record(self, key: str, outcome: dict[str, JsonValue]) -> None:
        """Record the outcome of a claimed key. A repeat changes nothing: the first outcome stays.

        Raises:
            VendorRefused: nobody claimed the key.
        """
        done = {"status": EffectStatus.DONE.value, "outcome": outcome, "recorded_at": datetime.now(UTC)}
        async with self._database.writing() as connection:
            changed = await connection.execute(update(effects).where(effects.c.key == key, _claimed()).values(done))
            if changed.rowcount:
                return
            known = await connection.scalar(select(effects.c.status).where(effects.c.key == key))
        if known is None:
            raise VendorRefused("store", "not_claimed", "This effect was never claimed: claim its key before acting.")

    async def release(self, key: str) -> None:
        """Give a claim back; an effect that is done, or that nobody claimed, stays as it is."""
        async with self._database.writing() as connection:
            await connection.execute(delete(effects).where(effects.c.key == key, _claimed()))

    async def _insert(self, key: str, tenant: str, mark: str) -> RowMapping | None:
        insert = self._database.insert(effects).values(
            key=key,
            tenant=tenant,
            status=EffectStatus.CLAIMED.value,
            claim=mark,
            attempts=1,
            claimed_at=datetime.now(UTC),
        )
        # One statement decides, so there is no moment between looking and claiming.
        statement = insert.on_conflict_do_update(
            index_elements=["key"],
            set_={"attempts": case((_claimed(), effects.c.attempts + 1), else_=effects.c.attempts)},
            where=effects.c.tenant == tenant,
        ).returning(effects.c.status, effects.c.claim, effects.c.attempts, effects.c.outcome)
        async with self._database.writing() as connection:
            return (await connection.execute(statement)).mappings().one_or_none()

    async def _read_again(self, key: str, tenant: str) -> RowMapping | None:
        """Read after a broken connection, with the patience that a restart of the database needs."""
        for pause_seconds in _PAUSES_SECONDS:
            await asyncio.sleep(pause_seconds)
            with suppress(VendorUnavailable):
                return await self._read(key, tenant)
        return None

    async def _read(self, key: str, tenant: str) -> RowMapping | None:
        columns = (effects.c.status, effects.c.claim, effects.c.attempts, effects.c.outcome)
        query = select(*columns).where(effects.c.key == key, effects.c.tenant == tenant)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).mappings().one_or_none()


def _claimed() -> ColumnElement[bool]:
    return effects.c.status == EffectStatus.CLAIMED.value
