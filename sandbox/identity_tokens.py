"""The identity provider's keys and tokens: really signed, and wrong in whichever way it was told."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

TOKEN_LIVES_SECONDS = 300
_WRONG_CLAIMS: dict[str, Callable[[int], dict[str, Any]]] = {
    "wrong_nonce": lambda now: {"nonce": "another"},
    "no_nonce": lambda now: {"nonce": None},
    "wrong_audience": lambda now: {"aud": "another"},
    "two_audiences": lambda now: {"aud": ["surehand", "another"]},
    "other_party": lambda now: {"azp": "another"},
    "expired": lambda now: {"exp": now - 120, "iat": now - 500},
    "from_the_future": lambda now: {"iat": now + 3_600, "exp": now + 7_200},
    "other_issuer": lambda now: {"iss": "https://evil.example"},
    "no_subject": lambda now: {"sub": None},
}
_WRONG_SIGNATURES = frozenset({"alg_none", "alg_hs256", "broken_token", "other_key", "unknown_key"})
WAYS_TO_MISBEHAVE = frozenset(_WRONG_CLAIMS) | _WRONG_SIGNATURES | {"no_token", "other_sender", "other_state"}
"""What the provider can be told to do wrong with the next sign-in."""

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass
class SigningKey:
    """One of the provider's keys."""

    key_id: str
    algorithm: str
    private: PrivateKey

    @classmethod
    def made(cls, algorithm: str) -> SigningKey:
        """A new one, for `ES256` or `RS256`."""
        if algorithm == "ES256":
            return cls(secrets.token_hex(8), algorithm, ec.generate_private_key(ec.SECP256R1()))
        return cls(secrets.token_hex(8), "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @property
    def public(self) -> dict[str, Any]:
        """As in a JWKS."""
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            found = ECAlgorithm.to_jwk(self.private.public_key())
        else:
            found = RSAAlgorithm.to_jwk(self.private.public_key())
        return {**json.loads(found), "kid": self.key_id, "use": "sig", "alg": self.algorithm}

    def token(self, said: dict[str, Any], how: str = "") -> str:
        """A signed token.

        Args:
            said: its claims, without its times.
            how: what to do wrong, one of `WAYS_TO_MISBEHAVE`; nothing when empty.
        """
        now = int(time.time())
        claims = {**said, "iat": now, "exp": now + TOKEN_LIVES_SECONDS}
        claims |= _WRONG_CLAIMS[how](now) if how in _WRONG_CLAIMS else {}
        claims = {name: value for name, value in claims.items() if value is not None}
        named = {"kid": "nobodys" if how == "unknown_key" else self.key_id}
        if how == "alg_none":
            return jwt.encode(claims, "", "none", named)
        if how == "alg_hs256":
            return _with_shared_secret(claims, json.dumps(self.public), self.key_id)
        if how == "other_key":
            return jwt.encode(claims, SigningKey.made(self.algorithm).private, self.algorithm, named)
        whole = jwt.encode(claims, self.private, self.algorithm, named)
        return whole[:-12] if how == "broken_token" else whole


def _with_shared_secret(claims: dict[str, Any], secret: str, key_id: str) -> str:
    """A token whose signature needs nothing but what everybody may know. The library refuses to make one."""
    head = {"alg": "HS256", "typ": "JWT", "kid": key_id}
    signed = ".".join(_packed(json.dumps(part).encode()) for part in (head, claims))
    return f"{signed}.{_packed(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


def _packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
