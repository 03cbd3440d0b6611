"""What a later message asks, and what is answered."""

from __future__ import annotations

from pydantic import Field

from domain.model import Term, Value
from domain.tickets.ticket import Priority, Score
from domain.triage.classification import EscalationSignal, Origin


class MessageIntent(Term):
    """What a later customer message does to the case."""

    THANKS = "thanks"
    STILL_BROKEN = "still_broken"
    MORE_INFORMATION = "more_information"
    QUESTION = "question"
    WANTS_HUMAN = "wants_human"
    CANCELS = "cancels_request"


class MessageAssessment(Value):
    """A later customer message, re-analysed."""

    intent: MessageIntent
    frustration: Score
    escalates: bool
    """True when the rules say that people must take over now."""
    resolves: bool
    """True for a thank-you without any open question."""
    priority: Priority
    """The case's priority after this message; never lower than before."""
    signals: tuple[EscalationSignal, ...] = ()
    reasons: tuple[str, ...] = ()
    origin: Origin = Origin(provider="rules")


class BillingActionKind(Term):
    """What the billing specialist may do."""

    REFUND = "refund"
    CREDIT = "credit"
    CANCELLATION = "cancellation"
    DISPUTE_INVESTIGATION = "dispute_investigation"
    INVOICE_RESEND = "invoice_resend"
    PAYMENT_ASSISTANCE = "payment_assistance"
    ACCOUNT_REVIEW = "account_review"

    @property
    def moves_money(self) -> bool:
        """Refund and credit need a manager's approval."""
        return self in (BillingActionKind.REFUND, BillingActionKind.CREDIT)


class BillingAction(Value):
    """A billing step the specialist proposes, with the exact arguments an approval is bound to."""

    kind: BillingActionKind
    amount: float | None = Field(default=None, ge=0)
    currency: str = "USD"
    reason: str = ""


class Reply(Value):
    """An answer to the customer, before it is sent."""

    text: str
    kind: str
    """`acknowledgement`, `escalation`, `solution`, `clarification`, `follow_up`, `fallback`."""
    tone: str = "professional"
    next_actions: tuple[str, ...] = ()
    follow_up_promised: bool = False
    billing_action: BillingAction | None = None
    resolution_steps: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    """Ids of the knowledge articles it rests on."""
    origin: Origin = Origin(provider="rules")


class QualityReview(Value):
    """The quality review of an answer. Below the policy's threshold it is revised once, then a person takes it."""

    score: float = Field(ge=0, le=10)
    findings: tuple[str, ...] = ()
    origin: Origin = Origin(provider="rules")
