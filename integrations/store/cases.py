"""Cases, timelines, conversations, the approvals audit, outcomes and long texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Select, Table, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.cases.records import ANY_CASE, ApprovalRecord, CaseMatch, CaseRecord, InterventionRecord, OutcomeRecord
from domain.cases.terms import Status
from domain.cases.timeline import CaseMessage, TimelineEntry
from domain.model import Value
from integrations.store.database.connection import Database
from integrations.store.deliveries.outbox import SqlOutbox
from integrations.store.tables.cases import approvals, cases, interventions, messages, outcomes, texts, timeline

ValueT = TypeVar("ValueT", bound=Value)

_PAGE = 500
"""The most rows that one call returns."""


class SqlCaseStore:
    """`domain.ports.cases.CaseStore` on a `Database`. Every write may be repeated, and an older one never wins."""

    def __init__(self, database: Database, outbox: SqlOutbox | None = None) -> None:
        """`outbox` takes what others are told of a change, in the transaction of the change."""
        self._database = database
        self._outbox = outbox or SqlOutbox(database)

    async def save_case(self, record: CaseRecord) -> None:
        """Write the row, unless a later one is there, and the entries and messages that are not there yet."""
        row = record.model_dump(exclude={"timeline", "conversation"})
        is_told = self._outbox.is_told(record.tenant)
        async with self._database.writing() as connection:
            if is_told:
                before = await self._outbox.row_before(connection, record.workflow_id, record.tenant)
                is_told = await self._outbox.write_change(connection, before, record)
            await self._put(connection, cases, row, newest="updated_at")
            await self._append(connection, timeline, record, record.timeline)
            await self._append(connection, messages, record, record.conversation)
        if is_told:
            self._outbox.ring()

    async def find_case(self, workflow_id: str, *, tenant: str | None = None) -> CaseRecord | None:
        """The case's row, without its timeline; None for another tenant's."""
        found = await self._select(CaseRecord, _of_case(cases, workflow_id, tenant))
        return found[0] if found else None

    async def list_cases(
        self, tenant: str, wanted: CaseMatch = ANY_CASE, *, limit: int = 50, offset: int = 0
    ) -> list[CaseRecord]:
        """Rows of a tenant that match, newest first by the time they were opened; at most 500 at once."""
        query = _that_match(tenant, wanted)
        query = query.order_by(cases.c.opened_at.desc(), cases.c.workflow_id)
        return await self._select(CaseRecord, query.limit(_page(limit)).offset(max(offset, 0)))

    async def with_words(
        self, tenant: str, words: str, wanted: CaseMatch = ANY_CASE, *, limit: int = 500
    ) -> list[CaseRecord]:
        """Rows that match and whose subject, ticket or own id has these words in it, newest first; at most 500."""
        columns = (cases.c.subject, cases.c.case_id, cases.c.ticket_id)
        query = _that_match(tenant, wanted)
        query = query.where(or_(*(column.icontains(words, autoescape=True) for column in columns)))
        query = query.order_by(cases.c.opened_at.desc(), cases.c.workflow_id)
        return await self._select(CaseRecord, query.limit(_page(limit)))

    async def named(self, tenant: str, workflow_ids: Collection[str]) -> list[CaseRecord]:
        """Rows of a tenant's cases by their ids, in no order; at most 500."""
        query = select(cases).where(cases.c.tenant == tenant, cases.c.workflow_id.in_(list(workflow_ids)[:_PAGE]))
        return await self._select(CaseRecord, query)

    async def open_incidents(self, tenant: str, *, limit: int = 20) -> list[CaseRecord]:
        """Rows of a tenant's incidents that are not over, newest first."""
        over = (Status.RESOLVED.value, Status.CLOSED.value, Status.WITHDRAWN.value)
        query = select(cases).where(
            cases.c.tenant == tenant, cases.c.kind == "troubleshooting", cases.c.status.not_in(over)
        )
        query = query.order_by(cases.c.opened_at.desc(), cases.c.workflow_id)
        return await self._select(CaseRecord, query.limit(_page(limit)))

    async def timeline(self, workflow_id: str, *, tenant: str | None = None) -> list[TimelineEntry]:
        """The whole timeline, in order."""
        query = _of_case(timeline, workflow_id, tenant).order_by(timeline.c.number)
        return await self._select(TimelineEntry, query)

    async def conversation(self, workflow_id: str, *, tenant: str | None = None) -> list[CaseMessage]:
        """The whole conversation, in order."""
        query = _of_case(messages, workflow_id, tenant).order_by(messages.c.number)
        return await self._select(CaseMessage, query)

    async def audit_approval(self, record: ApprovalRecord) -> None:
        """Append to the approvals audit. The first line with its number stays, whatever a repeat says."""
        is_told = self._outbox.is_told(record.tenant)
        async with self._database.writing() as connection:
            new = await connection.execute(
                self._database.insert(approvals).on_conflict_do_nothing().values(record.model_dump())
            )
            is_told = is_told and bool(new.rowcount) and await self._outbox.write_approval(connection, record)
        if is_told:
            self._outbox.ring()

    async def approvals_of(self, workflow_id: str, *, tenant: str | None = None) -> list[ApprovalRecord]:
        """The approvals audit of one case: by time, then by request and number."""
        query = _of_case(approvals, workflow_id, tenant)
        order = (approvals.c.at, approvals.c.request_id, approvals.c.number)
        return await self._select(ApprovalRecord, query.order_by(*order))

    async def audit_intervention(self, record: InterventionRecord) -> None:
        """Append what a person said about a parked step. The first line with its number stays, as above."""
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert(interventions).on_conflict_do_nothing(), record.model_dump())

    async def interventions_of(self, workflow_id: str, *, tenant: str | None = None) -> list[InterventionRecord]:
        """What people said about the parked steps of one case, in order."""
        query = _of_case(interventions, workflow_id, tenant).order_by(interventions.c.number)
        return await self._select(InterventionRecord, query)

    async def save_outcome(self, record: OutcomeRecord) -> None:
        """Write how the decision turned out, unless a later record is there."""
        async with self._database.writing() as connection:
            await self._put(connection, outcomes, record.model_dump(), newest="recorded_at")

    async def outcomes(self, tenant: str, *, category: str | None = None, limit: int = 200) -> list[OutcomeRecord]:
        """Past outcomes of a tenant, newest first; at most 500."""
        query = select(outcomes).where(outcomes.c.tenant == tenant)
        if category is not None:
            query = query.where(outcomes.c.category == category)
        query = query.order_by(outcomes.c.recorded_at.desc(), outcomes.c.workflow_id)
        return await self._select(OutcomeRecord, query.limit(_page(limit)))

    async def save_text(self, reference: str, tenant: str, text: str) -> None:
        """Keep a long text. The first text under a reference stays, because histories already point to it."""
        row = {"reference": reference, "tenant": tenant, "text": text, "saved_at": datetime.now(UTC)}
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert(texts).on_conflict_do_nothing(), row)

    async def load_text(self, reference: str, tenant: str) -> str | None:
        """The text under a reference; None when this tenant has none."""
        query = select(texts.c.text).where(texts.c.tenant == tenant, texts.c.reference == reference)
        async with self._database.reading() as connection:
            text: str | None = await connection.scalar(query)
        return text

    async def _put(self, connection: AsyncConnection, table: Table, row: dict[str, Any], *, newest: str) -> None:
        """Insert, or replace an older row of the same tenant.

        An equal time wins too: two milestones may share the time of one workflow task, and they arrive in order.
        """
        insert = self._database.insert(table)
        statement = insert.on_conflict_do_update(
            index_elements=["workflow_id"],
            set_={name: insert.excluded[name] for name in row if name not in ("workflow_id", "tenant")},
            where=and_(insert.excluded[newest] >= table.c[newest], insert.excluded.tenant == table.c.tenant),
        )
        await connection.execute(statement, row)

    async def _append(
        self, connection: AsyncConnection, table: Table, record: CaseRecord, parts: Sequence[Value]
    ) -> None:
        if not parts:
            return
        owner = {"workflow_id": record.workflow_id, "tenant": record.tenant}
        rows = [owner | part.model_dump() for part in parts]
        await connection.execute(self._database.insert(table).on_conflict_do_nothing(), rows)

    async def _select(self, kind: type[ValueT], query: Select[Any]) -> list[ValueT]:
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [kind.model_validate({name: row[name] for name in kind.model_fields if name in row}) for row in rows]


def _that_match(tenant: str, wanted: CaseMatch) -> Select[Any]:
    alike = [cases.c[name] == value for name, value in wanted.model_dump(exclude_none=True).items()]
    return select(cases).where(cases.c.tenant == tenant, *alike)


def _of_case(table: Table, workflow_id: str, tenant: str | None) -> Select[Any]:
    query = select(table).where(table.c.workflow_id == workflow_id)
    return query if tenant is None else query.where(table.c.tenant == tenant)


def _page(limit: int) -> int:
    return min(max(limit, 0), _PAGE)
