"""Access tokens (OAuth 2.0): kept until shortly before their end, fetched anew one at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from domain.errors import VendorUnavailable

_EARLY_SECONDS = 60.0
_DEFAULT_LIFE_SECONDS = 300.0
"""Of a token that does not say how long it holds (RFC 6749, section 5.1 leaves it open)."""
_LONGEST_TOKEN = 20_000


@dataclass(frozen=True)
class AccessToken:
    """A token and how long it holds."""

    value: str = field(repr=False)
    seconds: float


class KeptToken:
    """Keeps a token; its repr shows nothing of it."""

    def __init__(
        self, fetch: Callable[[], Awaitable[AccessToken]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep how to get one.

        Args:
            fetch: asks for a new one. It raises `VendorError` when there is none to be had.
            clock: seconds that only grow.
        """
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._kept: AccessToken | None = None
        self._renew_at = float("-inf")

    def __repr__(self) -> str:
        return "KeptToken()"

    async def token(self, instead_of: str | None = None) -> str:
        """A token that holds.

        Args:
            instead_of: one that was refused. Another caller may have renewed it already.

        Raises:
            VendorError: there is none to be had.
        """
        async with self._lock:
            kept = self._kept
            if kept is not None and kept.value != instead_of and self._clock() < self._renew_at:
                return kept.value
            fresh = await self._fetch()
            self._kept = fresh
            self._renew_at = self._clock() + max(fresh.seconds - _EARLY_SECONDS, fresh.seconds / 2)
            return fresh.value


def read_access_token(whose: str, body: Any) -> AccessToken:
    """The token in an answer (RFC 6749, section 5.1).

    Args:
        whose: who answered, for the sentence.
        body: of the answer.

    Raises:
        VendorUnavailable: there is none in it.
    """
    given = body if isinstance(body, dict) else {}
    value = given.get("access_token")
    if not is_sendable(value):
        raise VendorUnavailable(whose, "token_unreadable", f"{whose} answered without a token: check `token_url`.")
    return AccessToken(value, _seconds(given.get("expires_in")))


def is_sendable(value: object) -> TypeGuard[str]:
    """Whether a text can be sent as a token."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_TOKEN and value.isascii() and value.isprintable()


def _seconds(life: object) -> float:
    try:
        seconds = float(str(life))
    except ValueError:
        return _DEFAULT_LIFE_SECONDS
    return seconds if 0 < seconds < 1e7 else _DEFAULT_LIFE_SECONDS
