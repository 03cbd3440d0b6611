"""The words of every case: where it stands, what it can reach, what people say of a parked step."""

from __future__ import annotations

from domain.model import Term, Value


class Status(Term):
    """Where a case stands, for people and for the search attribute `SurehandStatus`."""

    TRIAGING = "triaging"
    WAITING_APPROVAL = "waiting_approval"
    WAITING_CUSTOMER = "waiting_customer"
    WAITING_CLAIM = "waiting_claim"
    WITH_AGENT = "with_agent"
    RUNNING = "running"
    """A playbook is at work, or waits for a timer."""
    WAITING_EVENT = "waiting_event"
    INVESTIGATING = "investigating"
    """An incident's cause is looked for."""
    MONITORING = "monitoring"
    """An incident's solution was carried out, and it is watched whether it holds."""
    UNDOING = "undoing"
    FAULTED = "faulted"
    """A playbook failed, and what it did was undone or left to a person."""
    PARKED = "parked"
    RESOLVED = "resolved"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Channels(Value):
    """Which outside systems this installation has; a leg that is not configured is not part of a case."""

    mail: bool = False
    chat: bool = False
    ticketing: bool = False
    crm: bool = False
    billing: bool = False
    model: bool = False


class UnparkAction(Term):
    """What a person says about a parked step."""

    RETRY = "retry"
    SKIP = "skip"
    GIVE_UP = "give_up"
