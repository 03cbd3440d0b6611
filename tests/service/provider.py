"""An identity provider on loopback: its keys by JWKS, before and after it takes a new one."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from integrations.identity import keys
from integrations.identity.id_tokens import NotBelieved
from integrations.identity.keys import KeySet
from runtime.settings.environment import TokenSettings
from starters.service.access.tokens import Tokens
from tests.loopback import Answer, loopback


def _said() -> dict[str, Any]:
    return {
        "iss": "i",
        "aud": "a",
        "sub": "p-lena",
        "exp": int(time.time()) + 60,
        "tenant": "default",
        "roles": "agent viewer",
    }


async def _try() -> None:
    old = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    new = ec.generate_private_key(ec.SECP256R1())
    served = [{**json.loads(RSAAlgorithm.to_jwk(old.public_key())), "kid": "old", "use": "sig"}]
    async with loopback() as provider:
        provider.handler = lambda request: Answer(body={"keys": served})
        known = KeySet(f"{provider.url}/keys")
        settings = TokenSettings(issuer="i", audience="a", jwks_url=f"{provider.url}/keys")
        believes = Tokens(settings, known)
        first = jwt.encode(_said(), old, "RS256", headers={"kid": "old"})
        second = jwt.encode(_said(), new, "ES256", headers={"kid": "new"})
        principal, person = await believes.believed(first)
        assert (principal.tenant, person) == ("default", "p-lena")
        assert {role.value for role in principal.roles} == {"agent", "viewer"}
        for _ in range(20):
            await believes.believed(first)
        assert len(provider.received) == 1, "keys are kept"
        served.append({**json.loads(ECAlgorithm.to_jwk(new.public_key())), "kid": "new", "use": "sig"})
        for _ in range(5):
            try:
                await believes.believed(second)
                raise AssertionError("asked too often")
            except NotBelieved:
                pass
        assert len(provider.received) == 1, "an unknown key does not make us ask at every token"
        known._asked_at -= keys.ASK_AGAIN_SECONDS + 1
        await believes.believed(second)
        assert len(provider.received) == 2
        mixed = jwt.encode(_said(), new, "ES256", headers={"kid": "old"})
        try:
            await believes.believed(mixed)
            raise AssertionError("a key of another kind was taken")
        except NotBelieved:
            pass


def with_provider() -> None:
    """Goes through it."""
    asyncio.run(_try())
