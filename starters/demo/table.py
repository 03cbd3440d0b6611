"""The demo's tables: what is going on, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from rich.table import Table

from domain.cases.escalation import EscalationState
from domain.cases.terms import Status
from domain.cases.timeline import TimelineKind
from domain.model import Value
from domain.playbook.state import PlaybookState
from domain.sla.clocks import deadline
from starters.cli import report
from starters.cli.words import decision_word, due, label
from starters.demo.runs import RunRole
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
    kind: str = "escalation"


class RunRow(Value):
    """How one run of a playbook ended. What only tickets have is null, so that all rows can be read alike."""

    ticket: None = None
    category: None = None
    priority: None = None
    risk: None = None
    decision: None = None
    team: None = None
    status: str
    """`completed`, `faulted` or `cancelled`."""
    time_to_handoff: None = None
    messages_sent: int
    kind: str = "playbook"
    name: str
    """`NAME:KEY`."""
    outcome: str
    """What came of it, in the playbook's own words; the error's title when it failed."""
    done: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """Calls of which nobody can say whether they took effect."""
    undone: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    parked: tuple[str, ...] = ()
    """Why a step was parked on the way."""
    released: tuple[str, ...] = ()
    """What people said about it."""
    link: str = ""
    """In Temporal's web UI, while the demo runs."""


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


def live_runs(runs: Sequence[RunRole], width: int) -> Table:
    """Every run as it stands."""
    columns = ("playbook", "status", "at", "done", "undone", "waits for")
    rows = [[run.name, *(_run_cells(run.state) if run.state else [""] * 5)] for run in runs]
    return report.table(columns, rows, numbers=("done", "undone"), expendable=("at", "waits for"), width=width)


def _run_cells(state: PlaybookState) -> list[str]:
    parked = ", ".join(step.tool or step.step for step in state.parked.values())
    return [
        state.current_status().label,
        state.at_work[-1].rpartition("/")[2] if state.at_work else "",
        str(len(state.effects)),
        str(len(state.undone)),
        f"operator ({parked})" if parked else "approval" if state.pending_approvals else "",
    ]


def closing_run_rows(runs: Sequence[RunRole], ui_url: str) -> list[RunRow]:
    """How every run ended."""
    return [_run_row(run, ui_url) for run in runs]


def _run_row(run: RunRole, ui_url: str) -> RunRow:
    result, state = run.result, run.state
    path = quote(run.workflow_id, safe="")
    return RunRow(
        status=result.status if result else state.current_status().value if state else "unknown",
        messages_sent=sum(line.kind is TimelineKind.MESSAGE for line in state.timeline) if state else 0,
        name=run.name,
        outcome=_outcome(run),
        done=result.done if result else (),
        unknown=result.unknown if result else (),
        undone=result.undone if result else (),
        left=result.left if result else (),
        parked=tuple(run.parked.values()),
        released=tuple(run.released),
        link=f"{ui_url}/namespaces/default/workflows/{path}" if ui_url else "",
    )


def _outcome(run: RunRole) -> str:
    result = run.result
    if result is None:
        return run.problem
    if result.error is not None:
        return result.error.title or result.error.type
    output = result.output if isinstance(result.output, dict) else {}
    return label(str(output.get("status") or output.get("result") or result.status))


def put_closing_runs(rows: Sequence[RunRow]) -> None:
    """Print how the playbooks ended, for people."""
    columns = ("playbook", "status", "done", "undone", "what came of it")
    cells = [
        [
            row.name,
            label(row.status),
            str(len(row.done)),
            str(len(row.undone)),
            "; ".join([row.outcome, *(f"parked ({why})" for why in row.parked), *row.released]),
        ]
        for row in rows
    ]
    out = report.console()
    out.print()
    report.put_table(columns, cells, numbers=("done", "undone"), wrap=60)
