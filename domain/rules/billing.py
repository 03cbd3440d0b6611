"""The billing specialist: which action a text asks for, and the amount, where the customer names one clearly."""

from __future__ import annotations

from domain.rules.entities import amounts_of
from domain.rules.reading import Reading
from domain.tickets.ticket import Ticket
from domain.triage.conversation import BillingAction, BillingActionKind

_ORDER = (
    BillingActionKind.REFUND,
    BillingActionKind.CREDIT,
    BillingActionKind.CANCELLATION,
    BillingActionKind.DISPUTE_INVESTIGATION,
    BillingActionKind.INVOICE_RESEND,
    BillingActionKind.PAYMENT_ASSISTANCE,
)


def billing_action(ticket: Ticket, reading: Reading, latest: Reading) -> BillingAction:
    """The action that the ticket and the latest message ask for.

    A text with instructions for an automatic assistant never leads to money: a person looks at the account.
    An amount counts only when it is the only one named, because nobody should approve the wrong one of two.
    """
    if reading.has("context.manipulation") or latest.has("context.manipulation"):
        return BillingAction(kind=BillingActionKind.ACCOUNT_REVIEW, reason="The text needs a person's judgement.")
    kind = next(
        (kind for kind in _ORDER if latest.has(f"billing.{kind.value}") or reading.has(f"billing.{kind.value}")),
        BillingActionKind.ACCOUNT_REVIEW,
    )
    if not kind.moves_money:
        return BillingAction(kind=kind, reason=f"The customer's message asks for: {kind.label}.")
    named = amounts_of(f"{ticket.subject}\n{ticket.body}\n{latest.text if latest is not reading else ''}")
    if len(named) != 1:
        return BillingAction(kind=kind, reason=f"The customer's message asks for: {kind.label}; the amount is open.")
    amount, currency = named[0]
    return BillingAction(
        kind=kind, amount=amount, currency=currency, reason=f"The customer's message asks for: {kind.label}."
    )
