"""The outbox: what endpoints are to be told is written with the change itself and waits there until it was sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.cases.records import ApprovalRecord, CaseRecord
from domain.webhooks.events import (
    CaseEvent,
    DeliveryStatus,
    Subscription,
    WebhookAttempt,
    WebhookDelivery,
    WebhookHealth,
    body_of,
    event_of_approval,
    events_of_change,
)
from integrations.store.database.connection import Database
from integrations.store.tables.cases import cases
from integrations.store.tables.deliveries import webhook_deliveries as table
from integrations.store.tables.deliveries import webhook_endpoints

_PAGE = 500


class SqlOutbox:
    """The tables `webhook_deliveries` and `webhook_endpoints` on a `Database`.

    Without subscriptions nothing is written. What is written belongs to one endpoint each, so that one that is down
    keeps nothing from another.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscriptions: tuple[Subscription, ...] = ()
        self._consoles: Mapping[str, str | None] = {}
        self._listeners: list[Callable[[], None]] = []

    def tell(self, subscriptions: Sequence[Subscription], consoles: Mapping[str, str | None]) -> None:
        """Say who is told from now on.

        Args:
            subscriptions: of all tenants.
            consoles: base address of the console for links, by tenant.
        """
        self._subscriptions, self._consoles = tuple(subscriptions), consoles

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a function of this process once something new waits, after it was committed."""
        self._listeners.append(listener)

    def ring(self) -> None:
        """Something new waits."""
        for listener in self._listeners:
            listener()

    # Writing, within the transaction of the change

    def is_told(self, tenant: str) -> bool:
        """Whether anybody wants to know of a tenant's cases."""
        return any(one.tenant == tenant for one in self._subscriptions)

    async def row_before(self, connection: AsyncConnection, workflow_id: str, tenant: str) -> CaseRecord | None:
        """A case's row as it is, held until the transaction ends: who else changes the case waits for it."""
        query = select(cases).where(cases.c.workflow_id == workflow_id, cases.c.tenant == tenant)
        found = (await connection.execute(query.with_for_update())).mappings().first()
        if found is None:
            return None
        return CaseRecord.model_validate({n: found[n] for n in CaseRecord.model_fields if n in found})

    async def write_change(self, connection: AsyncConnection, before: CaseRecord | None, after: CaseRecord) -> bool:
        """Write what is to be told of a change, unless a later one is there already; whether there was anything."""
        if before is not None and after.updated_at < before.updated_at:
            return False
        return await self._write(connection, events_of_change(before, after))

    async def write_approval(self, connection: AsyncConnection, line: ApprovalRecord) -> bool:
        """Write what is to be told of a new line in the approvals audit; whether there was anything."""
        case = await self.row_before(connection, line.workflow_id, line.tenant)
        event = event_of_approval(line, case) if case is not None else None
        return await self._write(connection, (event,)) if event is not None else False

    async def _write(self, connection: AsyncConnection, events: Sequence[CaseEvent]) -> bool:
        rows = [
            self._row(
                one,
                event_id=event.event_id,
                workflow_id=event.case.workflow_id,
                kind=event.kind.type,
                body=body_of(event, one, self._consoles.get(one.tenant)),
                created_at=event.at,
            )
            for event in events
            for one in self._subscriptions
            if one.tenant == event.case.tenant and one.wants(event.kind)
        ]
        if rows:
            await connection.execute(self._database.insert(table).on_conflict_do_nothing(), rows)
        return bool(rows)

    @staticmethod
    def _row(
        to: Subscription, *, event_id: str, workflow_id: str, kind: str, body: str, created_at: datetime
    ) -> dict[str, Any]:
        return {
            "tenant": to.tenant,
            "endpoint": to.name,
            "event_id": event_id,
            "workflow_id": workflow_id,
            "kind": kind,
            "body": body,
            "status": DeliveryStatus.WAITING.value,
            "created_at": created_at,
            "attempts": 0,
        }

    async def add(self, to: Subscription, event_id: str, kind: str, body: str, now: datetime) -> None:
        """Put in something that follows from no change, such as a trial."""
        row = self._row(to, event_id=event_id, workflow_id=f"{kind}:{event_id}", kind=kind, body=body, created_at=now)
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert(table).on_conflict_do_nothing(), row)
        self.ring()

    # Sending

    async def heads(
        self, tenant: str, endpoint: str, *, limit: int, without: Collection[str] = ()
    ) -> list[WebhookDelivery]:
        """The oldest that waits of each case, those tried least first.

        Args:
            tenant: whose.
            endpoint: to which.
            limit: how many at most.
            without: cases that are not looked at.
        """
        waiting = and_(_to(tenant, endpoint), table.c.status == DeliveryStatus.WAITING.value)
        oldest = select(func.min(table.c.number)).where(waiting).group_by(table.c.workflow_id)
        query = select(table).where(waiting, table.c.number.in_(oldest))
        if without:
            query = query.where(table.c.workflow_id.not_in(list(without)))
        return await self._read(query.order_by(table.c.attempts, table.c.number).limit(limit))

    async def find(self, tenant: str, endpoint: str, number: int) -> WebhookDelivery | None:
        """One of an endpoint's; None when it has none of that number."""
        found = await self._read(select(table).where(_to(tenant, endpoint), table.c.number == number))
        return found[0] if found else None

    async def record_attempt(self, delivery: WebhookDelivery, attempt: WebhookAttempt, now: datetime) -> None:
        """Write down what came of sending, at the delivery and at its endpoint."""
        row: dict[str, Any] = {
            "attempts": table.c.attempts + 1,
            "first_attempt_at": func.coalesce(table.c.first_attempt_at, now),
            "last_attempt_at": now,
            "outcome": attempt.outcome,
        }
        health: dict[str, Any] = {"last_attempt_at": now, "last_outcome": attempt.outcome}
        if attempt.delivered:
            row |= {"status": DeliveryStatus.DELIVERED.value, "ended_at": now}
            health |= {"last_success_at": now, "failing_since": None}
        else:
            health["failing_since"] = func.coalesce(webhook_endpoints.c.failing_since, now)
        async with self._database.writing() as connection:
            await connection.execute(update(table).where(table.c.number == delivery.number).values(row))
            await self._set(connection, delivery.tenant, delivery.endpoint, health)

    async def give_up(self, tenant: str, endpoint: str, number: int, now: datetime) -> None:
        """Leave one out: the endpoint takes others and not this one."""
        row = {"status": DeliveryStatus.GIVEN_UP.value, "ended_at": now}
        async with self._database.writing() as connection:
            await connection.execute(update(table).where(_to(tenant, endpoint), table.c.number == number).values(row))

    # What people look at and do

    async def health(self, tenant: str) -> dict[str, WebhookHealth]:
        """How the tenant's endpoints fare, by name; one that was told nothing yet is not in it."""
        query = select(webhook_endpoints).where(webhook_endpoints.c.tenant == tenant)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return {row["endpoint"]: WebhookHealth(**{n: row[n] for n in WebhookHealth.model_fields}) for row in rows}

    async def disable(self, tenant: str, endpoint: str, *, by: str, why: str, now: datetime) -> bool:
        """Tell an endpoint nothing more; False when it was disabled before."""
        row = {"disabled_at": now, "disabled_by": by, "why_disabled": why}
        async with self._database.writing() as connection:
            await self._set(connection, tenant, endpoint, {})
            unset = and_(_is_endpoint(tenant, endpoint), webhook_endpoints.c.disabled_at.is_(None))
            changed = await connection.execute(update(webhook_endpoints).where(unset).values(row))
        return bool(changed.rowcount)

    async def enable(self, tenant: str, endpoint: str) -> None:
        """Tell an endpoint again, first of all what waits for it; its failures are forgotten."""
        row = {"disabled_at": None, "disabled_by": None, "why_disabled": None, "failing_since": None}
        async with self._database.writing() as connection:
            await self._set(connection, tenant, endpoint, row)
        self.ring()

    async def replay(
        self, tenant: str, endpoint: str, *, event_id: str | None = None, since: datetime | None = None
    ) -> int:
        """Have what was sent or given up sent again, under its own id; returns how many.

        Args:
            tenant: whose.
            endpoint: to which.
            event_id: this one.
            since: those of changes from then on.
        """
        which = and_(_to(tenant, endpoint), table.c.status != DeliveryStatus.WAITING.value)
        if event_id is not None:
            which = and_(which, table.c.event_id == event_id)
        if since is not None:
            which = and_(which, table.c.created_at >= since)
        row = {"status": DeliveryStatus.WAITING.value, "attempts": 0, "ended_at": None, "first_attempt_at": None}
        async with self._database.writing() as connection:
            changed = await connection.execute(update(table).where(which).values(row))
        self.ring()
        return changed.rowcount

    async def deliveries(
        self, tenant: str, endpoint: str, *, status: str | None = None, limit: int = 50, offset: int = 0
    ) -> tuple[list[WebhookDelivery], int]:
        """An endpoint's deliveries, the newest first, and how many there are in all."""
        which = _to(tenant, endpoint) if status is None else and_(_to(tenant, endpoint), table.c.status == status)
        async with self._database.reading() as connection:
            total = await connection.scalar(select(func.count()).select_from(table).where(which))
        query = select(table).where(which).order_by(table.c.number.desc())
        return await self._read(query.limit(min(limit, _PAGE)).offset(offset)), int(total or 0)

    async def counts(self, tenant: str) -> dict[tuple[str, str], int]:
        """How many deliveries of the tenant's are in which status, by endpoint and status."""
        query = (
            select(table.c.endpoint, table.c.status, func.count())
            .where(table.c.tenant == tenant)
            .group_by(table.c.endpoint, table.c.status)
        )
        async with self._database.reading() as connection:
            return {(endpoint, status): count for endpoint, status, count in await connection.execute(query)}

    # What a worker looks for

    async def waiting(self) -> list[tuple[str, str, bool]]:
        """Endpoints for which something waits, disabled ones left out: tenant, name, and whether they are failing."""
        is_same = and_(webhook_endpoints.c.tenant == table.c.tenant, webhook_endpoints.c.endpoint == table.c.endpoint)
        query = (
            select(table.c.tenant, table.c.endpoint, webhook_endpoints.c.failing_since)
            .select_from(table.outerjoin(webhook_endpoints, is_same))
            .where(table.c.status == DeliveryStatus.WAITING.value, webhook_endpoints.c.disabled_at.is_(None))
            .distinct()
        )
        async with self._database.reading() as connection:
            return [(tenant, name, since is not None) for tenant, name, since in await connection.execute(query)]

    async def forget_before(self, moment: datetime) -> int:
        """Forget what was told, or could not be told to anybody, before a moment; returns how many."""
        known = [and_(table.c.tenant == one.tenant, table.c.endpoint == one.name) for one in self._subscriptions]
        orphaned = and_(table.c.created_at < moment, *(~one for one in known))
        async with self._database.writing() as connection:
            gone = await connection.execute(delete(table).where(or_(table.c.ended_at < moment, orphaned)))
        return gone.rowcount

    async def _set(self, connection: AsyncConnection, tenant: str, endpoint: str, row: dict[str, Any]) -> None:
        """Change an endpoint's row, which is made when there is none."""
        empty = {"tenant": tenant, "endpoint": endpoint}
        await connection.execute(self._database.insert(webhook_endpoints).on_conflict_do_nothing(), empty)
        if row:
            await connection.execute(update(webhook_endpoints).where(_is_endpoint(tenant, endpoint)).values(row))

    async def _read(self, query: Any) -> list[WebhookDelivery]:
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [WebhookDelivery(**{name: row[name] for name in WebhookDelivery.model_fields}) for row in rows]


def _to(tenant: str, endpoint: str) -> ColumnElement[bool]:
    return and_(table.c.tenant == tenant, table.c.endpoint == endpoint)


def _is_endpoint(tenant: str, endpoint: str) -> ColumnElement[bool]:
    return and_(webhook_endpoints.c.tenant == tenant, webhook_endpoints.c.endpoint == endpoint)
