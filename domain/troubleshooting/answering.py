"""Answers about an incident from what is known of it: by rules, and the facts that a model may answer from."""

from __future__ import annotations

from collections.abc import Iterator

from domain.model import JsonValue
from domain.troubleshooting.records import QueryRecord
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.takeover import next_steps
from domain.troubleshooting.terms import ModelFallback, QueryIntent

_WEIGHED = 4
_HYPOTHESES = 4
_STEPS = 4
_WHY = frozenset({QueryIntent.ROOT_CAUSE_ANALYSIS, QueryIntent.TROUBLESHOOTING, QueryIntent.EXPLANATION})


def answer_by_rules(state: IncidentState, query: QueryRecord) -> tuple[str, ModelFallback]:
    """Answer a question without a model.

    Args:
        state: of the incident.
        query: classified.

    Returns:
        The answer, and how good it is: structured where something of this incident is known, static otherwise.
    """
    if state.diagnosis is None:
        return (
            "Nothing was read yet. Upload logs, metrics and the changes of the last day, and ask again in a minute.",
            ModelFallback.STATIC_GUIDANCE,
        )
    parts = [*_status(state)]
    if query.intent is None or query.intent in _WHY:
        parts += _cause(state)
    if query.intent is not QueryIntent.STATUS_CHECK:
        parts += _steps(state)
    return "\n".join(parts), ModelFallback.STRUCTURED_GUIDANCE


def facts_of(state: IncidentState) -> dict[str, JsonValue]:
    """What a model may answer from. Texts from logs are in it: data, and redacted by whoever asks."""
    diagnosis, cause = state.diagnosis, state.cause
    hypotheses = diagnosis.hypotheses[:_HYPOTHESES] if diagnosis is not None else ()
    return {
        "title": state.report.title,
        "status": state.current_status().label,
        "phase": state.trouble_phase.label,
        "onset": diagnosis.onset.isoformat() if diagnosis is not None and diagnosis.onset is not None else None,
        "affected": list(diagnosis.blast_radius.affected) if diagnosis is not None else [],
        "cause": cause.sentence if cause is not None else None,
        "why_no_cause": diagnosis.why_not if diagnosis is not None and cause is None else None,
        "hypotheses": [
            {
                "sentence": one.sentence,
                "probability": round(one.posterior, 2),
                "for": [weighed.text for weighed in one.evidence_for[:_WEIGHED]],
                "against": [weighed.text for weighed in one.evidence_against[:_WEIGHED]],
            }
            for one in hypotheses
        ],
        "proposal": state.solution.title if state.solution is not None else None,
        "carried_out": state.execution.sentence if state.execution is not None else None,
        "next_steps": list(next_steps(state)[:_STEPS]),
    }


def news_for_customers(state: IncidentState) -> str:
    """What customers are told when it is over: no names of services, versions or people."""
    return (
        "The problem that you wrote to us about is solved, and everything works again as far as we can see. "
        "If it does not for you, please answer this message. We are sorry for the trouble."
    )


def _status(state: IncidentState) -> Iterator[str]:
    yield f"Status: {state.current_status().label}, {state.trouble_phase.label}."
    diagnosis = state.diagnosis
    if diagnosis is not None and diagnosis.blast_radius.affected:
        onset = f" since {diagnosis.onset.isoformat(timespec='minutes')}" if diagnosis.onset is not None else ""
        yield f"Affected{onset}: {', '.join(diagnosis.blast_radius.affected[:8])}."
    if state.solution is not None:
        yield f"Proposed: {state.solution.title}."
    if state.execution is not None:
        yield state.execution.sentence


def _cause(state: IncidentState) -> Iterator[str]:
    diagnosis, cause = state.diagnosis, state.cause
    if cause is not None:
        yield f"Cause: {cause.sentence} ({cause.posterior:.0%})"
        yield from (f"- {weighed.text}" for weighed in cause.evidence_for[:_WEIGHED])
        if cause.refuted_by:
            yield f"It would be refuted by: {cause.refuted_by}"
    elif diagnosis is not None:
        yield f"The cause is not known. {diagnosis.why_not}"
        yield from (f"- {one.posterior:.0%} {one.sentence}" for one in state.open_hypotheses[:_HYPOTHESES])


def _steps(state: IncidentState) -> Iterator[str]:
    steps = next_steps(state)[:_STEPS]
    if steps:
        yield "Next:"
        yield from (f"- {step}" for step in steps)
