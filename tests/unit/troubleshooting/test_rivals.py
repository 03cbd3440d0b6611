"""Which rival is named where a cause is not accepted."""

from __future__ import annotations

from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.reasoning.candidates import Candidate
from domain.troubleshooting.reasoning.rivals import Judged, has_rivals
from domain.troubleshooting.reasoning.weighing import Score


def judged(service: str | None, fault: FaultKind, posterior: float) -> Judged:
    candidate = Candidate(service, fault)
    return Judged(candidate, Score(candidate), prior=0.1, posterior=posterior)


def test_a_rival_is_named_only_where_it_is_likely_enough_to_be_one() -> None:
    best = judged("search", FaultKind.MEMORY_LEAK, 0.5)
    something_else = judged(None, FaultKind.UNKNOWN, 0.47)
    hardly = judged("search", FaultKind.DISK_FULL, 0.01)
    likely = judged("search", FaultKind.DISK_FULL, 0.4)

    doubted = has_rivals(best, [best, something_else, hardly])
    assert "not enough" in doubted
    assert "Two causes" not in doubted
    assert "Two causes fit" in has_rivals(best, [best, something_else, likely])
