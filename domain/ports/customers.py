"""The ports of customers' records and accounts."""

from __future__ import annotations

from typing import Protocol


class CustomerRecords(Protocol):
    """The CRM (HubSpot)."""

    async def update_profile(self, customer_id: str, properties: dict[str, str], *, key: str) -> bool:
        """Write properties to the contact. Returns False when the CRM has no such contact."""
        ...


class Billing(Protocol):
    """Moves money (Stripe's API)."""

    async def refund(self, customer_id: str, amount: float, currency: str, *, key: str) -> str:
        """Refund the customer's latest payment by `amount`; returns the refund's id."""
        ...

    async def cancel_refund(self, refund_id: str, *, key: str) -> None:
        """Undo `refund`; cancelled already or never made is fine."""
        ...

    async def credit(self, customer_id: str, amount: float, currency: str, *, key: str) -> str:
        """Credit the customer's balance by `amount`; returns the transaction's id."""
        ...

    async def reverse_credit(self, customer_id: str, transaction_id: str, *, key: str) -> None:
        """Undo `credit` with an opposite transaction."""
        ...
