"""Stripe payments in two steps: PaymentIntents with manual capture, each action once per key.

Before anything is done, what an earlier attempt did is looked up: a payment by the mark in its metadata, a capture or
cancellation by the payment's own status, a refund by its mark. So a repeat is recognised also after the day for which
Stripe keeps idempotency keys. Within that day Stripe answers a repeated key with the first answer, declines included;
a payment that was declined for a passing reason is therefore confirmed again, under a key of its own.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from domain.errors import VendorRefused, VendorUnavailable
from domain.money.payments import Payment, PaymentStatus, RefundMade
from integrations.http import VendorHttp
from integrations.idempotency import key_hash, metadata_key
from integrations.stripe.billing import API_VERSION, MARK, VENDOR, marked, minor_units, rows_of
from integrations.stripe.declines import translate
from integrations.stripe.intents import (
    authorised,
    charge_id,
    checked,
    may_be_confirmed,
    not_capturable,
    payment_of,
    refund_of,
    refunded_units,
    refusal,
)

_INTENTS = "/v1/payment_intents"
_LOOK_BACK = 100
"""Payments or refunds looked through for the mark; Stripe's largest page."""


class StripePayments:
    """Payments of one Stripe account."""

    def __init__(self, *, base_url: str, key: SecretStr, timeout_seconds: float = 20) -> None:
        """`key` is a restricted key; `timeout_seconds` is for one whole call."""
        self._http = VendorHttp(
            VENDOR,
            base_url,
            timeout_seconds=timeout_seconds,
            translate=translate,
            headers={"Authorization": f"Bearer {key.get_secret_value()}", "Stripe-Version": API_VERSION},
        )

    async def authorise(
        self, customer: str, amount: float, currency: str, method: str, *, reference: str = "", key: str
    ) -> Payment:
        """Hold an amount on a customer's card, without the customer present.

        Args:
            customer: Stripe's id of the customer.
            amount: in the currency's main unit.
            currency: ISO 4217.
            method: Stripe's id of the payment method.
            reference: what we call it, such as an order's number.
            key: idempotency key.

        Raises:
            VendorUnavailable: among others, a decline that may pass.
            VendorRefused: a decline for good; `code` is Stripe's decline code and `data.class` says what it means.
        """
        form = {
            "amount": str(minor_units(amount, currency)),
            "currency": currency.lower(),
            "customer": customer,
            "payment_method": method,
            "payment_method_types[]": "card",
            "capture_method": "manual",
            "confirm": "true",
            "off_session": "true",
            "expand[]": "latest_charge",
            f"metadata[{MARK}]": metadata_key(key),
            **({"metadata[reference]": reference} if reference else {}),
        }
        known = await self._marked(customer, key)
        if known is None:
            return authorised(await self._post(_INTENTS, form, key_hash(key)))
        if may_be_confirmed(known):
            # Its own key per failed charge: asked twice for the same one, Stripe confirms once.
            again = key_hash(f"{key}/after/{charge_id(known)}")
            confirm = {"payment_method": method, "off_session": "true", "expand[]": "latest_charge"}
            return authorised(await self._post(f"{_path(known['id'])}/confirm", confirm, again))
        return authorised(await self._intent(str(known["id"])))

    async def capture(self, payment: str, amount: float | None = None, *, key: str) -> Payment:
        """Take what was authorised, or less of it; what is left is let go.

        Raises:
            NotFoundAtVendor: there is no such payment.
            VendorRefused: it has expired (`authorisation_expired`), was voided, or was captured with another amount.
        """
        intent = await self._intent(payment)
        wanted = minor_units(amount, intent["currency"]) if amount is not None else None
        if intent["status"] == "requires_capture":
            form = {"expand[]": "latest_charge", **({"amount_to_capture": str(wanted)} if wanted is not None else {})}
            return payment_of(await self._post(f"{_path(payment)}/capture", form, key_hash(key)))
        if intent["status"] == "succeeded" and wanted in (None, int(intent.get("amount_received") or 0)):
            return payment_of(intent)
        if intent["status"] == "succeeded":
            raise refusal("already_captured", "The payment was captured with another amount: refund the difference.")
        raise not_capturable(intent)

    async def void(
        self, payment: str | None, *, customer: str | None = None, made_by: str | None = None, key: str
    ) -> Payment | None:
        """Give up an authorisation. Voided, expired, declined or refunded in full already is fine.

        Args:
            payment: Stripe's id of it; None when nobody knows whether it was made.
            customer: with `made_by`, whose payment to look for.
            made_by: the key that it was made with.
            key: idempotency key.

        Returns:
            The payment, or None when there is none.

        Raises:
            VendorRefused: the money was captured: a refund gives it back.
        """
        intent = await self._intent_or_none(payment, customer, made_by)
        if intent is None:
            return None
        now = payment_of(intent)
        if now.status in (PaymentStatus.VOIDED, PaymentStatus.EXPIRED, PaymentStatus.REFUNDED):
            return now
        if intent["status"] == "succeeded":
            raise refusal("already_captured", "The payment was captured: refund it instead.")
        if intent["status"] == "processing":
            raise VendorUnavailable(VENDOR, "processing", "The bank is still deciding on the payment: try again later.")
        form = {"cancellation_reason": "abandoned", "expand[]": "latest_charge"}
        return payment_of(await self._post(f"{_path(now.payment)}/cancel", form, key_hash(key)))

    async def refund(
        self, payment: str, amount: float | None = None, *, if_captured: bool = False, key: str
    ) -> RefundMade:
        """Give back a captured payment, or a part of it.

        Args:
            payment: Stripe's id of it.
            amount: in the currency's main unit; all that is left when None.
            if_captured: as an undo: when the capture never happened, there is nothing to do.
            key: idempotency key.

        Raises:
            VendorRefused: it was not captured, or less is left than is asked for.
        """
        made = await self._http.get("/v1/refunds", payment_intent=payment, limit=_LOOK_BACK)
        earlier = next((row for row in rows_of(made, required=True) if marked(row, key)), None)
        if earlier is not None:
            return refund_of(earlier)
        intent = await self._intent(payment)
        now = payment_of(intent)
        currency = str(intent["currency"])
        left = int(intent.get("amount_received") or 0) - refunded_units(intent)
        wanted = minor_units(amount, currency) if amount is not None else left
        if if_captured and left == 0 and intent["status"] != "processing":
            return RefundMade(refund=None, amount=0, currency=now.currency, status="nothing_to_refund")
        if now.captured == 0:
            raise refusal("not_captured", "The payment was not captured, so there is nothing to refund: void it.")
        if left == 0 or wanted > left:
            raise refusal("charge_already_refunded", "Less is left of the payment than is to be refunded: lower it.")
        form = {
            "payment_intent": payment,
            "reason": "requested_by_customer",
            f"metadata[{MARK}]": metadata_key(key),
            # All that is left is the vendor's to count.
            **({"amount": str(wanted)} if amount is not None else {}),
        }
        return refund_of(await self._post("/v1/refunds", form, key_hash(key)))

    async def find(
        self, payment: str | None = None, *, customer: str | None = None, reference: str | None = None
    ) -> Payment | None:
        """A payment by its id, or the newest one of a customer with our reference; None when there is none."""
        if payment is not None:
            found = await self._intent_or_none(payment, None, None)
            return payment_of(found) if found is not None else None
        if not customer or not reference:
            raise refusal("nothing_to_look_for", "Give the payment, or the customer and our reference.")
        for row in await self._payments_of(customer):
            if isinstance(row.get("metadata"), dict) and row["metadata"].get("reference") == reference:
                return payment_of(await self._intent(str(row["id"])))
        return None

    # Reading and writing

    async def _intent(self, payment: str) -> dict[str, Any]:
        found = await self._http.get(_path(payment), **{"expand[]": "latest_charge"})
        return checked(found, write=False)

    async def _intent_or_none(
        self, payment: str | None, customer: str | None, made_by: str | None
    ) -> dict[str, Any] | None:
        if payment is None:
            found = await self._marked(customer, made_by) if customer and made_by else None
            return await self._intent(str(found["id"])) if found is not None else None
        try:
            return await self._intent(payment)
        except VendorRefused as refused:
            if refused.status == 404:
                return None
            raise

    async def _marked(self, customer: str, key: str) -> dict[str, Any] | None:
        return next((row for row in await self._payments_of(customer) if marked(row, key)), None)

    async def _payments_of(self, customer: str) -> list[dict[str, Any]]:
        """Newest first."""
        return rows_of(await self._http.get(_INTENTS, customer=customer, limit=_LOOK_BACK), required=True)

    async def _post(self, path: str, form: dict[str, str], idempotency_key: str) -> dict[str, Any]:
        made = await self._http.send("POST", path, form=form, headers={"Idempotency-Key": idempotency_key})
        return checked(made, write=True)


def _path(payment: Any) -> str:
    return f"{_INTENTS}/{quote(str(payment), safe='')}"
