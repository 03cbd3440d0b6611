"""An identity provider (OpenID Connect): people sign in by a click, codes work once, tokens are really signed.

It checks what it is asked as strictly as real ones do: exact redirect addresses, PKCE with S256, the client's secret.
And it can be told to misbehave, so that a client shows whether it checks what it is given.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.forms import urlencoded
from sandbox.identity_people import PEOPLE
from sandbox.identity_tokens import TOKEN_LIVES_SECONDS, WAYS_TO_MISBEHAVE, SigningKey
from sandbox.mail_tokens import MailTokens

CLIENT_ID, CLIENT_SECRET = "surehand", "sandbox-client-secret"
_CODE_LIVES_SECONDS = 60.0
_LONGEST_VERIFIER, _SHORTEST_VERIFIER = 128, 43


@dataclass(frozen=True)
class Code:
    """What somebody takes back to the client."""

    subject: str
    redirect_uri: str
    challenge: str
    nonce: str
    until: float


@dataclass
class IdentitySimulator:
    """The provider. Its issuer is whatever address it is asked at."""

    redirect_uris: set[str] = field(default_factory=set)
    """Registered, and compared letter by letter."""
    keys: list[SigningKey] = field(default_factory=list)
    misbehaviour: list[str] = field(default_factory=list)
    """For the next sign-ins, one each."""
    codes: dict[str, Code] = field(default_factory=dict)
    people: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(PEOPLE))
    """Subject -> claims."""
    has_logout: bool = True
    mail: MailTokens = field(default_factory=MailTokens)
    """Tokens for the mail servers beside it."""

    def app(self) -> Starlette:
        """Its addresses."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._describe),
                Route("/authorize", self._authorize),
                Route("/authorize", self._approve, methods=["POST"]),
                Route("/token", self._token, methods=["POST"]),
                Route("/keys", self._keys),
                Route("/logout", self._log_out),
                Route("/_app", self._register, methods=["POST"]),
                Route("/_rotate", self._rotate, methods=["POST"]),
                Route("/_misbehave", self._misbehave, methods=["POST"]),
            ]
        )

    def rotate(self, algorithm: str = "ES256") -> SigningKey:
        """Sign with a new key from now on; the old ones are gone."""
        self.keys = [SigningKey.made(algorithm)]
        return self.keys[0]

    # For clients

    async def _describe(self, request: Request) -> Response:
        base = _base(request)
        described: dict[str, Any] = {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": True,
        }
        if self.has_logout:
            described["end_session_endpoint"] = f"{base}/logout"
        return JSONResponse(described)

    async def _keys(self, request: Request) -> Response:
        return JSONResponse({"keys": [key.public for key in self.keys or [self.rotate()]]})

    async def _token(self, request: Request) -> Response:
        form = await urlencoded(request)
        if not _is_client(request, form):
            return _refused(401, "invalid_client")
        if form.get("grant_type") in ("client_credentials", "refresh_token"):
            token = self.mail.give(form)
            return _refused(400, "invalid_grant") if token is None else JSONResponse(token, headers=_NOT_KEPT)
        # Whatever comes of it, a code is used up.
        code = self.codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "")
        if (
            form.get("grant_type") != "authorization_code"
            or code is None
            or code.until < time.monotonic()
            or code.redirect_uri != form.get("redirect_uri")
            or not _SHORTEST_VERIFIER <= len(verifier) <= _LONGEST_VERIFIER
            or not hmac.compare_digest(_challenge(verifier), code.challenge)
        ):
            return _refused(400, "invalid_grant")
        how = self.misbehaviour.pop(0) if self.misbehaviour else ""
        given = {"access_token": secrets.token_urlsafe(24), "token_type": "Bearer", "expires_in": TOKEN_LIVES_SECONDS}
        if how != "no_token":
            claims = {"iss": _base(request), "sub": code.subject, "aud": CLIENT_ID, "nonce": code.nonce}
            key = self.keys[0] if self.keys else self.rotate()
            given["id_token"] = key.token({**claims, **self.people[code.subject]}, how)
        return JSONResponse(given, headers=_NOT_KEPT)

    # For people

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        problem = self._fault(asked)
        if problem:
            return HTMLResponse(_page("That cannot be", f"<p>{html.escape(problem)}</p>"), 400, _HEADERS)
        hidden = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in asked.items()
        )
        buttons = "".join(
            f'<button name="subject" value="{html.escape(subject)}">{html.escape(str(claims["name"]))}</button> '
            for subject, claims in self.people.items()
        )
        refuse = '<button name="subject" value="">Nobody: go back</button>'
        form = f'<form method="post" action="/authorize">{hidden}<p>{buttons}</p><p>{refuse}</p></form>'
        return HTMLResponse(_page("Sandbox accounts: who are you?", form), 200, _HEADERS)

    async def _approve(self, request: Request) -> Response:
        asked = await urlencoded(request)
        problem, subject = self._fault(asked), asked.get("subject", "")
        if problem:
            return HTMLResponse(_page("That cannot be", f"<p>{html.escape(problem)}</p>"), 400, _HEADERS)
        back = {"state": asked.get("state", ""), "iss": _base(request)}
        if self.misbehaviour[:1] in (["other_sender"], ["other_state"]):
            how = self.misbehaviour.pop(0)
            back |= {"iss": "https://evil.example"} if how == "other_sender" else {"state": "x" * 60}
        if subject not in self.people:
            back["error"] = "access_denied"
        else:
            code = secrets.token_urlsafe(24)
            self.codes[code] = Code(
                subject=subject,
                redirect_uri=asked["redirect_uri"],
                challenge=asked["code_challenge"],
                nonce=asked.get("nonce", ""),
                until=time.monotonic() + _CODE_LIVES_SECONDS,
            )
            back["code"] = code
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 303)

    async def _log_out(self, request: Request) -> Response:
        back, client = request.query_params.get("post_logout_redirect_uri", ""), request.query_params.get("client_id")
        registered = {_origin(address) for address in self.redirect_uris}
        if client != CLIENT_ID or _origin(back) not in registered:
            return HTMLResponse(_page("You are signed out", ""), 200, _HEADERS)
        return RedirectResponse(back, 303)

    def _fault(self, asked: dict[str, str]) -> str:
        """What is wrong with a request; such a one never leads back to an address that it names itself."""
        checks = {
            "This client is not known.": asked.get("client_id") == CLIENT_ID,
            "This redirect_uri is not registered.": asked.get("redirect_uri") in self.redirect_uris,
            "Only response_type=code is known.": asked.get("response_type") == "code",
            "The scope lacks openid.": "openid" in asked.get("scope", "").split(),
            "PKCE with S256 is needed.": asked.get("code_challenge_method") == "S256"
            and len(asked.get("code_challenge", "")) == _SHORTEST_VERIFIER,
        }
        return next((sentence for sentence, is_good in checks.items() if not is_good), "")

    # For whoever runs the sandbox

    async def _register(self, request: Request) -> Response:
        self.redirect_uris.add(str((await request.json())["redirect_uri"]))
        return JSONResponse({"redirect_uris": sorted(self.redirect_uris)})

    async def _rotate(self, request: Request) -> Response:
        key = self.rotate(str((await request.json()).get("alg", "ES256")))
        return JSONResponse({"kid": key.key_id})

    async def _misbehave(self, request: Request) -> Response:
        how = str((await request.json())["how"])
        if how not in WAYS_TO_MISBEHAVE:
            return JSONResponse({"error": f"say one of {', '.join(sorted(WAYS_TO_MISBEHAVE))}"}, 400)
        self.misbehaviour.append(how)
        return JSONResponse({"next": self.misbehaviour})


_NOT_KEPT = {"Cache-Control": "no-store"}
_HEADERS = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store"}


def error_body(status: int, code: str) -> dict[str, Any]:
    """Its words for a failure."""
    return {"error": code, "error_description": f"status {status}"}


def _is_client(request: Request, form: dict[str, str]) -> bool:
    given = (form.get("client_id", ""), form.get("client_secret", ""))
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
        except ValueError:
            return False
        given = (unquote(name), unquote(secret))
    return hmac.compare_digest(given[0].encode(), CLIENT_ID.encode()) and hmac.compare_digest(
        given[1].encode(), CLIENT_SECRET.encode()
    )


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _refused(status: int, code: str) -> Response:
    return JSONResponse({"error": code}, status, headers=_NOT_KEPT)


def _base(request: Request) -> str:
    return f"http://{request.headers['host']}"


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc


def _page(title: str, body: str) -> str:
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>{body}</html>'
