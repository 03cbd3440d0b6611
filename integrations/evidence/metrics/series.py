"""A series of one metric, cleaned: ordered in time, without gaps' fillers, counters as rates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

MOST_POINTS = 600
"""Of a series, when it is judged; more are put together by their medians."""
_COUNTERS = ("_total", "_count", "_sum", "_bucket")


@dataclass(frozen=True)
class Series:
    """One metric of one service."""

    metric: str
    service: str | None
    times: tuple[float, ...]
    """Seconds since 1970, ascending; since the start where the file says only that."""
    values: tuple[float, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    rate: bool = False
    """It was a counter and is now its increase per second."""
    query: str = ""
    """What a server was asked for it; empty where it comes from a file."""

    @property
    def name(self) -> str:
        """As people say it."""
        return f"{self.service}.{self.metric}" if self.service else self.metric

    @property
    def step(self) -> float:
        """Seconds between two points, as usual."""
        gaps = [b - a for a, b in pairwise(self.times[:2000])]
        return median(gaps) if gaps else 0.0


def cleaned(series: Series) -> Series:
    """Finite values in order of time, one per moment."""
    points = {
        at: value
        for at, value in zip(series.times, series.values, strict=True)
        if math.isfinite(at) and math.isfinite(value) and abs(value) < 1e300
    }
    times = sorted(points)
    return replace(series, times=tuple(times), values=tuple(points[at] for at in times))


def is_counter(series: Series, *, named_like_one: bool) -> bool:
    """Whether it only ever grows, save for restarts from zero.

    Args:
        series: at least two points, cleaned.
        named_like_one: what it measures is counted, such as requests; a gauge may grow all the time too.
    """
    steps = [b - a for a, b in pairwise(series.values)]
    if len(steps) < 4 or min(series.values) < 0:
        return False
    falls = [(a, b) for a, b in pairwise(series.values) if b < a]
    grows = sum(one > 0 for one in steps)
    named = series.metric.lower().endswith(_COUNTERS)
    if len(falls) > max(2, len(steps) // 50) or any(after > before / 2 for before, after in falls):
        return False
    return (named and grows > 0) or (named_like_one and not falls and grows >= 0.8 * len(steps))


def rates(series: Series) -> Series:
    """A counter as its increase per second; a fall is a restart from zero."""
    times, values = [], []
    for (before, old), (at, new) in pairwise(zip(series.times, series.values, strict=True)):
        if at > before:
            times.append(at)
            values.append((new - old if new >= old else new) / (at - before))
    return replace(series, times=tuple(times), values=tuple(values), rate=True)


def thinned(series: Series, most: int = MOST_POINTS) -> Series:
    """At most `most` points, each the median of a few neighbours."""
    size = math.ceil(len(series.values) / most)
    if size <= 1:
        return series
    places = range(0, len(series.values), size)
    return replace(
        series,
        times=tuple(series.times[at] for at in places),
        values=tuple(median(series.values[at : at + size]) for at in places),
    )
