"""Numbers: how much came in, how soon it was answered and solved, how well, and what the models cost."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from markupsafe import Markup
from starlette.responses import Response

from domain.cases.records import CaseRecord, OutcomeRecord
from starters.cli.words import label, span
from starters.console.drawings.charts import bars, shares
from starters.console.web.pages import Ask

_DAYS = (7, 30, 90)
_AT_ONCE = 500
_MOST = 5_000
_KINDS = {"escalation": "tickets", "troubleshooting": "incidents", "playbook": "runs of playbooks"}


@dataclass(frozen=True)
class Figure:
    """One number, in words."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """One chart, and its table for who cannot see it."""

    name: str
    drawing: Markup
    rows: tuple[tuple[str, str], ...]


async def page(ask: Ask) -> Response:
    """The page."""
    asked = ask.request.query_params.get("days", "")
    days = int(asked) if asked in map(str, _DAYS) else 30
    today = datetime.now(UTC).date()
    since = today - timedelta(days=days - 1)
    cases = await _opened(ask, since)
    known = await ask.services.store.cases.outcomes(ask.tenant, limit=_AT_ONCE)
    outcomes = [one for one in known if one.recorded_at.date() >= since]
    each_day = [since + timedelta(days=day) for day in range(days)]
    return ask.page(
        "numbers",
        days=days,
        choices=_DAYS,
        figures=figures_of(cases, outcomes),
        charts=charts_of(each_day, cases, outcomes),
        is_cut=len(known) == _AT_ONCE or len(cases) >= _MOST,
        most=_AT_ONCE,
    )


async def _opened(ask: Ask, since: date) -> list[CaseRecord]:
    found: list[CaseRecord] = []
    for start in range(0, _MOST, _AT_ONCE):
        part = await ask.services.store.cases.list_cases(ask.tenant, limit=_AT_ONCE, offset=start)
        found += [record for record in part if record.opened_at.date() >= since]
        if len(part) < _AT_ONCE or part[-1].opened_at.date() < since:
            break
    return found


def figures_of(cases: Sequence[CaseRecord], outcomes: Sequence[OutcomeRecord]) -> list[Figure]:
    """The numbers at the top."""
    kinds = Counter(record.kind for record in cases)
    rated = [one.satisfaction for one in outcomes if one.satisfaction is not None]
    judged = [one.escalation_was_right for one in outcomes if one.escalation_was_right is not None]
    cost = sum(one.model_cost for one in outcomes)
    return [
        *(Figure(name, str(kinds[kind])) for kind, name in _KINDS.items()),
        Figure("first response", *_time([one.first_response_seconds for one in outcomes])),
        Figure("resolution", *_time([one.resolution_seconds for one in outcomes])),
        Figure("within the service level", *_share([one.sla_breaches == 0 for one in outcomes])),
        Figure("escalated", *_share([one.escalated for one in outcomes])),
        Figure("reopened", *_share([one.reopened > 0 for one in outcomes])),
        Figure("escalation was right", *_share(judged)),
        Figure("satisfaction", f"{statistics.fmean(rated):.1f} of 5" if rated else "none yet", _of(len(rated))),
        Figure("model cost", f"{cost:.2f}", f"{cost / len(outcomes):.4f} a case" if outcomes else ""),
    ]


def charts_of(days: Sequence[date], cases: Sequence[CaseRecord], outcomes: Sequence[OutcomeRecord]) -> list[Chart]:
    """The charts below them."""
    opened = Counter(record.opened_at.date() for record in cases)
    closed = Counter(one.recorded_at.date() for one in outcomes)
    cost: Counter[date] = Counter()
    for one in outcomes:
        cost[one.recorded_at.date()] += one.model_cost  # type: ignore[assignment]
    first = [one for one in outcomes if one.first_response_seconds is not None]
    minutes = {
        day: statistics.median(within) / 60
        for day in days
        if (within := [one.first_response_seconds or 0.0 for one in first if one.recorded_at.date() == day])
    }
    categories = Counter(label(record.category) for record in cases if record.category)
    decisions = Counter(label(one.decision) for one in outcomes)
    ratings = Counter(one.satisfaction for one in outcomes if one.satisfaction is not None)
    return [
        _daily("Cases opened a day", days, {day: float(count) for day, count in opened.items()}),
        _daily("Tickets that ended a day", days, {day: float(count) for day, count in closed.items()}),
        _daily("Median first response a day, in minutes", days, minutes),
        _daily("Model cost a day", days, {day: float(value) for day, value in cost.items()}),
        _shared("Cases by category", list(categories.items())),
        _shared("Tickets by decision", list(decisions.items())),
        _shared("Ratings of 5", [(str(rating), count) for rating, count in ratings.items()]),
    ]


def _daily(name: str, days: Sequence[date], values: dict[date, float]) -> Chart:
    points = [(day.strftime("%d %b"), values.get(day, 0.0)) for day in days]
    rows = tuple((day.isoformat(), f"{values[day]:,.2f}".removesuffix(".00")) for day in days if values.get(day))
    return Chart(name, bars(name, points), rows)


def _shared(name: str, parts: list[tuple[str, int]]) -> Chart:
    largest = sorted(parts, key=lambda part: -part[1])[:12]
    return Chart(name, shares(name, largest), tuple((of, str(count)) for of, count in largest))


def _time(seconds: Sequence[float | None]) -> tuple[str, str]:
    known = sorted(value for value in seconds if value is not None)
    if not known:
        return "none yet", ""
    late = known[min(int(len(known) * 0.95), len(known) - 1)]
    return span(
        timedelta(seconds=statistics.median(known))
    ), f"median; 95 of 100 within {span(timedelta(seconds=late))}"


def _share(flags: Sequence[bool]) -> tuple[str, str]:
    if not flags:
        return "none yet", ""
    return f"{sum(flags) / len(flags):.0%}", f"{sum(flags)} of {len(flags)}"


def _of(count: int) -> str:
    return f"{count} ratings" if count != 1 else "1 rating"
