"""What a language model supposes, as far as it may count.

A model may be wrong, and whoever writes a log line may speak through it. So it adds little, only where it names
findings about the very service, and it makes no cause of a service that the evidence does not put first: two judges
have to agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.troubleshooting.hypotheses import FaultKind, Supposition
from domain.troubleshooting.reasoning.accepting import Covered, reason_not_to_accept
from domain.troubleshooting.reasoning.candidates import Candidate, Scene
from domain.troubleshooting.reasoning.rivals import Judged
from domain.troubleshooting.reasoning.weighing import Part

_NATS_PER_FINDING = 0.4
_MOST_NATS = 0.8
"""About the weight of one plain symptom."""


def supposed_candidates(
    supposed: Iterable[Supposition], found: Sequence[Candidate], scene: Scene
) -> tuple[Candidate, ...]:
    """Causes that only the model thought of, at services that the evidence speaks of.

    Args:
        supposed: what the model said.
        found: what the evidence suggests.
        scene: all that is known.
    """
    there = {(one.service, one.fault) for one in found}
    seen = {name for one in scene.signals for name in (one.service, one.about) if name}
    new = dict.fromkeys(
        Candidate(one.service, one.fault)
        for one in supposed
        if one.cites
        and one.service in seen
        and one.fault is not FaultKind.UNKNOWN
        and (one.service, one.fault) not in there
    )
    return tuple(new)


def of_a_model(candidate: Candidate, supposed: Iterable[Supposition]) -> tuple[Part, ...]:
    """What the model's word adds to a candidate."""
    return tuple(
        Part(
            min(_MOST_NATS, _NATS_PER_FINDING * one.cites),
            text=f"A language model supposes so: {one.because}"[:300]
            if one.because
            else "A language model supposes so",
            role="model",
        )
        for one in supposed
        if one.cites and (one.service, one.fault) == (candidate.service, candidate.fault)
    )[:1]


def still_not(why_not: str, first: Judged, ranked: Sequence[Judged], scene: Scene, covered: Covered) -> str:
    """Why no cause is accepted although a model was asked; empty when the model's word settled it.

    Args:
        why_not: why the evidence alone carries none.
        first: what the evidence alone puts first.
        ranked: all candidates with the model's word, the most likely first.
        scene: what they were weighed against.
        covered: the time that the evidence covers.
    """
    best = ranked[0]
    if best.candidate.service != first.candidate.service or best.candidate.service is None:
        return why_not
    return why_not if reason_not_to_accept(best, ranked, scene, covered) else ""
