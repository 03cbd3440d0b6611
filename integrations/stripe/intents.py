"""Stripe's PaymentIntents and refunds in our words (docs.stripe.com/api/payment_intents/object)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from domain.errors import VendorError, VendorRefused, VendorUnavailable
from domain.money.payments import DeclineClass, Payment, PaymentStatus, RefundMade
from integrations.http import expect
from integrations.stripe.billing import VENDOR, main_units
from integrations.stripe.declines import class_of, code_of, declined, expired

_EXPIRED_REASONS = ("automatic", "expired")
"""`cancellation_reason` of a payment that Stripe gave up because nobody captured it in time."""


def checked(body: Any, *, write: bool) -> dict[str, Any]:
    """A payment as Stripe shows it; what is none is unreadable."""
    for name in ("id", "status", "amount", "currency"):
        expect(VENDOR, body, name, write=write)
    found: dict[str, Any] = body
    return found


def authorised(intent: dict[str, Any]) -> Payment:
    """A payment that is authorised, or was captured since; the error that says why it is not."""
    now = payment_of(intent)
    if now.status in (PaymentStatus.AUTHORISED, PaymentStatus.CAPTURED, PaymentStatus.PARTLY_REFUNDED):
        return now
    if now.status is PaymentStatus.PROCESSING:
        raise VendorUnavailable(VENDOR, "processing", "The bank is still deciding on the payment: try again later.")
    if now.status is PaymentStatus.NEEDS_CUSTOMER:
        raise declined({"code": "authentication_required"}, now.payment)
    if now.status is PaymentStatus.DECLINED:
        raise declined(_last_error(intent), now.payment)
    raise not_capturable(intent)


def not_capturable(intent: dict[str, Any]) -> VendorError:
    """Why a payment cannot be captured."""
    now = payment_of(intent)
    if now.status is PaymentStatus.EXPIRED:
        return expired(now.payment)
    word = now.status.label
    return refusal(f"payment_{now.status.value}", f"The payment is {word}: authorise it again where it is still due.")


def refusal(code: str, sentence: str) -> VendorRefused:
    """A refusal of our own, in the vendor's name."""
    return VendorRefused(VENDOR, code, sentence)


def may_be_confirmed(intent: dict[str, Any]) -> bool:
    """Whether an earlier attempt made the payment and got it neither authorised nor declined for good."""
    if intent.get("status") == "requires_confirmation":
        return True
    passing = class_of(_last_error(intent)) is DeclineClass.TRANSIENT
    return intent.get("status") == "requires_payment_method" and passing


def _last_error(intent: dict[str, Any]) -> dict[str, Any]:
    error = intent.get("last_payment_error")
    return error if isinstance(error, dict) else {}


_STATUS = {
    "requires_capture": PaymentStatus.AUTHORISED,
    "requires_payment_method": PaymentStatus.DECLINED,
    "requires_confirmation": PaymentStatus.PROCESSING,
    "requires_action": PaymentStatus.NEEDS_CUSTOMER,
    "processing": PaymentStatus.PROCESSING,
}


def payment_of(intent: dict[str, Any]) -> Payment:
    """A payment in our words."""
    currency = str(intent["currency"])
    captured, refunded = int(intent.get("amount_received") or 0), refunded_units(intent)
    status = _STATUS.get(str(intent["status"]))
    if intent["status"] == "canceled":
        gone = intent.get("cancellation_reason") in _EXPIRED_REASONS
        status = PaymentStatus.EXPIRED if gone else PaymentStatus.VOIDED
    if status is None:
        status = PaymentStatus.CAPTURED if not refunded else PaymentStatus.PARTLY_REFUNDED
        status = PaymentStatus.REFUNDED if refunded >= captured else status
    metadata = intent.get("metadata")
    return Payment(
        payment=str(intent["id"]),
        status=status,
        amount=main_units(int(intent["amount"]), currency),
        captured=main_units(captured, currency),
        refunded=main_units(refunded, currency),
        currency=currency.upper(),
        reference=str(metadata.get("reference") or "") if isinstance(metadata, dict) else "",
        expires_at=_capture_before(intent) if status is PaymentStatus.AUTHORISED else None,
        decline_code=code_of(_last_error(intent)) if status is PaymentStatus.DECLINED else "",
    )


def refund_of(row: dict[str, Any]) -> RefundMade:
    """A refund in our words."""
    currency = str(row.get("currency") or "usd")
    return RefundMade(
        refund=str(row["id"]),
        amount=main_units(int(row.get("amount") or 0), currency),
        currency=currency.upper(),
        status=str(row.get("status") or "pending"),
    )


def _charge(intent: dict[str, Any]) -> dict[str, Any]:
    charge = intent.get("latest_charge")
    return charge if isinstance(charge, dict) else {}


def charge_id(intent: dict[str, Any]) -> str:
    """The id of the newest charge, which a decline makes too; empty when there is none."""
    charge = intent.get("latest_charge")
    return str(_charge(intent).get("id") or charge or _last_error(intent).get("charge") or "")


def refunded_units(intent: dict[str, Any]) -> int:
    """What was given back, in the smallest unit; the charge must stand in the payment, not only its id.

    What was authorised and never captured counts as refunded at Stripe, and nobody got it back.
    """
    charge = _charge(intent)
    never_taken = int(charge.get("amount") or 0) - int(charge.get("amount_captured") or 0)
    return max(0, int(charge.get("amount_refunded") or 0) - never_taken)


def _capture_before(intent: dict[str, Any]) -> datetime | None:
    details = _charge(intent).get("payment_method_details")
    card = details.get("card") if isinstance(details, dict) else None
    at = card.get("capture_before") if isinstance(card, dict) else None
    return datetime.fromtimestamp(at, UTC) if isinstance(at, int) and at > 0 else None
