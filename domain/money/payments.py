"""A card payment in two steps: authorised, then captured or given up. What vendors call it is translated to this."""

from __future__ import annotations

from datetime import datetime

from domain.model import Term, Value


class PaymentStatus(Term):
    """Where a payment stands."""

    PROCESSING = "processing"
    AUTHORISED = "authorised"
    """The amount is held on the card; it is not ours yet."""
    CAPTURED = "captured"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    """Given up before it was captured."""
    EXPIRED = "expired"
    """Nobody captured it in time, and the hold is gone."""
    DECLINED = "declined"
    NEEDS_CUSTOMER = "needs_customer"
    """The customer's bank wants the customer to confirm it."""


class DeclineClass(Term):
    """What a decline means for what comes next. Source: reference document 000, payment with error classes."""

    TRANSIENT = "transient"
    """The same card may work in a moment."""
    PERMANENT = "permanent"
    """This card will not pay this amount: the customer is told."""
    FRAUD = "fraud"
    """For a review by people, and the customer is not told why."""


class Payment(Value):
    """A payment. Amounts are in the currency's main unit."""

    payment: str
    """The vendor's id of it."""
    status: PaymentStatus
    amount: float
    captured: float = 0
    refunded: float = 0
    currency: str
    """ISO 4217, in capitals."""
    reference: str = ""
    """What we call it, such as an order's number."""
    expires_at: datetime | None = None
    """Until when an authorised one can be captured, where the vendor says so."""
    decline_code: str = ""
    """The vendor's word for why it was declined."""


class RefundMade(Value):
    """What came of a refund."""

    refund: str | None
    """The vendor's id of it; None when there was nothing to give back."""
    amount: float
    currency: str
    status: str
    """The vendor's word, such as `pending` or `succeeded`; `nothing_to_refund` when there was nothing."""
