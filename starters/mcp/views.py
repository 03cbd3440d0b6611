"""What an MCP client gets to see: the facts that the command line shows, as values, without names and addresses.

Customers' words are in it where the command line shows them. They are data; a client must not take them as orders.
"""

from __future__ import annotations

from datetime import datetime

from domain.cases.approval import ApprovalState
from domain.cases.escalation import EscalationState
from domain.cases.records import CaseRecord
from domain.cases.state import CaseState
from domain.model import JsonValue, Value
from domain.playbook.messages import PlaybookResult
from domain.playbook.state import PlaybookState
from domain.tools.tool import canonical
from starters.case_list import deadline_of

_MESSAGES = 6
_ENTRIES = 12
_LONGEST_TEXT = 4_000
_LARGEST_OUTPUT = 64_000


class Line(Value):
    """Something that happened, or was said."""

    at: datetime
    who: str
    text: str


class ApprovalView(Value):
    """A question that waits for people. It can be read here and answered only by them."""

    case: str
    request: str
    action: str
    summary: str
    arguments: dict[str, JsonValue]
    amount: float | None = None
    risk: int
    evidence: tuple[str, ...] = ()
    asked_at: datetime
    deadline: datetime | None = None
    waits_for: tuple[str, ...] = ()


class ParkedView(Value):
    """A step that waits for a person to say how it goes on."""

    step: str
    title: str
    problem: str


class CaseView(Value):
    """One case."""

    case: str
    workflow_id: str
    status: str
    subject: str
    customer_id: str | None = None
    tier: str | None = None
    opened_at: datetime
    category: str | None = None
    priority: str | None = None
    risk: int | None = None
    decision: str | None = None
    team: str | None = None
    reasons: tuple[str, ...] = ()
    claimed_by: str | None = None
    resolution: str | None = None
    incidents: tuple[str, ...] = ()
    """What is known of incidents that it belongs to, or may belong to."""
    approvals: tuple[ApprovalView, ...] = ()
    parked: tuple[ParkedView, ...] = ()
    conversation: tuple[Line, ...] = ()
    timeline: tuple[Line, ...] = ()


class EffectView(Value):
    """Something outside that a run did."""

    what: str
    known: bool
    """False while nobody knows whether it took effect."""


class RunView(Value):
    """One run of a playbook."""

    run: str
    workflow_id: str
    playbook: str
    version: str
    status: str
    started_by: str
    opened_at: datetime
    approvals: tuple[ApprovalView, ...] = ()
    parked: tuple[ParkedView, ...] = ()
    effects: tuple[EffectView, ...] = ()
    undone: tuple[str, ...] = ()
    problem: str | None = None
    output: JsonValue = None
    output_left_out: bool = False
    """The output is larger than what is shown here."""
    timeline: tuple[Line, ...] = ()


def approval_view(case: str, request: ApprovalState) -> ApprovalView:
    """One open request."""
    question = request.question
    asked = {person for rung in request.rungs for person in rung.approvers}
    return ApprovalView(
        case=case,
        request=request.request_id,
        action=question.action,
        summary=question.summary,
        arguments=question.arguments,
        amount=question.amount,
        risk=question.risk,
        evidence=tuple(question.evidence),
        asked_at=request.asked_at,
        deadline=deadline_of(request) if request.current_rung is not None else None,
        waits_for=tuple(sorted(asked - {vote.person_id for vote in request.votes})),
    )


def case_view(workflow_id: str, state: EscalationState) -> CaseView:
    """A case that Temporal has."""
    kind, decision, claim = state.classification, state.decision, state.claim
    return CaseView(
        case=state.case_number,
        workflow_id=workflow_id,
        status=state.current_status().value,
        subject=shortened(state.ticket.subject),
        customer_id=state.ticket.customer.customer_id,
        tier=state.ticket.customer.tier.value,
        opened_at=state.opened_at,
        category=kind.category.value if kind is not None else None,
        priority=state.priority.value,
        risk=state.risk.overall if state.risk is not None else None,
        decision=decision.kind.value if decision is not None else None,
        team=decision.team if decision is not None else None,
        reasons=tuple(decision.reasons) if decision is not None else (),
        claimed_by=claim.claimed_by,
        resolution=shortened(state.outcome.resolution) if state.is_resolved else None,
        incidents=state.incident_lines,
        approvals=approvals_of(state),
        parked=parked_of(state),
        conversation=tuple(
            Line(at=said.at, who=said.author, text=shortened(said.text)) for said in state.conversation[-_MESSAGES:]
        ),
        timeline=timeline_of(state),
    )


def record_view(record: CaseRecord) -> CaseView:
    """A case that only the store has."""
    return CaseView(
        case=record.case_id,
        workflow_id=record.workflow_id,
        status=record.status,
        subject=shortened(record.subject),
        opened_at=record.opened_at,
        category=record.category,
        priority=record.priority,
        risk=record.risk,
        decision=record.decision,
        team=record.team,
    )


def run_view(workflow_id: str, state: PlaybookState, result: PlaybookResult | None) -> RunView:
    """A run, with its output once it has ended."""
    output = result.output if result is not None else None
    too_large = len(canonical(output)) > _LARGEST_OUTPUT
    error = result.error if result is not None else None
    return RunView(
        run=workflow_id.split(":", 2)[2],
        workflow_id=workflow_id,
        playbook=state.name,
        version=state.opened.version if state.opened is not None else "",
        status=state.current_status().value,
        started_by=state.started_by,
        opened_at=state.opened_at,
        approvals=approvals_of(state),
        parked=parked_of(state),
        effects=tuple(EffectView(what=effect.what, known=effect.known) for effect in state.effects),
        undone=tuple(state.undone),
        problem=(error.title or error.type) if error is not None else None,
        output=None if too_large else output,
        output_left_out=too_large,
        timeline=timeline_of(state),
    )


def approvals_of(state: CaseState) -> tuple[ApprovalView, ...]:
    """Its open requests."""
    return tuple(approval_view(state.case_number, request) for request in state.pending_approvals)


def parked_of(state: CaseState) -> tuple[ParkedView, ...]:
    """Its parked steps."""
    return tuple(ParkedView(step=step.step, title=step.title, problem=step.problem) for step in state.parked.values())


def timeline_of(state: CaseState) -> tuple[Line, ...]:
    """Its latest entries."""
    return tuple(Line(at=entry.at, who=entry.actor, text=entry.text) for entry in state.timeline[-_ENTRIES:])


def shortened(text: str) -> str:
    """A text as far as it is shown."""
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."
