"""When the incident began, and which symptoms belong to it.

The onset is the earliest minute at which symptoms begin together. A lone early warning does not move it, what was
there long before is noise, and what got better before it is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.reasoning.likelihoods import SLOW_SIGNS
from domain.troubleshooting.reasoning.signals import Signal, order

_TOGETHER = 5.0
"""Minutes in which symptoms begin together."""
_SOON = 2.0
"""Minutes in which the next symptom must follow the first."""
_SHARE = 0.35
"""Of the heaviest stretch of symptoms: as much must begin at the onset."""
_STRONG = 0.4
_LONG_BEFORE = 12.0
"""Minutes: what began so much earlier and is not slow by nature is not this incident's."""
_STALE = 0.15
_LINGERS = 5.0
"""Minutes: what is seen so much longer than its service's recovery did not recover with it."""
_LATE_AFTER = 45.0
_LATE = 0.5
_MOST = 120
_KEEPS_ENDING = 0.7
_PLAIN_WORDS = 0.75
_ENDS_IT = frozenset(
    {Sign.CERTIFICATE, Sign.CONFIGURATION, Sign.PERMISSION, Sign.DISK, Sign.DNS, Sign.DATA, Sign.UNREACHABLE}
)
"""What a program may end of, as it says itself."""


def find_onset(signals: Iterable[Signal]) -> float | None:
    """The earliest minute at which several strong symptoms begin.

    Args:
        signals: All of them, in any order.

    Returns:
        Minutes from the incident's opening; the only symptom's beginning when there is one; None without any that
        has a time.
    """
    signals = list(signals)
    healed = _healed(signals)
    usable = [one for one in signals if _counts(one)]
    # A service whose clock is wrong writes wrong times; those of others are better, where there are any.
    adrift = {one.service for one in usable if one.sign is Sign.CLOCK and one.about is None}
    usable = [one for one in usable if one.service not in adrift] or usable
    prompt = [one for one in usable if one.sign not in SLOW_SIGNS]
    usable = sorted(prompt or usable, key=lambda one: (-one.strength, order(one)))[:_MOST]
    usable.sort(key=order)
    if not usable:
        return None
    # Something that came and went before most of it began is no part of it.
    heaviest = max((one.start or 0.0 for one in usable), key=lambda start: _mass(usable, start, _TOGETHER))
    usable = [one for one in usable if not _over_by(one, heaviest, healed)] or usable
    starts = [one.start or 0.0 for one in usable]
    masses = [_mass(usable, start, _TOGETHER) for start in starts]
    enough = _SHARE * max(masses)
    for start, mass in zip(starts, masses, strict=True):
        soon = _mass(usable, start, _SOON)
        alone = sum(1 for other in starts if start <= other <= start + _SOON) < 2 and len(usable) > 1
        if mass >= enough and soon >= enough / 2 and not alone:
            return start
    return starts[masses.index(max(masses))]


def of_one_life(signals: Iterable[Signal]) -> list[Signal]:
    """Signals, where the log of a program that keeps ending is taken for what it is: that of one of its lives.

    What such a log says once, and as long as it goes back, is no old news: it is why this life ended.

    Args:
        signals: All of them.
    """
    signals = list(signals)
    crashes = {(one.service, one.tool) for one in signals if one.sign is Sign.CRASH and one.strength >= _KEEPS_ENDING}
    ends = {service: tool for service, tool in crashes if service}
    return [
        replace(one, strength=_PLAIN_WORDS)
        if one.sign in _ENDS_IT and one.strength < _PLAIN_WORDS and ends.get(one.service or "", one.tool) != one.tool
        else one
        for one in signals
    ]


def standing(signals: Iterable[Signal], onset: float | None) -> list[Signal]:
    """Signals with their weights: by strength, and less where they do not belong to this incident.

    Args:
        signals: All of them.
        onset: From `find_onset`.

    Returns:
        Those that tell of trouble, by time; `restored` is left out, and so is all beyond the 120 weightiest.
    """
    signals = list(signals)
    healed = _healed(signals)
    weighed = [_weighed(one, onset, healed) for one in signals if one.sign is not Sign.RESTORED and one.strength > 0]
    kept = sorted(weighed, key=lambda one: (-one.weight, order(one)))[:_MOST]
    return sorted(kept, key=order)


def _weighed(one: Signal, onset: float | None, healed: dict[str, list[float]]) -> Signal:
    # A hint of 0.2 counts for a tenth and not for a fifth: hints are many.
    weight = one.strength * (0.4 + 0.6 * one.strength)
    if onset is None or one.start is None:
        return replace(one, weight=weight * (0.8 if one.start is None else 1.0))
    over = _over_by(one, onset, healed)
    early = one.start < onset - _LONG_BEFORE and one.sign not in SLOW_SIGNS
    if over or early:
        return replace(one, weight=weight * _STALE, stale=True)
    if one.start < onset - _TOGETHER and one.sign not in SLOW_SIGNS:
        # A lone early warning leads nobody: it counts as one that began with the others.
        return replace(one, weight=weight, start=onset)
    if one.start > onset + _LATE_AFTER:
        return replace(one, weight=weight * _LATE)
    return replace(one, weight=weight)


def _counts(one: Signal) -> bool:
    return one.sign is not Sign.RESTORED and one.start is not None and one.strength >= _STRONG


def _mass(signals: list[Signal], start: float, minutes: float) -> float:
    """Strength that begins within some minutes; a service's same symptom counts once."""
    seen: dict[tuple[str | None, Sign], float] = {}
    for one in signals:
        if one.start is not None and start <= one.start <= start + minutes:
            key = (one.service, one.sign)
            seen[key] = max(seen.get(key, 0.0), one.strength)
    return sum(seen.values())


def _healed(signals: Iterable[Signal]) -> dict[str, list[float]]:
    healed: dict[str, list[float]] = {}
    for one in signals:
        if one.sign is Sign.RESTORED and one.start is not None:
            healed.setdefault(one.service or "", []).append(one.start)
    return healed


def _over_by(one: Signal, minute: float, healed: dict[str, list[float]]) -> bool:
    """Whether a symptom came and went before a minute. What builds up slowly does not go with another's recovery."""
    if one.start is None or one.sign in SLOW_SIGNS:
        return False
    for moment in healed.get(one.service or "", ()):
        if one.start <= moment < minute - 1 and (one.end is None or one.end <= moment + _LINGERS):
            return True
    return one.end is not None and one.start < one.end < minute - 1
