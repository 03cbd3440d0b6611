"""Faults at the same time: each is looked at against what the others leave over.

Whatever a faulty service does to itself and to those above it is explained by it. What is left is looked at as an
incident of its own, by the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.reasoning.accepting import Covered, reason_not_to_accept, says_so_itself
from domain.troubleshooting.reasoning.candidates import Candidate, Scene
from domain.troubleshooting.reasoning.onset import find_onset
from domain.troubleshooting.reasoning.rivals import Judged, apart
from domain.troubleshooting.reasoning.signals import Signal
from domain.troubleshooting.reasoning.views import brought_about

_MOST_ALSO = 2
_CLEARLY_ELSE = 0.4
_LOOKED_AT = 8
"""Of the most likely hypotheses so many may be the other fault."""
_COMPARABLE = 0.2
"""Of the first one's likelihood the other has at least so much, before anything is taken away."""

_RETRIED = 2.0
"""Times as much that retries alone make of the traffic of those who depend on somebody who fails."""

Judge = Callable[[Scene], list[Judged]]
"""Weighs what a scene suggests, the most likely first, without what was refuted."""

_ALL_TIME: Final = Covered()


def beside(ranked: Sequence[Judged], scene: Scene, judge: Judge) -> list[Judged]:
    """Further faults beside one that is accepted: what it cannot have caused.

    Args:
        ranked: all hypotheses, the accepted one first.
        scene: what they were weighed against.
        judge: weighs what is left.

    Returns:
        At most two, each of another service.
    """
    best, found = ranked[0], list[Judged]()
    left = without(scene, [best])
    while len(found) < _MOST_ALSO and any(one.weight >= _CLEARLY_ELSE and not one.stale for one in left.signals):
        after = judge(left)
        second = after[0]
        taken = {best.candidate.service, *(one.candidate.service for one in found)}
        if second.candidate.service in taken or _is_weak(second, after, left, ranked):
            break
        # A third fault at once is rare, and one up or down the same chain may be the first one once more.
        doubtful = bool(found) or related(second.candidate, best.candidate, scene)
        if doubtful and not _own_and_clear(second):
            break
        found.append(second)
        left = without(left, [second])
    return found


def two_at_once(ranked: Sequence[Judged], scene: Scene, covered: Covered, judge: Judge) -> list[Judged]:
    """The other one of two faults that stand in each other's way: each is accepted once the other is taken away.

    Args:
        ranked: all hypotheses, the most likely first; none was accepted in view of everything.
        scene: what they were weighed against.
        covered: the time that the evidence covers.
        judge: weighs what is left.

    Returns:
        The other fault and further ones; empty where either of the two does not hold.
    """
    best = ranked[0]
    for other in ranked[1:_LOOKED_AT]:
        if other.posterior < _COMPARABLE * best.posterior:
            break
        if related(best.candidate, other.candidate, scene) or not apart(best, other):
            continue
        rest = without(scene, [other])
        mine = judge(rest)
        if mine[0].candidate != best.candidate or reason_not_to_accept(mine[0], mine, rest, covered):
            continue
        return [one for one in beside(ranked, scene, judge) if one.candidate.service == other.candidate.service]
    return []


def without(scene: Scene, faults: Iterable[Judged]) -> Scene:
    """What some faults leave over: symptoms that they neither show nor bring about.

    Args:
        scene: everything.
        faults: the faults.
    """
    explained = set[int]()
    for one in faults:
        found = [part.signal for part in one.score.of("own", "blame", "cascade", "load") if part.signal is not None]
        if one.candidate.service is not None:
            found += brought_about(one.candidate.service, scene)
        first = min((signal.start for signal in found if signal.start is not None), default=None)
        explained |= {id(signal) for signal in found if _may_bring_about(one.candidate, signal)}
        explained |= {id(signal) for signal in scene.signals if _is_retry(one.candidate, signal, first, scene)}
    left = tuple(one for one in scene.signals if id(one) not in explained and not one.stale)
    return Scene(left, scene.changes, scene.graph, find_onset(left), scene.observed, scene.denied)


def _is_retry(one: Candidate, signal: Signal, first: float | None, scene: Scene) -> bool:
    """Whether somebody above has a little more to do since then: clients try again."""
    if (
        signal.sign is not Sign.TRAFFIC
        or one.service is None
        or signal.service not in scene.graph.upstream(one.service)
    ):
        return False
    return signal.ratio <= _RETRIED and first is not None and (signal.start is None or signal.start >= first)


def _may_bring_about(one: Candidate, signal: Signal) -> bool:
    """Nobody above a faulty service gets more to do for it but in a surge, or begins an error that nobody had."""
    if signal.sign is Sign.NEW_ERROR and signal.about is None and signal.certain:
        return signal.service == one.service
    return signal.sign is not Sign.TRAFFIC or one.fault is FaultKind.TRAFFIC_SURGE or signal.service == one.service


def _is_weak(second: Judged, after: Sequence[Judged], left: Scene, ranked: Sequence[Judged]) -> str:
    """Why it does not hold. Those above it may be in trouble for both faults, so that this counts for either."""
    whole = next((one for one in ranked if one.candidate.hypothesis_id == second.candidate.hypothesis_id), None)
    return reason_not_to_accept(second, after, left, _ALL_TIME, whole or second)


def related(one: Candidate, other: Candidate, scene: Scene) -> bool:
    """Whether one depends on the other, so that the same trouble may be seen at both."""
    if one.service is None or other.service is None:
        return True
    return one.service in scene.graph.upstream(other.service) or other.service in scene.graph.upstream(one.service)


def _own_and_clear(one: Judged) -> bool:
    """Beside a fault up or down the same chain, only a symptom of its own that is beyond doubt counts."""
    return says_so_itself(one) or any(
        part.signal and part.signal.certain and part.nats >= 2.0 for part in one.score.of("own")
    )
