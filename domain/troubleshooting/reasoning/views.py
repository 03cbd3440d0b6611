"""What one service sees of an incident: its own symptoms, who blames it, who waits for it, and what is elsewhere.

It depends on the service alone and is made once for all faults that are weighed at it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.reasoning.candidates import Scene
from domain.troubleshooting.reasoning.graph import Graph
from domain.troubleshooting.reasoning.likelihoods import CALLING, CASCADE, CONSEQUENCES, OF_BLAMER, SLOW_SIGNS, SPECIFIC
from domain.troubleshooting.reasoning.signals import Signal

_CLEAR = 0.25
"""Weight from which a symptom makes somebody sick."""
_SLACK = 3.0
"""Minutes by which times may differ between sources."""
_SHARED_THINGS = frozenset({Sign.DNS, Sign.CLOCK, Sign.CERTIFICATE})
_AS_MUCH = 0.8
_AT_ONCE = 5.0
"""Minutes in which one broken resolver, clock or store is noticed at all whom a service calls."""
_LONGEST_WAY = 6
_MOST_RETRIED = 4.5
"""How many times as much retries make of a service's traffic: clients try three or four times."""
_STRAIN = frozenset({Sign.CPU, Sign.THROTTLED, Sign.QUEUE})
"""What a service shows that gets more than it can take, and that nobody shows who merely waits for it."""
_SAYS_ITSELF = SPECIFIC | {Sign.NEW_ERROR}
"""What nobody shows merely because somebody below fails."""
_OF_OTHERS = CALLING | {Sign.DNS, Sign.CERTIFICATE}
"""Who says this of another has to wait for it or fails for it."""
_NO_SICKNESS = frozenset({Sign.TRAFFIC, Sign.THROTTLED})
_FROM_CALLEES = frozenset({Sign.TRAFFIC, Sign.THROTTLED, Sign.CLOCK, Sign.PERMISSION})
"""What a service may rightly say of those who call it."""


@dataclass(slots=True)
class View:
    """An incident, seen from one service."""

    service: str
    own: list[tuple[Signal, float]] = field(default_factory=list)
    """Its symptoms, and how much of each is its own doing."""
    blame: list[tuple[Signal, float]] = field(default_factory=list)
    """Symptoms of others that name it, and how much of each is believed."""
    waiting: list[tuple[Signal, int]] = field(default_factory=list)
    """Symptoms of those who depend on it, and how far away they are."""
    below: list[Signal] = field(default_factory=list)
    """Symptoms of those whom it calls."""
    elsewhere: list[Signal] = field(default_factory=list)
    """Symptoms that it cannot have caused."""
    first: float | None = None
    """When its own symptoms begin."""
    first_weight: float = 0.0
    others_first: float | None = None
    surge: float = 1.0
    """How far more traffic here comes from outside and before everything else."""


@dataclass(slots=True)
class _Index:
    by_service: dict[str, list[Signal]] = field(default_factory=dict)
    by_about: dict[str, list[Signal]] = field(default_factory=dict)


def views(scene: Scene, services: Iterable[str]) -> dict[str, View]:
    """The views of some services.

    Args:
        scene: Signals with weights, and the graph.
        services: Whose.

    Returns:
        Service -> its view.
    """
    index = _Index()
    for one in scene.signals:
        if one.service:
            index.by_service.setdefault(one.service, []).append(one)
        if one.about:
            index.by_about.setdefault(one.about, []).append(one)
    return {name: _view(name, scene, index) for name in sorted(services)}


