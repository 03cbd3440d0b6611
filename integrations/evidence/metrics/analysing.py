"""Judges every series of some evidence and tells what changed, when, and what changed together."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from domain.troubleshooting.evidence import Finding, Findings, Sign
from integrations.evidence.answers import figure, gathered, numbers, said
from integrations.evidence.metrics.headings import ABOUT
from integrations.evidence.metrics.meaning import meaning_of, named_in
from integrations.evidence.metrics.series import Series, is_counter, rates, thinned
from integrations.evidence.metrics.shares import shares_of_limits
from integrations.evidence.metrics.shifts import Shift, Trend, find_shift, find_trend, first_crossing
from integrations.evidence.metrics.summing import summary_of, together
from integrations.evidence.metrics.vocabulary import Meaning

_SELECTOR = re.compile(r"(?:[A-Za-z_:][\w:]{0,200})?\{[^{}]{1,400}\}|[A-Za-z_:][\w:]{0,200}")
_LONGEST_QUERY = 480
_SLOW_FROM = 3.0
"""Effects smaller than this many spreads are noise."""


@dataclass(frozen=True)
class Judged:
    """A series and what is known of it."""

    series: Series
    meaning: Meaning
    about: str | None
    unit: float | None
    """What a share is divided by to lie between 0 and 1; None when the values are no shares."""
    source: str


def analyse(
    found: Iterable[tuple[str, Sequence[Series]]],
    *,
    tool: str = "metrics.analyse",
    services: Iterable[str] = (),
    going: Callable[[], None] = lambda: None,
    relative: bool = False,
    unread: Sequence[str] = (),
) -> Findings:
    """Judge series.

    Args:
        found: the name of each piece of evidence, with its series.
        tool: who asks, for the findings' source.
        services: names that are known besides those in the evidence.
        going: called before each series; raises to stop.
        relative: times count from an unknown start, so nothing gets a time.
        unread: what could not be read, one sentence each.
    """
    pieces = [(name, one) for name, many in found for one in many]
    known = frozenset(each.lower() for each in [*services, *(one.service for _, one in pieces if one.service)])
    told: list[tuple[Finding, str]] = []
    unknown: list[str] = []
    for name, series in [*pieces, *shares_of_limits(pieces)]:
        going()
        meaning = meaning_of(series.metric)
        if meaning is None:
            unknown += _moved(series)
            continue
        judged = _judged(series, meaning, known, f"{tool} {name} {series.name}")
        told += [(one, series.name) for one in _findings(judged, named=not relative)]
    findings = together(told)
    points = sum(len(one.values) for _, one in pieces)
    times = [at for _, one in pieces for at in (one.times[:1] + one.times[-1:])] if not relative else []
    begins, ends = (_at(min(times)), _at(max(times))) if times else (None, None)
    return gathered(
        findings,
        summary=" ".join([summary_of(findings, len(pieces), points, relative), *unread]),
        services=[one.service for _, one in pieces if one.service],
        begins=begins,
        ends=ends,
        details={"series": len(pieces), "points": points, "unknown_that_changed": unknown[:40], "unread": list(unread)},
    )


def _judged(series: Series, meaning: Meaning, known: frozenset[str], source: str) -> Judged:
    about = next((series.labels[word] for word in ABOUT if series.labels.get(word)), None)
    if about is None:
        about = named_in(series.metric, known, series.service)
    if len(series.values) > 4 and is_counter(series, named_like_one=meaning.counted):
        series = rates(series)
    unit = _unit(series, meaning) if not series.rate or "cpu" in meaning.words.lower() else None
    return Judged(thinned(series), meaning, about, unit, source[:300])


def _unit(series: Series, meaning: Meaning) -> float | None:
    """Whether values are shares between 0 and 1, percent, or neither, such as bytes."""
    if not meaning.share or min(series.values) < 0:
        return None
    highest, metric = max(series.values), series.metric.lower()
    if any(word in metric for word in ("bytes", "_mb", "_gb", "_mib", "_gib", "millicores", "cores")):
        return None
    if any(word in metric for word in ("percent", "pct", "%")):
        return 100.0
    if highest <= 1.2:
        return 1.0
    return 100.0 if highest <= 110 else None


def _findings(judged: Judged, *, named: bool) -> list[Finding]:
    values = judged.series.values
    meaning = judged.meaning
    found = _by_shift(judged, find_shift(values, down=meaning.down), named)
    if meaning.grows and not found:
        found = _by_trend(judged, find_trend(values, down=meaning.down), named)
    return found or _by_limit(judged, named)


def _by_shift(judged: Judged, shift: Shift | None, named: bool) -> list[Finding]:
    if shift is None or not _matters(judged, shift):
        return []
    meaning, times = judged.meaning, judged.series.times
    ratio = _ratio(shift.before, shift.after)
    strength = min(0.95, (0.38 + 0.1 * math.log2(1 + shift.effect / 4)) * (1 if ratio >= 1.5 or meaning.limit else 0.8))
    beyond = _beyond(judged, shift.after)
    strength = min(0.95, strength + (0.08 if beyond else 0)) * meaning.weight
    over = shift.end is not None
    strength *= 0.6 if over and (shift.end or 0) - shift.start < 3 else 1
    way = "fell" if meaning.down else "rose"
    lasting = f" until {_clock(times[shift.end], named)}" if shift.end is not None else ""
    words = (
        f"{_subject(judged)} {way} from {_value(judged, shift.before)} to {_value(judged, shift.after)}"
        f"{f' ({figure(ratio)} times)' if 1.05 < ratio < 1e4 and not meaning.down else ''}"
        f" at {_clock(times[shift.start], named)}{lasting}"
    )
    begun = _finding(
        judged, strength, words, times[shift.start] if named else None,
        times[shift.end if shift.end is not None else -1] if named else None,
        before=shift.before, after=shift.after, ratio=ratio if ratio < 1e6 else None,
        threshold=_limit(judged) if beyond else None,
    )  # fmt: skip
    if shift.end is None or not named:
        return [begun]
    back = f"{_subject(judged)} is back at {_value(judged, median(judged.series.values[shift.end :]))}"
    words = f"{back} since {_clock(times[shift.end], named)}"
    return [
        begun,
        replace_sign(_finding(judged, min(strength, 0.5), words, times[shift.end], times[-1]), Sign.RESTORED),
    ]


def replace_sign(finding: Finding, sign: Sign) -> Finding:
    """The same finding as another symptom."""
    return finding.model_copy(update={"sign": sign})


def _matters(judged: Judged, shift: Shift) -> bool:
    meaning = judged.meaning
    size = abs(shift.after - shift.before)
    floor = meaning.floor * judged.unit if judged.unit is not None else (0.0 if meaning.share else meaning.floor)
    if size < floor or shift.effect < _SLOW_FROM:
        return False
    if meaning.sign is Sign.ERRORS and judged.unit is None and not judged.series.rate and shift.after < 0.02:
        return False
    return _ratio(shift.before, shift.after) >= meaning.ratio or (judged.unit is not None and size >= 0.2 * judged.unit)


def _by_trend(judged: Judged, trend: Trend | None, named: bool) -> list[Finding]:
    if trend is None:
        return []
    meaning, series = judged.meaning, judged.series
    gain = abs(trend.last - trend.first)
    floor = 0.06 * judged.unit if judged.unit is not None else max(0.2 * abs(trend.first), meaning.floor)
    if gain < floor:
        return []
    per_hour = trend.slope * 3600 / series.step if series.step else 0.0
    from_start = trend.start <= len(series.values) // 20
    since = "all the time" if from_start else f"since {_clock(series.times[trend.start], named)}"
    way = "falls" if meaning.down else "grows"
    words = (
        f"{_subject(judged)} {way} steadily {since}, from {_value(judged, trend.first)} to"
        f" {_value(judged, trend.last)}{_until_full(judged, trend, per_hour)}"
    )
    beyond = _beyond(judged, trend.last)
    strength = min(0.95, 0.4 + 0.25 * min(1.0, gain / max(abs(trend.first), floor)) + (0.25 if beyond else 0))
    return [
        _finding(
            judged, strength * meaning.weight, words,
            series.times[trend.start] if named else None, series.times[-1] if named else None,
            before=trend.first, after=trend.last, ratio=_ratio(trend.first, trend.last), per_hour=per_hour,
            threshold=_limit(judged) if beyond else None,
        )
    ]  # fmt: skip


def _until_full(judged: Judged, trend: Trend, per_hour: float) -> str:
    end = 0.0 if judged.meaning.down else judged.unit
    if end is None or not per_hour:
        return ""
    hours = (end - trend.last) / per_hour
    return f"; at this pace it is used up in {figure(hours)} hours" if 0.02 < hours < 24 * 60 else ""


def _by_limit(judged: Judged, named: bool) -> list[Finding]:
    limit = _limit(judged)
    if limit is None:
        return []
    series, meaning = judged.series, judged.meaning
    values = [abs(one) for one in series.values] if meaning.sign is Sign.CLOCK else series.values
    if meaning.sign is Sign.CLOCK and "ms" in series.metric.lower():
        limit *= 1000
    at = first_crossing(values, limit, down=meaning.down)
    if at is None:
        return []
    whole = at <= 1
    last = values[-1]
    since = "all the time" if whole else f"since {_clock(series.times[at], named)}"
    words = f"{_subject(judged)} is {_value(judged, median(values[at:]))} {since}; {_value(judged, limit)} is the limit"
    sure = {Sign.CERTIFICATE: 0.9, Sign.DISK: 0.7, Sign.CLOCK: 0.7}.get(meaning.sign, 0.5)
    strength = sure * (0.75 if whole and meaning.sign is not Sign.CERTIFICATE else 1.0)
    return [
        _finding(
            judged, strength, words, series.times[at] if named else None, series.times[-1] if named else None,
            before=median(values[:at]) if at else None, after=last, value=last, threshold=limit,
        )
    ]  # fmt: skip


def _finding(
    judged: Judged, strength: float, words: str, at: float | None, until: float | None, **given: float | None
) -> Finding:
    return Finding(
        sign=judged.meaning.sign,
        service=judged.series.service,
        about=judged.about,
        at=_at(at) if at is not None else None,
        until=_at(until) if until is not None else None,
        strength=round(max(0.1, min(strength, 0.95)), 3),
        text=said(words + "."),
        numbers=numbers(**given),
        source=judged.source,
        metric=judged.series.metric[:200],
        query=_asked_again(judged.series),
    )


def _asked_again(series: Series) -> str:
    """What gives that number at any moment: of a counter its rate, where a plain selector was asked."""
    if not series.rate or not series.query or len(series.query) > _LONGEST_QUERY:
        return series.query if len(series.query) <= _LONGEST_QUERY else ""
    return f"rate({series.query}[5m])" if _SELECTOR.fullmatch(series.query) else ""


def _limit(judged: Judged) -> float | None:
    limit = judged.meaning.limit
    if limit is None or (judged.meaning.share and judged.unit is None):
        return None
    return limit * (judged.unit or 1.0)


def _beyond(judged: Judged, value: float) -> bool:
    limit = _limit(judged)
    return limit is not None and (value <= limit if judged.meaning.down else value >= limit)


def _ratio(before: float, after: float) -> float:
    """How many times as much, whichever way; a level from nothing counts as very many."""
    low, high = sorted((abs(before), abs(after)))
    return high / low if low > 1e-9 * max(high, 1e-9) else 1e6


def _subject(judged: Judged) -> str:
    series, meaning = judged.series, judged.meaning
    whose = f" of {series.service}" if series.service else ""
    about = f" to {judged.about}" if judged.about and meaning.blames else ""
    return f"{meaning.words[0].upper()}{meaning.words[1:]}{whose}{about} ({series.metric[:80]})"


def _value(judged: Judged, value: float) -> str:
    if judged.unit is not None:
        return f"{figure(100 * value / judged.unit)} %"
    return f"{figure(value)}{' per second' if judged.series.rate else ''}"


def _clock(at: float, named: bool) -> str:
    return f"{_at(at):%Y-%m-%d %H:%M:%S} UTC" if named else f"{figure(at)} s from the start"


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _moved(series: Series) -> list[str]:
    """Metrics whose name says nothing are no symptoms; people may still want to see them."""
    small = thinned(series, 300)
    for down in (False, True):
        shift = find_shift(small.values, down=down)
        if shift is not None and shift.effect > 6:
            return [said(f"{series.name}: {figure(shift.before)} -> {figure(shift.after)}", 200)]
    return []
