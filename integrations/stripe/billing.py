"""Stripe: refunds and credits, each with an idempotency key and a mark in its metadata.

Stripe forgets idempotency keys after a day and refuses a key that comes back with other parameters. The mark finds an
earlier refund or credit however late the repeat comes, and before the charge is chosen anew.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from domain.errors import NotFoundAtVendor, VendorError, VendorRefused
from integrations.http import RETRYABLE, Reply, VendorHttp, expect, status_error
from integrations.idempotency import key_hash, metadata_key

VENDOR = "stripe"
MARK = "surehand_key"
API_VERSION = "2024-06-20"
"""The answers' shape is pinned, so that an upgrade of the account changes nothing here."""
_RETRYABLE = RETRYABLE | {409}
"""Beside the usual ones: 409 while another request with the same idempotency key is under way."""
_ADVICE = {
    401: "Stripe refused our key: renew SUREHAND_STRIPE__API_KEY.",
    402: "Stripe accepted the request and the payment provider refused it.",
    403: "Stripe's key may not do this: give the restricted key the right to refund and credit.",
}
_NO_MINOR_UNIT = frozenset({
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf",
})  # fmt: skip
_THREE_DECIMALS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_LOOK_BACK = 100
"""Charges or balance transactions looked through for the mark; Stripe's largest page."""


def translate(reply: Reply, write: bool) -> VendorError:
    """What a status means at Stripe (stripe.com/docs/api/errors)."""
    error = reply.body.get("error") if isinstance(reply.body, dict) else None
    code = str(error.get("code") or error.get("type") or "")[:60] if isinstance(error, dict) else ""
    if reply.status == 429 and code == "lock_timeout":
        return status_error(VENDOR, reply, write=False, code=code)
    return status_error(VENDOR, reply, write=write, code=code, retryable=_RETRYABLE, advice=_ADVICE)


def minor_units(amount: float, currency: str) -> int:
    """An amount in the currency's smallest unit (stripe.com/docs/currencies), exactly or not at all.

    Raises:
        VendorRefused: the amount is not positive, or has more decimals than the currency.
    """
    decimals = _decimals(currency)
    units = Decimal(str(amount)).scaleb(decimals)
    if not units.is_finite() or units <= 0 or units != units.to_integral_value():
        raise VendorRefused(
            VENDOR, "amount", f"An amount in {currency} is above zero with at most {decimals} decimals: correct it."
        )
    return int(units)


def main_units(units: int, currency: str) -> float:
    """The other way: an amount in the currency's main unit."""
    return float(Decimal(units).scaleb(-_decimals(currency)))


def _decimals(currency: str) -> int:
    return 0 if currency.lower() in _NO_MINOR_UNIT else 3 if currency.lower() in _THREE_DECIMALS else 2


