"""Identity providers: what they say of themselves, their keys, and whether their clock is ours."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from integrations.http import CONNECT_SECONDS, certificates
from integrations.identity.keys import KeySet
from integrations.identity.provider import IdentityProvider
from runtime.doctor.checks import Check, Verdict, missing, ok, warning
from runtime.settings.environment import OidcSettings, Settings, TokenSettings

_MOST_SECONDS_OFF = 30
"""What a token's times may be off by (`integrations.identity.id_tokens`)."""


def identity_checks(settings: Settings) -> list[Check]:
    """One for the provider that people sign in at, one for the keys of programs' tokens."""
    oidc, tokens = settings.service.oidc, settings.service.tokens
    found = [] if oidc is None else [Check("Identity provider", lambda: _provider(oidc))]
    if tokens is not None and tokens.jwks_url is not None:
        found.append(Check("Keys of tokens", lambda: _keys(tokens)))
    return found


async def _provider(oidc: OidcSettings) -> Verdict:
    provider = IdentityProvider(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        client_secret=oidc.client_secret.get_secret_value(),
        redirect_uri=oidc.redirect_uri,
    )
    # That its name is ours, its addresses have TLS, and its signatures are ones that we read, it looks at itself.
    described = await provider.described()
    await KeySet(described.jwks_uri).key_for("")
    off = await _seconds_off(f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration")
    if off is not None and off > _MOST_SECONDS_OFF:
        return missing(f"Its clock and ours differ by {off:.0f} s, so nobody gets in: set up NTP.")
    if described.code_challenge_methods_supported is None:
        return warning("It answers, and does not say whether it supports PKCE with S256: look in its settings.")
    return ok("It is who it says, has keys, supports PKCE, and its clock is ours.")


async def _keys(tokens: TokenSettings) -> Verdict:
    await KeySet(tokens.jwks_url or "").key_for("")
    return ok("The keys of SUREHAND_SERVICE__TOKENS__JWKS_URL can be read.")


async def _seconds_off(address: str) -> float | None:
    """How far its clock is from ours; None where it does not tell."""
    async with httpx.AsyncClient(timeout=CONNECT_SECONDS, trust_env=False, verify=certificates()) as client:
        try:
            answer = await client.head(address)
            told = parsedate_to_datetime(answer.headers["date"])
        except (httpx.HTTPError, KeyError, ValueError):
            return None
    return abs((datetime.now(UTC) - told).total_seconds())
