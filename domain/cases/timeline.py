"""The timeline of a case: what happened, when, by whom. Append-only."""

from __future__ import annotations

from datetime import datetime

from domain.model import Term, Value


class TimelineKind(Term):
    """What sort of thing happened."""

    CASE = "case"
    MESSAGE = "message"
    TRIAGE = "triage"
    DECISION = "decision"
    APPROVAL = "approval"
    HANDOFF = "handoff"
    CLAIM = "claim"
    SLA = "sla"
    EFFECT = "effect"
    PARKED = "parked"
    OUTCOME = "outcome"
    GUARDRAIL = "guardrail"
    STEP = "step"
    """A playbook's task."""


class TimelineEntry(Value):
    """One thing that happened. `text` carries no customer's name or address."""

    number: int
    """Rises by one within a case, across continue-as-new; with the case id it makes a row unique in the store."""
    at: datetime
    kind: TimelineKind
    text: str
    actor: str = "surehand"
    """A person id, `customer`, or `surehand`."""


class CaseMessage(Value):
    """One message of the conversation, in either direction."""

    number: int
    """Rises by one within a case, across continue-as-new."""
    message_id: str
    """The sender's own id of it, so that a message delivered twice counts once."""
    at: datetime
    author: str
    """`customer`, `surehand`, or the person id of an agent."""
    text: str
