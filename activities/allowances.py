"""Activities that count calls towards the limits that add up over cases."""

from __future__ import annotations

from temporalio import activity

from domain.model import Value
from domain.ports.effects import AllowanceClaim, Allowances


class ReserveAllowanceInput(Value):
    """What one call claims."""

    tenant: str
    key: str
    """The call's idempotency key."""
    claims: tuple[AllowanceClaim, ...]


class ReserveAllowanceResult(Value):
    """Whether the claims stand."""

    exceeded: tuple[str, ...] = ()
    """Names of the limits that would be exceeded; nothing was claimed then."""


class AllowanceActivities:
    """Receives the store's count."""

    def __init__(self, allowances: Allowances) -> None:
        """Keep the count."""
        self._allowances = allowances

    @activity.defn
    async def reserve_allowance(self, request: ReserveAllowanceInput) -> ReserveAllowanceResult:
        """Claim all or none, once per key."""
        exceeded = await self._allowances.reserve(request.tenant, request.key, request.claims)
        return ReserveAllowanceResult(exceeded=tuple(exceeded))

    @activity.defn
    async def release_allowance(self, key: str) -> None:
        """Give back what a call claimed, after it was refused or undone."""
        await self._allowances.release(key)
