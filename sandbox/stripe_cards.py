"""Stripe's documented test cards: which payment method or number is declined, and with which words."""

from __future__ import annotations

from sandbox.stripe_requests import Refused

DECLINES = {
    "chargeDeclined": ("card_declined", "generic_decline", "Your card was declined."),
    "chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "chargeDeclinedLostCard": ("card_declined", "lost_card", "Your card was declined."),
    "chargeDeclinedStolenCard": ("card_declined", "stolen_card", "Your card was declined."),
    "chargeDeclinedFraudulent": ("card_declined", "fraudulent", "Your card was declined."),
    "radarBlock": ("card_declined", "fraudulent", "Your card was declined."),
    "chargeDeclinedExpiredCard": ("expired_card", None, "Your card has expired."),
    "chargeDeclinedIncorrectCvc": ("incorrect_cvc", None, "Your card's security code is incorrect."),
    "chargeDeclinedProcessingError": (
        "processing_error",
        None,
        "An error occurred while processing your card. Try again in a little bit.",
    ),
}
"""Test payment method without `pm_card_` and `visa_` -> code, decline code, message (docs.stripe.com/testing)."""
_CARDS = {
    "4000000000000002": "chargeDeclined", "4000000000009995": "chargeDeclinedInsufficientFunds",
    "4000000000009987": "chargeDeclinedLostCard", "4000000000009979": "chargeDeclinedStolenCard",
    "4100000000000019": "chargeDeclinedFraudulent", "4000000000000069": "chargeDeclinedExpiredCard",
    "4000000000000127": "chargeDeclinedIncorrectCvc", "4000000000000119": "chargeDeclinedProcessingError",
}  # fmt: skip


def payment_method_in(form: dict[str, str]) -> str | None:
    """The payment method of a form: named, or meant by a card number."""
    number = form.get("payment_method_data[card][number]", "").replace(" ", "")
    if number:
        return f"pm_card_{_CARDS.get(number, 'visa')}"
    method = form.get("payment_method")
    if method is not None and not method.startswith("pm_"):
        raise Refused(400, "resource_missing", f"No such PaymentMethod: '{method}'", param="payment_method")
    return method
