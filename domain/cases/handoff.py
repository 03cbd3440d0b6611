"""The context package of a handoff: all that the people who take over need, so that nobody asks the customer twice.

The fields follow the escalation reference document, step 5.
"""

from __future__ import annotations

from datetime import datetime

from domain.cases.escalation import EscalationState
from domain.model import JsonValue, Value
from domain.triage.decision import Decision


class HandoffPackage(Value):
    """Attached as JSON to the team's e-mail, and the source of the e-mail's text and the chat message."""

    ticket: dict[str, JsonValue]
    customer: dict[str, JsonValue]
    issue: dict[str, JsonValue]
    risks: dict[str, JsonValue]
    escalation: dict[str, JsonValue]
    conversation: tuple[dict[str, JsonValue], ...]
    recommended_actions: tuple[str, ...]
    special_instructions: tuple[str, ...]
    notes: tuple[str, ...]


def package_of(state: EscalationState, decision: Decision, now: datetime) -> HandoffPackage:
    """Collect what the case knows.

    Args:
        state: the case after triage.
        decision: why it is handed over.
        now: the time of the handoff.
    """
    ticket, classification, analysis, risk = state.ticket, state.classification, state.analysis, state.risk
    return HandoffPackage(
        ticket={
            "id": ticket.ticket_id,
            "case_number": state.case_number,
            "subject": ticket.subject,
            "channel": ticket.channel.value,
            "received_at": state.opened_at.isoformat(),
            "escalated_at": now.isoformat(),
        },
        customer={
            "id": ticket.customer.customer_id,
            "name": ticket.customer.name,
            "email": ticket.customer.email,
            "tier": ticket.customer.tier.value,
            "account_value": ticket.customer.account_value,
            "previous_tickets": ticket.customer.previous_tickets,
            "earlier_escalations": list(ticket.customer.escalation_history),
            "style": analysis.style.value if analysis else None,
            "knowledge_level": analysis.knowledge_level.value if analysis else None,
            "language": analysis.language if analysis else None,
            "emotion": analysis.tone.value if analysis else None,
            "frustration": state.frustration,
        },
        issue=classification.model_dump(mode="json", exclude={"reasons"}) if classification else {},
        risks=risk.model_dump(mode="json") if risk else {},
        escalation={
            "decision": decision.kind.value,
            "urgency": decision.urgency.value,
            "team": decision.team,
            "reasons": list(decision.reasons),
            "confidence": decision.confidence,
            "decided_by": decision.origin.provider,
            "estimated_resolution": state.strategy.estimated_resolution if state.strategy else None,
            "required_expertise": state.strategy.required_expertise if state.strategy else None,
        },
        conversation=tuple(
            {"at": message.at.isoformat(), "author": message.author, "text": message.text}
            for message in state.conversation
        ),
        recommended_actions=decision.recommended_actions,
        special_instructions=decision.special_instructions,
        notes=_notes(state, decision),
    )


def _notes(state: EscalationState, decision: Decision) -> tuple[str, ...]:
    notes = []
    if state.classification is not None:
        notes.append(f"Classified as {state.classification.category.label}, {state.classification.priority} priority")
    if state.risk is not None:
        notes.append(f"Overall risk {state.risk.overall} of 100, business impact {state.risk.business_impact}")
    if decision.hard_rules:
        notes.append(f"Hard rules that fired: {', '.join(decision.hard_rules)}")
    if decision.overridden:
        notes.append("The rules overrode what the model proposed")
    if state.degraded:
        notes.append("Judged by rules; no language model answered")
    notes += state.incident_lines
    if state.rejection_reason:
        notes.append(f"An answer was turned down: {state.rejection_reason}")
    return tuple(notes)
