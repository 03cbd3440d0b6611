"""How a run shows itself: its row in the store, its Markdown status in the Temporal web UI, its search attributes."""

from __future__ import annotations

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.cases import CaseActivities, SaveCaseInput
    from domain.cases.records import CaseRecord
    from domain.cases.terms import Status
    from domain.model import JsonValue
    from domain.playbook.state import PlaybookState

from workflows import options, search_attributes
from workflows.cases.case import Case
from workflows.cases.noticing import Notices
from workflows.cases.status import cell

_LAST_LINES = 12
_WAITING_FOR = {
    Status.PARKED: "operator",
    Status.WAITING_APPROVAL: "approval",
    Status.WAITING_EVENT: "event",
}


class PlaybookRecord:
    """Writes a run's milestones."""

    def __init__(self, case: Case[PlaybookState]) -> None:
        """Work on a run."""
        self._case = case
        self._writing: set[asyncio.Task[None]] = set()

    @property
    def is_writing(self) -> bool:
        """Whether something is on its way to the store beside the run."""
        return bool(self._writing)

    def write_soon(self) -> None:
        """Bring what people said to the store now, beside whatever the run does: it may go on for days.

        A store that cannot be written to holds up nobody; what it does not have goes with the next milestone.
        """
        writing = asyncio.create_task(self._write())
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    async def _write(self) -> None:
        what = "Write down what a person said"
        pending = self._pending()
        await self._case.attempt(what, lambda: self._put(pending, what))

    async def write(self) -> None:
        """Write the row and everything new, once."""
        await self._put(self._pending(), "Write the run down")

    async def _put(self, pending: SaveCaseInput, summary: str) -> None:
        await self._case.do(CaseActivities.save_case, pending, summary, options.store(self._case.policy.timers))
        state, said = self._case.state, pending.interventions
        state.timeline_saved = max([state.timeline_saved, *(entry.number + 1 for entry in pending.record.timeline)])
        state.unsaved_audit = [line for line in state.unsaved_audit if line not in pending.approvals]
        state.unsaved_interventions = [line for line in state.unsaved_interventions if line not in said]

    async def save(self, milestone: str) -> None:
        """Write the run's row and everything new. A store that cannot be written to parks the step."""
        pending = self._pending()
        step = self._case.state.begin(f"save-{milestone}")
        await self._case.must(
            step,
            f"Save the run ({milestone})",
            lambda: self._put(pending, f"Save the run: {milestone}"),
            can_skip=True,
        )

    def _pending(self) -> SaveCaseInput:
        state = self._case.state
        document = state.opened.definition.get("document", {}) if state.opened is not None else {}
        details: dict[str, JsonValue] = {
            "playbook": state.name,
            "version": state.opened.version if state.opened is not None else None,
            "digest": state.opened.digest if state.opened is not None else None,
            "done": [effect.what for effect in state.effects if effect.known],
            "unknown": [effect.what for effect in state.effects if not effect.known],
            "undone": list(state.undone),
            "error": state.error,
            "started_by": state.started_by,
        }
        return SaveCaseInput(
            record=CaseRecord(
                workflow_id=workflow.info().workflow_id,
                tenant=state.tenant,
                kind="playbook",
                case_id=state.case_number,
                ticket_id=state.case_number,
                status=state.current_status().value,
                phase=state.phase,
                category=state.name,
                subject=document.get("title") or state.name,
                customer_ref=state.customer_id,
                opened_at=state.opened_at,
                updated_at=self._case.now(),
                closed_at=self._case.now() if state.closed else None,
                details=details,
                timeline=tuple(entry for entry in state.timeline if entry.number >= state.timeline_saved),
            ),
            approvals=tuple(state.unsaved_audit),
            interventions=tuple(state.unsaved_interventions),
        )


def markdown(state: PlaybookState) -> str:
    """The present status for a person who opens the workflow. No arguments and no outputs: they may be personal."""
    lines = [f"**{state.current_status().label}**: playbook *{state.name}*"]
    if state.opened is not None:
        lines[0] += f" {state.opened.version}"
    lines += [f"- at `{place}`" for place in state.at_work]
    lines += [f"- {'done' if effect.known else 'perhaps done'}: {effect.what}" for effect in state.effects]
    lines += [f"- undone: {what}" for what in state.undone]
    lines += [f"- **parked**: {step.title}. {step.problem} (`surehand case unpark`)" for step in state.parked.values()]
    lines += [
        f"- **approval open**: {request.question.summary} (`surehand approve`)" for request in state.pending_approvals
    ]
    if state.error:
        lines.append(
            f"- error {state.error.get('status')}: {state.error.get('title')} at `{state.error.get('instance')}`"
        )
    lines += ["", "| when | what | who |", "|---|---|---|"]
    lines += [
        f"| {entry.at.isoformat(timespec='seconds')} | {cell(entry.text)} | {cell(entry.actor)} |"
        for entry in state.timeline[-_LAST_LINES:]
    ]
    return "\n".join(lines)


class ShownPlaybook:
    """Shows a run, and writes its search attributes only when one of them changed: each write is an event."""

    def __init__(self) -> None:
        """What the starter gave is shown already."""
        self._notices = Notices("playbook")
        given = workflow.info().typed_search_attributes
        keys = (search_attributes.STATUS, search_attributes.PHASE, search_attributes.WAITING_FOR)
        self._last: tuple[object, ...] = tuple(given.get(key) for key in (*keys, search_attributes.CATEGORY))

    def show(self, state: PlaybookState) -> None:
        """Bring status, details and search attributes up to date."""
        state.status = state.current_status()
        self._notices.note(state)
        workflow.set_current_details(markdown(state))
        waiting_for = _WAITING_FOR.get(state.status, "nobody")
        values = (state.status.value, state.phase, waiting_for, state.name)
        if values != self._last:
            self._last = values
            workflow.upsert_search_attributes(
                search_attributes.updates(
                    status=state.status.value, phase=state.phase, waiting_for=waiting_for, category=state.name
                )
            )
