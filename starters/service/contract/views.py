"""What clients get: facts of cases as values, without addresses. Customers' words in it are data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.troubleshooting.evidence import EvidenceKind
from starters.mcp.views import ApprovalView, ParkedView
from starters.service.contract.paging import Page

Moment = Annotated[datetime, AfterValidator(lambda at: at.astimezone(UTC))]
"""In UTC, written with a Z."""
KindName = Literal["ticket", "incident", "run"]
QueryState = Literal["pending", "processing", "completed", "failed", "cancelled"]


class View(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OpenedCase(View):
    """A case that was opened, or was open already."""

    case_id: str
    kind: KindName
    outcome: Literal["started", "joined", "known"]
    text: str
    """One sentence for a person."""
    notes: tuple[str, ...] = ()
    """What was ignored."""


class JobView(View):
    """A case that was accepted and is being opened."""

    job_id: str
    kind: Literal["ticket", "incident"]
    status: QueryState
    progress_percentage: int = Field(ge=0, le=100)
    case_id: str | None = None
    detail: str | None = Field(None, description="Why it was refused, where it failed.")
    error_type: str | None = None
    created_at: Moment
    last_updated_at: Moment
    correlation_id: str = Field(description="Of the request that it came with.")


class CaseSummary(View):
    """One case in a list."""

    case_id: str
    kind: KindName
    status: str
    phase: str = ""
    priority: str | None = None
    category: str | None = None
    team: str | None = None
    risk: int | None = None
    waiting_for: str | None = None
    due_at: Moment | None = Field(None, description="The next deadline of its service level.")
    created_at: Moment
    closed_at: Moment | None = None


class CasePageView(Page):
    """Cases."""

    cases: list[CaseSummary]


class EntryView(View):
    """Something that happened in a case."""

    number: int
    at: Moment
    kind: str
    text: str
    actor: str


class TimelinePage(Page):
    """What happened in a case, in order."""

    entries: list[EntryView]


class CauseView(View):
    """A possible cause of an incident."""

    hypothesis_id: str
    sentence: str
    service: str | None
    fault: str
    probability: float
    status: str


class SolutionView(View):
    """What is proposed against an incident's cause."""

    title: str
    risk: str
    playbook: str | None
    steps: tuple[str, ...]


class CaseDetail(View):
    """One case."""

    case_id: str
    kind: KindName
    status: str
    phase: str
    title: str
    priority: str | None = None
    category: str | None = None
    team: str | None = None
    risk: int | None = None
    decision: str | None = None
    reasons: tuple[str, ...] = ()
    customer_id: str | None = None
    claimed_by: str | None = None
    resolution: str | None = None
    cause: CauseView | None = None
    hypotheses: tuple[CauseView, ...] = ()
    solution: SolutionView | None = None
    linked_tickets: tuple[str, ...] = ()
    approvals: tuple[ApprovalView, ...] = ()
    parked: tuple[ParkedView, ...] = ()
    created_at: Moment
    closed_at: Moment | None = None


class MessageView(View):
    """One message, in the canonical shape."""

    message_id: str
    role: Literal["user", "assistant"]
    content: str
    created_at: Moment


class Conversation(Page):
    """The messages of a case, the oldest first."""

    messages: list[MessageView]


class QueryStatus(View):
    """Where a question stands."""

    query_id: str
    case_id: str
    status: QueryState
    progress_percentage: int = Field(ge=0, le=100)
    current_phase: str
    created_at: Moment
    last_updated_at: Moment
    correlation_id: str


class QueryPage(Page):
    """Questions about a case, the newest first."""

    queries: list[QueryStatus]


class AgentResponse(View):
    """The answer to a question."""

    schema_version: Literal["3.1.0"] = "3.1.0"
    response_type: Literal["ANSWER"] = "ANSWER"
    query_id: str
    case_id: str
    content: str
    answered_by: str
    """`rules`, a model's place in the chain, or a person."""
    created_at: Moment


class Accepted(View):
    """What was said was taken."""

    text: str
    status: str
    """Of the case."""


class Receipt(View):
    """A decision was recorded; what comes of it is shown on the case."""

    case_id: str
    request_id: str
    status: str
    text: str
    decided_by: str


class RequestView(ApprovalView):
    """A request for approval, with what a decision must quote."""

    digest: str


class ApprovalPage(Page):
    """What waits for people, the most pressing first."""

    approvals: list[RequestView]


class UnparkView(Accepted):
    """A word on a parked step."""

    taken: bool
    refusal: str | None = None


class EvidenceView(View):
    """An uploaded file."""

    reference: str
    name: str
    kind: EvidenceKind
    size_bytes: int
    service: str | None = None
    case_id: str | None = None
    """The incident that it was given to."""


class Finding(View):
    """One thing that is known and fits."""

    reference: str
    title: str
    text: str
    fault: str
    check: tuple[str, ...]
    fix: str
    playbook: str | None
    score: float


class KnowledgeView(View):
    """What a search gave, best first."""

    answered_by: str
    results: list[Finding]
    total: int
    not_answering: tuple[str, ...] = ()


class SessionView(View):
    """A session."""

    session_id: str
    session_type: str
    agent_status: Literal["initialized"] = "initialized"
    available_capabilities: dict[str, list[str]]
    created_at: Moment
    expires_at: Moment


class SessionPage(Page):
    """Sessions."""

    sessions: list[SessionView]


class DeliveredEvent(View):
    """What became of an event."""

    event_id: str
    runs: list[str]
    """The runs that it was brought to."""


class Health(View):
    """Whether the service can work."""

    status: Literal["ok"]
    checks: dict[str, Literal["ok"]] = Field(default_factory=dict)
