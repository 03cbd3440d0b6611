"""How things stand now, for Prometheus: open cases, what waits for people and since when, what is to be delivered.

It is read when somebody scrapes, and not more often than every few seconds. Temporal counts; it is asked once per
tenant and status, so the cost does not grow with the number of cases. Since when a case waits only the case itself
knows: it is asked once, when it is first seen waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from domain.cases.state import CaseState, ServedCaseState
from domain.cases.terms import Status
from domain.errors import SurehandError
from domain.ids import check_tenant, tenant_in
from workflows import search_attributes

if TYPE_CHECKING:
    from starters.service.services import Services

OPEN = tuple(status for status in Status if status not in (Status.CLOSED, Status.WITHDRAWN))
WAITING = {Status.WAITING_APPROVAL: "approval", Status.WAITING_CLAIM: "claim", Status.PARKED: "operator"}
_FRESH_SECONDS = 10.0
_SECONDS_PER_TENANT = 1.0
_WITHIN_SECONDS = 8.0
_AT_ONCE = 8
_MOST_LISTED = 500
_ASKED_AT_ONCE = 20
"""Cases that are asked since when they wait, in one go; the next ones are asked the next time."""


@dataclass
class _Waiting:
    """One case that waits for people."""

    tenant: str
    waiting_for: str
    since: datetime
    overdue: bool = False
    is_told: bool = False
    """Whether the case itself said since when; else it is since we first saw it."""


@dataclass(eq=False)
class Standing(Collector):
    """The last reading, as Prometheus collects it."""

    cases: dict[tuple[str, str], int] = field(default_factory=dict)
    waiting: dict[tuple[str, str], _Waiting] = field(default_factory=dict)
    inbox: int = 0
    told: dict[tuple[str, str], int] = field(default_factory=dict)
    read: dict[str, bool] = field(default_factory=dict)
    _read_at: float = float("-inf")
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def refresh(self, services: Services) -> None:
        """Read anew, unless that was done a moment ago. Whatever does not answer keeps its last value."""
        tenants = services.configuration.tenants
        async with self._reading:
            if time.monotonic() - self._read_at < max(_FRESH_SECONDS, _SECONDS_PER_TENANT * len(tenants)):
                return
            self.read["temporal"], self.read["store"] = await asyncio.gather(
                _came(self._from_temporal(services, tenants)), _came(self._from_store(services, tenants))
            )
            self._read_at = time.monotonic()

    async def _from_temporal(self, services: Services, tenants: Iterable[str]) -> None:
        limit, client = asyncio.Semaphore(_AT_ONCE), services.client

        async def count(tenant: str, status: Status) -> tuple[tuple[str, str], int]:
            async with limit:
                return (tenant, status.value), (await client.count_workflows(_query(tenant, status))).count

        counted = await asyncio.gather(*(count(tenant, status) for tenant in tenants for status in OPEN))
        self.cases = dict(counted)
        await self._list_waiting(services)
        await self._ask_since(services)

    async def _list_waiting(self, services: Services) -> None:
        now, found = datetime.now(UTC), {}
        words = ", ".join(f"'{status.value}'" for status in WAITING)
        query = f"ExecutionStatus = 'Running' AND {search_attributes.STATUS.name} IN ({words})"
        async for run in services.client.list_workflows(query, limit=_MOST_LISTED):
            tenant = tenant_in(run.id)
            status = run.typed_search_attributes.get(search_attributes.STATUS)
            if tenant is None or status is None:
                continue
            key = (run.id, status)
            due_at = run.typed_search_attributes.get(search_attributes.DUE_AT)
            known = self.waiting.get(key) or _Waiting(tenant, WAITING[Status(status)], now)
            known.overdue = due_at is not None and due_at < now
            found[key] = known
        self.waiting = found

    async def _ask_since(self, services: Services) -> None:
        unknown = [(key, one) for key, one in self.waiting.items() if not one.is_told][:_ASKED_AT_ONCE]

        async def ask(workflow_id: str, status: str, one: _Waiting) -> None:
            with contextlib.suppress(SurehandError):  # no worker answers now: the next time will do
                state = await services.cases.state(one.tenant, workflow_id)
                one.since, one.is_told = since_when(state, Status(status)) or one.since, True

        await asyncio.gather(*(ask(*key, one) for key, one in unknown))

    async def _from_store(self, services: Services, tenants: Iterable[str]) -> None:
        self.inbox = await services.store.inbox.waiting()
        told: dict[tuple[str, str], int] = {}
        for tenant in tenants:
            for (_, status), number in (await services.store.outbox.counts(tenant)).items():
                told[tenant, status] = told.get((tenant, status), 0) + number
        self.told = told

    def collect(self) -> Iterator[Any]:
        """The gauges."""
        now = datetime.now(UTC)
        whose = ("tenant", "waiting_for")
        number = GaugeMetricFamily("surehand_waiting", "Cases that wait for people.", labels=whose)
        oldest = GaugeMetricFamily("surehand_waiting_oldest_seconds", "How long the oldest waits.", labels=whose)
        overdue = GaugeMetricFamily("surehand_waiting_overdue", "Those whose SLA deadline has passed.", labels=whose)
        for tenant in sorted({tenant for tenant, _ in self.cases}):
            for word in WAITING.values():
                these = [one for one in self.waiting.values() if (one.tenant, one.waiting_for) == (tenant, word)]
                ages = [(now - one.since).total_seconds() for one in these]
                number.add_metric((tenant, word), len(these))
                oldest.add_metric((tenant, word), max(ages, default=0.0))
                overdue.add_metric((tenant, word), sum(one.overdue for one in these))
        yield from (number, oldest, overdue)
        yield _family("surehand_cases", "Open cases by status.", ("tenant", "status"), self.cases)
        yield _family("surehand_webhooks_out", "Events for systems outside.", ("tenant", "status"), self.told)
        yield GaugeMetricFamily("surehand_inbox_waiting", "What came and is not delivered yet.", value=self.inbox)
        answers = {(name,): int(came) for name, came in self.read.items()}
        yield _family("surehand_standing_read", "Whether the last reading of these numbers worked.", ("of",), answers)


def since_when(state: CaseState, status: Status) -> datetime | None:
    """Since when a case waits for people; None where it no longer does.

    Args:
        state: of the case.
        status: what it waits in.
    """
    if status is Status.WAITING_APPROVAL:
        return min((request.asked_at for request in state.pending_approvals), default=None)
    if status is Status.PARKED:
        return min((step.parked_at for step in state.parked.values()), default=None)
    return state.handoff.completed_at if isinstance(state, ServedCaseState) and state.handoff is not None else None


def _query(tenant: str, status: Status) -> str:
    whose = f"{search_attributes.TENANT.name} = '{check_tenant(tenant)}'"
    return f"ExecutionStatus = 'Running' AND {whose} AND {search_attributes.STATUS.name} = '{status.value}'"


def _family(name: str, meaning: str, labels: tuple[str, ...], values: dict[Any, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


async def _came(reading: Awaitable[None]) -> bool:
    try:
        async with asyncio.timeout(_WITHIN_SECONDS):
            await reading
    except Exception:  # a scrape shows what there is, and that this part is old
        return False
    return True
