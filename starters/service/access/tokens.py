"""Tokens (JWT) of an identity provider: signed with its private key, for us, not run out; nothing else is believed."""

from __future__ import annotations

import hashlib
from typing import Any

import jwt
from jwt.exceptions import PyJWTError

from domain.errors import ConfigurationProblem
from domain.identity.principals import Principal, Role
from integrations.identity.id_tokens import ALGORITHMS, LEEWAY_SECONDS, LONGEST, Keys, NotBelieved
from integrations.identity.keys import KeySet
from runtime.settings.environment import TokenSettings


class KeyFile:
    """One public key in a PEM file."""

    def __init__(self, pem: bytes) -> None:
        self._pem = pem

    async def key_for(self, key_id: str | None) -> Any:
        """The key, whatever the token calls it."""
        return self._pem


class Tokens:
    """Says who a token stands for.

    Args:
        settings: which issuer, which audience, which claims.
        keys: of the issuer.
    """

    def __init__(self, settings: TokenSettings, keys: Keys) -> None:
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
        if len(token) > LONGEST:
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
                algorithms=list(ALGORITHMS),
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (PyJWTError, ValueError, TypeError, RecursionError):
            raise NotBelieved from None
        return claims
