"""Pages of cases for programs: any part of the list, in an order of choice, with how many there are in all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from temporalio.client import Client

from domain.model import Term, Value
from domain.ports import CaseStore
from domain.ticket import Priority
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
    """A part of the list of cases: those that Temporal keeps, and after them those that only the store has.

    Temporal gives the newest first, so that order needs no more than what is asked for; any other needs the whole
    list, of which the newest `MOST` are looked at.

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
    query, newest_first = wanted.query(), sort_by is SortBy.CREATED_AT and descending
    needed = offset + limit if newest_first else MOST
    async with answered_within(PATIENCE):
        known = (await client.count_workflows(query)).count
        rows = [row_of(execution) async for execution in client.list_workflows(query, limit=needed)]
    if len(rows) >= known or not newest_first:
        forgotten = await _forgotten(await open_store(), wanted, {row.workflow_id for row in rows})
        rows, total = [*rows, *forgotten], max(known, len(rows)) + len(forgotten)
    else:
        # More than was read; what only the store has comes after them, and is counted on the last page.
        total = known
    rows.sort(key=lambda row: (row.opened_at, row.workflow_id), reverse=True)
    if not newest_first:
        rows.sort(key=lambda row: _order(row, sort_by), reverse=descending)
    return CasePage(rows=tuple(rows[offset : offset + limit]), total=total)


async def _forgotten(store: CaseStore, wanted: CaseFilter, known: set[str]) -> list[CaseRow]:
    """What the store has and Temporal does not."""
    found: list[CaseRow] = []
    for start in range(0, MOST, _AT_ONCE):
        records = await store.list_cases(wanted.tenant, status=wanted.status, limit=_AT_ONCE, offset=start)
        rows = [row_of_record(record) for record in records if record.workflow_id not in known]
        found += [row for row in rows if wanted.takes(row)]
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
