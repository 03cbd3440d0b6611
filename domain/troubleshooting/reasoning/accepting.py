"""When the evidence carries a hypothesis, and what to say when it does not.

A wrong cause costs more than none: people act on it. So one is accepted only when it is likely, clearly ahead of every
rival, shown by at least two independent findings or one beyond doubt, and when the evidence reaches back to before
the onset. Two causes that explain different symptoms are no rivals: both may hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.reasoning.candidates import Candidate, Scene
from domain.troubleshooting.reasoning.likelihoods import DEFINING
from domain.troubleshooting.reasoning.rivals import Judged, has_rivals
from domain.troubleshooting.reasoning.signals import Signal

_PLAIN = 0.4
_DEFECT_PLAIN = 0.3
"""An error that only its own code makes tells more by its words than by how often it comes."""
_TELLING: Final = {
    FaultKind.BAD_DEPLOYMENT: frozenset({Sign.CRASH, Sign.DATA, Sign.CONFIGURATION, Sign.SCHEDULING}),
    FaultKind.BAD_CONFIGURATION: frozenset({Sign.CONFIGURATION}),
    FaultKind.SLOW_DEPENDENCY: frozenset({Sign.DATA}),
    FaultKind.OUTAGE: frozenset({Sign.CRASH, Sign.UNREACHABLE}),
    FaultKind.CONNECTION_POOL: frozenset[Sign](),
    FaultKind.CPU_SATURATION: frozenset({Sign.CPU}),
}
"""Faults that look like trouble further down, and the symptoms of their own that tell them from it."""
_FINDING = 0.2
"""Nats from which a finding counts as one that supports a hypothesis."""
_OWN_ENOUGH = 0.45
_CLOSE: Final = {FaultKind.BAD_DEPLOYMENT: 1.9, FaultKind.BAD_CONFIGURATION: 2.2}
"""Nats that a change must add where it is all that tells a fault from trouble that comes from elsewhere."""
_RIGHT_BEFORE = 2.0
"""Nats of a change that fits and came right before: as good as a second witness."""
_EVIDENCE = 2.5
_SEEN_BY_OTHERS = frozenset({Sign.CERTIFICATE, Sign.DNS, Sign.CLOCK})
"""Symptoms that the callers of a faulty service see, and that it does not see itself."""
_UNMISTAKABLE = frozenset({Sign.DISK, Sign.CERTIFICATE, Sign.CLOCK})
_CLEAR_WORDS = 0.6
_OTHERS = 1
"""So many others whom it calls show that it is not the caller who cannot reach anybody."""
_BEFORE = 1.0
"""Minutes of evidence from before the onset without which one cannot see how it began."""


@dataclass(frozen=True, slots=True)
class Covered:
    """What time the evidence covers, in minutes from the incident's opening."""

    begins: float | None = None
    ends: float | None = None


def reason_not_to_accept(
    best: Judged, ranked: Sequence[Judged], scene: Scene, covered: Covered, whole: Judged | None = None
) -> str:
    """Why the most likely hypothesis is not accepted, in one or two sentences; empty when it is.

    Args:
        best: The most likely one.
        ranked: All that are not refuted, the most likely first.
        scene: What they were weighed against.
        covered: The time that the evidence covers.
        whole: The same hypothesis in view of everything, where the scene is what another fault leaves over.

    Returns:
        A sentence for people.
    """
    if not scene.signals:
        return "No symptom was found. Logs or metrics of the affected services around the onset are missing."
    one = best.candidate
    if one.fault is FaultKind.UNKNOWN:
        return _unknown(one, ranked)
    doubtless = _doubtless(best)
    return (
        _lacks_own(best, scene)
        or _lacks_findings(best, whole or best, doubtless or (whole is not None and says_so_itself(best)))
        or _lacks_sign(best, scene)
        or _lacks_callees(best, scene, doubtless)
        or _lacks_time(best, scene, covered, doubtless)
        or has_rivals(best, ranked)
    )


def _unknown(one: Candidate, ranked: Sequence[Judged]) -> str:
    if one.service is not None:
        return (
            f"It is most likely {one.service}, but nothing shows what is wrong with it. "
            f"Its change records and the logs of its errors would tell."
        )
    named = next((other for other in ranked if other.candidate.service), None)
    if named is None:
        return "The symptoms do not say which service they come from."
    return (
        f"The evidence is too weak: {named.candidate.service} is suspected most, "
        f"at {named.posterior:.0%}. More logs or metrics of it around the onset would help."
    )


def _doubtless(best: Judged) -> bool:
    sign = DEFINING.get(best.candidate.fault)
    return any(
        part.signal and part.signal.certain and part.signal.sign is sign for part in best.score.of("own", "blame")
    )


def _supporting(best: Judged) -> set[tuple[str | None, str, str]]:
    parts = [part for part in best.score.of("own", "blame", "cascade", "load") if part.nats >= _FINDING and part.signal]
    found = {(part.signal.service, part.signal.sign.value, part.signal.tool) for part in parts if part.signal}
    if best.candidate.made is not None:
        found.add((best.candidate.service, "change", ""))
    return found


