"""Approvals: the rules of asking people. Pure; the waiting is in `workflows/cases/approvals.py`.

A request is bound to the exact arguments it shows by a digest, climbs a ladder of rungs, and is decided once.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta

from pydantic import Field

from domain.mail import ChatReceipt
from domain.model import JsonValue, State, Term, Value
from domain.policies.case_policy import Ladder


class ApprovalStatus(Term):
    """Where a request stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    """Nobody answered on any rung; `granted` says what the policy made of that."""
    SUPERSEDED = "superseded"
    """The question went away: the customer wrote again, people took over, or the case was withdrawn."""


class ApprovalQuestion(Value):
    """What people are asked."""

    action: str
    """Names the ladder, such as `reply` or `refund`."""
    summary: str
    """One sentence for the approver."""
    arguments: dict[str, JsonValue]
    """The exact arguments that will be used; the approval holds for these and no others."""
    amount: float | None = None
    """In the tenant's currency, where money moves: approvers with a lower limit are not asked."""
    risk: int = 0
    evidence: tuple[str, ...] = ()
    requested_by: str = "surehand"
    binding: str = ""
    """Digest of the tool's specification (target, schema, safety), where a tool will be called."""

    @property
    def digest(self) -> str:
        """SHA-256 of the action, the canonical JSON of its arguments, and what the tool was when it was shown."""
        approved: dict[str, JsonValue] = {"tool": self.action, "arguments": self.arguments}
        if self.binding:
            approved["binding"] = self.binding
        canonical = json.dumps(approved, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()


class ApprovalDecision(Value):
    """A person's word on a request; the payload of both `decide_approval` and `approval_decision`."""

    request_id: str
    person_id: str
    approve: bool
    digest: str
    """The digest the person saw."""
    reason: str = Field(default="", max_length=2000)


class ApprovalReceipt(Value):
    """What an approver is told at once. The final outcome is the case's, shown separately."""

    request_id: str
    status: ApprovalStatus
    text: str


class Vote(Value):
    """A recorded decision. It counts once the person's authority was checked against today's directory."""

    person_id: str
    approve: bool
    reason: str = ""
    at: datetime
    checked: bool = False


class OpenRung(State):
    """A rung that was asked."""

    name: str
    approvers: list[str]
    """Person ids, resolved when the rung was asked."""
    quorum: int
    opened_at: datetime
    expires_at: datetime
    reminded: bool = False

    def remind_at(self, percent: int) -> datetime:
        """When the reminder of this rung is due."""
        return self.opened_at + (self.expires_at - self.opened_at) * percent / 100


class ApprovalState(State):
    """One request, as the case keeps it."""

    request_id: str
    question: ApprovalQuestion
    digest: str
    ladder: Ladder
    asked_at: datetime
    rungs: list[OpenRung] = Field(default_factory=list)
    votes: list[Vote] = Field(default_factory=list)
    status: ApprovalStatus = ApprovalStatus.PENDING
    granted: bool = False
    decided_at: datetime | None = None
    decided_by: list[str] = Field(default_factory=list)
    reason: str = ""
    chat: ChatReceipt | None = None
    """The latest chat message that asks; it is replaced by the outcome."""

    @property
    def is_pending(self) -> bool:
        """Whether a decision is still wanted."""
        return self.status is ApprovalStatus.PENDING

    @property
    def current_rung(self) -> OpenRung | None:
        """The rung asked last."""
        return self.rungs[-1] if self.rungs else None

    @property
    def unchecked_vote(self) -> Vote | None:
        """A vote whose authority is still to be checked."""
        return next((vote for vote in self.votes if not vote.checked), None)


def refusal(state: ApprovalState | None, decision: ApprovalDecision) -> str | None:
    """Why a decision cannot be taken, in one sentence; None when it can.

    The order matters: somebody off the ladder learns nothing about the state of the request.
    """
    if state is None:
        return "This case has no such approval request: list what is open with `surehand approvals`."
    asked = {person for rung in state.rungs for person in rung.approvers}
    hindrances = (
        (
            decision.person_id == state.question.requested_by,
            "Nobody approves their own request: let another approver decide.",
        ),
        (
            decision.person_id not in asked,
            "You have not been asked for this approval: only people on its ladder so far can decide.",
        ),
        (not state.is_pending, f"This request is {state.status.label} already{_by(state)}: nothing was changed."),
        (
            decision.digest != state.digest,
            "The arguments changed after you saw them: open the request again and decide on what it says now.",
        ),
        (
            any(vote.person_id == decision.person_id for vote in state.votes),
            "You have decided on this request already: your first decision stands.",
        ),
        (
            not decision.approve and not decision.reason.strip(),
            "A rejection needs a reason, because it flows back into the case: add one.",
        ),
    )
    return next((sentence for applies, sentence in hindrances if applies), None)


def _by(state: ApprovalState) -> str:
    return f" (decided by {', '.join(state.decided_by)})" if state.decided_by else ""


def record_vote(state: ApprovalState, decision: ApprovalDecision, now: datetime) -> None:
    """Record a decision that `refusal` let through. It is counted after its authority check."""
    state.votes.append(
        Vote(person_id=decision.person_id, approve=decision.approve, reason=decision.reason.strip(), at=now)
    )


def count_votes(state: ApprovalState, now: datetime) -> None:
    """Decide the request when its checked votes suffice.

    One rejection decides. Approval takes the quorum of one rung, counting distinct people of that rung, so that
    two votes from different rungs do not add up to a two-person rule that no rung asked for.
    """
    checked = [vote for vote in state.votes if vote.checked]
    rejection = next((vote for vote in checked if not vote.approve), None)
    if rejection is not None:
        _decide(state, ApprovalStatus.REJECTED, [rejection.person_id], rejection.reason, now)
        return
    for rung in state.rungs:
        approvers = [vote.person_id for vote in checked if vote.person_id in rung.approvers]
        if len(approvers) >= rung.quorum:
            reasons = [vote.reason for vote in checked if vote.person_id in approvers and vote.reason]
            _decide(state, ApprovalStatus.APPROVED, approvers, "; ".join(reasons), now)
            return


def expire(state: ApprovalState, now: datetime) -> None:
    """Nobody answered on the last rung: the ladder's default decides."""
    _decide(state, ApprovalStatus.EXPIRED, [], "nobody answered", now)
    state.granted = state.ladder.when_nobody_answers == "approve"


def supersede(state: ApprovalState, reason: str, now: datetime) -> None:
    """The question went away."""
    _decide(state, ApprovalStatus.SUPERSEDED, [], reason, now)


def _decide(state: ApprovalState, status: ApprovalStatus, people: list[str], reason: str, now: datetime) -> None:
    state.status = status
    state.granted = status is ApprovalStatus.APPROVED
    state.decided_by = people
    state.reason = reason
    state.decided_at = now


def open_rung(state: ApprovalState, approvers: list[str], now: datetime) -> OpenRung:
    """Ask the next rung. A rung where nobody is left to ask (inactive, over their limit) ends at once.

    Its quorum is never lowered: a rung with fewer people than its quorum cannot approve, and passes on.
    """
    rung = state.ladder.rungs[len(state.rungs)]
    opened = OpenRung(
        name=rung.name,
        approvers=approvers,
        quorum=rung.quorum,
        opened_at=now,
        expires_at=now + (rung.time_allowed if approvers else timedelta(0)),
    )
    state.rungs.append(opened)
    return opened


def has_next_rung(state: ApprovalState) -> bool:
    """Whether another rung can be asked."""
    return len(state.rungs) < len(state.ladder.rungs)


def next_deadline(state: ApprovalState) -> datetime | None:
    """When the current rung wants attention: its reminder, or its end."""
    rung = state.current_rung
    if rung is None:
        return None
    if not rung.reminded and rung.approvers:
        return rung.remind_at(state.ladder.remind_after_percent)
    return rung.expires_at
