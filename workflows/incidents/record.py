"""How an incident shows itself: its row in the store, its status in the Temporal web UI, its search attributes."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.cases import CaseActivities, SaveCaseInput
    from domain.cases.records import CaseRecord
    from domain.cases.terms import Status
    from domain.model import JsonValue
    from domain.troubleshooting.state import IncidentState

from workflows import options, search_attributes
from workflows.cases.case import Case
from workflows.cases.noticing import Notices
from workflows.cases.status import cell, waiting_and_latest

DESCRIBED = 1_000
"""Characters of the description that the row has: tickets are compared with them."""
_LAST_LINES = 10
_HYPOTHESES = 3
_WAITING_FOR = {
    Status.PARKED: "operator",
    Status.WAITING_APPROVAL: "approval",
    Status.WAITING_CLAIM: "claim",
    Status.WITH_AGENT: "agent",
}


class IncidentRecord:
    """Writes an incident's milestones."""

    def __init__(self, case: Case[IncidentState]) -> None:
        """Work on an incident."""
        self._case = case

    async def save(self, milestone: str) -> None:
        """Write the row and everything new. A store that cannot be written to parks the step."""
        pending = self._pending()
        step = self._case.state.begin(f"save-{milestone}")
        await self._case.must(
            step,
            f"Save the incident ({milestone})",
            lambda: self._case.do(
                CaseActivities.save_case,
                pending,
                f"Save the incident: {milestone}",
                options.store(self._case.policy.timers),
            ),
            can_skip=True,
        )
        self._saved(pending)

    async def write(self) -> None:
        """Write the row and everything new, once."""
        pending = self._pending()
        await self._case.do(
            CaseActivities.save_case, pending, "Write the incident down", options.store(self._case.policy.timers)
        )
        self._saved(pending)

    def _saved(self, pending: SaveCaseInput) -> None:
        state, said = self._case.state, pending.interventions
        state.timeline_saved = max([state.timeline_saved, *(e.number + 1 for e in pending.record.timeline)])
        state.conversation_saved = max([state.conversation_saved, *(m.number + 1 for m in pending.record.conversation)])
        state.unsaved_audit = [line for line in state.unsaved_audit if line not in pending.approvals]
        state.unsaved_interventions = [line for line in state.unsaved_interventions if line not in said]

    def _pending(self) -> SaveCaseInput:
        state = self._case.state
        cause = state.cause
        return SaveCaseInput(
            record=CaseRecord(
                workflow_id=workflow.info().workflow_id,
                tenant=state.tenant,
                kind="troubleshooting",
                case_id=state.case_number,
                ticket_id=state.report.incident_id,
                status=state.current_status().value,
                phase=state.phase,
                category=cause.fault.value if cause is not None else None,
                priority=state.priority.value,
                team=state.handoff.team if state.handoff is not None else None,
                claimed_by=state.claim.claimed_by,
                subject=state.report.title,
                customer_ref=state.report.customer_id,
                opened_at=state.opened_at,
                updated_at=self._case.now(),
                resolved_at=state.resolved_at,
                closed_at=self._case.now() if state.closed else None,
                details=_details(state),
                timeline=tuple(e for e in state.timeline if e.number >= state.timeline_saved),
                conversation=tuple(m for m in state.conversation if m.number >= state.conversation_saved),
            ),
            approvals=tuple(state.unsaved_audit),
            interventions=tuple(state.unsaved_interventions),
        )


def _details(state: IncidentState) -> dict[str, JsonValue]:
    cause = state.cause
    return {
        "service": cause.service if cause is not None else None,
        "cause": cause.sentence if cause is not None else None,
        "confidence": round(cause.posterior, 3) if cause is not None else None,
        "change": cause.change.change_id if cause is not None and cause.change is not None else None,
        "affected": list(state.diagnosis.blast_radius.affected) if state.diagnosis is not None else [],
        "solution": state.solution.title if state.solution is not None else None,
        "resolution": state.resolution,
        "reported_service": state.report.service,
        "description": state.report.description[:DESCRIBED],
        "reopened": state.reopened,
        "linked": [one.ticket_id for one in state.linked],
    }


class ShownIncident:
    """Shows an incident, and writes its search attributes only when one of them changed: each write is an event."""

    def __init__(self) -> None:
        """Nothing was shown yet."""
        self._last: tuple[object, ...] = ()
        self._notices = Notices("troubleshooting")

    def show(self, state: IncidentState) -> None:
        """Bring status, details and search attributes up to date."""
        state.status = state.current_status()
        self._notices.note(state)
        workflow.set_current_details(markdown(state))
        cause = state.cause
        values = (
            state.status.value,
            state.phase,
            _WAITING_FOR.get(state.status, "nobody"),
            state.priority.value,
            cause.fault.value if cause is not None else None,
            state.handoff.team if state.handoff is not None else None,
        )
        if values != self._last:
            self._last = values
            status, phase, waiting_for, priority, category, team = values
            workflow.upsert_search_attributes(
                search_attributes.updates(
                    status=str(status),
                    phase=str(phase),
                    waiting_for=str(waiting_for),
                    priority=priority,
                    category=category,
                    team=team,
                )
            )


def markdown(state: IncidentState) -> str:
    """The present status for a person who opens the workflow. What came from outside stands in no link and no HTML."""
    lines = [f"**{state.current_status().label}** in *{state.trouble_phase.label}*, priority {state.priority.value}"]
    if state.cause is not None:
        lines.append(f"- cause: {cell(state.cause.sentence)} ({state.cause.posterior:.0%})")
    elif state.diagnosis is not None and state.diagnosis.why_not:
        lines.append(f"- no cause yet: {cell(state.diagnosis.why_not)}")
    for one in state.open_hypotheses[:_HYPOTHESES]:
        lines.append(f"- possible: {cell(one.sentence)} ({one.posterior:.0%})")
    if state.solution is not None:
        lines.append(f"- proposed: {cell(state.solution.title)}")
    return "\n".join([*lines, *waiting_and_latest(state, _LAST_LINES)])
