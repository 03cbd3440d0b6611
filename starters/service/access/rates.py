"""How often a principal may ask: counted in the store for all replicas, a handful of requests at a time."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from domain.identity.principals import Principal
from integrations.store.access.allowed_requests import SqlAllowedRequests
from starters.service.http.errors import Problem

_WINDOW = timedelta(minutes=1)
_PARTS = 20
"""A replica takes a twentieth of the limit at once."""
_MOST_KNOWN = 10_000
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class _Share:
    """What this replica has of a principal's requests."""

    until: datetime = _LONG_AGO
    own: int = 0
    others: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Rates:
    """Counts requests of principals.

    Args:
        allowed: of the store.
        limit: requests of one principal in a minute, over all replicas; 0 for no limit.
    """

    def __init__(self, allowed: SqlAllowedRequests, limit: int) -> None:
        self._allowed = allowed
        self._limit = limit
        self._shares: dict[tuple[str, str], _Share] = {}

    async def admit(self, principal: Principal) -> dict[str, str]:
        """Count one request.

        Returns:
            Headers that say how many are left (draft-ietf-httpapi-ratelimit-headers-10).

        Raises:
            Problem: 429, the principal has made all that it may in this minute.
            VendorUnavailable: the store does not answer.
        """
        if not self._limit:
            return {}
        share = self._share_of((principal.tenant, principal.principal_id))
        now = datetime.now(UTC)
        async with share.lock:
            if now >= share.until or not (share.own or self._is_spent(share)):
                await self._refill(share, principal, now)
            headers = self._headers(share, now)
            if not share.own:
                seconds = str(max(1, math.ceil((share.until - now).total_seconds())))
                raise Problem(
                    429,
                    "TOO_MANY_REQUESTS",
                    f"This key or token may ask {self._limit:,} times in a minute: wait {seconds} s.",
                    {**headers, "Retry-After": seconds},
                )
            share.own -= 1
            return self._headers(share, now)

    def _share_of(self, whose: tuple[str, str]) -> _Share:
        if len(self._shares) > _MOST_KNOWN:
            # Whatever they had in this minute is lost to them, and nothing more.
            self._shares.clear()
        return self._shares.setdefault(whose, _Share())

    @staticmethod
    def _is_spent(share: _Share) -> bool:
        """Nothing is left anywhere, so the store need not be asked again in this window."""
        return not share.own and not share.others

    async def _refill(self, share: _Share, principal: Principal, now: datetime) -> None:
        window = await self._allowed.take(
            principal.tenant,
            principal.principal_id,
            limit=self._limit,
            wanted=max(1, self._limit // _PARTS),
            lasts=_WINDOW,
            now=now,
        )
        share.until, share.own, share.others = window.began_at + _WINDOW, window.given, window.left

    def _headers(self, share: _Share, now: datetime) -> dict[str, str]:
        left, seconds = share.own + share.others, max(0, math.ceil((share.until - now).total_seconds()))
        return {
            "RateLimit-Policy": f'"principal";q={self._limit};w={int(_WINDOW.total_seconds())}',
            "RateLimit": f'"principal";r={left};t={seconds}',
        }
