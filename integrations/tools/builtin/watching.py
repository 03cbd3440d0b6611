"""Watching a metric at Prometheus: what changed, and whether a fix brought it back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import Field

from domain.errors import InvalidInput
from domain.model import Value
from domain.tools.tool import Safety, ToolCategory
from domain.troubleshooting.evidence import Finding, Findings
from integrations.evidence.answers import figure, off_loop
from integrations.evidence.metrics.analysing import analyse
from integrations.evidence.metrics.comparing import Compared, Verdict, compare
from integrations.evidence.metrics.meaning import meaning_of
from integrations.evidence.metrics.series import Series
from integrations.prometheus import PrometheusMetrics
from integrations.tools.provider import CallContext
from integrations.tools.python import tool

_NAME = r"^[A-Za-z0-9_.:/-]{1,200}$"
_POINTS = 240
_LABELS = ("service", "app", "job")
"""By which of them a service is known differs from system to system; the first that gives something counts."""
_MOST_METRICS = 6
_EACH_SIDE = 0.15
"""Of the time that is looked at: so much on both sides of its middle must be known."""
_UNMOVED = 0.5
"""How clearly a measure that stayed as it was says that nothing moved it: others may measure it better."""
_SENTENCES = {
    Verdict.AS_GOOD: "is as good as it has to be",
    Verdict.BETTER: "is better than before",
    Verdict.REGRESSED: "is worse than it may be",
    Verdict.NO_DATA: "gave nothing for this time: check the query",
    Verdict.NOT_COMPARED: "was not compared with anything",
}


class Watch(Value):
    """What to watch: a query, or a measure of a service such as error_rate."""

    query: str | None = Field(None, min_length=1, max_length=4_000, description="PromQL; otherwise service and metric")
    service: str | None = Field(None, pattern=_NAME)
    metric: str | None = Field(None, pattern=_NAME, description="a metric's name, or a measure such as error_rate")
    start: datetime | None = Field(None, description="with a time zone; `minutes` before the end when left out")
    end: datetime | None = Field(None, description="with a time zone; now when left out")
    minutes: float = Field(60, gt=0, le=14 * 24 * 60)
    step_seconds: float | None = Field(None, gt=0, le=86_400, description="as fits about 240 points when left out")
    before_start: datetime | None = Field(None, description="with before_end: a time when all was well")
    before_end: datetime | None = None
    threshold: float | None = Field(None, description="the value that must not be passed")
    at_most: bool | None = Field(None, description="good is at most the threshold; by the metric's name when left out")


class Watched(Findings):
    """What changed, and how it compares."""

    verdict: Verdict
    now: float | None = None
    """Median of the series that is worst."""
    before: float | None = None
    threshold: float | None = None


class WatchTools:
    """Asks a Prometheus server for ranges."""

    def __init__(self, metrics: PrometheusMetrics, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Ask one server; `now` is where a range ends that names no end."""
        self._metrics = metrics
        self._now = now

    @tool(
        name="metrics.watch",
        title="Watch a metric",
        vendor="prometheus",
        category=ToolCategory.MONITORING,
        capabilities=("metrics.watch",),
        safety=Safety.SAFE,
        idempotent=True,
        timeout=timedelta(minutes=1),
        result_limit_bytes=200_000,
    )
    async def watch(self, arguments: Watch, context: CallContext) -> Watched:
        """What changed in a time; and against an earlier time or a threshold: as good, better or regressed."""
        _check(arguments)
        end = arguments.end or self._now()
        start = arguments.start or end - timedelta(minutes=arguments.minutes)
        queries = [arguments.query] if arguments.query else await self._queries(arguments)
        found = await self._ask(queries, start, end, arguments.step_seconds, context)
        earlier: list[Series] = []
        if arguments.before_start is not None and arguments.before_end is not None:
            earlier = await self._ask(
                queries, arguments.before_start, arguments.before_end, arguments.step_seconds, context
            )
        judged = await off_loop(context.beat, lambda: analyse([("prometheus", found)], tool="metrics.watch"))
        compared = compare(found, earlier, threshold=arguments.threshold, at_most=arguments.at_most)
        given = {name: getattr(judged, name) for name in Findings.model_fields}
        return Watched(
            **{
                **given,
                "summary": f"{_in_words(compared, arguments)} {judged.summary}".strip(),
                "denied": _unmoved(arguments, found, judged, start, end),
            },
            verdict=compared.verdict,
            now=compared.now,
            before=compared.before,
            threshold=arguments.threshold,
        )

    async def _queries(self, asked: Watch) -> list[str]:
        """Selectors for a measure of a service: metrics of that name, else those that show the same symptom."""
        known = await self._metrics.names()
        wanted = asked.metric or ""
        meant = meaning_of(wanted)
        names = [name for name in known if name == wanted]
        if not names and meant is not None:
            names = [name for name in known if (one := meaning_of(name)) is not None and one.sign is meant.sign]
        return [f'{{__name__="{name}",LABEL="{asked.service}"}}' for name in names[:_MOST_METRICS]]

    async def _ask(
        self, queries: list[str], start: datetime, end: datetime, step: float | None, context: CallContext
    ) -> list[Series]:
        step = step or max(1.0, (end - start).total_seconds() / _POINTS)
        found: list[Series] = []
        for query in queries:
            for label in _LABELS if "LABEL=" in query else ("",):
                context.beat()
                asked = query.replace("LABEL=", f"{label}=")
                series = await self._metrics.query_range(asked, start=start, end=end, step_seconds=step)
                await asyncio.sleep(0)
                if series:
                    found += [replace(one, query=asked) for one in series]
                    break
        return [one for one in found if len(one.values) > 1]


