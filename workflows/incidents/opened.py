"""What one incident works with, beside its state: tools, rules and playbooks as they were when it was opened."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.incidents import IncidentActivities, KnownPlaybook, OpenedIncident, OpenIncidentInput
    from domain.policies.case_policy import shared
    from domain.policies.guardrails import Guardrails
    from domain.tools.tool import ToolBrief
    from domain.troubleshooting.budget import Budget
    from domain.troubleshooting.state import IncidentState

from workflows import options
from workflows.cases.case import Case
from workflows.incidents.record import DESCRIBED


class Opened:
    """Looked up anew by each run of the workflow: a state that travels stays small, and configuration may change."""

    def __init__(self, case: Case[IncidentState], budget: Budget | None) -> None:
        """Work on an incident; `budget` is the reporter's own, the policy's counts where there is none."""
        self._case = case
        self._budget = budget
        self._found: OpenedIncident | None = None

    async def look_up(self) -> None:
        """Load policy, tools and playbooks; store the case."""
        state = self._case.state
        opening = OpenIncidentInput(
            tenant=state.tenant,
            case_number=state.case_number,
            incident_id=state.report.incident_id,
            title=state.report.title,
            customer_id=state.report.customer_id,
            opened_at=state.opened_at,
            service=state.report.service,
            description=state.report.description[:DESCRIBED],
        )
        found = await self._case.do(IncidentActivities.open_incident, opening, "Open the incident", options.opening())
        self._found = found
        state.capabilities = tuple(sorted(found.tools))
        if state.policy is None:
            state.policy, state.channels = shared(found.policy), found.channels
            state.budget = self._budget or found.policy.incidents.budget

    @property
    def guardrails(self) -> Guardrails:
        """The tenant's rules."""
        return self._found.guardrails if self._found is not None else Guardrails()

    @property
    def playbooks(self) -> tuple[KnownPlaybook, ...]:
        """What a solution may run."""
        return self._found.playbooks if self._found is not None else ()

    def tools_for(self, capability: str) -> tuple[ToolBrief, ...]:
        """Tools that only look, the best first."""
        return self._found.tools.get(capability, ()) if self._found is not None else ()
