"""Whether a metric is as it was before: for watching what a fix did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from domain.model import Term
from integrations.evidence.metrics.meaning import meaning_of
from integrations.evidence.metrics.series import Series, is_counter, rates
from integrations.evidence.metrics.shifts import level_and_spread


class Verdict(Term):
    """What became of a metric."""

    AS_GOOD = "as_good"
    """As it was before, or within its threshold."""
    BETTER = "better"
    REGRESSED = "regressed"
    """Worse than before, or beyond its threshold."""
    NO_DATA = "no_data"
    NOT_COMPARED = "not_compared"
    """There was neither a time before nor a threshold to compare with."""


_WORST_FIRST = (Verdict.REGRESSED, Verdict.NO_DATA, Verdict.AS_GOOD, Verdict.BETTER, Verdict.NOT_COMPARED)


@dataclass(frozen=True)
class Compared:
    """One series now and before."""

    verdict: Verdict
    now: float | None = None
    before: float | None = None
    name: str = ""


def compare(
    now: Sequence[Series], before: Sequence[Series], *, threshold: float | None, at_most: bool | None
) -> Compared:
    """The worst of what a query gave now, beside what it gave before.

    Args:
        now: series of the time that is watched.
        before: series of the time when all was well; empty where there is none.
        threshold: the value that must not be passed.
        at_most: good is at most the threshold; by the metric's name when None.
    """
    if not now:
        return Compared(Verdict.NO_DATA)
    earlier = {_key(one): one for one in before}
    found = [_one(series, earlier.get(_key(series)), threshold, at_most) for series in now]
    return min(found, key=lambda one: _WORST_FIRST.index(one.verdict))


def _key(series: Series) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The same series at another time: by its labels, without those that a restart changes."""
    changing = ("pod", "instance", "version", "track", "replicaset", "pod_template_hash", "container_id")
    return series.metric, tuple(sorted((key, one) for key, one in series.labels.items() if key not in changing))


def _one(series: Series, before: Series | None, threshold: float | None, at_most: bool | None) -> Compared:
    meaning = meaning_of(series.metric)
    down = (meaning is not None and meaning.down) if at_most is None else not at_most
    level = median(_plain(series).values)
    earlier = level_and_spread(_plain(before).values) if before is not None else None
    was = earlier[0] if earlier is not None else None
    name = series.name
    if threshold is not None and (level < threshold if down else level > threshold):
        return Compared(Verdict.REGRESSED, level, was, name)
    if earlier is None:
        return Compared(Verdict.AS_GOOD if threshold is not None else Verdict.NOT_COMPARED, level, was, name)
    allowed = max(3 * earlier[1], 0.15 * abs(earlier[0]), 1e-9)
    worse = (earlier[0] - level) if down else (level - earlier[0])
    if worse > allowed and threshold is None:
        return Compared(Verdict.REGRESSED, level, was, name)
    return Compared(Verdict.BETTER if worse < -allowed else Verdict.AS_GOOD, level, was, name)


def _plain(series: Series) -> Series:
    """A counter as its rate; anything else as it is."""
    meaning = meaning_of(series.metric)
    counter = is_counter(series, named_like_one=meaning is not None and meaning.counted)
    return rates(series) if counter else series
