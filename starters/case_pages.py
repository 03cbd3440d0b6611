"""Pages of cases for programs: any part of the list, in an order of choice, with how many there are in all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from temporalio.client import Client

from domain.model import Term, Value
from domain.ports.cases import CaseStore
from domain.tickets.ticket import Priority
from starters.answers import PATIENCE, answered_within
from starters.case_list import CaseFilter, CaseRow, row_of, row_of_record

MOST = 10_000
"""How far into the list one can look."""
_AT_ONCE = 500
_LAST = datetime.max.replace(tzinfo=UTC)


class SortBy(Term):
    """What the list is ordered by."""

    CREATED_AT = "created_at"
    CLOSED_AT = "closed_at"
    DUE_AT = "due_at"
    PRIORITY = "priority"
    STATUS = "status"


class CasePage(Value):
    """A part of the list."""

    rows: tuple[CaseRow, ...]
    total: int


async def page_of_cases(
    client: Client,
    wanted: CaseFilter,
    *,
    limit: int,
    offset: int,
    sort_by: SortBy,
    descending: bool,
    open_store: Callable[[], Awaitable[CaseStore]],
) -> CasePage:
    """A part of the list of cases: those that Temporal keeps, and those that only the store still has.

    Temporal gives running cases first and then those that ended last, and no other order; so the list is read whole,
    up to `MOST` of it, and put in order here.

    Args:
        client: connected.
        wanted: which cases.
        limit: the most rows.
        offset: how many of the list come before them.
        sort_by: the order; cases that are equal in it stand newest first.
        descending: the largest first.
        open_store: opens the store.

    Raises:
        NotReachable: Temporal or the store does not answer.
        InvalidInput: the filter cannot be used.
    """
    query = wanted.query()
    async with answered_within(PATIENCE):
        rows = [row_of(execution) async for execution in client.list_workflows(query, limit=MOST)]
        total = len(rows) if len(rows) < MOST else (await client.count_workflows(query)).count
    if len(rows) < MOST:
        forgotten = await _forgotten(await open_store(), wanted, {row.workflow_id for row in rows})
        rows, total = [*rows, *forgotten], total + len(forgotten)
    rows.sort(key=lambda row: (row.opened_at, row.workflow_id), reverse=True)
    if sort_by is not SortBy.CREATED_AT or not descending:
        rows.sort(key=lambda row: _order(row, sort_by), reverse=descending)
    return CasePage(rows=tuple(rows[offset : offset + limit]), total=total)


async def _forgotten(store: CaseStore, wanted: CaseFilter, known: set[str]) -> list[CaseRow]:
    """What the store has and Temporal does not."""
    found: list[CaseRow] = []
    for start in range(0, MOST, _AT_ONCE):
        records = await store.list_cases(wanted.tenant, wanted.match(), limit=_AT_ONCE, offset=start)
        found += [row_of_record(record) for record in records if record.workflow_id not in known]
        if len(records) < _AT_ONCE:
            break
    return found


def _order(row: CaseRow, sort_by: SortBy) -> tuple[object, ...]:
    if sort_by is SortBy.PRIORITY:
        # Low to critical, as the words mean it; cases without one first.
        return (-Priority(row.priority).rank if row.priority in set(Priority) else -len(Priority) - 1,)
    if sort_by is SortBy.STATUS:
        return (row.status,)
    if sort_by is SortBy.CREATED_AT:
        return (row.opened_at, row.workflow_id)
    return (((row.closed_at if sort_by is SortBy.CLOSED_AT else row.due_at) or _LAST),)
