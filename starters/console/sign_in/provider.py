"""Signing in at the identity provider: the authorization code flow with PKCE (RFC 6749, RFC 7636, OpenID Connect).

Nothing of a sign-in under way is kept here, so any replica may finish what another began. The browser has a secret of
its own in a cookie; what goes to the provider and comes back is signed, says whose secret it belongs to, and counts
once and for ten minutes. The verifier is made of that secret, and stands in no address.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from domain.errors import NotReachable
from domain.identity.principals import Role, SessionRecord, digest_of
from integrations.identity.id_tokens import NotBelieved
from integrations.identity.provider import IdentityProvider
from runtime.settings.service import REDIRECT_PATH, OidcSettings
from starters.console.sign_in import cookies, signing, visitors
from starters.console.sign_in.visitors import SignIn
from starters.console.web.pages import ROOT, address
from starters.service.http.errors import of_status
from starters.service.services import Services

USED = "console-away"
_LIVES = timedelta(minutes=10)
_LONGEST = 4_000
_AGAIN = "The sign-in did not come to its end: begin it anew."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Away:
    """A sign-in under way, as the browser's secret and the word in the address say together."""

    secret: str
    number: str
    to: str = ""

    def made(self, what: str) -> str:
        """What only whoever has the secret can make: the verifier, or the nonce."""
        mac = hmac.new(self.secret.encode(), f"{what}\n{self.number}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac.digest()).rstrip(b"=").decode()


class _Failed(Exception):
    """The sign-in ends here.

    Args:
        word: for the log.
        sentence: for the person.
        status: HTTP's.
    """

    def __init__(self, word: str, sentence: str = _AGAIN, status: int = 401) -> None:
        super().__init__(word)
        self.word, self.sentence, self.status = word, sentence, status


Step = Callable[[Request, Services, OidcSettings, IdentityProvider], Awaitable[Response]]


def step(work: Step) -> Callable[[Request], Awaitable[Response]]:
    """A page that there is only with a provider, and the sign-in page with a sentence where it fails."""

    async def run(request: Request) -> Response:
        services: Services = request.app.state.services
        if services.service.oidc is None or services.identity is None:
            raise of_status(404)
        try:
            return await work(request, services, services.service.oidc, services.identity)
        except NotReachable as away:
            return signing.page(request, {}, problem=str(away), status=503)
        except _Failed as failed:
            logger.warning("a sign-in at the identity provider failed", extra={"reason": failed.word})
            return signing.page(request, {}, problem=failed.sentence, status=failed.status)

    return run


async def go(request: Request, services: Services, oidc: OidcSettings, identity: IdentityProvider) -> Response:
    """Send somebody to the provider."""
    # Tabs share the secret, so the sign-in of the one before stays good.
    secret = cookies.cookie_of(request, cookies.AWAY) or secrets.token_urlsafe(32)
    to = signing.within_console(request.query_params.get("to", ""))
    away = Away(secret, secrets.token_urlsafe(16), to)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(away.made("verifier").encode()).digest()).rstrip(b"=").decode()
    state = _serializer(oidc).dumps({"n": away.number, "b": digest_of(secret), "t": to})
    target = await identity.way_in(state=str(state), nonce=away.made("nonce"), challenge=challenge)
    response = RedirectResponse(target, 303)
    cookies.give(request, response, cookies.AWAY, secret, _LIVES)
    return response


async def back(request: Request, services: Services, oidc: OidcSettings, identity: IdentityProvider) -> Response:
    """Take in somebody who comes back."""
    given = _given(request)
    away = await _away(request, services, oidc, given.get("state", ""))
    if "error" in given:
        raise _Failed("refused there", "It was not allowed there, or you left it: begin anew, or sign in another way.")
    said_by = given.get("iss")
    must_say = (await identity.described()).authorization_response_iss_parameter_supported
    if said_by != identity.issuer and (must_say or said_by is not None):
        # RFC 9207: the answer of one provider is not taken for another's.
        raise _Failed("iss of the answer")
    try:
        claims = await identity.claims(given.get("code", ""), verifier=away.made("verifier"), nonce=away.made("nonce"))
    except NotBelieved as reason:
        raise _Failed(str(reason)) from None
    response = RedirectResponse(away.to or f"{ROOT}/", 303)
    await visitors.begin(request, services, _signed_in(services, oidc, claims), response)
    cookies.forget(request, response, cookies.AWAY)
    return response


async def leave(request: Request, services: Services, oidc: OidcSettings, identity: IdentityProvider) -> Response:
    """Send somebody who is signed out here to sign out there too."""
    here = oidc.redirect_uri.removesuffix(REDIRECT_PATH) + address("sign-in")
    return RedirectResponse(await identity.way_out(here) or address("sign-in"), 303)


def _given(request: Request) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    given = dict(pairs)
    if len(given) != len(pairs) or any(len(value) > _LONGEST for value in given.values()):
        raise _Failed("parameters")
    return given


async def _away(request: Request, services: Services, oidc: OidcSettings, state: str) -> Away:
    """The sign-in that somebody comes back from: begun by us, in this browser, not long ago, and for the first time."""
    secret = cookies.cookie_of(request, cookies.AWAY)
    try:
        said = _serializer(oidc).loads(state, max_age=int(_LIVES.total_seconds()))
    except BadSignature:
        raise _Failed("state") from None
    if secret is None or not hmac.compare_digest(said["b"], digest_of(secret)):
        # Somebody else's sign-in, sent here to sign this browser in as them.
        raise _Failed("another browser's state")
    now = datetime.now(UTC)
    used = SessionRecord(
        session_id=digest_of(f"{USED}\n{said['n']}"),
        tenant=services.settings.tenant,
        principal=USED,
        kind=USED,
        created_at=now,
        expires_at=now + _LIVES,
    )
    if not await services.store.sessions.add(used):
        raise _Failed("state used before")
    return Away(secret, said["n"], signing.within_console(said["t"]))


def _signed_in(services: Services, oidc: OidcSettings, claims: dict[str, Any]) -> SignIn:
    """Whom the claims stand for. An address in them counts for nothing: people may change theirs."""
    subject, tenant, roles = claims["sub"], claims.get(oidc.tenant_claim), claims.get(oidc.roles_claim)
    if not isinstance(tenant, str) or tenant not in services.configuration.tenants:
        raise _Failed(
            "tenant", "Your account names no organisation that is known here: ask whoever runs Surehand.", 403
        )
    person = services.configuration.person_by_subject(tenant, subject)
    if person is None or not person.active:
        raise _Failed(
            "nobody's account",
            f"Your account stands for nobody here: ask whoever runs Surehand to add it ({subject}).",
            403,
        )
    named = roles.split() if isinstance(roles, str) else roles if isinstance(roles, list) else []
    known = frozenset(Role(one) for one in named if isinstance(one, str) and one in set(Role))
    if not known:
        raise _Failed("no role", "Your account has no role here: ask whoever runs Surehand for one.", 403)
    return SignIn(tenant, f"token:{visitors.subject_mark(oidc.issuer, subject)}", person.person_id, known)


def _serializer(oidc: OidcSettings) -> URLSafeTimedSerializer:
    # All replicas have the same secret; the salt makes what it signs here good for nothing else.
    return URLSafeTimedSerializer(
        oidc.client_secret.get_secret_value(),
        salt=f"surehand console\n{oidc.issuer}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
