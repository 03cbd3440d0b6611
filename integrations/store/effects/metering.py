"""The meter: what model calls cost, by case and by tenant and day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from domain.cases.records import MeterRecord, Spending
from integrations.store.database.connection import Database
from integrations.store.tables.effects import model_calls


class SqlMeter:
    """`domain.ports.models.Meter` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, call: MeterRecord) -> None:
        """Count a call once per key."""
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert(model_calls).on_conflict_do_nothing(), call.model_dump())

    async def spending(self, tenant: str, workflow_id: str, day: datetime) -> Spending:
        """What the case spent so far, and the tenant on the UTC day of `day`, which needs a time zone."""
        begin = day.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        cost = func.coalesce(func.sum(model_calls.c.cost), 0.0)
        of_tenant = model_calls.c.tenant == tenant
        of_day = select(cost).where(of_tenant, model_calls.c.at >= begin, model_calls.c.at < begin + timedelta(days=1))
        of_case = select(cost, func.count()).where(of_tenant, model_calls.c.workflow_id == workflow_id)
        async with self._database.reading() as connection:
            case_cost, case_calls = (await connection.execute(of_case)).one()
            day_cost = await connection.scalar(of_day)
        return Spending(case_cost=case_cost, case_calls=case_calls, day_cost=day_cost or 0.0)