def brought_about(service: str, scene: Scene) -> list[Signal]:
    """What a faulty service does to itself and to those who depend on it, whatever its fault.

    Args:
        service: the faulty one.
        scene: signals with weights, and the graph.

    Returns:
        Its own general symptoms, complaints about it, and what those above it show of no particular kind.
    """
    view = views(scene, [service])[service]
    own = [one for one, _ in view.own if one.about is None]
    blame = [one for one, _ in view.blame if one.sign in CALLING]
    above = [one for one, _ in view.waiting if one.sign in CASCADE and one.sign not in _SAYS_ITSELF]
    named = {(one.service, one.sign) for one, _ in view.blame if one.sign in _SHARED_THINGS}
    again = [one for one in scene.signals if one.about is None and (one.service, one.sign) in named]
    return [*own, *blame, *above, *again]


def _view(name: str, scene: Scene, index: _Index) -> View:
    view = View(name)
    upstream = scene.graph.upstream(name)
    downstream = scene.graph.downstream(name)
    own = index.by_service.get(name, [])
    waits = [one for one in own if one.about and one.sign in _OF_OTHERS and one.weight >= _CLEAR]
    view.own = [(one, _own_share(one, waits, scene.graph, index)) for one in own]
    _begin(view, scene)
    trust = _trust(name, scene.graph, index)
    for one in scene.signals:
        if one.about == name:
            view.blame.append((one, trust * _believed(one, view, waits, scene.graph, index)))
        elif one.service in (name, None) or one.stale:
            continue
        elif one.service in upstream and (one.about is None or one.about in upstream) and not _too_early(one, view):
            view.waiting.append((one, upstream[one.service]))
        elif one.service in downstream:
            view.below.append(one)
        else:
            view.elsewhere.append(one)
    view.surge = _surge(view, scene, index)
    return view


def _too_early(one: Signal, view: View) -> bool:
    return view.first is not None and one.start is not None and one.start < view.first - 2 * _SLACK


def _own_share(one: Signal, waits: list[Signal], graph: Graph, index: _Index) -> float:
    """How much of a service's symptom is its own doing."""
    name = one.service or ""
    named = _named_too(one, index)
    if named is not None:
        return _of_blamer(named, graph, index)
    if one.about is None or one.sign is Sign.POOL_EXHAUSTED:
        if one.about and _turns_away(one.about, index):
            return CONSEQUENCES[one.sign]
        waiting = one.sign in CONSEQUENCES and (
            (one.sign is not Sign.POOL_EXHAUSTED and any(not other.after(one.start, _SLACK) for other in waits))
            or any(_sick(callee, one, index) for callee in graph.callees.get(name, ()))
        )
        return CONSEQUENCES[one.sign] if waiting else 1.0
    if one.sign in CALLING and graph.keeps_data(name):
        return 0.8
    return _of_blamer(one, graph, index)


def _of_blamer(one: Signal, graph: Graph, index: _Index) -> float:
    share = OF_BLAMER.get(one.sign, 1.0)
    return _share_of_blamer(one, share, graph, index) if one.sign in _SHARED_THINGS else share


def _named_too(one: Signal, index: _Index) -> Signal | None:
    """The same as a symptom that names nobody, said of somebody by the same service: two lines of one trouble."""
    if one.about is not None or one.sign not in _SHARED_THINGS:
        return None
    same = (other for other in index.by_service.get(one.service or "", ()) if other.sign is one.sign and other.about)
    return max(same, key=lambda other: (other.weight, other.about), default=None)


def _turns_away(name: str, index: _Index) -> bool:
    """Whether a database or the like says itself that it has no connection left: then the limit is its own."""
    return any(
        one.sign is Sign.POOL_EXHAUSTED and one.about is None and one.weight >= _CLEAR and not one.stale
        for one in index.by_service.get(name, ())
    )


def _share_of_blamer(one: Signal, share: float, graph: Graph, index: _Index) -> float:
    """How much of "its name does not resolve" and the like is the fault of who says so.

    Whoever says it of several at once has a resolver, a clock or a store of its own that is wrong. Who says it of one,
    and reaches the others whom it calls, is right about that one.
    """
    about, name = one.about or "", one.service or ""
    if len(_blamed_at_once(one, index)) >= 2:
        return 0.9
    blamers = {other.service for other in index.by_about[about] if other.sign is one.sign}
    reached = set(graph.callees.get(name, ())) - {other.about for other in index.by_service[name]}
    if len(blamers) >= 2 or reached:
        return share / 2
    if len(graph.callers.get(about, ())) >= 2:
        return max(share, 0.85 if one.sign is not Sign.CERTIFICATE else share)
    return share


