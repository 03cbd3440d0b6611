"""From what a case knows to what clients see of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from domain.cases.escalation import EscalationState
from domain.cases.records import CaseRecord
from domain.cases.state import CaseState
from domain.cases.timeline import CaseMessage, TimelineEntry
from domain.ids import kind_of
from domain.playbook.state import PlaybookState
from domain.troubleshooting.hypotheses import Hypothesis
from domain.troubleshooting.state import IncidentState
from starters.case_list import CaseRow
from starters.mcp.views import ParkedView, approval_view
from starters.service.contract.views import (
    CaseDetail,
    CaseSummary,
    CauseView,
    EntryView,
    KindName,
    MessageView,
    SolutionView,
)

KINDS: dict[str, KindName] = {"escalation": "ticket", "troubleshooting": "incident", "playbook": "run"}
KIND_OF: dict[str, str] = {name: kind for kind, name in KINDS.items()}
_MESSAGES = uuid.UUID("6a8f5c1e-2b0d-4d9a-9a53-5c1d1c6e7a10")


def summary_of(row: CaseRow) -> CaseSummary:
    """One case in a list."""
    waiting = None if row.waiting_for in ("", "nobody") or row.closed_at else row.waiting_for
    return CaseSummary(
        case_id=row.case,
        kind=KINDS[row.kind],
        status=row.status,
        phase=row.phase,
        priority=row.priority,
        category=row.category,
        team=row.team,
        risk=row.risk,
        waiting_for=waiting,
        due_at=None if row.closed_at else row.due_at,
        created_at=row.opened_at,
        closed_at=row.closed_at,
    )


def detail_of(workflow_id: str, state: CaseState) -> CaseDetail:
    """A case that Temporal has."""
    common = {
        "case_id": state.case_number,
        "kind": KINDS[kind_of(workflow_id)],
        "status": state.current_status().value,
        "phase": state.phase,
        "approvals": tuple(approval_view(state.case_number, one) for one in state.pending_approvals),
        "parked": tuple(ParkedView(step=p.step, title=p.title, problem=p.problem) for p in state.parked.values()),
        "created_at": state.opened_at,
    }
    if isinstance(state, IncidentState):
        return CaseDetail.model_validate({**common, **_of_incident(state)})
    if isinstance(state, EscalationState):
        return CaseDetail.model_validate({**common, **_of_ticket(state)})
    assert isinstance(state, PlaybookState)  # noqa: S101 - the only other kind
    return CaseDetail.model_validate({**common, "title": state.name, "customer_id": state.customer_id})


def _of_ticket(state: EscalationState) -> dict[str, object]:
    decision = state.decision
    return {
        "title": state.ticket.subject,
        "priority": state.priority.value,
        "category": state.classification.category.value if state.classification is not None else None,
        "team": decision.team if decision is not None else None,
        "risk": state.risk.overall if state.risk is not None else None,
        "decision": decision.kind.value if decision is not None else None,
        "reasons": tuple(decision.reasons) if decision is not None else (),
        "customer_id": state.ticket.customer.customer_id,
        "claimed_by": state.claim.claimed_by,
        "resolution": state.outcome.resolution if state.is_resolved else None,
    }


def _of_incident(state: IncidentState) -> dict[str, object]:
    known, solution = state.diagnosis, state.solution
    return {
        "title": state.report.title,
        "priority": state.priority.value,
        "category": state.cause.fault.value if state.cause is not None else None,
        "team": state.handoff.team if state.handoff is not None else None,
        "customer_id": state.report.customer_id,
        "claimed_by": state.claim.claimed_by,
        "resolution": state.resolution or None,
        "cause": _cause(state.cause) if state.cause is not None else None,
        "hypotheses": tuple(_cause(one) for one in known.hypotheses) if known is not None else (),
        "solution": SolutionView(
            title=solution.title, risk=solution.risk, playbook=solution.playbook, steps=solution.steps
        )
        if solution is not None
        else None,
        "linked_tickets": tuple(one.ticket_id for one in state.linked),
    }


def _cause(one: Hypothesis) -> CauseView:
    return CauseView(
        hypothesis_id=one.hypothesis_id,
        sentence=one.sentence,
        service=one.service,
        fault=one.fault.value,
        probability=round(one.posterior, 3),
        status=one.status.value,
    )


def detail_of_record(record: CaseRecord) -> CaseDetail:
    """A case that only the store has."""
    return CaseDetail(
        case_id=record.case_id,
        kind=KINDS[record.kind],
        status=record.status,
        phase=record.phase,
        title=record.subject,
        priority=record.priority,
        category=record.category,
        team=record.team,
        risk=record.risk,
        decision=record.decision,
        customer_id=record.customer_ref,
        claimed_by=record.claimed_by,
        created_at=record.opened_at,
        closed_at=record.closed_at,
    )


def entry_of(entry: TimelineEntry) -> EntryView:
    """One line of the timeline."""
    return EntryView(number=entry.number, at=entry.at, kind=entry.kind.value, text=entry.text, actor=entry.actor)


def messages_of(workflow_id: str, spoken: Iterable[CaseMessage], state: CaseState | None) -> list[MessageView]:
    """The conversation, the oldest first. An incident's answers stand with its questions, not among its messages."""
    is_incident = kind_of(workflow_id) == "troubleshooting"
    found = [
        MessageView(
            message_id=message_id(workflow_id, str(said.number)),
            role=_role(said.author, is_incident=is_incident),
            content=said.text,
            created_at=said.at,
        )
        for said in spoken
    ]
    if isinstance(state, IncidentState):
        found += [
            MessageView(
                message_id=message_id(workflow_id, f"answer/{query.message_id}"),
                role="assistant",
                content=query.answer,
                created_at=query.answered_at,
            )
            for query in state.queries
            if query.answered_at is not None
        ]
    return sorted(found, key=lambda one: one.created_at)


def message_id(workflow_id: str, name: str) -> str:
    """An id of a message, always the same; the sender's own may hold an address."""
    return str(uuid.uuid5(_MESSAGES, f"{workflow_id}\n{name}"))


def _role(author: str, *, is_incident: bool) -> str:
    asks = author != "surehand" if is_incident else author == "customer"
    return "user" if asks else "assistant"
