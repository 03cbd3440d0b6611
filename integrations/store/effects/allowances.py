"""Limits that add up over cases: counted in one transaction, so that concurrent calls never go over one together.

A day is a UTC day of the database's clock: workers' clocks may differ, and that one they share. A claim counts for the
day on which it was first made, also when it is repeated or released later.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import VendorRefused
from domain.ports.effects import AllowanceClaim
from integrations.store.database.connection import Database
from integrations.store.tables.effects import allowance_claims, allowances

_ROUNDING = 1e-6
"""Sums of cents are not exact in binary: a limit of 0.30 takes 0.10 three times."""


class _Exceeded(Exception):
    """Rolls the transaction back."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(names)


class SqlAllowances:
    """`domain.ports.effects.Allowances` on a `Database`."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` stands in for the database's own, with a time zone."""
        self._database = database
        self._clock = clock

    async def reserve(self, tenant: str, key: str, claims: Sequence[AllowanceClaim]) -> Sequence[str]:
        """Claim all or none; what stands under the key already stands, whatever is asked for now.

        Returns:
            Names of the limits that would be exceeded, in order; empty when the claims stand.

        Raises:
            VendorRefused: an amount is no number of at least 0, or the key belongs to another tenant.
            VendorUnavailable: the store cannot do it now; reserve again with the same key.
        """
        if any(not math.isfinite(claim.amount) or claim.amount < 0 for claim in claims):
            # A negative one would give back what others used.
            raise VendorRefused("store", "bad_amount", "A claim on a limit is a number of at least 0: correct it.")
        if not claims:
            return ()
        try:
            async with self._database.writing() as connection:
                await self._reserve(connection, tenant, key, claims)
        except _Exceeded as exceeded:
            return exceeded.names
        return ()

    async def release(self, key: str) -> None:
        """Give back what stands under the key; nothing when nothing does."""
        async with self._database.writing() as connection:
            # Whoever deletes the claims gives them back, so two releases at once are one.
            released = await connection.execute(
                delete(allowance_claims)
                .where(allowance_claims.c.key == key)
                .returning(
                    allowance_claims.c.tenant,
                    allowance_claims.c.limit_name,
                    allowance_claims.c.subject,
                    allowance_claims.c.day,
                    allowance_claims.c.amount,
                )
            )
            for tenant, name, subject, day, amount in sorted(released.all()):
                left = allowances.c.used - amount
                await connection.execute(
                    update(allowances)
                    .where(_is(tenant, name, subject, day))
                    .values(used=case((left > 0, left), else_=0.0))
                )

    async def _reserve(
        self, connection: AsyncConnection, tenant: str, key: str, claims: Sequence[AllowanceClaim]
    ) -> None:
        if await self._stands(connection, tenant, key):
            return
        now = await self._now(connection)
        day = now.astimezone(UTC).date().isoformat()
        # One order for all calls: two that claim the same limits wait for each other and never in a ring.
        rows = sorted((claim.limit, hashed(tenant, claim.subject), claim.amount, claim.at_most) for claim in claims)
        for number, (name, subject, amount, _) in enumerate(rows):
            claimed = await connection.execute(
                self._database.insert(allowance_claims)
                .values(
                    key=key, limit_name=name, subject=subject, tenant=tenant, day=day, amount=amount, claimed_at=now
                )
                .on_conflict_do_nothing()
            )
            # A second call with this key waits here for the first one's end, and then finds its claims.
            if not claimed.rowcount and number == 0:
                return
        exceeded = [row[0] for row in rows if not await self._use(connection, tenant, day, row)]
        if exceeded:
            raise _Exceeded(exceeded)

    async def _use(
        self, connection: AsyncConnection, tenant: str, day: str, row: tuple[str, str, float, float]
    ) -> bool:
        """Count one claim if it fits; one statement decides."""
        name, subject, amount, at_most = row
        await connection.execute(
            self._database.insert(allowances)
            .values(tenant=tenant, limit_name=name, subject=subject, day=day, used=0.0)
            .on_conflict_do_nothing()
        )
        used = await connection.execute(
            update(allowances)
            .where(_is(tenant, name, subject, day), allowances.c.used + amount <= at_most + _ROUNDING)
            .values(used=allowances.c.used + amount)
        )
        return bool(used.rowcount)

    async def _stands(self, connection: AsyncConnection, tenant: str, key: str) -> bool:
        query = select(allowance_claims.c.tenant).where(allowance_claims.c.key == key)
        owners = set(await connection.scalars(query))
        if owners - {tenant}:
            raise VendorRefused("store", "other_tenant", "This call's key belongs to another tenant: use its own key.")
        return bool(owners)

    async def _now(self, connection: AsyncConnection) -> datetime:
        if self._clock is not None:
            return self._clock()
        now = await connection.scalar(select(func.current_timestamp()))
        # SQLite gives text or a time without a zone, in UTC; PostgreSQL gives the zone too.
        moment = datetime.fromisoformat(now) if isinstance(now, str) else now
        assert isinstance(moment, datetime)  # noqa: S101 - both databases answer with a time
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def hashed(tenant: str, subject: str) -> str:
    """What stands in the store for a customer: the same for the same one, and no name."""
    return hashlib.sha256(f"{tenant}\n{subject}".encode("utf-8", "surrogatepass")).hexdigest()


def _is(tenant: str, name: str, subject: str, day: str) -> ColumnElement[bool]:
    columns = allowances.c
    return and_(columns.tenant == tenant, columns.limit_name == name, columns.subject == subject, columns.day == day)
