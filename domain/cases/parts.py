"""What the state of a case is made of: parked steps, claims, handoffs, messages that were sent."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.cases.terms import UnparkAction
from domain.mail import ChatReceipt, TicketReceipt
from domain.model import JsonValue, State, Value
from domain.tools.tool import call_digest


class ParkedStep(State):
    """A step that ran out of automatic options."""

    step: str
    title: str
    """What it is, for a person."""
    problem: str
    """One sentence on why it failed."""
    parked_at: datetime
    can_skip: bool = True
    left_undone: list[str] = Field(default_factory=list)
    """Effects that could not be undone, for a person to undo by hand."""
    action: UnparkAction | None = None
    acted_by: str | None = None
    tool: str | None = None
    """The tool whose call failed, where it was one."""
    arguments: dict[str, JsonValue] | None = None
    """What it was called with; a retry may carry others."""
    edited: dict[str, JsonValue] | None = None
    """What a person wants it called with instead."""

    @property
    def digest(self) -> str | None:
        """Of the call that failed; None for a step that is no tool's call."""
        return call_digest(self.tool, self.arguments or {}) if self.tool is not None else None

    @property
    def next_digest(self) -> str | None:
        """Of the call that comes next; None unless it is retried."""
        if self.tool is None or self.action is not UnparkAction.RETRY:
            return None
        return call_digest(self.tool, self.edited if self.edited is not None else self.arguments or {})


class ClaimState(State):
    """Who has the case, and how far the claim ladder was climbed."""

    claimed_by: str | None = None
    claimed_at: datetime | None = None
    last_activity_at: datetime | None = None
    announced: bool = True
    """False until the team was told of the latest claim."""
    rung: int = 0
    """How many rungs were told so far."""
    rung_since: datetime | None = None
    expired_claims: int = 0
    given_by: str | None = None
    """Who gave the case to whoever has it; None where they took it themselves."""
    note: str = ""
    """What that person said to them."""
    given_is_told: bool = True
    """False until whoever was given the case has been told."""


class HandoffState(State):
    """The handoff of a case to people."""

    number: int = 1
    """Counts attempts as a whole; part of every effect's key."""
    team: str
    started_at: datetime
    completed_at: datetime | None = None
    emergency: bool = False
    """True when only the alert channel or the escalation mailbox could be reached."""
    chat: ChatReceipt | None = None
    mail_id: str | None = None
    ticketing: TicketReceipt | None = None
    undone: list[str] = Field(default_factory=list)
    left_undone: list[str] = Field(default_factory=list)


class SentMessage(Value):
    """A message that left the house."""

    step: str
    to: str
    """`customer`, `team` or a person id; never an address."""
    channel: str
    """`email` or `slack`."""
    what: str
    at: datetime
    message_id: str
    repeated: bool = False
    """True when an earlier attempt may have been delivered too (SMTP cannot tell)."""
