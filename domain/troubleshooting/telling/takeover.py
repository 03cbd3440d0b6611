"""The context package of an incident that people take over, and the decision that sends it to them."""

from __future__ import annotations

from datetime import datetime

from domain.model import JsonValue, Value
from domain.tickets.ticket import Priority
from domain.triage.decision import Decision, DecisionKind, Urgency
from domain.troubleshooting.state import IncidentState

_URGENCY = {
    Priority.CRITICAL: Urgency.IMMEDIATE,
    Priority.URGENT: Urgency.IMMEDIATE,
    Priority.HIGH: Urgency.URGENT,
}
_EVIDENCE = 8
_EVENTS = 20


class IncidentPackage(Value):
    """Attached as JSON to the team's e-mail, and the source of its text."""

    incident: dict[str, JsonValue]
    cause: str
    why_not: str
    evidence: tuple[str, ...]
    affected: tuple[str, ...]
    onset: str | None
    tried: tuple[str, ...]
    next_steps: tuple[str, ...]
    timeline: tuple[dict[str, JsonValue], ...]
    fallbacks: tuple[str, ...]


def decision_for(state: IncidentState, team: str, why: str) -> Decision:
    """Hand the incident to a team.

    Args:
        state: the incident.
        team: who gets it.
        why: one sentence.
    """
    return Decision(
        kind=DecisionKind.SPECIALIST,
        urgency=urgency_of(state),
        team=team,
        reasons=(why,),
        recommended_actions=next_steps(state),
    )


def urgency_of(state: IncidentState) -> Urgency:
    """How soon somebody must have it."""
    return _URGENCY.get(state.priority, Urgency.STANDARD)


def package_of(state: IncidentState, decision: Decision, now: datetime) -> IncidentPackage:
    """Collect what the incident knows.

    Args:
        state: the incident.
        decision: why it is handed over.
        now: the time of the handoff.
    """
    diagnosis, cause = state.diagnosis, state.cause
    likely = cause or next(iter(state.open_hypotheses), None)
    weighed = (*likely.evidence_for, *likely.evidence_against)[:_EVIDENCE] if likely is not None else ()
    timeline = diagnosis.timeline[-_EVENTS:] if diagnosis is not None else ()
    onset = diagnosis.onset if diagnosis is not None else None
    return IncidentPackage(
        incident={
            "id": state.report.incident_id,
            "title": state.report.title,
            "description": state.report.description,
            "opened_at": state.opened_at.isoformat(),
            "handed_over_at": now.isoformat(),
            "reasons": list(decision.reasons),
            "hypotheses": [one.model_dump(mode="json") for one in (diagnosis.hypotheses if diagnosis else ())],
            "evidence": [one.name for one in state.evidence],
            "linked_tickets": [one.ticket_id for one in state.linked],
        },
        cause=cause.sentence if cause is not None else "",
        why_not=diagnosis.why_not if diagnosis is not None and cause is None else "",
        evidence=tuple(f"{one.text} ({one.source})" if one.source else one.text for one in weighed),
        affected=diagnosis.blast_radius.affected if diagnosis is not None else (),
        onset=onset.isoformat() if onset is not None else None,
        tried=tuple(f"{one.title}: {one.reason}" for one in state.rejected),
        next_steps=next_steps(state),
        timeline=tuple({"at": event.at.isoformat(), "text": event.text} for event in timeline),
        fallbacks=tuple(f"{use.what}: answered by {use.level.replace('_', ' ')}" for use in state.fallbacks[-5:]),
    )


def next_steps(state: IncidentState) -> tuple[str, ...]:
    """What a person would do next: the tests that tell the open hypotheses apart, and what no tool could do."""
    tests = [one.refuted_by for one in state.open_hypotheses[:4] if one.refuted_by]
    undone = [call.outcome for call in state.calls if not call.ok][:4]
    return tuple(dict.fromkeys([*tests, *undone]))
