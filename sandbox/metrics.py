"""The cluster's metrics, over Prometheus's HTTP API: instant and range queries of plain selectors.

Values follow what is deployed. Tests and demos make trouble through the outbox:
`PATCH /api/objects/deployments/trouble/NAME` with `{"service": "search", "error_ratio": 0.2, "ends_with": "restart"}`;
`version` and `from_percent` limit it, `since` and `until` (seconds since 1970) too; `config` limits it to a service
whose configuration has these values, and `after_minutes` to one that has run so long since its last start, as what
builds up does: a new version, another configuration and a restart all start it anew. `ends_with` is `restart`, `scale`,
`config`, `credential` or `rollback`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.forms import urlencoded
from sandbox.world import World

HEALTHY = {
    "service:error_ratio:rate5m": 0.002,
    "service:latency_seconds:p95": 0.12,
    "service:requests:rate5m": 240.0,
    "service:cpu:utilisation": 0.35,
    "service:memory:utilisation": 0.42,
    "up": 1.0,
}
"""Name and usual value of each metric, per service, version and track. Requests are shared out by traffic."""
_FIELDS = {
    "error_ratio": "service:error_ratio:rate5m",
    "p95_seconds": "service:latency_seconds:p95",
    "cpu": "service:cpu:utilisation",
    "memory": "service:memory:utilisation",
    "up": "up",
}
_BAD = {"error_ratio": 0.18, "p95_seconds": 1.9}
_BAD_VERSION = re.compile(r"bad(?:-(\d{1,3}))?")
_MOST_POINTS = 11_000
_SELECTOR = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{([^{}]*)\})?\s*(?:(==|!=|>=|<=|>|<)\s*(\S+))?\s*\Z")
_MATCHER = re.compile(r'\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|\Z)')
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)\Z")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, ">": lambda a, b: a > b,
    "<": lambda a, b: a < b, ">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b,
}  # fmt: skip


class BadQuery(ValueError):
    """A query that Prometheus refuses, or that this one does not understand."""


def error_body(status: int, code: str) -> dict[str, Any]:
    """Prometheus's words for a failure."""
    return {"status": "error", "errorType": "bad_data" if status == 400 else "unavailable", "error": code}


class MetricsSimulator:
    """A Prometheus that scrapes the simulated cluster."""

    def __init__(self, world: World) -> None:
        self._world = world

    def app(self) -> Starlette:
        """Its API."""
        return Starlette(
            routes=[
                Route("/-/ready", self._ready),
                Route("/api/v1/query", self._query, methods=["GET", "POST"]),
                Route("/api/v1/query_range", self._query_range, methods=["GET", "POST"]),
                Route("/api/v1/label/__name__/values", self._names),
            ],
            exception_handlers={BadQuery: _refuse},
        )

    async def _ready(self, request: Request) -> Response:
        return Response("Prometheus Server is Ready.\n", media_type="text/plain")

    async def _names(self, request: Request) -> Response:
        return _success(sorted(HEALTHY))

    async def _query(self, request: Request) -> Response:
        asked = await _parameters(request)
        at = self._instant(asked.get("time"))
        rows = [
            {"metric": labels, "value": [round(at, 3), _told(value)]}
            for labels, value in self._select(asked.get("query", ""), at)
        ]
        return _success({"resultType": "vector", "result": rows})

    async def _query_range(self, request: Request) -> Response:
        asked = await _parameters(request)
        start, end, step = self._instant(asked.get("start")), self._instant(asked.get("end")), _seconds(asked)
        if end < start or (end - start) / step > _MOST_POINTS:
            raise BadQuery("exceeded maximum resolution of 11,000 points per timeseries, or end is before start")
        series: dict[str, dict[str, Any]] = {}
        for place in range(int((end - start) / step) + 1):
            at = start + place * step
            for labels, value in self._select(asked.get("query", ""), at):
                row = series.setdefault(str(sorted(labels.items())), {"metric": labels, "values": []})
                row["values"].append([round(at, 3), _told(value)])
        return _success({"resultType": "matrix", "result": list(series.values())})

    def _instant(self, text: str | None) -> float:
        if text is None:
            return self._world.now().timestamp()
        try:
            at = float(text)
        except ValueError:
            try:
                at = datetime.fromisoformat(text).timestamp()
            except ValueError:
                at = math.nan
        if not math.isfinite(at):
            raise BadQuery("cannot parse to a valid timestamp")
        return at

    def _select(self, query: str, at: float) -> list[tuple[dict[str, str], float]]:
        name, matches, compare = _parsed(query)
        rows = []
        for labels, value in self._samples(at):
            if (name in (None, labels["__name__"])) and matches(labels) and compare(value):
                rows.append((labels, value))
        return rows

    def _samples(self, at: float) -> list[tuple[dict[str, str], float]]:
        samples = []
        troubles = self._world.all("deployments", "trouble")
        for history in self._world.all("deployments", "history"):
            past = [state for state in history["states"] if state["at"] <= at]
            for share in past[-1]["shares"] if past else []:
                lasting = [one for one in troubles if _lasts(one, at) and _can_be(one, past[-1], at)]
                values = _values(history["id"], share, lasting)
                labels = {"service": history["id"], "version": share["version"], "track": share["track"]}
                samples += [({"__name__": name, **labels}, value) for name, value in values.items()]
        return samples


