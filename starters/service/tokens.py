"""Tokens (JWT) of an identity provider: signed with its private key, for us, not run out; nothing else is believed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from typing import Any, Protocol

import httpx
import jwt
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from domain.errors import ConfigurationProblem, NotReachable
from domain.principals import Principal, Role
from runtime.settings import TokenSettings

ALGORITHMS = ["RS256", "ES256"]
"""Never `none`, and never one where the public key is the secret."""
_LEEWAY_SECONDS = 30
_LONGEST = 16_000
_KEYS_LIVE_SECONDS = 600.0
_ASK_AGAIN_SECONDS = 30.0
_LARGEST_SET = 262_144


class NotBelieved(Exception):
    """The token says nothing that counts here."""


class SigningKeys(Protocol):
    """Where the provider's public keys come from."""

    async def key_for(self, key_id: str | None) -> Any:
        """The key that a token names; None when there is none."""
        ...


class KeyFile:
    """One public key in a PEM file."""

    def __init__(self, pem: bytes) -> None:
        self._pem = pem

    async def key_for(self, key_id: str | None) -> Any:
        """The key, whatever the token calls it."""
        return self._pem


class KeySet:
    """The provider's keys by its JWKS address, asked again when a token names an unknown one, and now and then.

    Args:
        url: of the set.
        timeout_seconds: for one look.
    """

    def __init__(self, url: str, *, timeout_seconds: float = 5.0) -> None:
        self._url = url
        self._timeout = timeout_seconds
        self._keys: dict[str | None, PyJWK] = {}
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def key_for(self, key_id: str | None) -> Any:
        """The key of that id; the only one, where the token names none.

        Raises:
            NotReachable: the provider does not answer, and no key is known.
        """
        age = time.monotonic() - self._asked_at
        if age > _KEYS_LIVE_SECONDS or (key_id not in self._keys and age > _ASK_AGAIN_SECONDS):
            async with self._asking:
                if time.monotonic() - self._asked_at >= min(age, _ASK_AGAIN_SECONDS):
                    await self._ask()
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    async def _ask(self) -> None:
        self._asked_at = time.monotonic()
        try:
            async with (
                httpx.AsyncClient(timeout=self._timeout, trust_env=False) as client,
                client.stream("GET", self._url, headers={"Accept-Encoding": "identity"}) as answer,
            ):
                answer.raise_for_status()
                read = b""
                async for piece in answer.aiter_raw():
                    read += piece
                    if len(read) > _LARGEST_SET:
                        raise ValueError("too large")
            found = PyJWKSet.from_dict(json.loads(read)).keys
        except (httpx.HTTPError, ValueError, AttributeError, TypeError, PyJWTError):
            if not self._keys:
                raise NotReachable("The identity provider's keys cannot be read: try again in a moment.") from None
            return
        self._keys = {key.key_id: key for key in found if key.key_type in ("RSA", "EC")}


class Tokens:
    """Says who a token stands for.

    Args:
        settings: which issuer, which audience, which claims.
        keys: of the issuer.
    """

    def __init__(self, settings: TokenSettings, keys: SigningKeys) -> None:
        self._settings = settings
        self._keys = keys

    @classmethod
    def from_settings(cls, settings: TokenSettings) -> Tokens:
        """With the key's file or the set's address.

        Raises:
            ConfigurationProblem: the file cannot be read.
        """
        if settings.public_key_file is None:
            assert settings.jwks_url is not None  # noqa: S101 - the settings have one of the two
            return cls(settings, KeySet(settings.jwks_url))
        try:
            return cls(settings, KeyFile(settings.public_key_file.read_bytes()))
        except OSError:
            raise ConfigurationProblem(
                "The file of SUREHAND_SERVICE__TOKENS__PUBLIC_KEY_FILE cannot be read."
            ) from None

    async def believed(self, token: str) -> tuple[Principal, str]:
        """Who a token stands for, and what it calls the person.

        Raises:
            NotBelieved: it is forged, not for us, has run out, or names no tenant.
            NotReachable: the provider's keys cannot be read.
        """
        claims = await self._claims(token)
        tenant, roles = claims.get(self._settings.tenant_claim), claims.get(self._settings.roles_claim)
        if not isinstance(tenant, str) or not tenant:
            raise NotBelieved
        named = roles.split() if isinstance(roles, str) else roles if isinstance(roles, list) else []
        person = claims.get(self._settings.person_claim)
        # An identity provider's subject may be an address, and this stands in logs.
        mark = hashlib.sha256(f"{self._settings.issuer}\n{claims['sub']}".encode("utf-8", "surrogatepass")).hexdigest()
        principal = Principal(
            principal_id=f"token:{mark[:24]}",
            tenant=tenant,
            roles=frozenset(Role(one) for one in named if isinstance(one, str) and one in set(Role)),
        )
        return principal, person if isinstance(person, str) else ""

    async def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > _LONGEST:
            raise NotBelieved
        try:
            header = jwt.get_unverified_header(token)
            # Looked at before the key is: what the token wishes for decides nothing.
            if header.get("alg") not in ALGORITHMS:
                raise NotBelieved
            key_id = header.get("kid")
            key = await self._keys.key_for(key_id if isinstance(key_id, str) else None)
            if key is None:
                raise NotBelieved
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (PyJWTError, ValueError, TypeError, RecursionError):
            raise NotBelieved from None
        return claims