def _lacks_own(best: Judged, scene: Scene) -> str:
    service = best.candidate.service
    blamers = sorted({part.signal.service or "" for part in best.score.of("blame") if part.signal})
    if service is None or _speaks_for_itself(best, scene, blamers):
        return ""
    if not scene.graph.keeps_no_logs(service):
        told = f"only {_and(blamers)} point at it" if blamers else "it only looks suspicious"
        if service in scene.observed:
            return f"{service} itself shows no trouble; {told}. More evidence, such as traces, is missing."
        return f"{service} itself shows no trouble; {told}. Logs or metrics of {service} around the onset are missing."
    changed = best.candidate.made is not None and best.candidate.suspicion >= _RIGHT_BEFORE
    if len(blamers) < 2 and len(scene.graph.callers.get(service, [])) > 1 and not (changed and blamers):
        who = _and(blamers) or "nobody"
        return f"Only {who} blames {service}; its other callers do not, and it says nothing itself."
    return ""


def _speaks_for_itself(best: Judged, scene: Scene, blamers: list[str]) -> bool:
    """Whether the service's own symptoms show it, or its callers see what it cannot see itself."""
    if sum(part.nats for part in best.score.of("own")) >= _OWN_ENOUGH:
        return True
    sign = DEFINING.get(best.candidate.fault)
    seen_by = {part.signal.service for part in best.score.of("blame") if part.signal and part.signal.sign is sign}
    if sign in _SEEN_BY_OTHERS:
        sure = sign is Sign.CERTIFICATE or _only_one_can_say(best.candidate.service or "", seen_by, sign, scene)
        if len(seen_by) >= 2 or (sure and _doubtless(best)):
            return True
    # Its own logs were read and say nothing: then what it answers is what its callers complain of.
    return best.candidate.service in scene.observed and best.candidate.made is not None and len(blamers) >= 2


def _only_one_can_say(service: str, seen_by: set[str | None], sign: Sign | None, scene: Scene) -> bool:
    """Whether the one who says it is the only caller, and says it of none of the others whom it calls."""
    if len(seen_by) != 1 or seen_by != set(scene.graph.callers.get(service, ())):
        return False
    caller = next(iter(seen_by)) or ""
    said_of = {one.about for one in scene.own(caller) if one.sign is sign}
    return len(set(scene.graph.callees.get(caller, ())) - said_of) >= _OTHERS


def _lacks_findings(best: Judged, whole: Judged, doubtless: bool) -> str:
    supporting = _supporting(best) | _supporting(whole)
    evidence = sum(part.nats for part in whole.score.parts if part.nats > 0)
    strongest = max((part.signal.weight for part in best.score.of("own", "blame") if part.signal), default=0.0)
    if doubtless or (len(supporting) >= 2 and evidence >= _EVIDENCE and strongest >= 0.3):
        return ""
    return (
        f"There is too little to show that it is {best.candidate.service}: "
        f"{len(supporting)} finding{'s' if len(supporting) != 1 else ''}, none of them beyond doubt."
    )


def says_so_itself(best: Judged) -> bool:
    """Whether the service names its fault in words that mean nothing else, though it calls it a warning.

    Alone that leaves room for doubt. Beside another fault it is known that the system is in trouble.
    """
    sign = DEFINING.get(best.candidate.fault)
    return sign in _UNMISTAKABLE and any(
        part.signal and part.signal.sign is sign and part.signal.weight >= _CLEAR_WORDS for part in best.score.of("own")
    )


def _lacks_sign(best: Judged, scene: Scene) -> str:
    one = best.candidate
    least = _CLOSE.get(one.fault)
    if least is None:
        return ""
    if any(part.signal and part.signal.sign is DEFINING.get(one.fault) for part in best.score.of("own")):
        return ""
    if one.made is not None:
        if one.suspicion >= least:
            return ""
        return (
            f"{one.service} fails, but what was changed ({one.made.change.change_id}) was neither right before it "
            f"nor of a kind that must cause it. The logs of those whom {one.service} calls would tell."
        )
    if scene.changes:
        return f"{one.service} fails by itself, but no change of it is recorded shortly before the onset."
    return f"{one.service} fails by itself, but change records are missing: nobody knows what was changed before."


def _lacks_callees(best: Judged, scene: Scene, doubtless: bool) -> str:
    """Symptoms that every fault makes may come from somebody below; so that one must have been looked at."""
    one = best.candidate
    if doubtless or one.service is None:
        return ""
    telling = _TELLING.get(one.fault)
    if telling is None or any(_tells(part.signal, telling, one.fault) for part in best.score.of("own") if part.signal):
        return ""
    below = scene.in_trouble_below(one.service)
    if below:
        return (
            f"{one.service} shows trouble, and so does {_and(below[:3])}, whom it calls, no later than it. "
            f"Logs of their calls and of whom they call are missing to tell which came first."
        )
    unseen = scene.unseen(one.service)
    if not unseen:
        return ""
    return (
        f"{one.service} shows trouble that may come from {_and(unseen[:3])}, on whom it depends. "
        f"Logs or metrics of {_and(unseen[:3])} around the onset are missing."
    )


def _tells(signal: Signal, telling: frozenset[Sign], fault: FaultKind) -> bool:
    if fault is FaultKind.BAD_DEPLOYMENT and signal.defect:
        return signal.weight >= _DEFECT_PLAIN
    return signal.sign in telling and signal.weight >= _PLAIN


def _lacks_time(best: Judged, scene: Scene, covered: Covered, doubtless: bool) -> str:
    service = best.candidate.service or "the services"
    if doubtless:
        return ""
    if scene.onset is None:
        return "No finding says when it began, so nothing can be told from the order of events."
    if covered.begins is not None and scene.onset < covered.begins + _BEFORE:
        return f"The evidence of {service} begins with the trouble itself: logs from before the onset are missing."
    if covered.ends is not None and covered.ends < scene.onset:
        return "The evidence ends before the onset."
    return ""


def _and(names: list[str]) -> str:
    named = [name for name in names if name]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
