"""The demo's tables: what is going on, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from domain.case import Status
from domain.escalation import EscalationState
from domain.model import Value
from domain.sla import deadline
from starters.cli import report
from starters.cli.words import decision_word, due, label
from starters.demo.stage import Role


class ClosingRow(Value):
    """How one ticket's case ended."""

    ticket: str
    category: str | None
    priority: str | None
    risk: int | None
    decision: str | None
    team: str | None
    status: str
    time_to_handoff: float | None
    """Seconds from the ticket's arrival to the completed handoff; null when it was answered without one."""
    messages_sent: int


def live(roles: Sequence[Role], width: int) -> Table:
    """Every case as it stands, in a terminal of a width."""
    columns = ("case", "category", "priority", "risk", "decision", "team", "status", "waits for", "deadline", "sent")
    rows = [[role.ticket.ticket_id, *(_cells(role.state) if role.state else [""] * 9)] for role in roles]
    expendable = ("priority", "deadline", "category", "sent", "risk", "team")
    return report.table(columns, rows, numbers=("risk", "sent"), expendable=expendable, width=width)


def _cells(state: EscalationState) -> list[str]:
    kind, decision = state.classification, state.decision
    return [
        kind.category.label if kind else "",
        kind.priority.value if kind else "",
        str(state.risk.overall) if state.risk else "",
        decision_word(decision.kind) if decision else "",
        label(decision.team) if decision else "",
        state.current_status().label,
        _waits_for(state),
        _deadline(state),
        str(state.sent_count),
    ]


def _waits_for(state: EscalationState) -> str:
    status = state.current_status()
    if status is Status.WAITING_APPROVAL:
        rung = state.pending_approvals[0].current_rung
        return label(rung.name) if rung is not None else "approval"
    if status is Status.WITH_AGENT:
        return state.claim.claimed_by or ""
    words = {Status.WAITING_CLAIM: "a claim", Status.WAITING_CUSTOMER: "customer", Status.PARKED: "operator"}
    return words.get(status, "")


def _deadline(state: EscalationState) -> str:
    if state.policy is None or state.is_resolved:
        return ""
    calendar = state.policy.calendar_of(state.decision.team if state.decision else state.policy.immediate_team)
    ends = [at for clock in state.clocks.values() if (at := deadline(clock, calendar)) is not None]
    return due(min(ends)) if ends else ""


def closing_rows(roles: Sequence[Role]) -> list[ClosingRow]:
    """How every case ended, in the order of the tickets."""
    return [_closing_row(role) for role in roles]


def _closing_row(role: Role) -> ClosingRow:
    result = role.result
    if result is None:
        return _unfinished_row(role)
    seconds = result.handoff_seconds
    return ClosingRow(
        ticket=role.ticket.ticket_id,
        category=result.category,
        priority=result.priority,
        risk=result.risk,
        decision=result.decision,
        team=result.team,
        status=result.status,
        time_to_handoff=round(seconds, 3) if seconds is not None else None,
        messages_sent=result.messages_sent,
    )


def _unfinished_row(role: Role) -> ClosingRow:
    """As far as the case came."""
    state = role.state
    kind, decision = (state.classification, state.decision) if state else (None, None)
    return ClosingRow(
        ticket=role.ticket.ticket_id,
        category=kind.category.value if kind else None,
        priority=kind.priority.value if kind else None,
        risk=state.risk.overall if state and state.risk else None,
        decision=decision.kind.value if decision else None,
        team=decision.team if decision else None,
        status=state.current_status().value if state else "unknown",
        time_to_handoff=None,
        messages_sent=state.sent_count if state else 0,
    )


def put_closing(rows: Sequence[ClosingRow]) -> None:
    """Print the closing table for people."""
    columns = ("ticket", "category", "priority", "risk", "decision", "team", "status", "handoff", "sent")
    cells = [
        [
            row.ticket,
            label(row.category),
            row.priority or "",
            "" if row.risk is None else str(row.risk),
            decision_word(row.decision),
            label(row.team),
            label(row.status),
            "" if row.time_to_handoff is None else f"{row.time_to_handoff:.1f} s",
            str(row.messages_sent),
        ]
        for row in rows
    ]
    expendable = ("sent", "priority", "category", "risk")
    report.put_table(columns, cells, numbers=("risk", "handoff", "sent"), expendable=expendable, wrap=1)
