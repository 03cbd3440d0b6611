"""The ports that count: each effect once, and no more than allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.cases.records import EffectEntry
from domain.model import JsonValue, Value
from domain.policies.guardrails import LimitPer


class EffectLedger(Protocol):
    """Remembers which outside effects happened, for vendors that take no idempotency key: claim, act, record."""

    async def claim(self, key: str, tenant: str) -> EffectEntry:
        """Claim a key. The entry says whether it is new, was claimed before without an outcome, or is done."""
        ...

    async def record(self, key: str, outcome: dict[str, JsonValue]) -> None:
        """Record the outcome of a claimed key."""
        ...

    async def release(self, key: str) -> None:
        """Give a claim back after a failure that certainly had no effect."""
        ...


class AllowanceClaim(Value):
    """One call's claim on a limit that adds up over cases."""

    limit: str
    per: LimitPer
    subject: str
    """Customer id or tenant; hashed before it is stored."""
    amount: float
    at_most: float


class Allowances(Protocol):
    """Counts what limits per customer and per day add up to; safe between concurrent cases."""

    async def reserve(self, tenant: str, key: str, claims: Sequence[AllowanceClaim]) -> Sequence[str]:
        """Claim all or none. A repeat with the same key claims nothing twice.

        Returns:
            Names of the limits that would be exceeded; empty when the claims stand.
        """
        ...

    async def release(self, key: str) -> None:
        """Give back what a call claimed, after it was refused or undone."""
        ...
