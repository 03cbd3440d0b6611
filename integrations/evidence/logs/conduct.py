"""Findings from how a service behaves: more work, slower work, none at all, and starts one after the other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from domain.troubleshooting.evidence import Finding, Sign
from integrations.evidence.logs.book import Place
from integrations.evidence.logs.counted import TOOL, Counted, Window
from integrations.evidence.logs.heads import Level
from integrations.evidence.logs.segments import Rise, rise_of, slower_of
from integrations.evidence.logs.sentences import clock, example, fit, moment, times

_MOST_TIMED = 500
"""Series of durations of one analysis that are looked at, the largest first."""
_LEAST_EXPECTED = 20
"""Lines that are missing before a service counts as silent."""
_LEAST_RESTARTS = 3
_APART_SECONDS = 10
_LOOP_SECONDS = 1_800


def of_service(counted: Counted, service: str | None) -> Iterator[Finding]:
    """What all lines of a service together say."""
    window, traffic = counted.window(service), counted.traffic(service)
    if window.length >= 4:
        # A file begins in the middle of its first cell: what is missing of it is no quiet before a rush.
        rise = rise_of([traffic[1], *traffic[1:]])
        if rise is not None and rise.before > 0 and rise.ratio >= 1.6:
            yield _more_traffic(service, window, rise)
    if service is not None:
        silent = _silence(counted, service, window)
        if silent is not None:
            yield silent
        restarts = _restarts(counted, service)
        if restarts is not None:
            yield restarts


def _more_traffic(service: str | None, window: Window, rise: Rise) -> Finding:
    clear = 1 - math.exp(-rise.gain / 22)
    strength = clear * min(0.8, 0.3 + 0.2 * math.log2(rise.ratio))
    before, after = rise.before * window.per_minute, rise.after * window.per_minute
    at = window.moment(rise.start)
    subject = service or "The log"
    rates = f"{before:.1f} lines of work per minute before, {after:.1f} after"
    text = f"{subject} does {times(rise.ratio)} as much from {at:%H:%M}: {rates}."
    return Finding(
        sign=Sign.TRAFFIC,
        service=service,
        at=at,
        until=window.moment(rise.end),
        strength=round(strength, 3),
        text=fit(text),
        numbers={"before": round(before, 2), "after": round(after, 2), "ratio": round(rise.ratio, 2)},
        source=TOOL,
    )


def _silence(counted: Counted, service: str, window: Window) -> Finding | None:
    """A service that wrote nothing for a while in which much was to be expected."""
    assert counted.whole is not None  # noqa: S101  # as in `_window`
    minutes = sorted({minute for series in counted.of(service) for minute in series.counts})
    if not minutes:
        return None
    ends = [*minutes[1:], counted.whole.last + 1]
    gaps = sorted(((end - start - 1, start) for start, end in zip(minutes, ends, strict=True)), reverse=True)
    gap, start = gaps[0]
    usual = gaps[1][0] if len(gaps) > 1 else 0
    before = sum(count for series in counted.of(service) for minute, count in series.counts.items() if minute <= start)
    rate = before / max(1, start - window.first + 1)
    elsewhere = _others_at(counted, service, start + 1, start + gap)
    if gap < 2 or gap < 3 * usual or rate * gap < _LEAST_EXPECTED or not elsewhere or start - window.first < 2:
        return None
    last = max(place for series in counted.of(service) for minute, place in series.firsts.items() if minute == start)
    alone = not any(number == last[0] for number in elsewhere)
    at, resumed = moment((start + 1) * counted.whole.width), start + gap < counted.whole.last
    until = moment((start + gap + 1) * counted.whole.width)
    again = f"until {until:%H:%M}" if resumed else "to the end of the log"
    text = f"{service} writes nothing from {at:%H:%M} {again}, after {rate * window.per_minute:.1f} lines per minute."
    return Finding(
        sign=Sign.UNREACHABLE,
        service=service,
        about=service,
        at=at,
        until=until,
        strength=round((0.5 if alone else 0.75) * (1 - math.exp(-rate * gap / 60)), 3),
        text=fit(text),
        numbers={
            "before": round(rate * window.per_minute, 3),
            "after": 0.0,
            "silent": 1.0,
            "first_line": float(last[1]),
        },
        source=counted.source(last, last),
    )


def _restarts(counted: Counted, service: str) -> Finding | None:
    """A service that starts again and again: not once, as after a deployment, and not all instances together."""
    places = sorted(
        (one.place for one in counted.book.events if one.service == service and one.event.kind == "start"),
        key=lambda place: place[2],
    )
    apart = [places[0]] if places else []
    apart += [later for earlier, later in itertools.pairwise(places) if later[2] - earlier[2] >= _APART_SECONDS]
    close = max((_within(apart, place[2]) for place in apart), key=len, default=[])
    if len(close) < _LEAST_RESTARTS:
        return None
    at, until = moment(close[0][2]), moment(close[-1][2])
    minutes = max(1.0, (close[-1][2] - close[0][2]) / 60)
    return Finding(
        sign=Sign.CRASH,
        service=service,
        at=at,
        until=until,
        strength=round(min(0.9, 0.4 + 0.1 * (len(close) - _LEAST_RESTARTS)), 3),
        text=f"{service} starts {len(close)} times from {at:%H:%M} to {until:%H:%M}.",
        numbers={
            "count": float(len(close)),
            "after": round(len(close) / minutes, 3),
            "first_line": float(close[0][1]),
        },
        source=counted.source(close[0], close[-1]),
    )


def _others_at(counted: Counted, service: str, first: int, last: int) -> set[int]:
    """Files in which somebody else goes on writing in the second half of a stretch."""
    middle = (first + last + 1) // 2
    return {
        place[0]
        for series in counted.book.series.values()
        if series.service != service
        for minute, place in series.firsts.items()
        if middle <= minute <= last
    }


def slower(counted: Counted) -> Iterator[Finding]:
    """Kinds of work that take longer than before."""
    timed = [series for series in counted.book.series.values() if series.latencies and series.level < Level.WARNING]
    for series in sorted(timed, key=lambda one: -one.total)[:_MOST_TIMED]:
        window = counted.window(series.service)
        if window.length < 4:
            continue
        empty = [0.0, 0.0, 0.0]
        cells = [series.latencies.get(minute, empty) for minute in range(window.first, window.last + 1)]
        slower = slower_of([(cell[0], cell[1], cell[2]) for cell in cells])
        if slower is None or slower.after < 1.4 * slower.before or slower.after - slower.before < 5:
            continue
        ratio = slower.after / max(slower.before, 1.0)
        strength = (1 - math.exp(-slower.gain / 22)) * min(0.92, 0.35 + 0.2 * math.log2(ratio))
        first = next(
            (series.firsts[m] for m in range(window.first + slower.start, window.last + 1) if m in series.firsts),
            series.opening,
        )
        about = f" on {counted.about(series)}" if counted.about(series) else ""
        times = f"{slower.before:.0f} ms before, {slower.after:.0f} ms after"
        text = f"{series.service or 'The log'} is slower{about} from {clock(first[2])}: {times}. {example(series)}"
        yield Finding(
            sign=Sign.LATENCY,
            service=series.service,
            about=counted.about(series),
            at=moment(first[2]),
            until=window.moment(slower.end),
            strength=round(strength, 3),
            text=fit(text),
            numbers={
                "before": round(slower.before, 1),
                "after": round(slower.after, 1),
                "ratio": round(ratio, 2),
                "count": float(series.total),
                "first_line": float(first[1]),
            },
            source=counted.source(first, series.last),
        )


def _within(places: list[Place], seconds: int) -> list[Place]:
    return [place for place in places if 0 <= place[2] - seconds <= _LOOP_SECONDS]
