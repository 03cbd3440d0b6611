"""The inbox as those see it who left something there over HTTP: how far it is, and taking it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, or_, select, update

from integrations.store.database.connection import Database
from integrations.store.tables.deliveries import inbox as table


@dataclass(frozen=True)
class Job:
    """Something that was accepted and is carried out by whichever replica comes to it."""

    job_id: str
    kind: str
    correlation_id: str
    received_at: datetime
    is_under_way: bool
    attempts: int
    done_at: datetime | None
    outcome: str | None


class SqlJobs:
    """The table `inbox` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, tenant: str, source: str, job_id: str) -> Job | None:
        """A job by its id; None for another tenant's, and for one that ended a week ago."""
        columns = (
            table.c.kind, table.c.correlation_id, table.c.received_at, table.c.leased_until, table.c.attempts,
            table.c.done_at, table.c.outcome,
        )  # fmt: skip
        async with self._database.reading() as connection:
            row = (await connection.execute(select(*columns).where(_is(tenant, source, job_id)))).first()
        if row is None:
            return None
        return Job(
            job_id=job_id,
            kind=row.kind,
            correlation_id=row.correlation_id,
            received_at=row.received_at,
            is_under_way=row.leased_until is not None or row.attempts > 0,
            attempts=row.attempts,
            done_at=row.done_at,
            outcome=row.outcome,
        )

    async def take_back(self, tenant: str, source: str, job_id: str, outcome: str) -> bool:
        """End a job that nobody carries out now; False where somebody does, or did."""
        now = datetime.now(UTC)
        free = or_(table.c.leased_until.is_(None), table.c.leased_until <= now)
        async with self._database.writing() as connection:
            done = await connection.execute(
                update(table)
                .where(_is(tenant, source, job_id), table.c.done_at.is_(None), table.c.attempts == 0, free)
                .values(done_at=now, outcome=outcome, body=None)
            )
        return bool(done.rowcount)


def _is(tenant: str, source: str, job_id: str) -> ColumnElement[bool]:
    return and_(table.c.tenant == tenant, table.c.source == source, table.c.delivery_id == job_id)
