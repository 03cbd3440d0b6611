"""A ticket: what a customer sent, checked and normalised at the edge before anything else sees it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from domain.model import Term, Value

INLINE_TEXT_LIMIT = 16_000
"""Characters of a ticket's text that travel in the workflow; longer text goes to the store by reference."""

TEXT_LIMIT = 1_100_000
"""Characters above which a ticket is refused. One megabyte of text is still taken."""


class Channel(Term):
    """How the ticket came in."""

    EMAIL = "email"
    WEB = "web"
    CHAT = "chat"
    PHONE = "phone"
    SOCIAL = "social"
    API = "api"


class CustomerTier(Term):
    """What kind of customer it is, by contract and by relationship."""

    FREE = "free"
    PAID = "paid"
    ENTERPRISE = "enterprise"
    VIP = "vip"
    AT_RISK = "at_risk"


class Priority(Term):
    """How soon. The words of the reference document, most pressing first."""

    CRITICAL = "critical"
    URGENT = "urgent"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """1 (critical) to 5 (low); also the Temporal priority key, where lower runs first."""
        return list(Priority).index(self) + 1


class Customer(Value):
    """Who wrote, as far as the ticket says."""

    customer_id: str | None = None
    """The customer's id in the CRM."""
    name: str | None = None
    email: str | None = None
    tier: CustomerTier = CustomerTier.FREE
    account_value: float | None = Field(default=None, ge=0)
    """Yearly value in the tenant's currency."""
    previous_tickets: int = Field(default=0, ge=0)
    support_history: tuple[str, ...] = ()
    """Ids or keywords of earlier contacts."""
    escalation_history: tuple[str, ...] = ()
    """Ids of earlier escalations."""
    time_zone: str | None = None


class Ticket(Value):
    """A normalised ticket. Build it with `domain.tickets.intake.read_ticket`, which checks and explains."""

    ticket_id: str
    """As the outside names it. The workflow id uses `domain.ids.case_id` of it."""
    subject: str
    body: str
    """At most INLINE_TEXT_LIMIT characters; `full_text_ref` names the rest."""
    customer: Customer
    channel: Channel = Channel.EMAIL
    stated_priority: Priority | None = None
    """What the customer or the sending system asked for; the rules may raise it and never lower it."""
    external_id: str | None = None
    """Its id in the ticketing system (Zendesk), when it is not `ticket_id`."""
    slack_thread_id: str | None = None
    """A Slack thread that already talks about it."""
    full_text_ref: str | None = None
    """Reference of the whole text in the store, when `body` is only its beginning and end."""
    received_at: datetime | None = None
    tags: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Subject and body together, as the rules and the model read them."""
        return f"{self.subject}\n{self.body}".strip()

    @property
    def can_be_answered(self) -> bool:
        """Whether a reply can reach the customer by e-mail."""
        return bool(self.customer.email)


Score = Annotated[int, Field(ge=0, le=100)]
"""0 (none) to 100 (the most)."""
