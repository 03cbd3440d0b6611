"""What every case keeps, whatever its kind: status, timeline, conversation, clocks, approvals, claims, parked steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import Field, field_validator

from domain.approval import ApprovalState
from domain.heard import mark_of, marks_of
from domain.mail import ChatReceipt, TicketReceipt
from domain.model import JsonValue, State, Term, Value
from domain.policy import CasePolicy
from domain.records import ApprovalRecord, InterventionRecord
from domain.sla import ClockName, SlaClock
from domain.ticket import Priority
from domain.timeline import CaseMessage, TimelineEntry, TimelineKind
from domain.tool import ToolRefusal, call_digest

KEPT_MESSAGES = 40
"""Messages a case keeps in its own state; older ones are in the store."""
KEPT_TIMELINE = 60
"""Timeline entries a case keeps in its own state; older ones are in the store."""
KEPT_MESSAGE_IDS = 2_000
"""Ids of messages a case remembers, to know a redelivered one; beyond this the oldest are forgotten."""


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


class CaseState(State, ABC):
    """The state of any case. One serialisable value; it is what continue-as-new carries on."""

    tenant: str
    case_number: str
    """What people call it; the case id."""
    opened_at: datetime
    policy: CasePolicy | None = None
    channels: Channels = Channels()
    status: Status = Status.TRIAGING
    phase: str = "intake"
    told: str = ""
    """Status, phase and the like as systems outside were told last; empty where none is."""
    closed: bool = False
    withdrawn: bool = False

    timeline: list[TimelineEntry] = Field(default_factory=list)
    timeline_count: int = 0
    timeline_saved: int = 0
    sent: list[SentMessage] = Field(default_factory=list)
    sent_count: int = 0

    approvals: dict[str, ApprovalState] = Field(default_factory=dict)
    unsaved_audit: list[ApprovalRecord] = Field(default_factory=list)
    """Lines of the approvals audit that the store does not have yet."""
    unsaved_interventions: list[InterventionRecord] = Field(default_factory=list)
    """What people said about parked steps and the store does not have yet."""
    parked: dict[str, ParkedStep] = Field(default_factory=dict)
    step_numbers: dict[str, int] = Field(default_factory=dict)
    """How often a repeatable step was begun; part of its key, so that each time is its own effect."""

    @property
    def triaged_priority(self) -> Priority | None:
        """How urgent it turned out to be; None while nobody has looked, and where nobody ever does."""
        return None

    @property
    def pending_approvals(self) -> list[ApprovalState]:
        """Requests that wait for a decision."""
        return [approval for approval in self.approvals.values() if approval.is_pending]

    def note(self, now: datetime, kind: TimelineKind, text: str, actor: str = "surehand") -> TimelineEntry:
        """Append to the timeline."""
        entry = TimelineEntry(number=self.timeline_count, at=now, kind=kind, text=text, actor=actor)
        self.timeline.append(entry)
        self.timeline_count += 1
        return entry

    def begin(self, step: str) -> str:
        """A fresh key for a step that may come more than once: `reply-1`, `reply-2`, ..."""
        number = self.step_numbers.get(step, 0) + 1
        self.step_numbers[step] = number
        return f"{step}-{number}"

    def forget_what_is_saved(self) -> None:
        """Drop old timeline entries that the store has, to keep the state small."""
        self.timeline = [
            entry
            for entry in self.timeline
            if entry.number >= self.timeline_saved or entry.number >= self.timeline_count - KEPT_TIMELINE
        ]
        self.sent = self.sent[-KEPT_TIMELINE:]

    @abstractmethod
    def current_status(self) -> Status:
        """The status that follows from everything else; each kind of case knows its own."""


class ServedCaseState(CaseState):
    """The state of a case that people are served by: it is talked about, timed, handed over and claimed."""

    KEPT_MARKS: ClassVar[int] = KEPT_MESSAGE_IDS

    resolved_at: datetime | None = None
    conversation: list[CaseMessage] = Field(default_factory=list)
    conversation_count: int = 0
    conversation_saved: int = 0
    handled: int = 0
    """Messages with a lower number have been dealt with."""
    assessed: int = 1
    """Customer messages with a lower number have been re-analysed; triage looked at the first."""
    seen_message_ids: list[str] = Field(default_factory=list)
    """Marks of the ids of messages that were heard."""
    clocks: dict[ClockName, SlaClock] = Field(default_factory=dict)
    sla_breaches: int = 0
    claim: ClaimState = Field(default_factory=ClaimState)
    handoff: HandoffState | None = None

    @field_validator("seen_message_ids", mode="after")
    @classmethod
    def _as_marks(cls, known: list[str]) -> list[str]:
        return marks_of(known)

    @property
    def is_resolved(self) -> bool:
        """Whether the case's work is done, for now."""
        return self.resolved_at is not None

    @property
    def people_have_it(self) -> bool:
        """Whether the case was handed over, so that people and not the machine answer."""
        return self.handoff is not None and self.handoff.completed_at is not None

    def hear(self, now: datetime, message_id: str, author: str, text: str) -> CaseMessage | None:
        """Add a message to the conversation; None when it was heard before."""
        if self.has_heard(message_id):
            return None
        message = CaseMessage(number=self.conversation_count, message_id=message_id, at=now, author=author, text=text)
        self.conversation.append(message)
        self.conversation_count += 1
        self.seen_message_ids = [*self.seen_message_ids[-(self.KEPT_MARKS - 1) :], mark_of(message_id)]
        return message

    def has_heard(self, message_id: str) -> bool:
        """Whether a message with this id was heard before."""
        return mark_of(message_id) in self.seen_message_ids

    def next_unhandled(self) -> CaseMessage | None:
        """The oldest message, from the customer or an agent, that nobody dealt with yet."""
        return next((m for m in self.conversation if m.number >= self.handled and m.author != "surehand"), None)

    def customer_wrote_after(self, number: int) -> bool:
        """Whether the customer wrote again after a message."""
        return any(m.number > number and m.author == "customer" for m in self.conversation)

    def forget_what_is_saved(self) -> None:
        """Drop old timeline entries and messages that the store has, to keep the state small."""
        super().forget_what_is_saved()
        oldest_needed = min(self.handled, self.conversation_saved, self.conversation_count - KEPT_MESSAGES)
        self.conversation = [message for message in self.conversation if message.number >= oldest_needed]

    def current_status(self) -> Status:
        """The status that follows from everything else. The order says which fact a person must see first."""
        facts = (
            (self.withdrawn, Status.WITHDRAWN),
            (self.closed, Status.CLOSED),
            (bool(self.parked), Status.PARKED),
            (self.is_resolved, Status.RESOLVED),
            (bool(self.pending_approvals), Status.WAITING_APPROVAL),
            (self.people_have_it and self.claim.claimed_by is None, Status.WAITING_CLAIM),
            (self.people_have_it, Status.WITH_AGENT),
            (self.phase in ("intake", "triage", "decision"), Status.TRIAGING),
        )
        return next((status for holds, status in facts if holds), Status.WAITING_CUSTOMER)


class ClaimInput(Value):
    """Somebody takes the case."""

    person_id: str
    take_over: bool = False
    """Take it from whoever has it."""


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


class ClockView(Value):
    """One SLA clock, for people."""

    name: ClockName
    target: timedelta
    due_at: datetime | None
    running: bool
    met: bool
    breached: bool
