"""Looking at systems: whether an address answers, and what a metric says."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from pydantic import Field

from domain.errors import VendorUnavailable
from domain.model import Value
from domain.tools.tool import Safety, ToolCategory
from integrations.prometheus import PrometheusMetrics, QueryResult
from integrations.tools.guarded_http import GuardedHttp, Outgoing
from integrations.tools.provider import CallContext
from integrations.tools.python import tool


class HealthQuestion(Value):
    """What to look at."""

    url: str = Field(min_length=8, max_length=2_000, pattern=r"^https?://", description="an address on the allow-list")
    expect_status: int | None = Field(None, ge=100, le=599, description="any of 200 to 299 when left out")
    within_milliseconds: int | None = Field(None, gt=0, description="slower than this is not healthy")


class Health(Value):
    """How it answered."""

    healthy: bool
    status: int | None
    """None when nothing answered."""
    milliseconds: int
    reason: str


class MetricQuestion(Value):
    """What to ask."""

    query: str = Field(min_length=1, max_length=4_000, description="PromQL")
    at: datetime | None = Field(None, description="with a time zone; now when left out")


class HealthTools:
    """Asks addresses that the configuration allows."""

    def __init__(self, http: GuardedHttp) -> None:
        """`http` refuses every other address."""
        self._http = http

    @tool(
        name="health.check",
        title="Check whether an address answers",
        vendor="health",
        category=ToolCategory.MONITORING,
        capabilities=("health.check",),
        safety=Safety.SAFE,
        idempotent=True,
        timeout=timedelta(seconds=30),
    )
    async def check(self, arguments: HealthQuestion, context: CallContext) -> Health:
        """GET an address. That nothing answers is a result: unhealthy."""
        began = time.monotonic()
        try:
            answer = await self._http.exchange("health", Outgoing("GET", arguments.url), beat=context.beat)
        except VendorUnavailable as unreachable:
            took = _milliseconds_since(began)
            return Health(
                healthy=False, status=None, milliseconds=took, reason=f"Nothing answered ({unreachable.code})."
            )
        took = _milliseconds_since(began)
        reason = _fault(arguments, answer.status, took)
        return Health(healthy=not reason, status=answer.status, milliseconds=took, reason=reason or "It answers.")


class MetricTools:
    """Asks a Prometheus server."""

    def __init__(self, metrics: PrometheusMetrics) -> None:
        """Ask one server."""
        self._metrics = metrics

    @tool(
        name="metrics.query",
        title="Query metrics",
        vendor="prometheus",
        category=ToolCategory.MONITORING,
        capabilities=("metrics.query",),
        safety=Safety.SAFE,
        idempotent=True,
    )
    async def query(self, arguments: MetricQuestion, context: CallContext) -> QueryResult:
        """An instant query in PromQL: each series with its value, and the value alone when there is one."""
        return await self._metrics.query(arguments.query, at=arguments.at)


def _milliseconds_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _fault(asked: HealthQuestion, status: int, took: int) -> str:
    expected = status == asked.expect_status if asked.expect_status is not None else 200 <= status <= 299
    if not expected:
        return f"It answers with status {status}."
    if asked.within_milliseconds is not None and took > asked.within_milliseconds:
        return f"It took {took} ms and may take {asked.within_milliseconds}."
    return ""
