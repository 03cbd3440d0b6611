"""Rivals: whether the most likely hypothesis is clearly ahead of every other that explains the same symptoms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.reasoning.candidates import Candidate
from domain.troubleshooting.reasoning.weighing import Part, Score

_LIKELY = 0.6
_AHEAD = 0.25
_KIND_CLEAR = 0.45
_ONE_CHANGE = 0.85
_KIND_OPEN = 0.3
"""Enough for a kind of fault where nearly everything says which change of which service it was: taking that change
back is right, whichever way it did harm."""
_APART = 0.6
_MENTIONED = 0.05
"""Below this share a rival is not why a cause is doubted: "something else" is, and nobody is told of the rival."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with all that was weighed."""

    candidate: Candidate
    score: Score
    prior: float
    posterior: float


def has_rivals(best: Judged, ranked: Sequence[Judged]) -> str:
    """Why another hypothesis forbids to accept the most likely one, in a sentence; empty when none does."""
    one = best.candidate
    mine, total, second = 0.0, 0.0, None
    for other in ranked:
        # "A fault of its own" is no rival of the same service's: it says less, and nothing else.
        vaguer = other.candidate.fault is FaultKind.UNKNOWN or _change_id(other) == _change_id(best)
        same = other.candidate.service == one.service and vaguer
        if other is not best and not same and other.candidate.service and apart(best, other):
            continue
        total += other.posterior
        if same:
            mine += other.posterior
        elif second is None:
            second = other
    if total <= 0.0:
        return "Nothing is likely enough."
    ahead = (mine - (second.posterior if second else 0.0)) / total
    clear = _KIND_OPEN if one.made is not None and mine / total >= _ONE_CHANGE else _KIND_CLEAR
    if mine / total < _LIKELY or ahead < _AHEAD or best.posterior / total < clear:
        return _rival(best, ranked, second)
    return ""


def _rival(best: Judged, ranked: Sequence[Judged], second: Judged | None) -> str:
    same = [other for other in ranked if other is not best and other.candidate.service == best.candidate.service]
    if second is None or second.candidate.service is None or (same and same[0].posterior > second.posterior):
        second = same[0] if same else second
    if second is None or second.candidate.service is None or second.posterior < _MENTIONED:
        return f"{_name(best)} is the most likely cause at {best.posterior:.0%}, and that is not enough."
    close = "equally well" if second.posterior > 0.6 * best.posterior else "well enough to doubt the first"
    return (
        f"Two causes fit {close}: {_name(best)} ({best.posterior:.0%}) and {_name(second)} ({second.posterior:.0%}). "
        f"Evidence that fits only one of them is missing."
    )


def _name(one: Judged) -> str:
    fault = one.candidate.fault
    what = "a fault of its own" if fault is FaultKind.UNKNOWN else fault.label
    change = f" by {one.candidate.made.change.change_id}" if one.candidate.made else ""
    return f"{one.candidate.service or 'something shared'}, {what}{change}"


def _change_id(one: Judged) -> str | None:
    return one.candidate.made.change.change_id if one.candidate.made else None


def apart(one: Judged, other: Judged) -> bool:
    """Whether two hypotheses explain different symptoms, so that both may hold."""
    if one.candidate.service == other.candidate.service:
        return False
    return _beyond(one, other) >= _APART and _beyond(other, one) >= _APART


def _beyond(one: Judged, other: Judged) -> float:
    """The share of what speaks for one that the other does not explain."""
    roles = ("own", "blame", "cascade", "load")
    explained = {_key(part) for part in other.score.of(*roles)}
    parts = one.score.of(*roles)
    total = sum(part.nats for part in parts)
    return sum(part.nats for part in parts if _key(part) not in explained) / total if total > 0 else 0.0


def _key(part: Part) -> int:
    return id(part.signal)
