"""What goes in and out of every case."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.cases.terms import Status, UnparkAction
from domain.cases.timeline import TimelineEntry
from domain.model import JsonValue, Value
from domain.tools.tool import ToolRefusal


class IncidentNews(Value):
    """What an incident tells the case of a ticket that is about it."""

    incident: str
    """As people call it: `incident:INC-7`."""
    text: str = Field(max_length=4_000)


class OpenIncidentOrder(Value):
    """A person opens an incident from a ticket."""

    person_id: str = Field(min_length=1, max_length=200)


class JoinIncidentInput(Value):
    """A person says which incident a ticket is about."""

    person_id: str = Field(min_length=1, max_length=200)
    incident: str = Field(min_length=1, max_length=300)
    """As people call it: `incident:INC-7`."""


class ClaimInput(Value):
    """Somebody takes the case."""

    person_id: str
    take_over: bool = False
    """Take it from whoever has it."""


class ReassignInput(Value):
    """Somebody gives the case to a named person."""

    person_id: str = Field(min_length=1, max_length=200)
    """Who says so."""
    to: str = Field(min_length=1, max_length=200)
    """Person id of who has it from now on."""
    note: str = Field(min_length=1, max_length=2_000)
    """What that person needs to know; it is sent to them, and goes on the timeline and into the audit."""


class ResolveInput(Value):
    """Somebody says that the case is solved."""

    person_id: str
    resolution: str = Field(min_length=1, max_length=20_000)
    """What solved it; sent to the customer unless `tell_customer` is false, and kept as knowledge."""
    tell_customer: bool = True


class FeedbackInput(Value):
    """The customer's or an agent's judgement."""

    rating: int | None = Field(default=None, ge=1, le=5)
    comment: str = Field(default="", max_length=5_000)
    escalation_was_right: bool | None = None
    author: str = "customer"


class MessageInput(Value):
    """A message in the conversation."""

    message_id: str = Field(min_length=1, max_length=200)
    """The sender's id of it; a repeat is recognised by it."""
    text: str = Field(min_length=1, max_length=20_000)
    author: str = "customer"
    """`customer`, or the person id of an agent, whose words are sent to the customer."""


class UnparkInput(Value):
    """What to do with a parked step."""

    step: str
    action: UnparkAction
    person_id: str
    arguments: dict[str, JsonValue] | None = None
    """For a retry of a tool's call: call it with these instead. They pass schema, guardrails and approval anew."""
    reason: str = Field(default="", max_length=2000)
    """Goes on the timeline and into the audit."""
    parked_at: datetime | None = None
    """When the step was parked that the person saw: a word on it does not count for a later one of the same name."""


class AbortInput(Value):
    """A person stops a playbook; what it did is undone."""

    person_id: str
    reason: str = Field(min_length=1, max_length=2000)


class EscalateNowInput(Value):
    """Bring the handoff forward, or hand over a case that was not to be escalated."""

    person_id: str
    reason: str = ""


class Accepted(Value):
    """The answer to an update that was taken."""

    text: str
    status: Status


class UnparkReceipt(Accepted):
    """The answer to a word on a parked step."""

    refusal: ToolRefusal | None = None
    """Why other arguments were not taken; the step stays parked."""


class TimelineView(Value):
    """The recent timeline, for the query."""

    entries: tuple[TimelineEntry, ...]
    total: int
