"""Hypotheses as people and other parts of the product see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.troubleshooting.hypotheses import FaultKind, Hypothesis, HypothesisStatus, Weighed
from domain.troubleshooting.reasoning.candidates import SHARED, UNKNOWN_ID
from domain.troubleshooting.reasoning.rivals import Judged
from domain.troubleshooting.reasoning.weighing import Part
from domain.troubleshooting.reasoning.wording import describe, refuting_test, sentence

_MOST_SHOWN = 12
_LEAST = 0.05
_MOST_REFUTED = 20
_SOURCES = {
    "change": "change records",
    "person": "a person",
    "order": "order of events",
    "model": "language model",
}


def hypothesis(one: Judged, accepted: bool = False, refuted: bool = False) -> Hypothesis:
    """A candidate with its evidence, the weightiest first."""
    status = HypothesisStatus.REFUTED if refuted else HypothesisStatus.ACCEPTED if accepted else HypothesisStatus.OPEN
    shown = [
        part for part in one.score.parts if abs(part.nats) >= _LEAST and (part.signal or part.text or _is_change(part))
    ]
    return Hypothesis(
        hypothesis_id=one.candidate.hypothesis_id,
        service=one.candidate.service,
        fault=one.candidate.fault,
        change=one.candidate.made.change if one.candidate.made else None,
        sentence=sentence(one.candidate),
        prior=one.prior,
        posterior=0.0 if refuted else one.posterior,
        evidence_for=_weighed([part for part in shown if part.nats > 0], one),
        evidence_against=_weighed([part for part in shown if part.nats < 0], one),
        refuted_by="A person or a fix that did not help refuted it." if refuted else refuting_test(one.candidate),
        status=status,
    )


def refuted_ones(judged: Sequence[Judged], ids: Iterable[str]) -> list[Hypothesis]:
    """Refuted hypotheses, also those that the evidence of now would not suggest any more: they stay visible."""
    by_id = {one.candidate.hypothesis_id: one for one in judged}
    found = []
    for each in list(dict.fromkeys(ids))[:_MOST_REFUTED]:
        if each in by_id:
            found.append(hypothesis(by_id[each], refuted=True))
        elif each != UNKNOWN_ID:
            bare = _bare(each)
            if bare is not None:
                found.append(bare)
    return found


def _bare(hypothesis_id: str) -> Hypothesis | None:
    service, _, rest = hypothesis_id.partition("/")
    fault = rest.partition("/")[0]
    if not service or fault not in {one.value for one in FaultKind}:
        return None
    kind = FaultKind(fault)
    return Hypothesis(
        hypothesis_id=hypothesis_id,
        service=None if service == SHARED else service,
        fault=kind,
        sentence=f"{kind.label.capitalize()} of {service}",
        prior=0.0,
        posterior=0.0,
        refuted_by="A person or a fix that did not help refuted it.",
        status=HypothesisStatus.REFUTED,
    )


def _weighed(parts: list[Part], one: Judged) -> tuple[Weighed, ...]:
    ranked = sorted(parts, key=lambda part: (-abs(part.nats), _text(part, one)))
    return tuple(
        Weighed(text=_text(part, one), source=_source(part), weight=round(part.nats, 4))
        for part in ranked[:_MOST_SHOWN]
    )


def _text(part: Part, one: Judged) -> str:
    if part.signal is not None:
        return part.signal.text
    if part.text or one.candidate.made is None:
        return part.text
    what = describe(one.candidate.made.change)
    return f"{what[:1].upper()}{what[1:]} came shortly before"


def _source(part: Part) -> str:
    if part.signal is not None:
        return part.signal.source
    return part.source or _SOURCES.get(part.role, "topology")


def _is_change(part: Part) -> bool:
    return part.role == "change"
