"""The escalation case: its input, its state, its result."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.cases.state import ServedCaseState
from domain.knowledge.articles import ArticleHit
from domain.model import State, Value
from domain.tickets.disruption import Disruption
from domain.tickets.ticket import Priority, Ticket
from domain.triage.analysis import Analysis
from domain.triage.classification import Classification
from domain.triage.conversation import BillingAction, QualityReview, Reply
from domain.triage.decision import Decision, HandlingStrategy, Risk
from domain.troubleshooting.linking import IncidentAdvice, LinkKind


class Draft(Value):
    """An answer with its quality review, ready for approval or for sending."""

    reply: Reply
    review: QualityReview
    revised: bool = False


class PendingReply(State):
    """An answer on its way out. It survives continue-as-new, so that an approval never outlives its question."""

    step: str
    answers: int
    """Number of the customer message it answers."""
    draft: Draft


class OutcomeState(State):
    """What is known of how it ended."""

    resolution: str = ""
    resolved_by: str = ""
    told_customer: bool = False
    next_milestone: int = 0
    """Index into the milestones of `workflows/escalations/outcome.py`."""
    reopened: int = 0
    ratings: list[int] = Field(default_factory=list)
    comments: list[str] = Field(default_factory=list)
    escalation_was_right: bool | None = None
    first_response_at: datetime | None = None
    survey_sent: bool = False


class EscalationState(ServedCaseState):
    """Everything an escalation case knows."""

    ticket: Ticket
    classification: Classification | None = None
    analysis: Analysis | None = None
    risk: Risk | None = None
    strategy: HandlingStrategy | None = None
    decision: Decision | None = None
    degraded: bool = False
    """True when rules answered where a model should have."""
    model_cost: float = 0.0
    acknowledged: bool = False
    handoff_recorded: bool = False
    articles: list[ArticleHit] = Field(default_factory=list)
    escalate_at: datetime | None = None
    """When the handoff is due; None while no escalation is wanted."""
    escalation_asked: str = ""
    """Why a person wanted the handoff before anything was decided."""
    escalation_announced: bool = False
    """Whether the customer was told that people take over."""
    pending_reply: PendingReply | None = None
    rejection_reason: str = ""
    """Why a person turned the last answer down; the next one is written with it."""
    billing_done: list[BillingAction] = Field(default_factory=list)
    follow_up_at: datetime | None = None
    followed_up: bool = False
    last_word_at: datetime | None = None
    """When the last answer went to the customer; silence is counted from here."""
    frustration: int = 0
    """The latest value, over the whole conversation."""
    outcome: OutcomeState = Field(default_factory=OutcomeState)
    incidents: dict[str, str] = Field(default_factory=dict)
    """Incidents that the ticket is about, and what the customer was told of each; empty while nothing."""
    incident_advice: IncidentAdvice | None = None
    """What the rules said of incidents after triage; None for a ticket that reports no disruption."""
    disruption: Disruption | None = None
    """Of a service, as the ticket reports it."""
    not_incidents: list[str] = Field(default_factory=list)
    """Incidents that a person said the ticket is not about."""
    runs: int = 1
    """How many runs the case has had (continue-as-new)."""

    @property
    def incident_lines(self) -> tuple[str, ...]:
        """What people should know of incidents, in sentences that repeat nothing the customer wrote."""
        if self.incidents:
            return tuple(
                f"Belongs to {name}{', of which the customer was told how it ended' if told else ''}"
                for name, told in self.incidents.items()
            )
        advice, case = self.incident_advice, self.case_number
        if advice is None:
            return ()
        why = "; ".join(advice.reasons)
        if advice.kind is LinkKind.SUGGEST_JOIN and advice.incident not in self.not_incidents:
            return (
                f"May belong to {advice.incident} ({why}): surehand case join {case} {advice.incident} --as PERSON",
            )
        if advice.kind is LinkKind.SUGGEST_OPEN:
            return (f"May be an incident ({why}): surehand case open-incident {case} --as PERSON",)
        return ()

    @property
    def triaged_priority(self) -> Priority | None:
        """The priority that triage gave; it may rise with the conversation."""
        return self.classification.priority if self.classification else None

    @property
    def awaits_triage(self) -> bool:
        """Whether nobody has classified it so far."""
        return self.classification is None

    @property
    def priority(self) -> Priority:
        """The case's priority as of now."""
        return self.classification.priority if self.classification else Priority.MEDIUM


class EscalationInput(Value):
    """Starts a case, or carries it on in a new run."""

    tenant: str
    ticket: Ticket
    state: EscalationState | None = None
    """Set by continue-as-new only."""
    continue_after_events: int | None = None
    """Continue-as-new after this many events; none leaves it to the server's suggestion. A knob for tests."""


class EscalationResult(Value):
    """How a case ended."""

    ticket_id: str
    status: str
    category: str | None = None
    priority: str | None = None
    risk: int | None = None
    decision: str | None = None
    team: str | None = None
    escalated: bool = False
    emergency_handoff: bool = False
    handoff_seconds: float | None = None
    """From the ticket's arrival to the completed handoff."""
    messages_sent: int = 0
    reopened: int = 0
    satisfaction: float | None = None
    sla_breaches: int = 0
    degraded: bool = False
    model_cost: float = 0.0
