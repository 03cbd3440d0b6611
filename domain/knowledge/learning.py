"""What a closed case teaches: its outcome, the customer's profile, a knowledge entry, a report. Pure."""

from __future__ import annotations

from datetime import datetime

from domain.cases.escalation import EscalationResult, EscalationState
from domain.cases.records import OutcomeRecord
from domain.knowledge.articles import Article
from domain.model import JsonValue

_SIGNATURE_WORDS = (
    "api", "authentication", "bug", "connection", "database", "endpoint", "error", "export", "integration", "invoice",
    "login", "password", "payment", "refund", "server", "slow", "ssl", "subscription", "timeout", "webhook",
)  # fmt: skip
"""Terms that tell issues apart; the list is extended from the escalation reference document, step 6."""


def issue_signature(state: EscalationState) -> str:
    """What makes issues alike: category, complexity, and the technical terms in the text."""
    text = state.ticket.text.lower()
    words = [word for word in _SIGNATURE_WORDS if word in text]
    classification = state.classification
    kind = f"{classification.category.value}/{classification.complexity.value}" if classification else "unknown"
    return f"{kind}: {' '.join(words)}"


def escalation_was_right(state: EscalationState) -> bool | None:
    """Was the decision right? People's word counts; else what happened tells, as far as it can.

    A case kept at this level was decided wrongly when it had to be reopened or handed over in the end. A case that
    was handed over gives no such sign by itself.
    """
    if state.outcome.escalation_was_right is not None:
        return state.outcome.escalation_was_right
    if state.decision is not None and not state.people_have_it:
        return state.outcome.reopened == 0
    return None


def outcome_record(state: EscalationState, workflow_id: str, now: datetime) -> OutcomeRecord:
    """The outcome as the store keeps it."""
    handoff = state.handoff
    ratings = state.outcome.ratings
    return OutcomeRecord(
        workflow_id=workflow_id,
        tenant=state.tenant,
        decision=state.decision.kind.value if state.decision else "",
        category=state.classification.category.value if state.classification else "",
        priority=state.priority.value,
        risk=state.risk.overall if state.risk else 0,
        escalated=state.people_have_it,
        reopened=state.outcome.reopened,
        satisfaction=ratings[-1] if ratings else None,
        escalation_was_right=escalation_was_right(state),
        first_response_seconds=seconds_between(state.opened_at, state.outcome.first_response_at),
        handoff_seconds=seconds_between(state.opened_at, handoff.completed_at if handoff else None),
        resolution_seconds=seconds_between(state.opened_at, state.resolved_at),
        sla_breaches=state.sla_breaches,
        messages_sent=state.sent_count,
        model_cost=state.model_cost,
        signature=issue_signature(state),
        recorded_at=now,
        report=report_of(state, now),
    )


def seconds_between(start: datetime, end: datetime | None) -> float | None:
    """Seconds from `start` to `end`, or None when it has not come to that."""
    return None if end is None else (end - start).total_seconds()


def customer_profile(state: EscalationState) -> dict[str, str]:
    """Properties for the CRM; the names follow the escalation reference document, step 6."""
    analysis = state.analysis
    profile = {
        "support_interaction_count": str(state.ticket.customer.previous_tickets + 1),
        "escalation_risk_score": str(state.risk.overall if state.risk else 0),
        "communication_preference": analysis.style.value if analysis else "",
        "technical_knowledge_level": analysis.knowledge_level.value if analysis else "",
    }
    if state.handoff is not None and state.handoff.completed_at is not None:
        profile["last_escalation_date"] = state.handoff.completed_at.date().isoformat()
    return profile


def learned_article(state: EscalationState, now: datetime) -> Article | None:
    """A knowledge entry from how people solved it; not public until a person reviewed it."""
    resolution = state.outcome.resolution
    if not resolution or state.outcome.resolved_by in ("customer", "surehand") or state.classification is None:
        return None
    return Article(
        article_id=f"case-{state.tenant}-{state.case_number}",
        title=f"How a case was solved: {state.ticket.subject[:120]}",
        body=f"Signature: {issue_signature(state)}\n\n{resolution}",
        category=state.classification.category,
        public=False,
        source_case=state.case_number,
        created_at=now,
    )


def report_of(state: EscalationState, now: datetime) -> dict[str, JsonValue]:
    """The performance report: how the machine and the people did, for the support lead."""
    handoff = state.handoff
    return {
        "decision": state.decision.kind.label if state.decision else "",
        "overridden": state.decision.overridden if state.decision else False,
        "category": state.classification.category.label if state.classification else "",
        "priority": state.priority.value,
        "risk": state.risk.overall if state.risk else 0,
        "team": handoff.team if handoff else "",
        "emergency_handoff": handoff.emergency if handoff else False,
        "seconds_to_handoff": seconds_between(state.opened_at, handoff.completed_at if handoff else None),
        "seconds_to_first_response": seconds_between(state.opened_at, state.outcome.first_response_at),
        "seconds_to_resolution": seconds_between(state.opened_at, state.resolved_at),
        "sla_breaches": state.sla_breaches,
        "expired_claims": state.claim.expired_claims,
        "reopened": state.outcome.reopened,
        "satisfaction": state.outcome.ratings[-1] if state.outcome.ratings else None,
        "decision_was_right": escalation_was_right(state),
        "answered_by_rules": state.degraded,
        "model_cost": round(state.model_cost, 4),
        "messages_sent": state.sent_count,
        "reported_at": now.isoformat(timespec="seconds"),
    }


def result_of(state: EscalationState) -> EscalationResult:
    """What the workflow returns."""
    ratings = state.outcome.ratings
    handoff = state.handoff
    return EscalationResult(
        ticket_id=state.ticket.ticket_id,
        status=state.current_status().value,
        category=state.classification.category.value if state.classification else None,
        priority=state.priority.value if state.classification else None,
        risk=state.risk.overall if state.risk else None,
        decision=state.decision.kind.value if state.decision else None,
        team=state.decision.team if state.decision else None,
        escalated=state.people_have_it,
        emergency_handoff=handoff.emergency if handoff else False,
        handoff_seconds=seconds_between(state.opened_at, handoff.completed_at if handoff else None),
        messages_sent=state.sent_count,
        reopened=state.outcome.reopened,
        satisfaction=sum(ratings) / len(ratings) if ratings else None,
        sla_breaches=state.sla_breaches,
        degraded=state.degraded,
        model_cost=state.model_cost,
    )
