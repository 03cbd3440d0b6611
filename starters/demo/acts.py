"""What people do in the demo. Each act waits for what the case itself shows, never for a time on the clock alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Generic, TypeVar

from domain.cases.approval import ApprovalDecision
from domain.cases.escalation import EscalationState
from domain.cases.messages import ClaimInput, FeedbackInput, MessageInput, ResolveInput
from domain.cases.state import CaseState, ServedCaseState
from starters.cases import Cases

_A_MOMENT = timedelta(seconds=1.5)
"""How long people take to react; long enough to see it in the table."""

StateT_contra = TypeVar("StateT_contra", bound=CaseState, contravariant=True)
"""An act for any case is one for each kind of case."""


@dataclass(frozen=True)
class Turn(Generic[StateT_contra]):
    """Somebody's turn in one case."""

    cases: Cases
    tenant: str
    case: str
    number: int
    """Which act of the script it is; part of a message's id, so that a repeat counts once."""
    state: StateT_contra


class Act(ABC, Generic[StateT_contra]):
    """One thing that somebody does, once."""

    may_repeat: ClassVar[bool] = False
    """Whether it is done again when the case waits for it again, as it does where a busy machine let it fail."""

    @abstractmethod
    def since(self, state: StateT_contra) -> datetime | None:
        """Since when the case waits for it; None while it does not."""

    @abstractmethod
    async def perform(self, turn: Turn[StateT_contra]) -> None:
        """Do it."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What is done, for the progress lines."""

    def is_due(self, state: StateT_contra, now: datetime) -> bool:
        """Whether the case has waited for it for a moment."""
        since = self.since(state)
        return since is not None and now - since >= _A_MOMENT


@dataclass(frozen=True)
class Decide(Act[CaseState]):
    """Somebody on the ladder decides on the open request."""

    person: str
    approve: bool = True
    reason: str = ""

    def since(self, state: CaseState) -> datetime | None:
        """Since the person was asked."""
        asked = [
            rung.opened_at
            for request in state.pending_approvals
            for rung in request.rungs
            if self.person in rung.approvers and not request.votes
        ]
        return min(asked, default=None)

    async def perform(self, turn: Turn[CaseState]) -> None:
        """Decide on exactly what the request shows."""
        request = turn.state.pending_approvals[0]
        decision = ApprovalDecision(
            request_id=request.request_id,
            person_id=self.person,
            approve=self.approve,
            digest=request.digest,
            reason=self.reason,
        )
        await turn.cases.decide(turn.tenant, turn.case, decision)

    @property
    def words(self) -> str:
        """What is done."""
        return f"{self.person} approves" if self.approve else f"{self.person} rejects: {self.reason}"


@dataclass(frozen=True)
class Claim(Act[ServedCaseState]):
    """Somebody takes the case."""

    person: str

    def since(self, state: ServedCaseState) -> datetime | None:
        """Since it was handed over and nobody has it."""
        if not state.people_have_it or state.claim.claimed_by is not None or state.handoff is None:
            return None
        return state.handoff.completed_at

    async def perform(self, turn: Turn[ServedCaseState]) -> None:
        """Claim it."""
        await turn.cases.claim(turn.tenant, turn.case, ClaimInput(person_id=self.person))

    @property
    def words(self) -> str:
        """What is done."""
        return f"{self.person} claims the case"


@dataclass(frozen=True)
class AgentWrites(Act[EscalationState]):
    """Who has the case writes to the customer."""

    person: str
    text: str

    def since(self, state: EscalationState) -> datetime | None:
        """Since the case was claimed."""
        return state.claim.claimed_at if state.claim.claimed_by == self.person else None

    async def perform(self, turn: Turn[EscalationState]) -> None:
        """Write."""
        await _say(turn, self.person, self.text)

    @property
    def words(self) -> str:
        """What is done."""
        return f"{self.person} writes: {self.text}"


@dataclass(frozen=True)
class CustomerWrites(Act[EscalationState]):
    """The customer writes once an answer has arrived."""

    text: str

    def since(self, state: EscalationState) -> datetime | None:
        """Since the latest answer, when everything said before it was dealt with."""
        if state.pending_approvals or state.next_unhandled() is not None:
            return None
        return state.last_word_at

    async def perform(self, turn: Turn[EscalationState]) -> None:
        """Write."""
        await _say(turn, "customer", self.text)

    @property
    def words(self) -> str:
        """What is done."""
        return f"the customer writes: {self.text}"


@dataclass(frozen=True)
class Resolve(Act[EscalationState]):
    """Who has the case says what solved it."""

    person: str
    text: str

    def since(self, state: EscalationState) -> datetime | None:
        """Since the last thing that was said, once it was dealt with."""
        if state.claim.claimed_by != self.person or state.is_resolved or state.next_unhandled() is not None:
            return None
        said = [message.at for message in state.conversation]
        return max([*said, *([state.claim.claimed_at] if state.claim.claimed_at else [])])

    async def perform(self, turn: Turn[EscalationState]) -> None:
        """Resolve."""
        resolution = ResolveInput(person_id=self.person, resolution=self.text)
        await turn.cases.resolve(turn.tenant, turn.case, resolution)

    @property
    def words(self) -> str:
        """What is done."""
        return f"{self.person} resolves the case"


@dataclass(frozen=True)
class ResolveAfterNews(Act[EscalationState]):
    """Whoever has the case resolves it once its customer heard how the incident ended that it was about."""

    person: str
    text: str

    def since(self, state: EscalationState) -> datetime | None:
        """Since the news went out."""
        if state.is_resolved:
            return None
        return max((sent.at for sent in state.sent if sent.what.startswith("news of incident:")), default=None)

    async def perform(self, turn: Turn[EscalationState]) -> None:
        """Resolve. It took a while, so the case may have been given back meanwhile."""
        if turn.state.claim.claimed_by != self.person:
            await turn.cases.claim(turn.tenant, turn.case, ClaimInput(person_id=self.person))
        resolution = ResolveInput(person_id=self.person, resolution=self.text)
        await turn.cases.resolve(turn.tenant, turn.case, resolution)

    @property
    def words(self) -> str:
        """What is done."""
        return f"the customer was told, and {self.person} resolves the case"


@dataclass(frozen=True)
class GiveFeedback(Act[EscalationState]):
    """The customer answers the survey."""

    rating: int
    comment: str = ""
    was_right: bool | None = None

    def since(self, state: EscalationState) -> datetime | None:
        """Since the survey went out, some time after the resolution."""
        return state.resolved_at if state.outcome.survey_sent else None

    async def perform(self, turn: Turn[EscalationState]) -> None:
        """Answer."""
        judgement = FeedbackInput(rating=self.rating, comment=self.comment, escalation_was_right=self.was_right)
        await turn.cases.feedback(turn.tenant, turn.case, judgement)

    @property
    def words(self) -> str:
        """What is done."""
        return f"the customer rates it {self.rating} of 5"


async def _say(turn: Turn[EscalationState], author: str, text: str) -> None:
    message = MessageInput(message_id=f"demo/{turn.case}/{turn.number}", text=text, author=author)
    await turn.cases.message(turn.tenant, turn.case, message)
