"""Lists of cases: Temporal's visibility for those it keeps, the store for those it has forgotten."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import overload

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus

from domain.cases.approval import ApprovalState
from domain.cases.records import CaseMatch, CaseRecord
from domain.cases.terms import Status
from domain.errors import InvalidInput, Refused, UnknownCase
from domain.ids import check_tenant, kind_of
from domain.model import Term, Value
from domain.ports.cases import CaseStore
from domain.tickets.ticket import Priority
from domain.triage.classification import Category
from starters.answers import PATIENCE, answered_within
from starters.cases import Cases
from workflows import search_attributes

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
AT_ONCE = 10
"""Cases asked at the same time."""
_ENDED = {
    WorkflowExecutionStatus.CANCELED: Status.WITHDRAWN.value,
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.TERMINATED: "terminated",
    WorkflowExecutionStatus.TIMED_OUT: "timed_out",
}


class Kind(Term):
    """What kind of case."""

    ESCALATION = "escalation"
    """A support case."""
    PLAYBOOK = "playbook"
    """A run of a playbook."""
    TROUBLESHOOTING = "troubleshooting"
    """An incident."""


class CaseRow(Value):
    """One case in a list."""

    case: str
    """Case number, `incident:ID`, or `NAME:KEY` of a run."""
    workflow_id: str
    tenant: str
    kind: str = Kind.ESCALATION.value
    status: str
    phase: str = ""
    category: str | None = None
    """Of a run: the playbook's name."""
    priority: str | None = None
    risk: int | None = None
    team: str | None = None
    waiting_for: str = ""
    due_at: datetime | None = None
    """The next SLA deadline."""
    opened_at: datetime
    closed_at: datetime | None = None


class OpenApproval(Value):
    """One open request, with the case it belongs to."""

    case: str
    workflow_id: str
    tenant: str
    request: ApprovalState


class CaseFilter(Value):
    """What to list. Every value is checked before it enters a query."""

    tenant: str
    kind: str | None = None
    status: str | None = None
    team: str | None = None
    category: str | None = None
    priority: str | None = None
    playbook: str | None = None
    """Name; only its runs."""

    def query(self) -> str:
        """The visibility query.

        Raises:
            InvalidInput: a value is no word of ours.
        """
        kinds = [self.kind] if self.kind is not None else [Kind.PLAYBOOK] if self.playbook is not None else list(Kind)
        known: tuple[tuple[str, str | None, tuple[str, ...] | None], ...] = (
            (search_attributes.STATUS.name, self.status, tuple(Status)),
            (search_attributes.TEAM.name, self.team, None),
            (search_attributes.CATEGORY.name, self.category, tuple(Category)),
            (search_attributes.PRIORITY.name, self.priority, tuple(Priority)),
        )
        parts = [f"{search_attributes.TENANT.name} = '{check_tenant(self.tenant)}'", _one_of(kinds)]
        parts += [f"{name} = '{_checked(name, value, words)}'" for name, value, words in known if value is not None]
        if self.playbook is not None:
            parts.append(f"{search_attributes.CATEGORY.name} = '{_checked_playbook(self.playbook)}'")
        return " AND ".join(parts)

    def match(self) -> CaseMatch:
        """The same for the store, where a run's category is its playbook's name."""
        return CaseMatch(
            kind=Kind.PLAYBOOK if self.playbook is not None and self.kind is None else _word(self.kind),
            status=_word(self.status),
            team=self.team,
            category=self.playbook or _word(self.category),
            priority=_word(self.priority),
        )


def _one_of(kinds: list[str] | list[Kind]) -> str:
    words = [_checked(search_attributes.KIND.name, kind, tuple(Kind)) for kind in kinds]
    if len(words) == 1:
        return f"{search_attributes.KIND.name} = '{words[0]}'"
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{search_attributes.KIND.name} IN ({listed})"


def _checked(name: str, value: str, words: tuple[str, ...] | None) -> str:
    if words is None:
        if not _NAME.match(value):
            raise InvalidInput("A team's name has letters, digits, dots, dashes or underscores: correct it.")
        return value
    word = _word(value)
    if word not in words:
        what = name.removeprefix("Surehand").lower()
        raise InvalidInput(f"There is no {what} {value!r}: use one of {', '.join(words)}.")
    return word


@overload
def _word(value: str) -> str: ...
@overload
def _word(value: None) -> None: ...
def _word(value: str | None) -> str | None:
    return value.replace("-", "_").lower() if value is not None else None


