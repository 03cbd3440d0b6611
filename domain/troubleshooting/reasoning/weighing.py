"""Weighing: how much each symptom speaks for or against a candidate, in nats, so that the parts add up.

Four ideas. A service's own symptoms count most, those that only one fault makes above all. Callers' complaints count
less, and each further caller a little less again. Who waits for a sick service is explained by it. What a candidate
cannot reach speaks against it, though never much: two things may break at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.reasoning.candidates import Candidate, Scene
from domain.troubleshooting.reasoning.denials import denied_nats
from domain.troubleshooting.reasoning.likelihoods import (
    BLAMED,
    CASCADE,
    DEFECT,
    DEFINING,
    OWN,
    SENDS_MORE,
    SPECIFIC,
    UNDER_LOAD,
)
from domain.troubleshooting.reasoning.signals import Signal
from domain.troubleshooting.reasoning.views import View, views

_FADES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.2, 0.15)
_AGAIN = 0.25
"""The same symptom once more, or another complaint of the same caller."""
_MOST_COUNTED = 10
"""Further symptoms of the same sort would count for next to nothing."""
_MOST_CASCADE = 2.0
_MOST_UNEXPLAINED = 2.0
_UNEXPLAINED = 0.35
_SPECIFIC_UNEXPLAINED = 0.8
_SICK_BEFORE = 1.5
_SHOWN = 0.5
_SILENT = -1.2
_SILENT_SEEN = -2.5
"""Nats against a service without symptoms: more where its own logs or metrics were read."""
_OWN_UNEXPLAINED = -1.0
_CLEAR = 0.25
_MOSTLY = 0.6
_COINCIDENCE = 0.6


@dataclass(slots=True)
class Part:
    """One reason, and what it counts for. Nobody changes it; to forbid that takes twice the time, for thousands."""

    nats: float
    signal: Signal | None = None
    text: str = ""
    """For reasons that are no single finding."""
    role: str = "own"
    """`own`, `blame`, `cascade`, `load`, `order`, `change`, `unexplained`, `denied`."""
    source: str = ""
    """Who says so, where that is no signal."""


@dataclass(slots=True)
class Score:
    """What all reasons together say of a candidate."""

    candidate: Candidate
    parts: list[Part] = field(default_factory=list)

    @property
    def total(self) -> float:
        """Nats, without the base rate."""
        return sum(part.nats for part in self.parts)

    def of(self, *roles: str) -> list[Part]:
        """Reasons of some roles that speak for it."""
        return [part for part in self.parts if part.role in roles and part.nats > 0]


def weigh(found: Iterable[Candidate], scene: Scene) -> list[Score]:
    """The score of each candidate.

    Args:
        found: The candidates.
        scene: What they are weighed against.

    Returns:
        Scores in the candidates' order.
    """
    found = list(found)
    seen = views(scene, {one.service for one in found if one.service})
    around = {name: _around(view) for name, view in seen.items()}
    return [
        Score(one, _shared(one, scene) if one.shared else _parts(one, seen[one.service or ""], around, scene))
        for one in found
    ]


@dataclass(frozen=True, slots=True)
class _Around:
    """Reasons that are the same for every fault of a service."""

    cascade: list[Part]
    order: list[Part]
    load: list[Part]
    """As for a fault that sends as much as can be."""
    unexplained: list[Part]
    unexplained_under_load: list[Part]


def _around(view: View) -> _Around:
    load = _load(view)
    return _Around(_cascade(view), _order(view), load, _unexplained(view, []), _unexplained(view, load))


def _parts(one: Candidate, view: View, arounds: dict[str, _Around], scene: Scene) -> list[Part]:
    around = arounds[view.service]
    own = _own(one.fault, view)
    blame = _blame(one.fault, view)
    share = SENDS_MORE.get(one.fault, 0.0)
    load = [_times(part, share) for part in around.load] if share else []
    unexplained = around.unexplained_under_load if share else around.unexplained
    parts = [*own, *blame, *around.cascade, *load, *unexplained]
    if one.made is not None:
        parts.append(Part(one.suspicion * _due(one.fault, view), role="change"))
    begun = [part.signal.start for part in (*own, *blame, *around.cascade, *load) if part.signal and part.nats > 0]
    times = [start for start in begun if start is not None]
    order = list(around.order)
    if scene.onset is not None and times and min(times) > scene.onset + 6:
        order.append(Part(-1.0, text="Its symptoms come later than the onset, which it does not explain", role="order"))
    parts.extend(_late_at_most(order, own, blame))
    shown = sum(part.nats for part in (*own, *blame) if part.nats > 0)
    if shown < _SHOWN:
        silent = _SILENT_SEEN if one.service in scene.observed else _SILENT
        text = f"{one.service} shows next to nothing itself, and hardly anybody blames it"
        parts.append(Part(silent * (1 - shown / _SHOWN), text=text, role="unexplained"))
    denied = denied_nats(one.service, one.fault, scene.denied)
    parts.extend(Part(nats, text=denial.text, role="denied", source=denial.source) for nats, denial in denied)
    return parts


def _due(fault: FaultKind, view: View) -> float:
    """How much of the suspicion of a change is due where all that its service shows comes from elsewhere.

    Somebody changes something in every hour. A change before trouble that is the service's own is seldom a coincidence;
    one at a service that merely waits for another often is.
    """
    shown = [(one, share) for one, share in view.own if one.weight >= _CLEAR and not one.stale]
    of_its_own = any(share > _MOSTLY or one.sign is DEFINING.get(fault) for one, share in shown)
    return 1.0 if of_its_own or not shown else _COINCIDENCE


def _own(fault: FaultKind, view: View) -> list[Part]:
    table = OWN[fault]
    gains: dict[Sign, list[Part]] = {}
    against: list[Part] = []
    for one, factor in view.own:
        nats = table.get(one.sign, 0.0)
        if one.sign is Sign.TRAFFIC:
            # More traffic speaks for a surge, and against whatever it explains; retries do neither.
            nats *= view.surge if nats > 0 else min(1.0, view.surge)
        if nats > 0 and one.defect and factor > _MOSTLY:
            nats += DEFECT.get(fault, 0.0)
        if nats > 0 and factor > 0:
            gains.setdefault(one.sign, []).append(Part(nats * factor * one.weight, one))
        elif one.weight > 0.2 and factor >= 0.5 and (nats < 0 or one.sign in SPECIFIC):
            against.append(Part((nats or _OWN_UNEXPLAINED) * one.weight, one, role="unexplained"))
    return [*_faded(gains.values()), *_strongest(against, 2.5)]


def _blame(fault: FaultKind, view: View) -> list[Part]:
    table = BLAMED[fault]
    gains: dict[str, list[Part]] = {}
    for one, factor in view.blame:
        nats = table.get(one.sign, 0.0)
        if nats > 0:
            gains.setdefault(one.service or "", []).append(Part(nats * factor * one.weight, one, role="blame"))
    return _faded(gains.values())


def _cascade(view: View) -> list[Part]:
    gains: dict[str, list[Part]] = {}
    for one, distance in view.waiting:
        nats = CASCADE.get(one.sign, 0.0) * one.weight * 0.9 ** (distance - 1)
        if nats > 0:
            gains.setdefault(one.service or "", []).append(Part(nats, one, role="cascade"))
    return _capped(_faded(gains.values()), _MOST_CASCADE)


def _load(view: View) -> list[Part]:
    gains: dict[str, list[Part]] = {}
    for one in view.below:
        if view.first is None or not (one.start is None or one.after(view.first, -_SICK_BEFORE)):
            continue  # it was in trouble first, so that nobody burdened it
        nats = UNDER_LOAD.get(one.sign, 0.0) * one.weight
        if nats > 0:
            gains.setdefault(one.service or "", []).append(Part(nats, one, role="load"))
    return _capped(_faded(gains.values()), _MOST_CASCADE)


def _unexplained(view: View, load: list[Part]) -> list[Part]:
    explained = {id(part.signal) for part in load}
    parts = [
        Part(-_against(one, view) * one.weight, one, role="unexplained")
        for one in (*view.elsewhere, *view.below)
        if id(one) not in explained and one.weight >= 0.3
    ]
    faded = [
        Part(part.nats * _fade(place), part.signal, role="unexplained")
        for place, part in enumerate(sorted(parts, key=_rank, reverse=True)[:_MOST_COUNTED])
    ]
    return _capped(faded, _MOST_UNEXPLAINED)


def _against(one: Signal, view: View) -> float:
    """Nats by which a symptom speaks against a service that does not explain it."""
    if one.sign in SPECIFIC:
        return _SPECIFIC_UNEXPLAINED
    first = view.first if view.first is not None else view.others_first
    if one.about is None and one in view.below and first is not None and not one.after(first, -_SICK_BEFORE):
        return _SPECIFIC_UNEXPLAINED  # whom it calls was in trouble before it
    return _UNEXPLAINED


def _late_at_most(parts: list[Part], own: list[Part], blame: list[Part]) -> list[Part]:
    """A late symptom takes back half of what it gives, and never more: it is better than none."""
    most = 0.5 * sum(part.nats for part in (*own, *blame) if part.nats > 0)
    late = [part for part in parts if part.nats < 0]
    return [*(part for part in parts if part.nats >= 0), *_capped(late, most)]


def _order(view: View) -> list[Part]:
    if view.first is None or view.others_first is None:
        return []
    lead = view.others_first - view.first
    sure = min(1.0, view.first_weight / 0.5)
    if lead >= 0.5:
        return [Part(0.9 * sure, text=f"The symptoms of {view.service} begin first", role="order")]
    if lead >= -1.0:
        return [Part(0.4 * sure, text=f"{view.service} is among the first to show symptoms", role="order")]
    if lead >= -3.0:
        return []
    late = f"{view.service} shows symptoms only {-lead:.0f} minutes after others"
    return [Part(-min(2.2, 0.3 + 0.2 * (-lead - 3.0)), text=late, role="order")]


def _shared(one: Candidate, scene: Scene) -> list[Part]:
    sign = DEFINING[one.fault]
    gains: dict[str, list[Part]] = {}
    for signal in scene.signals:
        if signal.sign is sign and signal.weight > 0:
            gains.setdefault(signal.service or "", []).append(Part(0.8 * OWN[one.fault][sign] * signal.weight, signal))
    change = [Part(one.suspicion, role="change")] if one.made is not None else []
    return [*_faded(gains.values()), *change]


def _faded(groups: Iterable[list[Part]]) -> list[Part]:
    """The strongest of each group in full and the rest little; then each further group less."""
    inner: list[list[Part]] = []
    for group in groups:
        ranked = sorted(group, key=_rank)[:_MOST_COUNTED]
        inner.append([ranked[0], *(_times(part, _AGAIN * _fade(place)) for place, part in enumerate(ranked[1:]))])
    inner.sort(key=lambda parts: (-sum(part.nats for part in parts), _rank(parts[0])))
    return [_times(part, _fade(place)) for place, parts in enumerate(inner[:_MOST_COUNTED]) for part in parts]


def _rank(part: Part) -> tuple[float, str, str, str, float]:
    one = part.signal
    if one is None:
        return (-part.nats, "", "", "", 0.0)
    return (-part.nats, one.service or "", one.sign.value, one.about or "", one.start or 0.0)


def _fade(place: int) -> float:
    return _FADES[place] if place < len(_FADES) else 0.1


def _times(part: Part, factor: float) -> Part:
    return Part(part.nats * factor, part.signal, part.text, part.role)


def _capped(parts: list[Part], most: float) -> list[Part]:
    total = abs(sum(part.nats for part in parts))
    return parts if total <= most or total == 0.0 else [_times(part, most / total) for part in parts]


def _strongest(parts: list[Part], most: float) -> list[Part]:
    return _capped(sorted(parts, key=lambda part: part.nats), most)
