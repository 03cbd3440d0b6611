"""ID tokens: what the identity provider says of somebody who just signed in (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

import hmac
from typing import Any, Protocol

import jwt
from jwt.exceptions import PyJWTError

ALGORITHMS = ("RS256", "ES256")
"""Never `none`, and never one where the public key is the secret."""
LEEWAY_SECONDS = 30
"""How far the provider's clock may be from ours."""
LONGEST = 16_000
_LONGEST_SUBJECT = 255


class NotBelieved(Exception):
    """The token says nothing that counts here. Its text is one word for the log, and nothing of the token."""


class Keys(Protocol):
    """Where the provider's public keys come from."""

    async def key_for(self, key_id: str | None) -> Any:
        """The key that a token names; None when there is none."""
        ...


async def claims_of(token: str, keys: Keys, *, issuer: str, client_id: str, nonce: str) -> dict[str, Any]:
    """What an ID token claims, once all of it was checked.

    Args:
        token: as the provider gave it.
        keys: of the provider.
        issuer: who must have made it.
        client_id: whom it must be for.
        nonce: of the sign-in that it must belong to.

    Raises:
        NotBelieved: it is forged, not for us, of another sign-in, or has run out.
        NotReachable: the provider's keys cannot be read.
    """
    claims = await _signed(token, keys, issuer=issuer, client_id=client_id)
    audience, party, subject = claims["aud"], claims.get("azp"), claims["sub"]
    if (isinstance(audience, list) and len(audience) > 1 and party is None) or party not in (None, client_id):
        raise NotBelieved("azp")
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise NotBelieved("nonce")
    if not isinstance(subject, str) or not 1 <= len(subject) <= _LONGEST_SUBJECT:
        raise NotBelieved("sub")
    return claims


async def _signed(token: str, keys: Keys, *, issuer: str, client_id: str) -> dict[str, Any]:
    if len(token) > LONGEST:
        raise NotBelieved("length")
    try:
        header = jwt.get_unverified_header(token)
        # Looked at before the key is: what the token wishes for decides nothing.
        if header.get("alg") not in ALGORITHMS:
            raise NotBelieved("alg")
        key_id = header.get("kid")
        key = await keys.key_for(key_id if isinstance(key_id, str) else None)
        if key is None:
            raise NotBelieved("kid")
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            audience=client_id,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except (PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise NotBelieved(type(error).__name__) from None
    return claims
