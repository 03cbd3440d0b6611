"""What the store keeps: rows that outlive Temporal's retention or are searched by text."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.cases.timeline import CaseMessage, TimelineEntry
from domain.model import JsonValue, Term, Value


class CaseRecord(Value):
    """One case as the store keeps it; written whole at each milestone, keyed by workflow id."""

    workflow_id: str
    tenant: str
    kind: str
    """`escalation` or `playbook`."""
    case_id: str
    ticket_id: str
    status: str
    phase: str
    category: str | None = None
    priority: str | None = None
    risk: int | None = None
    decision: str | None = None
    team: str | None = None
    claimed_by: str | None = None
    subject: str = ""
    customer_ref: str | None = None
    """The customer's id in the CRM; the store holds no e-mail address in this row."""
    opened_at: datetime
    updated_at: datetime
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    details: dict[str, JsonValue] = Field(default_factory=dict)
    """The rest of the snapshot, as JSON: triage, handoff, outcome."""
    timeline: tuple[TimelineEntry, ...] = ()
    """Entries since the last write; rows are unique by workflow id and number, so a repeat adds nothing."""
    conversation: tuple[CaseMessage, ...] = ()
    """Messages since the last write, unique in the same way (table `messages`)."""


class ApprovalRecord(Value):
    """One line of the approvals audit. Append-only, unique by workflow id, request id and number."""

    workflow_id: str
    tenant: str
    request_id: str
    number: int
    event: str
    """`requested`, `reminded`, `passed_on`, `approved`, `rejected`, `refused`, `expired`, `superseded`."""
    at: datetime
    person_id: str | None = None
    digest: str
    text: str = ""


class CaseMatch(Value):
    """Which rows are meant: those with all of these values, where one is given."""

    kind: str | None = None
    status: str | None = None
    team: str | None = None
    category: str | None = None
    """Of a run: the playbook's name."""
    priority: str | None = None


ANY_CASE = CaseMatch()


class InterventionRecord(Value):
    """A person's word on a parked step, or on who has the case.

    Append-only, unique by workflow id and number; holds no arguments.
    """

    workflow_id: str
    tenant: str
    number: int
    step: str
    title: str
    tool: str | None = None
    problem: str
    """Why the step was parked; for a case that is given to somebody, who had it."""
    parked_at: datetime
    """For a case that is given to somebody, since when it was as it was."""
    action: str
    """`retry`, `skip`, `give_up` or `reassign`."""
    person_id: str
    at: datetime
    reason: str = ""
    digest_before: str | None = None
    """SHA-256 of the tool and the arguments it was called with; None for a step that is no tool's call."""
    digest_after: str | None = None
    """The same of what it is called with from now on; None unless it is retried."""


class OutcomeRecord(Value):
    """How a decision turned out; later decisions learn from it."""

    workflow_id: str
    tenant: str
    decision: str
    category: str
    priority: str
    risk: int
    escalated: bool
    reopened: int = 0
    satisfaction: int | None = Field(default=None, ge=1, le=5)
    escalation_was_right: bool | None = None
    first_response_seconds: float | None = None
    handoff_seconds: float | None = None
    resolution_seconds: float | None = None
    sla_breaches: int = 0
    messages_sent: int = 0
    model_cost: float = 0.0
    signature: str = ""
    """Hash-free text signature of the issue: category, complexity and technical keywords."""
    recorded_at: datetime
    report: dict[str, JsonValue] = Field(default_factory=dict)


class MeterRecord(Value):
    """One model call, for the budget."""

    key: str
    """Unique per real call; repeating the record of one call counts it once."""
    tenant: str
    workflow_id: str
    provider: str
    model: str
    purpose: str
    input_tokens: int
    output_tokens: int
    cost: float
    at: datetime


class Spending(Value):
    """What was spent on models."""

    case_cost: float = 0.0
    case_calls: int = 0
    day_cost: float = 0.0


class EffectStatus(Term):
    """Where an outside effect stands in the ledger."""

    NEW = "new"
    """Nobody claimed this key before: act now."""
    CLAIMED = "claimed"
    """Somebody claimed it and never recorded an outcome: it may have taken effect."""
    DONE = "done"
    """It took effect; `outcome` is what it returned."""


class EffectEntry(Value):
    """The ledger's answer to a claim."""

    key: str
    status: EffectStatus
    outcome: dict[str, JsonValue] | None = None
    attempts: int = 1
