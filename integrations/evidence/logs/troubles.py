"""Findings from templates of errors and warnings: those that are new, those that rise, those that were always there."""

from __future__ import annotations

import math
from collections.abc import Iterator

from domain.troubleshooting.evidence import Finding, Sign
from integrations.evidence.logs.bare import is_bare
from integrations.evidence.logs.book import Place, Series
from integrations.evidence.logs.counted import Counted, Window
from integrations.evidence.logs.heads import Level
from integrations.evidence.logs.meaning import DEFINITE, is_defect
from integrations.evidence.logs.segments import Rise, rise_of
from integrations.evidence.logs.sentences import clock, example, fit, moment, percent, rates, times, who

_WEAKEST = 0.1


def trouble_of(counted: Counted, series: Series) -> Finding | None:
    """What one template of errors or warnings says."""
    window = counted.window(series.service)
    # Where lines are too different to be told apart, when those that are left over begin says nothing.
    counts = counted.troubles(series.service) if series.rest else window.counts(series)
    rise = rise_of(counts) if window.length > 1 else None
    if rise is None:
        return _steady(counted, series, window)
    is_new = rise.before * rise.start < 0.5 + 0.01 * series.total
    clear = 1 - math.exp(-rise.gain / 22)
    weight = 0.95 if series.level >= Level.ERROR else 0.8
    if not is_new:
        weight *= min(1.0, 0.45 + 0.2 * math.log2(max(rise.ratio, 1.0)))
        weight *= 0.6 if rise.ratio < 1.5 * _growth(counted, series.service, rise) else 1.0
    strength = clear * weight * (min(1.0, 3 * series.total / max(1, sum(counts))) if series.rest else 1.0)
    if series.sign in DEFINITE:
        strength = max(strength, (0.4 if series.level >= Level.ERROR else 0.25) if is_new else 0.2)
    sign = series.sign or (Sign.NEW_ERROR if is_new and not is_bare(series.example) else Sign.ERRORS)
    first = _first(series, window, rise)
    until = window.moment(rise.end) if rise.end < window.length else moment(series.last[2])
    numbers = _numbers(counted, series, window, rise, first)
    verb = "is new" if is_new else f"rises {times(rise.ratio)}"
    text = f"{who(series)} {verb} at {clock(first[2])}: {rates(numbers)}. {example(series)}"
    return Finding(
        sign=sign,
        service=series.service,
        about=counted.about(series),
        at=moment(first[2]),
        until=max(until, moment(first[2])),
        strength=round(min(strength, 0.98), 3),
        text=fit(text),
        numbers=numbers,
        source=counted.source(first, series.last),
    )


def _steady(counted: Counted, series: Series, window: Window) -> Finding | None:
    """Trouble at the same rate throughout: little news, unless it is definite by itself or much of the log."""
    share = series.total / max(1, counted.lines[series.service])
    late = window.length > 1 and min(series.counts) - window.first > window.length * 0.5
    is_error = series.level >= Level.ERROR
    strength = 0.5 * min(1.0, share / 0.2) if share > 0.03 else 0.05
    if is_error and series.sign is not None and late:
        strength = max(strength, 0.12)
    if series.sign in DEFINITE:
        strength = max(strength, (0.4 if is_error else 0.25) if late or share > 0.2 else 0.15)
    if strength < _WEAKEST:
        return None
    first = series.firsts[min(series.counts)]
    rate = series.total / window.length * window.per_minute
    numbers = {
        "count": float(series.total),
        "after": round(rate, 3),
        "share": round(share, 4),
        "first_line": float(first[1]),
    }
    when = f"since {clock(first[2])}" if late else "as long as the log goes back"
    text = f"{who(series)} {series.total} times {when}, {percent(share)} of its lines. {example(series)}"
    return Finding(
        sign=series.sign or Sign.ERRORS,
        service=series.service,
        about=counted.about(series),
        at=moment(first[2]),
        until=moment(series.last[2]),
        strength=round(strength, 3),
        text=fit(text),
        numbers=numbers,
        source=counted.source(first, series.last),
    )


def _growth(counted: Counted, service: str | None, rise: Rise) -> float:
    """How many times more lines of work the service writes in a stretch than before it."""
    traffic = counted.traffic(service)
    before, during = traffic[: rise.start], traffic[rise.start : rise.end]
    if not sum(before) or not sum(during):
        return 1.0
    return (sum(during) / len(during)) / (sum(before) / len(before))


def _numbers(counted: Counted, series: Series, window: Window, rise: Rise, first: Place) -> dict[str, float]:
    before, after = rise.before * window.per_minute, rise.after * window.per_minute
    lines = sum(count for minute, count in series.counts.items() if minute - window.first >= rise.start)
    numbers = {
        "count": float(lines),
        "before": round(before, 3),
        "after": round(after, 3),
        "first_line": float(first[1]),
    }
    if before > 0:
        numbers["ratio"] = round(after / before, 2)
    traffic = counted.traffic(series.service)
    work = sum(traffic[rise.start : rise.end])
    errors = sum(window.counts(series)[rise.start : rise.end])
    numbers["share"] = round(errors / max(1, errors + work), 4)
    if is_defect(series.example):
        numbers["defect"] = 1.0
    return numbers


def _first(series: Series, window: Window, rise: Rise) -> Place:
    for index in range(rise.start, rise.end):
        place = series.firsts.get(window.first + index)
        if place is not None:
            return place
    return series.opening


def undated(counted: Counted) -> Iterator[Finding]:
    """Errors in lines of which nothing says when they were written."""
    lines = max(1, counted.book.entries)
    for series in counted.book.series.values():
        if series.counts or not series.total or series.level < Level.WARNING:
            continue
        share = series.total / lines
        strength = min(0.5, 0.15 + share + (0.2 if series.sign in DEFINITE else 0.0))
        yield Finding(
            sign=series.sign or Sign.ERRORS,
            service=series.service,
            about=counted.about(series),
            strength=round(strength, 3),
            text=fit(f"{who(series)} {series.total} times; nothing says when. {example(series)}"),
            numbers={"count": float(series.total), "first_line": float(series.opening[1])},
            source=counted.source(series.opening, series.last),
        )
