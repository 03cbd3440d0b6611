"""What an MCP client gets to see of an incident. What stands in it came from logs and tickets: data, never orders."""

from __future__ import annotations

from datetime import datetime

from domain.model import Value
from domain.troubleshooting.state import IncidentState
from starters.mcp.views import (
    ApprovalView,
    Line,
    ParkedView,
    approvals_of,
    parked_of,
    shortened,
    timeline_of,
)

_HYPOTHESES = 5
_TICKETS = 100


class CauseView(Value):
    """A possible cause."""

    sentence: str
    probability: float
    evidence_for: tuple[str, ...] = ()
    would_refute_it: str = ""


class TicketView(Value):
    """A ticket that is about the incident."""

    ticket: str
    customer_id: str | None = None
    linked_at: datetime
    linked_by: str
    told_at: datetime | None = None
    """When its customer was told how it ended."""


class IncidentView(Value):
    """One incident."""

    incident: str
    workflow_id: str
    status: str
    phase: str
    title: str
    priority: str
    opened_at: datetime
    onset: datetime | None = None
    affected: tuple[str, ...] = ()
    cause: CauseView | None = None
    why_no_cause: str = ""
    possible_causes: tuple[CauseView, ...] = ()
    proposal: str | None = None
    escalated_because: str = ""
    resolution: str = ""
    tickets: tuple[TicketView, ...] = ()
    approvals: tuple[ApprovalView, ...] = ()
    parked: tuple[ParkedView, ...] = ()
    timeline: tuple[Line, ...] = ()


def incident_view(workflow_id: str, state: IncidentState) -> IncidentView:
    """An incident that Temporal has."""
    diagnosis, cause = state.diagnosis, state.cause
    known = diagnosis.hypotheses if diagnosis is not None else ()
    views = [
        CauseView(
            sentence=one.sentence,
            probability=round(one.posterior, 2),
            evidence_for=tuple(weighed.text for weighed in one.evidence_for),
            would_refute_it=one.refuted_by,
        )
        for one in (*([cause] if cause is not None else []), *known[:_HYPOTHESES])
    ]
    return IncidentView(
        incident=state.case_number,
        workflow_id=workflow_id,
        status=state.current_status().value,
        phase=state.phase,
        title=shortened(state.report.title),
        priority=state.priority.value,
        opened_at=state.opened_at,
        onset=diagnosis.onset if diagnosis is not None else None,
        affected=tuple(diagnosis.blast_radius.affected) if diagnosis is not None else (),
        cause=views[0] if cause is not None else None,
        why_no_cause=diagnosis.why_not if diagnosis is not None and cause is None else "",
        possible_causes=tuple(views[1:] if cause is not None else views),
        proposal=state.solution.title if state.solution is not None else None,
        escalated_because=state.escalated_because,
        resolution=shortened(state.resolution),
        tickets=tuple(
            TicketView(
                ticket=one.ticket_id,
                customer_id=state.customers.get(one.ticket_id),
                linked_at=one.linked_at,
                linked_by=one.linked_by,
                told_at=max(one.told.values(), default=None),
            )
            for one in state.linked[:_TICKETS]
        ),
        approvals=approvals_of(state),
        parked=parked_of(state),
        timeline=timeline_of(state),
    )
