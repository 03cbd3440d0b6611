"""What every case keeps, whatever its kind: status, timeline, conversation, clocks, approvals, claims, parked steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import ClassVar

from pydantic import Field, field_validator

from domain.cases.approval import ApprovalState
from domain.cases.heard import mark_of, marks_of
from domain.cases.parts import ClaimState, HandoffState, ParkedStep, SentMessage
from domain.cases.records import ApprovalRecord, InterventionRecord
from domain.cases.terms import Channels, Status
from domain.cases.timeline import CaseMessage, TimelineEntry, TimelineKind
from domain.model import State
from domain.policies.case_policy import CasePolicy
from domain.sla.clocks import ClockName, SlaClock
from domain.tickets.ticket import Priority

KEPT_MESSAGES = 40
"""Messages a case keeps in its own state; older ones are in the store."""
KEPT_TIMELINE = 60
"""Timeline entries a case keeps in its own state; older ones are in the store."""
KEPT_MESSAGE_IDS = 2_000
"""Ids of messages a case remembers, to know a redelivered one; beyond this the oldest are forgotten."""


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
    def awaits_triage(self) -> bool:
        """Whether somebody is about to find out how urgent it is."""
        return False

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
        )
        return next((status for holds, status in facts if holds), self._status_at_work())

    def _status_at_work(self) -> Status:
        """The status while nothing else holds; each kind of case knows its own."""
        return Status.TRIAGING if self.phase in ("intake", "triage", "decision") else Status.WAITING_CUSTOMER
