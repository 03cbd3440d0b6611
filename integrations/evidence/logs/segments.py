"""Where a rate or a level changed: by likelihood, split in two again and again for as long as the data demand it.

Counts per minute are taken as Poisson, and times as normal in their logarithm; both are widened by how much they jump
from minute to minute, because real traffic comes in bursts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_LEAST_GAIN = 9.0
"""In nats. About one false change in a thousand quiet series."""
_MOST_SEGMENTS = 12

Score = Callable[[int, int], float]
"""How well one value fits the minutes from the first up to the second."""


@dataclass(frozen=True)
class Rise:
    """From when to when something was above its normal."""

    start: int
    """Index of the first minute."""
    end: int
    """Index after the last."""
    before: float
    after: float
    gain: float
    """How sure it is, in nats."""

    @property
    def ratio(self) -> float:
        """How many times the normal; one event in the whole time before stands in for none."""
        return self.after / max(self.before, 1e-9)


def split(length: int, score: Score) -> list[int]:
    """Bounds of the segments, from 0 to `length`."""
    bounds = [0, length]
    waiting = [(0, length)]
    while waiting and len(bounds) <= _MOST_SEGMENTS:
        start, end = waiting.pop(0)
        whole = score(start, end)
        best, gain = 0, _LEAST_GAIN
        for place in range(start + 1, end):
            found = score(start, place) + score(place, end) - whole
            if found > gain:
                best, gain = place, found
        if best:
            bounds.append(best)
            waiting += [(start, best), (best, end)]
    return sorted(bounds)


def rise_of(counts: Sequence[int]) -> Rise | None:
    """The clearest stretch in which there were more per minute than in all the time before it; None without one."""
    sums = _summed(counts)
    spread = _spread(counts)

    def score(start: int, end: int) -> float:
        total = sums[end] - sums[start]
        return total * math.log(total / (end - start)) / spread if total else 0.0

    bounds = split(len(counts), score)
    best: Rise | None = None
    for position in range(1, len(bounds) - 1):
        rise = _rise_at(sums, bounds, position, score)
        if rise is not None and (best is None or rise.gain > best.gain):
            best = rise
    return best and _from_first_excess(best, counts)


def _rise_at(sums: Sequence[int], bounds: list[int], position: int, score: Score) -> Rise | None:
    start = bounds[position]
    before = sums[start] / start
    last = position
    while last + 1 < len(bounds) and _rate(sums, bounds[last], bounds[last + 1]) > max(1.5 * before, 1e-9):
        last += 1
    end = bounds[last]
    if end == start:
        return None
    gain = score(0, start) + score(start, end) - score(0, end)
    return Rise(start, end, before, _rate(sums, start, end), gain)


def _from_first_excess(rise: Rise, counts: Sequence[int]) -> Rise:
    """A slow start belongs to the rise: go back over minutes that are already far above normal."""
    normal = rise.before + 3 * math.sqrt(rise.before) + 1
    start = rise.start
    while start > 0 and (counts[start - 1] > normal or (rise.before < 0.02 and counts[start - 1] > 0)):
        start -= 1
    return rise if start in (0, rise.start) else Rise(start, rise.end, rise.before, rise.after, rise.gain)


@dataclass(frozen=True)
class Slower:
    """From when to when something took longer; times in milliseconds."""

    start: int
    end: int
    before: float
    after: float
    gain: float


def slower_of(cells: Sequence[tuple[float, float, float]]) -> Slower | None:
    """The clearest stretch in which something took longer than before it; None without one.

    Args:
        cells: per minute how many, and sum and sum of squares of ln(milliseconds + 1).
    """
    numbers, sums = _accumulated([cell[0] for cell in cells]), _accumulated([cell[1] for cell in cells])
    variance = _variance(cells)

    def score(start: int, end: int) -> float:
        number = numbers[end] - numbers[start]
        return (sums[end] - sums[start]) ** 2 / number / (2 * variance) if number else 0.0

    bounds = split(len(cells), score)
    best: Slower | None = None
    for position in range(1, len(bounds) - 1):
        start, last = bounds[position], position
        before = sums[start] / numbers[start] if numbers[start] else None
        if before is None:
            continue
        while last + 1 < len(bounds) and _mean(numbers, sums, bounds[last], bounds[last + 1]) > before + math.log(1.25):
            last += 1
        end = bounds[last]
        if end == start:
            continue
        after = _mean(numbers, sums, start, end)
        gain = score(0, start) + score(start, end) - score(0, end)
        if best is None or gain > best.gain:
            best = Slower(start, end, math.exp(before) - 1, math.exp(after) - 1, gain)
    return best


def _mean(numbers: Sequence[float], sums: Sequence[float], start: int, end: int) -> float:
    number = numbers[end] - numbers[start]
    return (sums[end] - sums[start]) / number if number else -math.inf


def _variance(cells: Sequence[tuple[float, float, float]]) -> float:
    """Within minutes, widened by how much their means jump beyond that."""
    inside = sum(cell[2] - cell[1] * cell[1] / cell[0] for cell in cells if cell[0] > 1)
    free = sum(cell[0] - 1 for cell in cells if cell[0] > 1)
    within = max(inside / free if free else 0.25, 0.01)
    filled = [(cell[0], cell[1] / cell[0]) for cell in cells if cell[0]]
    jumps = sorted((two[1] - one[1]) ** 2 / (1 / one[0] + 1 / two[0]) for one, two in itertools.pairwise(filled))
    kept = jumps[: max(1, len(jumps) * 9 // 10)]
    return max(within, sum(kept) / len(kept) if kept else within)


def _rate(sums: Sequence[int], start: int, end: int) -> float:
    return (sums[end] - sums[start]) / (end - start)


def _summed(counts: Sequence[int]) -> list[int]:
    sums = [0]
    for count in counts:
        sums.append(sums[-1] + count)
    return sums


def _accumulated(values: Sequence[float]) -> list[float]:
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    return sums


def _spread(counts: Sequence[int]) -> float:
    """Variance over mean, from the jumps between minutes that follow one another, without the largest tenth."""
    if len(counts) < 4:
        return 1.0
    jumps = sorted(
        (two - one) ** 2 / max(1.0, (one + two) / 2) for one, two in itertools.pairwise(counts) if one or two
    )
    kept = jumps[: max(1, len(jumps) * 9 // 10)]
    return max(1.0, sum(kept) / len(kept) / 2 / 0.8) if kept else 1.0
