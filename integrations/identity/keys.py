"""The public keys of an identity provider, by its JWKS address: kept, and asked for again when it takes new ones."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from domain.errors import NotReachable, VendorError
from integrations.http import Reply, VendorHttp, status_error

PROVIDER = "identity provider"
KEYS_LIVE_SECONDS = 600.0
ASK_AGAIN_SECONDS = 30.0
"""However many tokens name unknown keys, the provider is not asked more often."""
AFTER_FAILURE_SECONDS = 2.0
"""While it does not answer, most learn that at once instead of waiting for it one after the other."""


class KeySet:
    """The provider's keys, asked again when a token names an unknown one, and now and then.

    Args:
        url: of the set.
        timeout_seconds: for one look, connecting and reading included.
    """

    def __init__(self, url: str, *, timeout_seconds: float = 5.0) -> None:
        self._url = url
        self._http = http(url, timeout_seconds)
        self._keys: dict[str | None, PyJWK] = {}
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def key_for(self, key_id: str | None) -> Any:
        """The key of that id; the only one, where the token names none.

        Raises:
            NotReachable: the provider does not answer, and no key is known.
        """
        if self._is_due(key_id):
            async with self._asking:
                # Whoever waited meanwhile finds the work done.
                if self._is_due(key_id):
                    await self._ask()
        if not self._keys:
            raise NotReachable("The identity provider's keys cannot be read: try again in a moment.")
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _is_due(self, key_id: str | None) -> bool:
        age = time.monotonic() - self._asked_at
        if not self._keys:
            return age > AFTER_FAILURE_SECONDS
        return age > KEYS_LIVE_SECONDS or (key_id not in self._keys and age > ASK_AGAIN_SECONDS)

    async def _ask(self) -> None:
        try:
            found = PyJWKSet.from_dict(await self._http.get(self._url)).keys
        except (VendorError, ValueError, AttributeError, TypeError, PyJWTError):
            # Those that are known stay in force.
            return
        finally:
            self._asked_at = time.monotonic()
        self._keys = {key.key_id: key for key in found if key.key_type in ("RSA", "EC")}


def http(url: str, timeout_seconds: float, *, auth: tuple[str, str] | None = None) -> VendorHttp:
    """A client for the provider: bounded in time and size, no redirects, no proxies from the environment."""
    return VendorHttp(PROVIDER, url, timeout_seconds=timeout_seconds, translate=_translate, auth=auth)


def _translate(reply: Reply, write: bool) -> VendorError:
    return status_error(PROVIDER, reply, write=write)
