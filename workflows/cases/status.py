"""How a case shows itself in the Temporal web UI: a Markdown status, and the search attributes."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.cases.escalation import EscalationState
    from domain.cases.state import CaseState
    from domain.cases.terms import Status

from workflows import search_attributes
from workflows.cases.noticing import Notices

_LAST_LINES = 8


def waiting_for(state: EscalationState) -> str:
    """Whom the case waits for, as one word."""
    words = {
        Status.PARKED: "operator",
        Status.WAITING_APPROVAL: "approval",
        Status.WAITING_CUSTOMER: "customer",
        Status.WAITING_CLAIM: "claim",
        Status.WITH_AGENT: "agent",
    }
    return words.get(state.current_status(), "nobody")


def markdown(state: EscalationState, due_at: datetime | None) -> str:
    """The present status for a person who opens the workflow. No customer's name, address or words."""
    lines = [f"**{state.current_status().label}** in phase *{state.phase}*"]
    if state.classification is not None:
        kind = state.classification
        lines.append(f"- {kind.category.label}, priority **{kind.priority.value}**, {kind.complexity.label}")
    if state.risk is not None:
        lines.append(f"- risk {state.risk.overall} of 100, frustration {state.frustration} of 100")
    if state.decision is not None:
        reasons = f": {'; '.join(state.decision.reasons)}" if state.decision.reasons else ""
        lines.append(f"- decision: **{state.decision.kind.label}** to {state.decision.team}{reasons}")
    if state.handoff is not None and state.handoff.completed_at is not None:
        holder = state.claim.claimed_by or "nobody yet"
        lines.append(f"- handed to {state.handoff.team}, claimed by {holder}")
    lines += [f"- {cell(line)}" for line in state.incident_lines]
    if due_at is not None:
        lines.append(f"- next SLA deadline {due_at.isoformat(timespec='minutes')}")
    return "\n".join([*lines, *waiting_and_latest(state, _LAST_LINES)])


def waiting_and_latest(state: CaseState, latest: int) -> list[str]:
    """What waits for people, and the newest entries of the timeline, as lines of Markdown.

    Args:
        state: of any case.
        latest: how many entries.
    """
    return [
        *(f"- **parked**: {step.title}. {step.problem} (`surehand case unpark`)" for step in state.parked.values()),
        *(
            f"- **approval open**: {request.question.summary} (`surehand approve`)"
            for request in state.pending_approvals
        ),
        "",
        "| when | what | who |",
        "|---|---|---|",
        *(
            f"| {entry.at.isoformat(timespec='seconds')} | {cell(entry.text)} | {cell(entry.actor)} |"
            for entry in state.timeline[-latest:]
        ),
    ]


def cell(text: str) -> str:
    """A text as one cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")


class Shown:
    """Shows a case, and writes its search attributes only when one of them changed: each write is an event."""

    def __init__(self) -> None:
        """Nothing was shown yet."""
        self._last: tuple[object, ...] = ()
        self._notices = Notices("escalation")

    def show(self, state: EscalationState, due_at: datetime | None) -> None:
        """Bring status, details and search attributes up to date."""
        state.status = state.current_status()
        self._notices.note(state)
        workflow.set_current_details(markdown(state, due_at))
        values = {
            "status": state.status.value,
            "phase": state.phase,
            "waiting_for": waiting_for(state),
            "priority": state.classification.priority.value if state.classification else None,
            "category": state.classification.category.value if state.classification else None,
            "team": state.decision.team if state.decision else None,
            "risk": state.risk.overall if state.risk else None,
        }
        if tuple(values.values()) != self._last:
            self._last = tuple(values.values())
            workflow.upsert_search_attributes(search_attributes.updates(**values, due_at=due_at))  # type: ignore[arg-type]  # the values' types are those of the parameters