def _unmoved(
    asked: Watch, found: list[Series], judged: Findings, start: datetime, end: datetime
) -> tuple[Finding, ...]:
    """That a measure of a service stayed as it was, which speaks against whatever would have moved it.

    Only where the server has it from well before the middle of the time until well after: what is not known denies
    nothing.
    """
    meant = meaning_of(asked.metric) if asked.metric else None
    if meant is None or asked.start is None or any(one.sign is meant.sign for one in judged.findings):
        return ()
    middle = start.timestamp() + (end - start).total_seconds() / 2
    enough = (end - start).total_seconds() * _EACH_SIDE
    covering = [one for one in found if one.times[0] <= middle - enough and one.times[-1] >= middle + enough]
    if not covering or len(covering) < len(found):
        return ()
    values = [value for one in covering for value in one.values]
    text = f"{asked.metric} of {asked.service} stayed between {figure(min(values))} and {figure(max(values))}."
    return (
        Finding(
            sign=meant.sign,
            service=asked.service,
            strength=_UNMOVED,
            text=text.replace("_", " ", 1),
            source=f"metrics.watch prometheus {covering[0].metric}"[:300],
            metric=covering[0].metric[:200],
        ),
    )


def _check(asked: Watch) -> None:
    if not asked.query and not (asked.service and asked.metric):
        raise InvalidInput("metrics.watch: give a query, or a service and a metric.")
    moments = (asked.start, asked.end, asked.before_start, asked.before_end)
    if any(at is not None and at.tzinfo is None for at in moments):
        raise InvalidInput("metrics.watch: every time has a time zone: add it.")
    if (asked.before_start is None) != (asked.before_end is None):
        raise InvalidInput("metrics.watch: before_start and before_end go together: add the other.")


def _in_words(compared: Compared, asked: Watch) -> str:
    if compared.verdict is Verdict.NOT_COMPARED:
        return ""
    subject = compared.name or (f"{asked.metric} of {asked.service}" if asked.metric else "The query")
    now = f" {figure(compared.now)} now" if compared.now is not None else ""
    before = f", {figure(compared.before)} before" if compared.before is not None else ""
    limit = f", {figure(asked.threshold)} is the threshold" if asked.threshold is not None else ""
    told = f" ({now.strip()}{before}{limit})" if now else ""
    return f"{subject} {_SENTENCES[compared.verdict]}{told}."
