"""What is told of an incident: the facts that a model may answer from, and the news for customers."""

from __future__ import annotations

from domain.model import JsonValue
from domain.troubleshooting.knowledge import Lesson
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.telling.takeover import next_steps

_WEIGHED = 4
_HYPOTHESES = 4
_STEPS = 4


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


def lesson_of(state: IncidentState) -> Lesson | None:
    """What the incident teaches, as a draft that a person reviews; None when its cause never became known."""
    cause, solution = state.cause, state.solution
    if cause is None or cause.service is None:
        return None
    signs = dict.fromkeys(
        finding.sign for seen in state.observed for finding in seen.findings if finding.service == cause.service
    )
    helped = solution.title if solution is not None and state.execution is not None else state.resolution
    parts = [cause.sentence, *(f"- {weighed.text}" for weighed in cause.evidence_for), "", f"What helped: {helped}"]
    return Lesson(
        lesson_id=state.case_number.replace(":", "-")[:100],
        title=f"{cause.fault.label.capitalize()} of {cause.service}"[:200],
        body="\n".join(parts)[:8_000],
        service=cause.service,
        fault=cause.fault,
        signs=tuple(signs)[:8],
        playbook=solution.playbook if solution is not None and state.execution is not None else None,
        source_case=state.case_number,
    )


def news_for_customers() -> str:
    """What customers are told when it is over: no names of services, versions or people."""
    return (
        "The problem that you wrote to us about is solved, and everything works again as far as we can see. "
        "If it does not for you, please answer this message. We are sorry for the trouble."
    )
