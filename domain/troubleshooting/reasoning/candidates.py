"""What may be wrong, as far as the evidence suggests it: a service, a fault, and the change that may have caused it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.reasoning.causing import MENTIONED, Made, closeness, suspicion
from domain.troubleshooting.reasoning.denials import Denial
from domain.troubleshooting.reasoning.graph import Graph
from domain.troubleshooting.reasoning.likelihoods import DEFINING, REACH_OTHERWISE, SLOW_SIGNS
from domain.troubleshooting.reasoning.signals import Signal

UNKNOWN_ID = "unknown"
_TROUBLE = frozenset(
    {Sign.ERRORS, Sign.NEW_ERROR, Sign.LATENCY, Sign.TIMEOUT, Sign.UNREACHABLE, Sign.CRASH}
    | {Sign.CPU, Sign.THROTTLED, Sign.POOL_EXHAUSTED, Sign.DATA}
)
_PLAINLY = 0.4
SHARED = "shared"
"""Stands for the service in the id of a hypothesis about something that several services share and nobody names."""
_MOST_SERVICES = 16
_MOST_CHANGES = 2
_SEEN_TO_GROW = 10.0
_SECOND_AFTER = 2.0
"""Minutes after which a service's own trouble may be another than the one that began with the onset."""
_CLOCK_SLACK = 15.0
"""Minutes: a service whose clock is wrong does not know when anything happened."""
_TREND_SLACK = 0.2
"""Where something grows slowly, its beginning is known to about a fifth of the time that it grew."""
_GENERIC = (FaultKind.SLOW_DEPENDENCY, FaultKind.OUTAGE, FaultKind.BAD_DEPLOYMENT, FaultKind.UNKNOWN)
_SHAREABLE = {
    Sign.DNS: FaultKind.DNS_FAILURE,
    Sign.CLOCK: FaultKind.CLOCK_SKEW,
    Sign.CERTIFICATE: FaultKind.CERTIFICATE,
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One cause to weigh."""

    service: str | None
    fault: FaultKind
    made: Made | None = None
    suspicion: float = 0.0
    """Nats that the change adds."""
    shared: bool = False
    """Whatever several services share is at fault: the symptom speaks for it, whoever shows and whomever it blames."""

    @property
    def hypothesis_id(self) -> str:
        """The same in every round."""
        if self.service is None and self.fault is FaultKind.UNKNOWN:
            return UNKNOWN_ID
        parts = [self.service or SHARED, self.fault.value]
        return "/".join([*parts, self.made.change.change_id] if self.made else parts)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that candidates are weighed against."""

    signals: tuple[Signal, ...]
    changes: tuple[Made, ...]
    graph: Graph
    onset: float | None
    observed: frozenset[str] = frozenset()
    """Services whose own logs or metrics were read; empty when nobody knows."""
    denied: tuple[Denial, ...] = ()
    """What was looked for and is not there."""
    _below: dict[str, list[str]] = field(default_factory=dict, compare=False, repr=False)

    def unseen(self, service: str) -> list[str]:
        """On whom a service depends and nobody looked at, so that its trouble may come from there; the nearest first.

        Who stands between may well hand an error on and write nothing of it. Of vendors one never has evidence; of
        databases, caches and queues it is missing only where there is some of others.
        """
        if not self.observed:
            return []
        some_store = any(self.graph.is_store(name) for name in self.observed)
        missing = [
            (distance, name)
            for name, distance in self.graph.downstream(service).items()
            if name in self.graph.given - self.observed
            and (not self.graph.keeps_no_logs(name) or (some_store and self.graph.is_store(name)))
        ]
        return [name for _, name in sorted(missing)]

    def in_trouble_below(self, service: str) -> list[str]:
        """Whom a service calls and who is in trouble no later than it, so that its own may come from there."""
        if service not in self._below:
            self._below[service] = self._in_trouble_below(service)
        return self._below[service]

    def _in_trouble_below(self, service: str) -> list[str]:
        callees = set(self.graph.callees.get(service, ()))
        if not callees:
            return []
        first = min((one.start for one in self.own(service) if one.start is not None and not one.stale), default=None)
        return sorted(
            {
                one.service
                for one in self.signals
                if one.service in callees
                and one.sign in _TROUBLE
                and one.weight >= _PLAINLY
                and not one.stale
                and not one.after(first, 1.0)
            }
        )

    def own(self, service: str) -> list[Signal]:
        """What a service shows itself."""
        return [one for one in self.signals if one.service == service]

    def begins(self, service: str | None, fault: FaultKind) -> list[float]:
        """When a fault of a service may have begun: what builds up has several beginnings to choose from.

        Otherwise it is the onset, or the service's own first clear symptom where that is earlier. Where that is later
        and comes from nobody below, the service may have a trouble of its own that began then.
        """
        own = [one for one in self.signals if one.service == service and one.start is not None and not one.stale]
        onset = [self.onset] if self.onset is not None else []
        defining = DEFINING.get(fault)
        if defining in SLOW_SIGNS:
            grew = [one.start or 0.0 for one in own if one.sign is defining and one.weight >= 0.2]
            seen = [start for start in grew if self.onset is None or start < self.onset - _SEEN_TO_GROW]
            return sorted(set(seen or [*grew, *onset]))
        starts = [one.start or 0.0 for one in own if one.weight >= 0.3 and one.sign not in SLOW_SIGNS]
        begins = [min([*starts, *onset])] if starts or onset else []
        shown = [one.start or 0.0 for one in own if one.sign is defining and one.weight >= _PLAINLY]
        late = min(shown or ([] if self.in_trouble_below(service or "") else starts), default=None)
        if late is not None and late > begins[0] + _SECOND_AFTER:
            begins.append(late)
        return begins


def candidates(scene: Scene) -> list[Candidate]:
    """Candidates in a fixed order; never empty of anything that the evidence points at.

    Args:
        scene: Signals with their weights, changes, graph and onset.

    Returns:
        Each service that shows symptoms or is blamed, with every fault that one of these symptoms may come from.
    """
    found: list[Candidate] = []
    for service in _suspects(scene):
        signs = {one.sign for one in scene.signals if service in (one.service, one.about)}
        for fault in FaultKind:
            if _suggested(fault, signs, service, scene):
                found.extend(_with_changes(service, fault, scene))
    resolver = scene.graph.resolver()
    for fault in _shared(scene):
        named = resolver if fault is FaultKind.DNS_FAILURE else None
        found = [one for one in found if named is None or (one.service, one.fault) != (named, fault)]
        found.extend(_with_changes(named, fault, scene) if named else [Candidate(None, fault, shared=True)])
    return [replace(one, shared=True) if _is_resolver(one, resolver) else one for one in found]


def _is_resolver(one: Candidate, resolver: str | None) -> bool:
    return resolver is not None and one.service == resolver and one.fault is FaultKind.DNS_FAILURE


def _suspects(scene: Scene) -> list[str]:
    mass: dict[str, float] = {}
    for one in scene.signals:
        if one.service:
            mass[one.service] = mass.get(one.service, 0.0) + one.weight
        if one.about:
            mass[one.about] = mass.get(one.about, 0.0) + one.weight
    troubled = set(mass)
    for change in scene.changes:
        # A change just before, at somebody whose callers are in trouble: it counts though the service says nothing.
        if not change.service or change.service in mass:
            continue
        close = closeness(change.at, scene.onset, REACH_OTHERWISE) >= 0.25
        if close and troubled & scene.graph.upstream(change.service).keys():
            mass[change.service] = 0.3
    return sorted(sorted(mass, key=lambda name: (-mass[name], name))[:_MOST_SERVICES])


def _suggested(fault: FaultKind, signs: set[Sign], service: str, scene: Scene) -> bool:
    if fault in _GENERIC:
        if fault is FaultKind.OUTAGE:
            return bool(signs & {Sign.UNREACHABLE, Sign.TIMEOUT, Sign.CRASH, Sign.ERRORS})
        if fault is FaultKind.SLOW_DEPENDENCY:
            return bool(signs & {Sign.LATENCY, Sign.TIMEOUT, Sign.POOL_EXHAUSTED, Sign.THROTTLED, Sign.QUEUE})
        return True
    if DEFINING[fault] in signs:
        return True
    if fault is not FaultKind.BAD_CONFIGURATION:
        return False
    made = [one for one in scene.changes if one.service == service and one.change.kind != "deployment"]
    begins = scene.begins(service, fault) if made else []
    return any(_suspicion(one, fault, begins, scene.onset) >= MENTIONED for one in made)


def _with_changes(service: str, fault: FaultKind, scene: Scene) -> list[Candidate]:
    made = [one for one in scene.changes if one.service == service]
    begins = scene.begins(service, fault) if made else []
    weighed = [(_suspicion(one, fault, begins, scene.onset), one) for one in made]
    named = sorted((pair for pair in weighed if pair[0] >= MENTIONED), key=lambda pair: (-pair[0], -pair[1].at))
    if not named:
        return [Candidate(service, fault)]
    return [Candidate(service, fault, one, nats) for nats, one in named[:_MOST_CHANGES]]


def _suspicion(one: Made, fault: FaultKind, begins: Sequence[float], onset: float | None) -> float:
    """How far a change may have brought a fault about, by whichever beginning suits it best."""
    choices: Sequence[float | None] = begins or (None,)
    return max(_by_beginning(one, fault, begin, onset) for begin in choices)


def _by_beginning(one: Made, fault: FaultKind, begin: float | None, onset: float | None) -> float:
    if fault is FaultKind.CLOCK_SKEW:
        return suspicion(one, fault, begin, _CLOCK_SLACK)
    if begin is None or onset is None or DEFINING.get(fault) not in SLOW_SIGNS or onset - begin <= _SEEN_TO_GROW:
        return suspicion(one, fault, begin)
    # It was seen to grow: the change lies close to that beginning, which is known less well the longer it grew.
    slack = _TREND_SLACK * (onset - begin)
    return suspicion(one, fault, begin, slack, REACH_OTHERWISE + slack)


def _shared(scene: Scene) -> Iterable[FaultKind]:
    """Faults that several services show, each blaming another: what they share is at fault, and nobody names it."""
    for sign, fault in _SHAREABLE.items():
        seen = [one for one in scene.signals if one.sign is sign and one.service and one.weight >= 0.2]
        # Who says of whom it is, and says it once more without a name, means the same.
        naming = {one.service for one in seen if one.about}
        seen = [one for one in seen if one.about or one.service not in naming]
        named = {one.about or one.service for one in seen}
        about_one = any(all(name in (one.service, one.about) for one in seen) for name in named)
        if len({one.service for one in seen}) >= 2 and not about_one:
            yield fault
