"""What goes in and out of an incident."""

from __future__ import annotations

from pydantic import Field

from domain.model import Value
from domain.troubleshooting.budget import Budget
from domain.troubleshooting.evidence import EvidenceRef
from domain.troubleshooting.incident import MOST_EVIDENCE, IncidentReport
from domain.troubleshooting.state import IncidentState

__all__ = [
    "CloseIncidentInput",
    "EvidenceInput",
    "IncidentInput",
    "IncidentReport",
    "IncidentResult",
    "LinkTicketInput",
    "QueryInput",
    "UnlinkTicketInput",
]


class IncidentInput(Value):
    """Starts an incident, or carries it on in a new run."""

    tenant: str
    report: IncidentReport
    budget: Budget | None = None
    """The default one when None."""
    state: IncidentState | None = None
    """Set by continue-as-new only."""
    continue_after_events: int | None = None
    """Continue-as-new after this many events; none leaves it to the server's suggestion. A knob for tests."""


class QueryInput(Value):
    """A question or a remark about an incident."""

    message_id: str = Field(min_length=1, max_length=200)
    """The sender's id of it; a repeat is recognised by it."""
    author: str = Field(min_length=1, max_length=200)
    """A person id, or `customer`."""
    text: str = Field(min_length=1, max_length=4_000)


class EvidenceInput(Value):
    """More evidence, uploaded already."""

    evidence: tuple[EvidenceRef, ...] = Field(min_length=1, max_length=MOST_EVIDENCE)
    person_id: str = Field(min_length=1, max_length=200)


class LinkTicketInput(Value):
    """A ticket is about this incident: its customer is told once when it is over, after approval."""

    ticket_id: str = Field(min_length=1, max_length=200)
    person_id: str = Field(min_length=1, max_length=200)
    """`surehand` where a rule links."""
    customer_id: str | None = Field(default=None, max_length=200)
    """The customer's id in the CRM, for people."""


class UnlinkTicketInput(Value):
    """A person says that a ticket is about something else."""

    ticket_id: str = Field(min_length=1, max_length=200)
    person_id: str = Field(min_length=1, max_length=200)


class CloseIncidentInput(Value):
    """A person ends the incident."""

    person_id: str = Field(min_length=1, max_length=200)
    resolution: str = Field(min_length=1, max_length=20_000)
    """What solved it, or why nothing needs to be solved."""
    cause: str | None = None
    """Id of the hypothesis that the person confirms; None leaves the diagnosis as it is."""


class IncidentResult(Value):
    """How an incident ended."""

    incident_id: str
    status: str
    service: str | None = None
    """The faulty one; None when no cause was accepted."""
    fault: str | None = None
    change_id: str | None = None
    """The change that brought it about."""
    hypothesis_id: str | None = None
    confidence: float = 0.0
    solution: str | None = None
    """Title of what was carried out."""
    undone: bool = False
    escalated: bool = False
    reopened: int = 0
    rounds: int = 0
    tool_calls: int = 0
    linked_tickets: int = 0
    resolution: str = ""