class StripeBilling:
    """`domain.ports.customers.Billing` on Stripe."""

    def __init__(self, *, base_url: str, key: SecretStr, timeout_seconds: float = 20) -> None:
        """`key` is a restricted key; `timeout_seconds` is for one whole call."""
        self._http = VendorHttp(
            VENDOR,
            base_url,
            timeout_seconds=timeout_seconds,
            translate=translate,
            headers={"Authorization": f"Bearer {key.get_secret_value()}", "Stripe-Version": API_VERSION},
        )

    async def look(self) -> None:
        """Read one payment, as every refund does first; nothing is changed. Raises `VendorError`."""
        expect(VENDOR, await self._http.get("/v1/charges", limit=1), "data")

    async def refund(self, customer_id: str, amount: float, currency: str, *, key: str) -> str:
        """Refund the latest payment that has so much left; returns the refund's id."""
        units = minor_units(amount, currency)
        charges = await self._list(
            "/v1/charges", customer=customer_id, limit=_LOOK_BACK, **{"expand[]": "data.refunds"}
        )
        for charge in charges:
            for refund in rows_of(charge.get("refunds")):
                if marked(refund, key):
                    return str(refund["id"])
        charge_id = self._refundable(charges, units, currency)
        return await self._make(
            "/v1/refunds",
            {"charge": charge_id, "amount": str(units), "reason": "requested_by_customer"},
            key,
        )

    @staticmethod
    def _refundable(charges: list[dict[str, Any]], units: int, currency: str) -> str:
        for charge in charges:  # newest first
            left = int(charge.get("amount") or 0) - int(charge.get("amount_refunded") or 0)
            same = str(charge.get("currency", "")).lower() == currency.lower()
            if same and charge.get("status") == "succeeded" and not charge.get("disputed") and left >= units:
                return str(charge["id"])
        raise VendorRefused(
            VENDOR, "nothing_to_refund", f"The customer has no payment in {currency} with that much left to refund."
        )

    async def cancel_refund(self, refund_id: str, *, key: str) -> None:
        """Cancel a refund; cancelled already or never made is fine.

        Raises:
            VendorRefused: the money has gone out; only a new charge brings it back, which is a person's decision.
        """
        path = f"/v1/refunds/{quote(refund_id, safe='')}"
        try:
            await self._http.send("POST", f"{path}/cancel", headers={"Idempotency-Key": key_hash(key)})
        except NotFoundAtVendor:
            return
        except VendorRefused as refused:
            status = expect(VENDOR, await self._http.get(path), "status")
            if status in ("canceled", "failed"):
                return
            raise VendorRefused(
                VENDOR,
                refused.code,
                f"The refund is {status} and cannot be cancelled any more: agree with the customer on a new charge.",
            ) from None

    async def credit(self, customer_id: str, amount: float, currency: str, *, key: str) -> str:
        """Credit the customer's balance; returns the transaction's id. A credit is a negative amount at Stripe."""
        units = minor_units(amount, currency)
        path = self._balance(customer_id)
        found = await self._find(path, key)
        if found is not None:
            return found
        return await self._make(path, {"amount": str(-units), "currency": currency.lower()}, key)

    async def reverse_credit(self, customer_id: str, transaction_id: str, *, key: str) -> None:
        """Undo a credit with an opposite transaction; a credit that was never made is fine."""
        path = self._balance(customer_id)
        try:
            made = await self._http.get(f"{path}/{quote(transaction_id, safe='')}")
        except NotFoundAtVendor:
            return
        if await self._find(path, key) is not None:
            return
        units, currency = int(expect(VENDOR, made, "amount")), str(expect(VENDOR, made, "currency"))
        await self._make(path, {"amount": str(-units), "currency": currency}, key)

    @staticmethod
    def _balance(customer_id: str) -> str:
        return f"/v1/customers/{quote(customer_id, safe='')}/balance_transactions"

    async def _find(self, path: str, key: str) -> str | None:
        rows = await self._list(path, limit=_LOOK_BACK)
        return next((str(row["id"]) for row in rows if marked(row, key)), None)

    async def _list(self, path: str, **params: str | int) -> list[dict[str, Any]]:
        return rows_of(await self._http.get(path, **params), required=True)

    async def _make(self, path: str, form: dict[str, str], key: str) -> str:
        marked = {**form, f"metadata[{MARK}]": metadata_key(key)}
        made = await self._http.send("POST", path, form=marked, headers={"Idempotency-Key": key_hash(key)})
        return str(expect(VENDOR, made, "id", write=True))


def rows_of(page: Any, *, required: bool = False) -> list[dict[str, Any]]:
    """The rows of one of Stripe's lists."""
    if page is None and not required:
        return []
    rows = expect(VENDOR, page, "data")
    return [row for row in rows if isinstance(row, dict) and "id" in row] if isinstance(rows, list) else []


def marked(row: dict[str, Any], key: str) -> bool:
    """Whether a refund, credit or payment was made with a key."""
    metadata = row.get("metadata")
    return isinstance(metadata, dict) and metadata.get(MARK) == metadata_key(key)
