"""The case's row in the store: what is new since the last milestone, written together."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.cases import CaseActivities, SaveCaseInput
    from domain.cases.escalation import EscalationState
    from domain.cases.records import CaseRecord
    from domain.model import JsonValue

from workflows import options
from workflows.cases.case import Case


class Record:
    """Writes milestones of one case."""

    def __init__(self, case: Case[EscalationState]) -> None:
        """Work on a case."""
        self._case = case

    async def save(self, milestone: str) -> None:
        """Write the case's row and everything new. A store that cannot be written to parks the step."""
        pending = self.pending()
        step = self._case.state.begin(f"save-{milestone}")
        await self._case.must(
            step,
            f"Save the case ({milestone})",
            lambda: self._case.do(
                CaseActivities.save_case,
                pending,
                f"Save the case: {milestone}",
                options.store(self._case.policy.timers),
            ),
            can_skip=True,
        )
        self.saved(pending)

    async def write(self) -> None:
        """Write the row and everything new, once."""
        pending = self.pending()
        await self._case.do(
            CaseActivities.save_case, pending, "Write the case down", options.store(self._case.policy.timers)
        )
        self.saved(pending)

    def pending(self) -> SaveCaseInput:
        """What the store does not have yet."""
        state = self._case.state
        decision = state.decision
        return SaveCaseInput(
            record=CaseRecord(
                workflow_id=workflow.info().workflow_id,
                tenant=state.tenant,
                kind="escalation",
                case_id=state.case_number,
                ticket_id=state.ticket.ticket_id,
                status=state.current_status().value,
                phase=state.phase,
                category=state.classification.category.value if state.classification else None,
                priority=state.priority.value,
                risk=state.risk.overall if state.risk else None,
                decision=decision.kind.value if decision else None,
                team=decision.team if decision else None,
                claimed_by=state.claim.claimed_by,
                subject=state.ticket.subject,
                customer_ref=state.ticket.customer.customer_id,
                opened_at=state.opened_at,
                updated_at=self._case.now(),
                resolved_at=state.resolved_at,
                closed_at=self._case.now() if state.closed else None,
                details=self._details(),
                timeline=tuple(e for e in state.timeline if e.number >= state.timeline_saved),
                conversation=tuple(m for m in state.conversation if m.number >= state.conversation_saved),
            ),
            approvals=tuple(state.unsaved_audit),
            interventions=tuple(state.unsaved_interventions),
        )

    def saved(self, written: SaveCaseInput) -> None:
        """Remember what the store has now."""
        state = self._case.state
        state.timeline_saved = max([state.timeline_saved, *(e.number + 1 for e in written.record.timeline)])
        state.conversation_saved = max([state.conversation_saved, *(m.number + 1 for m in written.record.conversation)])
        state.unsaved_audit = [line for line in state.unsaved_audit if line not in written.approvals]
        said = written.interventions
        state.unsaved_interventions = [line for line in state.unsaved_interventions if line not in said]

    def _details(self) -> dict[str, JsonValue]:
        state = self._case.state
        parts = {
            "classification": state.classification,
            "analysis": state.analysis,
            "risk": state.risk,
            "decision": state.decision,
            "handoff": state.handoff,
            "outcome": state.outcome,
        }
        details: dict[str, JsonValue] = {
            name: part.model_dump(mode="json") for name, part in parts.items() if part is not None
        }
        return {**details, "incidents": list(state.incidents)} if state.incidents else details