def _checked_playbook(name: str) -> str:
    if not _NAME.match(name):
        raise InvalidInput("A playbook's name has letters, digits, dots, dashes or underscores: correct it.")
    return name


async def list_cases(
    client: Client, wanted: CaseFilter, *, limit: int, open_store: Callable[[], Awaitable[CaseStore | None]]
) -> list[CaseRow]:
    """Cases, newest first.

    Args:
        client: connected.
        wanted: which.
        limit: the most rows.
        open_store: opens the store, or says that there is none; called only when Temporal has fewer than `limit`.

    Raises:
        NotReachable: Temporal does not answer.
        InvalidInput: the filter cannot be used.
    """
    rows: list[CaseRow] = []
    query = wanted.query()
    async with answered_within(PATIENCE):
        async for execution in client.list_workflows(query, limit=limit):
            rows.append(row_of(execution))
    if len(rows) < limit:
        seen = {row.workflow_id for row in rows}
        rows += [row for row in await _from_store(wanted, limit, open_store) if row.workflow_id not in seen]
    return sorted(rows, key=lambda row: row.opened_at, reverse=True)[:limit]


async def _from_store(
    wanted: CaseFilter, limit: int, open_store: Callable[[], Awaitable[CaseStore | None]]
) -> list[CaseRow]:
    store = await open_store()
    if store is None:
        return []
    return [row_of_record(record) for record in await store.list_cases(wanted.tenant, wanted.match(), limit=limit)]


async def open_approvals(cases: Cases, tenant: str) -> list[OpenApproval]:
    """Every open request of a tenant's cases and runs, the most pressing first.

    Raises:
        NotReachable: Temporal, or every worker, is away.
    """
    # A parked case may have open requests too, and shows itself as waiting for an operator.
    query = (
        f"{search_attributes.TENANT.name} = '{check_tenant(tenant)}' AND ExecutionStatus = 'Running' AND "
        f"{search_attributes.WAITING_FOR.name} IN ('approval', 'operator')"
    )
    async with answered_within(PATIENCE):
        waiting = [row_of(execution) async for execution in cases.client.list_workflows(query)]
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(row: CaseRow) -> list[OpenApproval]:
        async with gate:
            try:
                requests = await cases.pending_approvals(tenant, row.workflow_id)
            except (UnknownCase, Refused):
                return []
        return [OpenApproval(case=row.case, workflow_id=row.workflow_id, tenant=tenant, request=r) for r in requests]

    found = [approval for answers in await asyncio.gather(*map(ask, waiting)) for approval in answers]
    return sorted(found, key=lambda approval: deadline_of(approval.request))


def deadline_of(request: ApprovalState) -> datetime:
    """When the rung that is asked now runs out; far away while nobody is asked yet."""
    rung = request.current_rung
    return rung.expires_at if rung is not None else request.asked_at + timedelta(days=3650)


def row_of(execution: WorkflowExecution) -> CaseRow:
    """What Temporal's visibility knows of a case."""
    values = execution.typed_search_attributes
    _, tenant, number = execution.id.split(":", 2)
    status = _ENDED.get(execution.status) if execution.status is not None else None
    kind = kind_of(execution.id)
    return CaseRow(
        case=f"incident:{number}" if kind == Kind.TROUBLESHOOTING else number,
        workflow_id=execution.id,
        tenant=tenant,
        kind=kind,
        status=status or values.get(search_attributes.STATUS, ""),
        phase=values.get(search_attributes.PHASE, ""),
        category=values.get(search_attributes.CATEGORY),
        priority=values.get(search_attributes.PRIORITY),
        risk=values.get(search_attributes.RISK),
        team=values.get(search_attributes.TEAM),
        waiting_for=values.get(search_attributes.WAITING_FOR, ""),
        due_at=values.get(search_attributes.DUE_AT),
        opened_at=execution.start_time,
        closed_at=execution.close_time,
    )


def row_of_record(record: CaseRecord) -> CaseRow:
    """A row of the store as a row of a list."""
    return CaseRow(
        case=record.case_id,
        workflow_id=record.workflow_id,
        tenant=record.tenant,
        kind=record.kind,
        status=record.status,
        phase=record.phase,
        category=record.category,
        priority=record.priority,
        risk=record.risk,
        team=record.team,
        opened_at=record.opened_at,
        closed_at=record.closed_at,
    )
