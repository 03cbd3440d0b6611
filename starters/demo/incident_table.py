"""The incidents in the demo's tables: what is going on, and how each ended."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from rich.table import Table

from domain.model import Value
from domain.troubleshooting.state import IncidentState
from starters.cli import report
from starters.cli.words import label
from starters.demo.incidents import IncidentRole


class Fix(Value):
    """One fix that was put forward."""

    title: str
    playbook: str | None = None
    """None where people acted by hand."""
    outcome: str
    """`held`, `rolled back`, `turned down`, `failed`, or `open`."""
    reason: str = ""


class IncidentRow(Value):
    """How one incident ended. What only tickets have is null, so that all rows can be read alike."""

    ticket: None = None
    category: str | None
    """The kind of fault."""
    priority: str | None
    risk: None = None
    decision: None = None
    team: str | None
    """Who was asked to take over; null when nobody was."""
    status: str
    time_to_handoff: None = None
    messages_sent: int
    kind: str = "incident"
    name: str
    """`incident:ID`."""
    service: str | None
    """The faulty one; null when it did not become known."""
    cause: str
    change: str | None
    """Id of the change that brought it about."""
    refuted: tuple[str, ...] = ()
    """Causes that were believed first."""
    fixes: tuple[Fix, ...] = ()
    regressions: int = 0
    outcome: str
    told: tuple[str, ...] = ()
    """Tickets whose customers heard how it ended."""
    seconds: float | None
    """From the report to its end."""
    post_mortem: str = ""
    """File."""
    link: str = ""
    """In Temporal's web UI, while the demo runs."""


def live_incidents(roles: Sequence[IncidentRole], width: int) -> Table:
    """Every incident as it stands."""
    columns = ("incident", "status", "phase", "cause", "waits for")
    rows = [[role.name, *(_cells(role.state) if role.state else [""] * 4)] for role in roles]
    return report.table(columns, rows, expendable=("waits for", "phase"), width=width)


def _cells(state: IncidentState) -> list[str]:
    cause, asked = state.cause, state.pending_approvals
    rung = asked[0].current_rung if asked else None
    waits = label(rung.name) if rung is not None else "operator" if state.parked else ""
    said = f"{cause.service}: {cause.fault.label}" if cause is not None else ""
    return [state.current_status().label, state.trouble_phase.label, said, waits]


def closing_incident_rows(roles: Sequence[IncidentRole], ui_url: str) -> list[IncidentRow]:
    """How every incident ended."""
    return [_row(role, ui_url) for role in roles]


def _row(role: IncidentRole, ui_url: str) -> IncidentRow:
    state, result = role.state, role.result
    cause = state.cause if state is not None else None
    path = quote(role.workflow_id, safe="")
    return IncidentRow(
        category=cause.fault.value if cause is not None else None,
        priority=state.priority.value if state is not None else None,
        team=state.handoff.team if state is not None and state.handoff is not None else None,
        status=result.status if result is not None else state.current_status().value if state else "unknown",
        messages_sent=state.sent_count if state is not None else 0,
        name=role.name,
        service=cause.service if cause is not None else None,
        cause=cause.sentence if cause is not None else "not known",
        change=cause.change.change_id if cause is not None and cause.change is not None else None,
        refuted=_refuted(state) if state is not None else (),
        fixes=_fixes(state) if state is not None else (),
        regressions=state.reopened if state is not None else 0,
        outcome=state.resolution if state is not None and result is not None else role.problem,
        told=tuple(one.ticket_id for one in state.linked if one.told) if state is not None else (),
        seconds=_seconds(state) if state is not None and result is not None else None,
        post_mortem=str(role.post_mortem) if role.post_mortem is not None else "",
        link=f"{ui_url}/namespaces/default/workflows/{path}" if ui_url else "",
    )


def _refuted(state: IncidentState) -> tuple[str, ...]:
    known = state.diagnosis
    found = (known.find(one) for one in state.refuted) if known is not None else ()
    return tuple(one.sentence for one in found if one is not None)


def _fixes(state: IncidentState) -> tuple[Fix, ...]:
    """What was put forward, with what came of it."""
    said = {one.solution_id: one for one in state.rejected}
    watch = state.monitoring
    fixes = []
    for solution in state.solutions:
        word = said.get(solution.solution_id)
        if word is not None:
            outcome = "rolled back" if word.refutes else "failed" if word.by == "surehand" else "turned down"
        else:
            outcome = watch.outcome if watch is not None and watch.solution_id == solution.solution_id else "open"
        reason = word.reason if word is not None else ""
        fixes.append(Fix(title=solution.title, playbook=solution.playbook, outcome=outcome or "open", reason=reason))
    return tuple(fixes)


def _seconds(state: IncidentState) -> float | None:
    ended = state.timeline[-1].at if state.timeline else None
    return round((ended - state.opened_at).total_seconds(), 1) if ended is not None else None


def put_closing_incidents(rows: Sequence[IncidentRow]) -> None:
    """Print how the incidents ended, for people."""
    columns = ("incident", "service", "cause", "change", "fix", "told", "seconds")
    cells = [
        [
            row.name,
            row.service or "not known",
            "; ".join([row.cause, *(f"not: {one}" for one in row.refuted)]),
            row.change or "",
            "; ".join(f"{fix.title}: {fix.outcome}" for fix in row.fixes) or row.outcome,
            ", ".join(row.told),
            "" if row.seconds is None else f"{row.seconds:.0f}",
        ]
        for row in rows
    ]
    report.console().print()
    report.put_table(columns, cells, numbers=("seconds",), expendable=("told",), wrap=44)
