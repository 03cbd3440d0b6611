"""Where a series changed: a sudden lasting shift, steady growth, a line that was crossed. Pure numbers.

Medians of two windows beside each other slide over the series. A shift counts when it stands out from what that
difference is elsewhere, so neither saw-teeth nor the rise of a morning do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import median

_FEWEST = 8
_SCALES = ((0.03, 2.2), (0.07, 2.6), (0.13, 3.2))
"""Widths of the windows, as parts of the series, for sudden changes and for those that take a while; and how many times
as large as elsewhere the difference has to be. Wide windows see less noise and more of the time of day."""
_SLOPE_POINTS = 60


@dataclass(frozen=True)
class Shift:
    """A level that became another."""

    start: int
    """Place of the first point of the new level."""
    before: float
    after: float
    spread: float
    """Of the level before, as a standard deviation would be, but without the largest deviations."""
    end: int | None = None
    """Place where the old level was back for good."""

    @property
    def effect(self) -> float:
        """How many spreads the levels lie apart, with a little of the level as the least spread."""
        return abs(self.after - self.before) / max(self.spread, 0.04 * abs(self.before), 1e-12)


@dataclass(frozen=True)
class Trend:
    """Steady growth or decline to the end of the series."""

    start: int
    slope: float
    """Per point."""
    first: float
    last: float
    agreement: float
    """Share of pairs of points that go the same way, less those that do not: 1 is strictly steady."""


def level_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Median, and a spread that a few outliers do not change.

    1.4826 times the median absolute deviation; or 1.25 times the mean one, where most values are equal, such as counts
    of rare events. Both are the standard deviation of normal noise.
    """
    middle = median(values)
    away = sorted(abs(one - middle) for one in values)
    usual = away[: max(1, math.ceil(0.95 * len(away)))]
    return middle, max(1.4826 * median(away), 1.25 * sum(usual) / len(usual))


def find_shift(values: Sequence[float], *, down: bool = False) -> Shift | None:
    """The clearest lasting change in the bad direction.

    Args:
        values: of the series, in order.
        down: less is worse.
    """
    if len(values) < _FEWEST or max(values) == min(values):
        return None
    signed = _signed(values, down)
    found = [shift for scale, times in _SCALES if (shift := _at_scale(signed, scale, times)) is not None]
    if not found:
        return None
    best = max(found, key=lambda one: one.effect)
    return Shift(best.start, -best.before, -best.after, best.spread, best.end) if down else best


def _signed(values: Sequence[float], down: bool) -> list[float]:
    """The values so that more is worse; far too large ones are cut, for their squares are no numbers."""
    sign = -1.0 if down else 1.0
    return [sign * min(max(one, -1e120), 1e120) for one in values]


def _at_scale(values: list[float], scale: float, times: float) -> Shift | None:
    width = max(4 if len(values) >= 24 else 3, round(scale * len(values)))
    if 2 * width > len(values):
        return None
    middles = [median(values[at : at + width]) for at in range(len(values) - width + 1)]
    jumps = [middles[at] - middles[at - width] for at in range(width, len(middles))]
    if not jumps:
        return None
    highest = max(jumps)
    if highest <= 0:
        return None
    # Of equal jumps the one in the middle: the windows then lie on both sides of the change.
    tops = [at for at, jump in enumerate(jumps) if jump >= 0.98 * highest]
    top = (tops[0] + max(at for at in tops if at - tops[0] <= width)) // 2
    if not _stands_out(jumps, top, width, times):
        return None
    return _refined(values, top + width, width)


def _stands_out(jumps: list[float], top: int, width: int, times: float) -> bool:
    """Whether the jump is far above those elsewhere: nearly all before it, and most after it."""
    before = sorted(abs(one) for one in jumps[: max(0, top - width)])
    elsewhere = sorted([*before, *(abs(one) for one in jumps[top + width :])])
    if not elsewhere:
        return True
    usual = max(
        before[int(0.95 * (len(before) - 1))] if len(before) >= width else 0.0,
        elsewhere[int(0.7 * (len(elsewhere) - 1))],
    )
    return jumps[top] >= times * usual


