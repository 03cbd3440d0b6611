"""Stripe's declines as errors: passing, for good, or possible fraud (stripe.com/docs/declines/codes)."""

from __future__ import annotations

from typing import Any

from domain.errors import VendorError, VendorRefused, VendorUnavailable
from domain.money.payments import DeclineClass
from integrations.http import Reply
from integrations.stripe.billing import VENDOR
from integrations.stripe.billing import translate as translate_any

EXPIRED = "authorisation_expired"
"""Our code for an authorisation that nobody captured in time."""
PASSING = frozenset({"try_again_later", "processing_error", "issuer_not_available", "reenter_transaction"})
FRAUD = frozenset({"fraudulent", "lost_card", "stolen_card", "pickup_card", "merchant_blacklist", "security_violation"})
_SENTENCES = {
    DeclineClass.TRANSIENT: "The bank could not decide on the payment ({code}): try again in a moment.",
    DeclineClass.PERMANENT: "The card was declined ({code}): ask the customer for another way to pay.",
    DeclineClass.FRAUD: "The payment was declined as possible fraud ({code}): have a person review the order.",
}


def translate(reply: Reply, write: bool) -> VendorError:
    """What a refusal means; a decline carries its class, its codes and the payment in `data`."""
    error = reply.body.get("error") if isinstance(reply.body, dict) else None
    if not isinstance(error, dict):
        return translate_any(reply, write)
    if error.get("code") in ("charge_expired_for_capture", "capture_charge_authorization_expired"):
        return expired(_payment_id(error), status=reply.status)
    if reply.status == 402 or error.get("type") == "card_error":
        return declined(error, _payment_id(error), status=reply.status)
    return translate_any(reply, write)


def declined(error: dict[str, Any], payment: str | None, *, status: int | None = None) -> VendorError:
    """The error for a decline, from the `error` of an answer or the `last_payment_error` of a payment."""
    code = code_of(error)
    kind = class_of(error)
    sentence = _SENTENCES[kind].format(code=code.replace("_", " "))
    refusal = VendorUnavailable if kind is DeclineClass.TRANSIENT else VendorRefused
    made: VendorError = refusal(VENDOR, code, sentence, status=status)
    made.data = {"class": kind.value, "code": _word(error.get("code")), "decline_code": code, "payment": payment}
    return made


def class_of(error: dict[str, Any]) -> DeclineClass:
    """What a decline means for what comes next."""
    code = code_of(error)
    if code in FRAUD:
        return DeclineClass.FRAUD
    return DeclineClass.TRANSIENT if code in PASSING else DeclineClass.PERMANENT


def code_of(error: dict[str, Any]) -> str:
    """The most exact word that Stripe gives for a decline."""
    return _word(error.get("decline_code")) or _word(error.get("code")) or "card_declined"


def expired(payment: str | None, *, status: int | None = None) -> VendorError:
    """The error for an authorisation that is gone."""
    sentence = "The authorisation has expired before it was captured: authorise the payment again."
    made = VendorRefused(VENDOR, EXPIRED, sentence, status=status)
    made.data = {"class": DeclineClass.PERMANENT.value, "code": EXPIRED, "payment": payment}
    return made


def _payment_id(error: dict[str, Any]) -> str | None:
    intent = error.get("payment_intent")
    return _word(intent.get("id")) or None if isinstance(intent, dict) else None


def _word(value: Any) -> str:
    """A word from outside: short, and nothing but letters, digits and underscores."""
    text = str(value or "")[:60]
    return text if text.replace("_", "").isalnum() and text.isascii() else ""
