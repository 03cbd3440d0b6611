"""An incident as it was reported, what it was classified as, and what is proposed against it. Pure values."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.model import JsonValue, Term, Value
from domain.tickets.ticket import Priority
from domain.tools.tool import call_digest
from domain.triage.classification import Complexity
from domain.troubleshooting.checks import CheckAsked
from domain.troubleshooting.evidence import EvidenceRef
from domain.troubleshooting.terms import QueryIntent, TechnicalDomain

MOST_EVIDENCE = 100
"""Pieces of evidence that one incident takes."""
MOST_TICKETS = 500
"""Tickets that can be linked to one incident."""
MANUAL = "manual"
"""Stands for the playbook where people act by hand."""


class IncidentReport(Value):
    """What somebody, or a monitoring system, reported."""

    incident_id: str = Field(min_length=1, max_length=200)
    """The reporter's own; the same id is the same incident."""
    title: str = Field(min_length=1, max_length=300)
    description: str = Field(default="", max_length=16_000)
    reported_by: str = Field(default="surehand", max_length=200)
    """A person id, `monitoring`, or the workflow id of the escalation that opened it."""
    reported_at: datetime | None = None
    """When it was noticed; the case's own start when None."""
    customer_id: str | None = Field(default=None, max_length=200)
    service: str | None = Field(default=None, max_length=200)
    """The service that seems to be in trouble. A hint: the evidence decides."""
    urgency: Priority | None = None
    """As the reporter sees it; never lowered by the words."""
    evidence: tuple[EvidenceRef, ...] = Field(default=(), max_length=MOST_EVIDENCE)
    health_urls: dict[str, str] = Field(default_factory=dict, max_length=100)
    """Service -> address that tells whether it is well."""
    linked_tickets: tuple[str, ...] = Field(default=(), max_length=MOST_TICKETS)
    """Ticket ids that are about this incident."""
    linked_customers: dict[str, str] = Field(default_factory=dict, max_length=MOST_TICKETS)
    """Ticket id -> its customer's id in the CRM, for people."""

    @property
    def text(self) -> str:
        """Title and description."""
        return f"{self.title}\n{self.description}" if self.description else self.title


class Entities(Value):
    """What a text names. At most twenty of each, in the order of their appearance."""

    services: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    error_codes: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    """As they were written."""


class IncidentClassification(Value):
    """What a report or a question is about."""

    intent: QueryIntent
    complexity: Complexity
    domain: TechnicalDomain
    urgency: Priority
    entities: Entities = Entities()
    confidence: float = Field(ge=0, le=0.95)
    """Of the intent and the domain together."""
    reasons: tuple[str, ...] = ()
    """Which words or facts led to it. They quote no personal data."""
    decided_by: str = "rules"
    """`rules`, or the provider that answered."""


class MeasureKind(Term):
    """By what one sees whether a solution worked, the best first."""

    METRIC = "metric"
    """The metric that proved the trouble, at the metrics server that gave it."""
    CHECK = "check"
    """The check that showed the fault: its good value is success."""
    HEALTH = "health"
    """The address that tells the health of the service."""
    HOUSE = "house"
    """The metrics that the shipped playbooks go by."""
    PEOPLE = "people"
    """No tool can tell: people look."""


class MeasuringCheck(Value):
    """A check whose good value is success."""

    asked: CheckAsked
    capability: str
    arguments: dict[str, JsonValue]


class Success(Value):
    """How one sees whether a solution worked."""

    sentence: str
    """For people: "Errors of checkout fall to 3 per minute or less and stay there for 30 minutes.\""""
    service: str | None = None
    measure: str
    """What is measured: `errors per minute`, `latency in milliseconds`, `health`, ..."""
    query: str = ""
    """For `metrics.watch`, where metrics can be asked for; empty otherwise."""
    health_url: str | None = None
    proof: str = ""
    """What proved the trouble, and the next two numbers count: `errors per minute of checkout`."""
    before: float | None = None
    """The value before the incident."""
    during: float | None = None
    """The value while it lasted."""
    kind: MeasureKind | None = None
    """What is asked first; None in what was proposed before there was a choice: then the address, then the query."""
    check: MeasuringCheck | None = None
    threshold: float | None = None
    """Of `measure`; None where nothing can be measured: then a person or a health check says it."""
    at_most: bool = True
    """Good means at most the threshold; otherwise at least."""
    watch_minutes: int = Field(ge=1)
    check_minutes: int = Field(default=1, ge=1)

    def is_met(self, value: float) -> bool:
        """Whether a measured value is good."""
        if self.threshold is None:
            return False
        return value <= self.threshold if self.at_most else value >= self.threshold


class Solution(Value):
    """What is proposed against an accepted cause. It is bound to its approval by `digest`."""

    solution_id: str
    """`S1`, `S2`, ... in the order of proposal."""
    hypothesis_id: str
    title: str
    """For people, as an imperative: "Roll checkout back from 4.2.0 to 4.1.9"."""
    kind: str
    """`roll_back`, `configuration`, `restart`, `scale`, `credential` or `manual`: what a rejection may exclude."""
    playbook: str | None = None
    """None where people act by hand."""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    steps: tuple[str, ...] = ()
    """For people, where no playbook fits or beside it."""
    risk: str
    undo: str
    success: Success
    because: str = ""
    """Why this and no other: what was rejected before, what is missing."""

    @property
    def digest(self) -> str:
        """SHA-256 of what would be done."""
        return call_digest(self.playbook or MANUAL, self.arguments if self.playbook else {"steps": list(self.steps)})


class RejectedSolution(Value):
    """A solution that was turned down, or that failed."""

    solution_id: str
    digest: str
    hypothesis_id: str
    kind: str
    title: str
    reason: str = Field(max_length=2000)
    by: str
    """A person id, or `surehand` where it failed."""
    at: datetime
    refutes: bool = False
    """True when it also speaks against the cause: it was carried out and nothing got better."""