def _blamed_at_once(one: Signal, index: _Index) -> set[str | None]:
    """Of whom its service says the same from about the same minute on."""
    return {
        other.about
        for other in index.by_service.get(one.service or "", ())
        if other.sign is one.sign and other.about
        and not (other.after(one.start, _AT_ONCE) or one.after(other.start, _AT_ONCE))
    }  # fmt: skip


def _sick(name: str, seen_by: Signal, index: _Index) -> bool:
    """Whether a callee shows trouble of its own, or others blame it too, no later than the symptom in question."""
    for one in index.by_service.get(name, ()):
        troubled = one.weight >= _CLEAR and not one.stale and one.sign not in _NO_SICKNESS
        if troubled and not one.after(seen_by.start, _SLACK):
            return True
    return any(
        one.service != seen_by.service and one.weight >= _CLEAR and one.sign in CALLING and not one.stale
        and not one.after(seen_by.start, _SLACK)
        for one in index.by_about.get(name, ())
    )  # fmt: skip


def _trust(name: str, graph: Graph, index: _Index) -> float:
    """Less where most of those who call a service have nothing to complain of."""
    callers = set(graph.callers.get(name, ()))
    blamers = {one.service for one in index.by_about.get(name, ()) if one.service}
    if len(callers) < 2:
        return 1.0
    return 0.6 + 0.4 * min(1.0, len(blamers) / len(callers))


def _believed(one: Signal, view: View, waits: list[Signal], graph: Graph, index: _Index) -> float:
    if one.service and one.sign not in _FROM_CALLEES:
        calls = view.service in graph.callees.get(one.service, ())
        called = one.service in graph.callees.get(view.service, ())
        if called and not calls:
            return 0.3
    if one.sign in _SHARED_THINGS and one.service and len(_blamed_at_once(one, index)) >= 2:
        alone = all(other.service == one.service for other in index.by_about[view.service] if other.sign is one.sign)
        return 0.4 if alone else 1.0
    if one.sign is Sign.POOL_EXHAUSTED:
        return 1.0 if any(own.weight >= _CLEAR and not own.stale for own, _ in view.own) else 0.3
    if one.service and one.sign in CALLING and graph.keeps_data(one.service):
        return 0.3  # what a database names is a table, a client or a replica, and seldom whom it calls
    sick = any(_sick(callee, one, index) for callee in graph.callees.get(view.service, ()))
    if one.sign in CALLING and (sick or any(not wait.after(one.start, _SLACK) for wait in waits)):
        itself = any(own.about is None and own.weight >= _CLEAR and share > 0.6 for own, share in view.own)
        return 0.7 if itself else 0.45
    return 1.0


def _begin(view: View, scene: Scene) -> None:
    counted = [pair for pair in view.own if not pair[0].stale and pair[0].weight >= 0.15 and pair[1] > 0.2]
    counted = [pair for pair in counted if pair[0].start is not None]
    if counted:
        view.first = min(one.start or 0.0 for one, _ in counted)
        view.first_weight = max(one.weight * min(1.0, share) for one, share in counted)
    starts = [
        one.start
        for one in scene.signals
        if one.service != view.service and one.start is not None and not one.stale and one.weight >= _CLEAR
        and one.sign not in SLOW_SIGNS
    ]  # fmt: skip
    view.others_first = min(starts, default=None)


