"""Prometheus: instant and range queries over its HTTP API (prometheus.io/docs/prometheus/latest/querying/api)."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from domain.errors import InvalidInput, VendorError
from domain.model import Value
from integrations.evidence.metrics.reading import prometheus_series
from integrations.evidence.metrics.series import Series
from integrations.http import Reply, VendorHttp, expect, status_error, unreadable

VENDOR = "prometheus"
MOST_SAMPLES = 1_000
MOST_POINTS = 11_000
"""Of a series in one range query: Prometheus gives no more."""
_ADVICE = {
    400: "Prometheus does not understand the query: correct it.",
    422: "Prometheus could not evaluate the query: make it cheaper or correct it.",
}


class Sample(Value):
    """One series at one moment."""

    labels: dict[str, str]
    value: float | None
    """None where Prometheus says NaN, or plus or minus infinity, which JSON has no numbers for."""
    text: str
    """As Prometheus wrote it."""


class QueryResult(Value):
    """What a query gave."""

    value: float | None
    """Of the one sample, where there is exactly one."""
    samples: tuple[Sample, ...]
    total: int
    """How many there were, when they are more than what is listed."""
    at: datetime | None


def translate(reply: Reply, write: bool) -> VendorError:
    """What a status means at Prometheus; 503 is a query that took too long or was cut short."""
    body = reply.body if isinstance(reply.body, dict) else {}
    return status_error(VENDOR, reply, write=write, code=str(body.get("errorType") or "")[:60], advice=_ADVICE)


class PrometheusMetrics:
    """One Prometheus server, or what speaks like one."""

    def __init__(self, *, base_url: str, token: SecretStr | None = None, timeout_seconds: float = 20) -> None:
        """`token` where a proxy in front asks for one; `timeout_seconds` is for one whole call."""
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token is not None else {}
        self._http = VendorHttp(VENDOR, base_url, timeout_seconds=timeout_seconds, translate=translate, headers=headers)
        self._evaluate_within = f"{timeout_seconds:g}s"

    async def query(self, query: str, *, at: datetime | None = None) -> QueryResult:
        """Evaluate a query at a moment; now when none is given.

        Raises:
            InvalidInput: `at` has no time zone.
            VendorRefused: the query is wrong.
            VendorUnavailable: no answer, or it took too long.
        """
        if at is not None and at.tzinfo is None:
            raise InvalidInput("The moment of a metrics query has a time zone: add it.")
        moment = {"time": f"{at.timestamp():.3f}"} if at is not None else {}
        body = await self._http.get("/api/v1/query", query=query, timeout=self._evaluate_within, **moment)
        kind, result = expect(VENDOR, body, "data", "resultType"), expect(VENDOR, body, "data", "result")
        if kind in ("scalar", "string"):
            result = [{"metric": {}, "value": result}]
        if kind == "matrix":
            raise InvalidInput("The query gives ranges: ask for a single moment, without [5m] around the whole.")
        rows = [_sample(row) for row in result] if isinstance(result, list) else []
        moments = [at for _, at in rows if at is not None]
        samples = tuple(sample for sample, _ in rows[:MOST_SAMPLES])
        return QueryResult(
            value=samples[0].value if len(rows) == 1 else None,
            samples=samples,
            total=len(rows),
            at=max(moments) if moments else at,
        )

    async def query_range(
        self, query: str, *, start: datetime, end: datetime, step_seconds: float
    ) -> tuple[Series, ...]:
        """Evaluate a query at each step of a time, both ends included.

        Args:
            query: PromQL that gives an instant vector.
            start: with a time zone.
            end: with a time zone, not before `start`.
            step_seconds: between two points.

        Raises:
            InvalidInput: the time or the step cannot be used.
            VendorRefused: the query is wrong.
            VendorUnavailable: no answer, or it took too long.
        """
        if start.tzinfo is None or end.tzinfo is None or end < start:
            raise InvalidInput("The time of a metrics query has time zones, and its start is not after its end.")
        if step_seconds <= 0 or (end - start).total_seconds() / step_seconds > MOST_POINTS:
            raise InvalidInput(f"A metrics query gives at most {MOST_POINTS} points: make its step larger.")
        body = await self._http.get(
            "/api/v1/query_range",
            query=query,
            start=f"{start.timestamp():.3f}",
            end=f"{end.timestamp():.3f}",
            step=f"{step_seconds:g}",
            timeout=self._evaluate_within,
        )
        return tuple(prometheus_series(expect(VENDOR, body, "data", "result"))[:MOST_SAMPLES])

    async def names(self) -> tuple[str, ...]:
        """The names of every metric.

        Raises:
            VendorRefused, VendorUnavailable: as for a query.
        """
        body = await self._http.get("/api/v1/label/__name__/values")
        found = expect(VENDOR, body, "data")
        return tuple(str(name)[:200] for name in found[:50_000]) if isinstance(found, list) else ()


def _sample(row: Any) -> tuple[Sample, datetime | None]:
    try:
        moment, text = row["value"]
        labels = {str(name): str(value) for name, value in row["metric"].items()}
        at = datetime.fromtimestamp(float(moment), UTC)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise unreadable(VENDOR, write=False) from None
    return Sample(labels=labels, value=_number(text), text=str(text)[:100]), at


def _number(text: Any) -> float | None:
    try:
        number = float(text)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