def _refined(values: list[float], at: int, width: int) -> Shift | None:
    before_part = values[max(0, at - 8 * width) : max(at - width // 2, 3)]
    before, spread = level_and_spread(before_part)
    after = median(values[at : at + 2 * width])
    line = before + max(0.3 * (after - before), 3 * spread)
    if line >= after:
        return None
    start = _first_above(values, line, max(0, at - 2 * width))
    if start is None:
        return None
    earlier = sorted(values[:start])
    if len(earlier) >= 8 and earlier[int(0.93 * (len(earlier) - 1))] > before + 0.6 * (after - before):
        return None  # It was that high before: it comes and goes.
    start = _foot(values, start, before + max(0.12 * (after - before), 3 * spread))
    end = _back_for_good(values, start + 3, before + 0.4 * (after - before))
    if end is not None and not _sudden(values, start, end, before, after):
        return None  # As slowly up as down: the time of day.
    inside = values[start : end if end is not None else len(values)]
    return Shift(start, before, median(inside) if inside else after, spread, end)


def _foot(values: Sequence[float], start: int, line: float) -> int:
    """Where a slow rise began to leave the level before."""
    while start > 0 and values[start - 1] > line:
        start -= 1
    return start


def _sudden(values: Sequence[float], start: int, end: int, before: float, after: float) -> bool:
    """Whether the way up or the way back takes little of the time up there."""
    margin = max(3, (end - start) // 4)
    quarter, most = before + 0.25 * (after - before), before + 0.75 * (after - before)
    smooth = [
        median(values[max(0, at - 2) : at + 3]) for at in range(max(0, start - margin), min(end + margin, len(values)))
    ]

    def climb(path: Sequence[float]) -> int:
        high = next((at for at, one in enumerate(path) if one >= most), len(path))
        return high - max((at for at in range(high) if path[at] <= quarter), default=0)

    return min(climb(smooth), climb(smooth[::-1])) <= max(4, 0.12 * len(smooth))


def _first_above(values: Sequence[float], line: float, begin: int) -> int | None:
    """The first of four points of which three are above a line; the last points may be fewer."""
    for at in range(begin, len(values)):
        ahead = values[at : at + 4]
        if values[at] > line and sum(one > line for one in ahead) >= 0.75 * len(ahead) and len(ahead) >= 2:
            return at
    return None


def _back_for_good(values: Sequence[float], begin: int, line: float) -> int | None:
    """Where the values fell below a line and stayed; None when they did not."""
    above = 0
    place = len(values)
    for at in range(len(values) - 1, begin - 1, -1):
        above += values[at] > line
        if above > max(1, (len(values) - at) // 10):
            break
        if values[at] <= line:
            place = at
    return place if len(values) - place >= 3 else None


def find_trend(values: Sequence[float], *, down: bool = False) -> Trend | None:
    """Growth that goes on to the end, by the lowest points of each stretch, so that saw-teeth on it do not hide it."""
    if len(values) < 12:
        return None
    signed = _signed(values, down)
    size = max(1, len(signed) // _SLOPE_POINTS)
    lows = [min(signed[at : at + size]) for at in range(0, len(signed) - size + 1, size)]
    bend = _bend(lows)
    part = lows[bend:]
    if len(part) < 6:
        return None
    slopes = [(b - a) / (j - i) for (i, a), (j, b) in combinations(enumerate(part), 2)]
    slope = median(slopes)
    agreement = (sum(one > 0 for one in slopes) - sum(one < 0 for one in slopes)) / len(slopes)
    gained = slope * (len(part) - 1)
    noise = median([abs(b - (a + slope)) for a, b in pairwise(part)])
    steps = sorted(b - a for a, b in pairwise(part))
    sudden = max(steps) > 0.5 * (max(part) - min(part))
    if agreement < 0.8 or gained <= 4 * noise or sudden or part[-1] < part[0] + 0.6 * gained:
        return None
    if bend >= 4 and part[-1] < max(lows[:bend]) + 0.4 * gained:
        return None  # It was that high before.
    sign = -1 if down else 1
    first = median(signed[bend * size : bend * size + max(3, size)])
    return Trend(bend * size, sign * slope / size, sign * first, sign * median(signed[-max(3, size) :]), agreement)


def _bend(lows: Sequence[float]) -> int:
    """Where a flat line turns into a rising one, by least squares; 0 when it rises from the start."""
    best, place = float("inf"), 0
    for at in range(max(1, len(lows) - 6)):
        flat, rising = lows[:at], lows[at:]
        level = sum(flat) / at if at else rising[0]
        runs = range(len(rising))
        weight = sum(run * run for run in runs)
        slope = sum(run * (one - level) for run, one in zip(runs, rising, strict=True)) / weight
        error = sum((one - level) ** 2 for one in flat)
        error += sum((one - level - slope * run) ** 2 for run, one in zip(runs, rising, strict=True))
        if error < best:
            best, place = error, at
    return place


def first_crossing(values: Sequence[float], line: float, *, down: bool = False) -> int | None:
    """Where the values crossed a line and stayed beyond it for a while; None when they did not."""
    signed, limit = ([-one for one in values], -line) if down else (list(values), line)
    return _first_above(signed, limit, 0)