def _surge(view: View, scene: Scene, index: _Index) -> float:
    """Traffic that comes from outside, before anything hurts, is a surge; after it, it is retries."""
    here = [one for one, _ in view.own if one.sign is Sign.TRAFFIC and not one.stale]
    if not here:
        return 1.0
    start = min((one.start for one in here if one.start is not None), default=None)
    if start is None:
        return 0.7
    share = 1.25 if scene.graph.is_entry(view.service) else 0.9
    ratio = max(one.ratio for one in here)
    if ratio <= _MOST_RETRIED and _hurt_before(view.service, start - _SLACK, scene):
        share *= 0.3
    callers, callees = scene.graph.callers.get(view.service, ()), scene.graph.callees.get(view.service, ())
    if callers and scene.observed.issuperset(callers) and not any(_who_grew(callers, 1.0, start + _SLACK, index)):
        share *= 0.5  # nobody who calls it has more to do: it writes more, and that is all
    strained = _strained(view.service, index)
    passing = _who_grew(callers, ratio, start, index)
    if passing and (not strained or any(_strained(name, index) for name in passing)):
        share *= 0.35
    if _passes_on(view.service, ratio, start + _SLACK, scene.graph, index):
        share *= 0.3
    if any(_AS_MUCH * grew > ratio for grew in _grown(callees, start + _SLACK, index)):
        # One below grew more than this: the surge is for that one, and only passes here.
        share *= 0.3
    return share


def _hurt_before(name: str, minute: float, scene: Scene) -> bool:
    """Whether a service, or one that it depends on, was in trouble before a minute, so that callers tried again.

    Trouble elsewhere makes nobody call this service more often: it is another trouble.
    """
    reach = {name, *scene.graph.downstream(name)}
    return any(
        reach & {one.service, one.about}
        and one.sign not in {Sign.TRAFFIC, *SLOW_SIGNS}
        and not one.stale
        and one.weight >= _CLEAR
        and one.start is not None
        and one.start < minute
        for one in scene.signals
    )


def _who_grew(services: Iterable[str], ratio: float, start: float, index: _Index) -> list[str]:
    """Whose traffic grew about as much, and no later."""
    return [name for name in services if any(grew >= _AS_MUCH * ratio for grew in _grown([name], start, index))]


def _passes_on(name: str, ratio: float, start: float, graph: Graph, index: _Index) -> bool:
    """Whether all of it goes to one, maybe through others, who takes it less well."""
    least = _strain(name, index)
    for _ in range(_LONGEST_WAY):
        taking = _who_grew(graph.callees.get(name, ()), ratio, start, index)
        if len(taking) > 1:
            taking = sorted(set.intersection(*(_takers(one, ratio, start, graph, index) for one in taking)))
        if len(taking) != 1:
            return False
        name = taking[0]
        if _strain(name, index) > least:
            return True
    return False


def _takers(name: str, ratio: float, start: float, graph: Graph, index: _Index) -> set[str]:
    """Who gets as much more, of a service and those whom it calls."""
    return {name, *_who_grew(graph.callees.get(name, ()), ratio, start, index)}


def _strain(name: str, index: _Index) -> int:
    """2 for who turns work away, 1 for who is busy, 0 otherwise."""
    turned = (one for one in (*index.by_service.get(name, ()), *index.by_about.get(name, ())))
    if any(
        one.sign is Sign.THROTTLED and name == (one.about or one.service) and one.weight >= _CLEAR and not one.stale
        for one in turned
    ):
        return 2
    return 1 if _strained(name, index) else 0


def _strained(name: str, index: _Index) -> bool:
    return any(
        one.sign in _STRAIN and one.about is None and one.weight >= _CLEAR and not one.stale
        for one in index.by_service.get(name, ())
    )


def _grown(services: Iterable[str], start: float, index: _Index) -> list[float]:
    """How many times more traffic some services have, of those where it did not begin later."""
    return [
        one.ratio
        for name in services
        for one in index.by_service.get(name, ())
        if one.sign is Sign.TRAFFIC and not one.stale and not one.after(start, _SLACK)
    ]
