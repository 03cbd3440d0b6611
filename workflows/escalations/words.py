"""What people are told when a support case is handed to them."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.ticketing import EscalateTicketInput
    from domain.cases.escalation import EscalationState
    from domain.cases.handoff import HandoffPackage, package_of
    from domain.identity.people import Team
    from domain.model import JsonValue
    from domain.triage.decision import Decision

from workflows.cases.case import Case


class EscalationWords:
    """The words of one support case."""

    def __init__(self, case: Case[EscalationState]) -> None:
        """Read from a case."""
        self._case = case

    @property
    def _state(self) -> EscalationState:
        return self._case.state

    def brief(self) -> dict[str, JsonValue]:
        """What each message has."""
        return {
            "case_number": self._state.case_number,
            "workflow_id": workflow.info().workflow_id,
            "subject": self._state.ticket.subject,
            "priority": self._state.priority.value,
        }

    def package(self, decision: Decision, now: datetime) -> HandoffPackage:
        """The whole context."""
        return package_of(self._state, decision, now)

    def mail(
        self, decision: Decision, team: Team, package: HandoffPackage
    ) -> tuple[str, dict[str, JsonValue], str | None]:
        """The e-mail to the team."""
        context: dict[str, JsonValue] = {
            **self.brief(),
            **package.model_dump(mode="json", exclude={"conversation", "ticket"}),
            "conversation": [dict(message) for message in package.conversation],
            "team": team.label,
            "urgency": decision.urgency.value,
            "decision": decision.kind.label,
            "reasons": list(decision.reasons),
        }
        return "mail/handoff.txt", context, self._state.ticket.full_text_ref

    def chat(self, decision: Decision) -> tuple[str, dict[str, JsonValue], str | None]:
        """The message in the team's channel."""
        state = self._state
        dashboard = self._case.policy.dashboard_url
        context: dict[str, JsonValue] = {
            **self.brief(),
            "urgency": decision.urgency.value,
            "category": state.classification.category.label if state.classification else "",
            "complexity": state.classification.complexity.label if state.classification else "",
            "tier": state.ticket.customer.tier.value,
            "risk": state.risk.overall if state.risk else 0,
            "frustration": state.frustration,
            "reasons": [*decision.reasons, *state.incident_lines],
            "context_url": f"{dashboard}/cases/{state.case_number}" if dashboard else "",
        }
        return "handoff", context, state.ticket.slack_thread_id

    def ticketing(self, decision: Decision, team: Team, package: HandoffPackage, step: str) -> EscalateTicketInput:
        """The change in the ticketing system."""
        return EscalateTicketInput(
            step=step,
            external_id=self._state.ticket.external_id or self._state.ticket.ticket_id,
            priority=self._state.priority.value,
            group=team.zendesk_group,
            tags=("surehand-escalated", f"escalation-{decision.urgency.value}", decision.kind.value),
            note="\n".join([*package.notes, *decision.reasons]),
        )
