"""What people are told when an incident is handed to them."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.ticketing import EscalateTicketInput
    from domain.identity.people import Team
    from domain.model import JsonValue
    from domain.triage.decision import Decision
    from domain.troubleshooting.state import IncidentState
    from domain.troubleshooting.telling.takeover import IncidentPackage, package_of

from workflows.cases.case import Case


class IncidentWords:
    """The words of one incident."""

    def __init__(self, case: Case[IncidentState]) -> None:
        """Read from an incident."""
        self._case = case

    @property
    def _state(self) -> IncidentState:
        return self._case.state

    def brief(self) -> dict[str, JsonValue]:
        """What each message has."""
        return {
            "case_number": self._state.case_number,
            "workflow_id": workflow.info().workflow_id,
            "subject": self._state.report.title,
            "priority": self._state.priority.value,
        }

    def package(self, decision: Decision, now: datetime) -> IncidentPackage:
        """The whole context."""
        return package_of(self._state, decision, now)

    def mail(
        self, decision: Decision, team: Team, package: IncidentPackage
    ) -> tuple[str, dict[str, JsonValue], str | None]:
        """The e-mail to the team."""
        context: dict[str, JsonValue] = {
            **self.brief(),
            **package.model_dump(mode="json", exclude={"incident"}),
            "team": team.label,
            "urgency": decision.urgency.value,
            "reasons": list(decision.reasons),
        }
        return "mail/incident_handoff.txt", context, None

    def chat(self, decision: Decision) -> tuple[str, dict[str, JsonValue], str | None]:
        """The message in the team's channel."""
        state, dashboard = self._state, self._case.policy.dashboard_url
        cause = state.cause
        affected = state.diagnosis.blast_radius.affected if state.diagnosis is not None else ()
        context: dict[str, JsonValue] = {
            **self.brief(),
            "urgency": decision.urgency.value,
            "cause": cause.sentence if cause is not None else "",
            "services": ", ".join(affected[:6]),
            "reasons": list(decision.reasons),
            "context_url": f"{dashboard}/cases/{state.case_number}" if dashboard else "",
        }
        return "incident_handoff", context, None

    def ticketing(
        self, decision: Decision, team: Team, package: IncidentPackage, step: str
    ) -> EscalateTicketInput | None:
        """None: the tickets of an incident have cases of their own."""
        return None