def _lasts(trouble: dict[str, Any], at: float) -> bool:
    return float(trouble.get("since", 0)) <= at <= float(trouble.get("until", math.inf))


def _can_be(trouble: dict[str, Any], state: dict[str, Any], at: float) -> bool:
    """Whether a service as it was at a time is one that the trouble comes to."""
    config: dict[str, Any] = state.get("config") or {}
    needed: dict[str, Any] = trouble.get("config") or {}
    runs_for = at - float(state.get("started", 0))
    return all(config.get(name) == value for name, value in needed.items()) and (
        runs_for >= 60 * float(trouble.get("after_minutes", 0))
    )


def _values(service: str, share: dict[str, Any], troubles: list[dict[str, Any]]) -> dict[str, float]:
    values = HEALTHY | {"service:requests:rate5m": HEALTHY["service:requests:rate5m"] * share["percent"] / 100}
    bad = _BAD_VERSION.search(share["version"])
    if bad is not None and share["percent"] >= int(bad[1] or 25):
        values |= {_FIELDS[name]: value for name, value in _BAD.items()}
    for trouble in troubles:
        if (
            trouble.get("service") == service
            and trouble.get("version") in (None, share["version"])
            and share["percent"] >= trouble.get("from_percent", 0)
        ):
            values |= {_FIELDS[name]: float(trouble[name]) for name in _FIELDS if name in trouble}
    return values


def _parsed(query: str) -> tuple[str | None, Callable[[dict[str, str]], bool], Callable[[float], bool]]:
    found = _SELECTOR.match(query)
    if found is None or not (found[1] or found[2]):
        raise BadQuery('invalid parameter "query": this Prometheus takes plain selectors such as up{service="a"}')
    matchers, left = [], found[2] or ""
    while left.strip():
        part = _MATCHER.match(left)
        if part is None:
            raise BadQuery('invalid parameter "query": parse error in a label matcher')
        matchers.append((part[1], part[2], re.sub(r"\\(.)", r"\1", part[3])))
        left = left[part.end() :]
    try:
        bound = float(found[4]) if found[3] else 0.0
        regexes = {value: re.compile(value) for _, sign, value in matchers if sign.endswith("~")}
    except (ValueError, re.error):
        raise BadQuery('invalid parameter "query": parse error') from None

    def matches(labels: dict[str, str]) -> bool:
        for name, sign, value in matchers:
            actual = labels.get(name, "")
            same = regexes[value].fullmatch(actual) is not None if sign.endswith("~") else actual == value
            if same == sign.startswith("!"):
                return False
        return True

    return found[1], matches, lambda value: not found[3] or _COMPARE[found[3]](value, bound)


def _seconds(asked: dict[str, str]) -> float:
    found = _DURATION.match(asked.get("step", ""))
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if seconds <= 0:
        raise BadQuery("zero or negative query resolution step widths are not accepted")
    return seconds


def _told(value: float) -> str:
    return f"{value:g}"


async def _parameters(request: Request) -> dict[str, str]:
    # Prometheus asks for no key; a proxy before it may, and then a wrong one is refused there.
    if request.headers.get("authorization", "").endswith(" wrong"):
        raise BadQuery("unauthorized")
    asked = dict(request.query_params)
    return asked | (await urlencoded(request) if request.method == "POST" else {})


def _success(data: Any) -> Response:
    return JSONResponse({"status": "success", "data": data})


async def _refuse(request: Request, problem: Exception) -> Response:
    status = 401 if str(problem) == "unauthorized" else 400
    return JSONResponse(error_body(status, str(problem)) | {"errorType": "bad_data"}, status)
