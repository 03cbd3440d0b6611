"""An identity provider (OpenID Connect): where people sign in, and what it gives for the code they bring back."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from pydantic import ConfigDict, Field, ValidationError

from domain.errors import NotReachable, VendorError
from domain.model import Value
from integrations.identity.id_tokens import ALGORITHMS, NotBelieved, claims_of
from integrations.identity.keys import AFTER_FAILURE_SECONDS, KeySet, http

_DESCRIPTION_LIVES_SECONDS = 600.0
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_MOST = 50


class Description(Value):
    """What the provider says of itself (OpenID Connect Discovery 1.0, section 3)."""

    model_config = ConfigDict(extra="ignore")

    issuer: str = Field(max_length=2_000)
    authorization_endpoint: str = Field(max_length=2_000)
    token_endpoint: str = Field(max_length=2_000)
    jwks_uri: str = Field(max_length=2_000)
    end_session_endpoint: str | None = Field(None, max_length=2_000)
    code_challenge_methods_supported: list[str] | None = Field(None, max_length=_MOST)
    id_token_signing_alg_values_supported: list[str] | None = Field(None, max_length=_MOST)
    token_endpoint_auth_methods_supported: list[str] | None = Field(None, max_length=_MOST)
    authorization_response_iss_parameter_supported: bool = False


class IdentityProvider:
    """One provider and our account there.

    Args:
        issuer: its address, exactly as its tokens name it.
        client_id: ours.
        client_secret: ours; never logged.
        redirect_uri: where people come back to, as registered there.
        scopes: separated by spaces; `openid` is one.
        timeout_seconds: for one call.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        scopes: str = "openid",
        timeout_seconds: float = 5.0,
    ) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._scopes = scopes
        self._timeout = timeout_seconds
        self._known: Description | None = None
        self._keys: KeySet | None = None
        self._problem = _away()
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    def __repr__(self) -> str:
        return f"IdentityProvider({self.issuer}, {self.client_id})"

    async def described(self) -> Description:
        """What it says of itself, as of the last ten minutes; older where it does not answer now.

        Raises:
            NotReachable: it does not answer, or says what cannot be used.
        """
        async with self._asking:
            lives = _DESCRIPTION_LIVES_SECONDS if self._known is not None else AFTER_FAILURE_SECONDS
            if time.monotonic() - self._asked_at > lives:
                await self._ask()
        if self._known is None:
            raise self._problem
        return self._known

    async def way_in(self, *, state: str, nonce: str, challenge: str) -> str:
        """Where to send somebody who wants to sign in.

        Args:
            state: comes back with the person.
            nonce: must stand in the token.
            challenge: S256 of the verifier (RFC 7636).
        """
        return _with(
            (await self.described()).authorization_endpoint,
            {
                "response_type": "code",
                "client_id": self.client_id,
                "redirect_uri": self._redirect_uri,
                "scope": self._scopes,
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            },
        )

    async def way_out(self, back: str) -> str | None:
        """Where to sign out there too; None where it offers nothing (OpenID Connect RP-Initiated Logout 1.0).

        Args:
            back: address that people come back to.
        """
        address = (await self.described()).end_session_endpoint
        return _with(address, {"client_id": self.client_id, "post_logout_redirect_uri": back}) if address else None

    async def claims(self, code: str, *, verifier: str, nonce: str) -> dict[str, Any]:
        """What it says of whoever brought a code.

        Args:
            code: from the address that they came back to.
            verifier: what the challenge was made of.
            nonce: of the same sign-in.

        Raises:
            NotBelieved: it does not take the code, or its token is not to be believed.
            NotReachable: it does not answer.
        """
        described = await self.described()
        given = await self._exchange(described, code, verifier)
        token = given.get("id_token") if isinstance(given, dict) else None
        if not isinstance(token, str):
            raise NotBelieved("no token")
        assert self._keys is not None  # noqa: S101 - made with the description
        return await claims_of(token, self._keys, issuer=self.issuer, client_id=self.client_id, nonce=nonce)

    async def _exchange(self, described: Description, code: str, verifier: str) -> Any:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        # RFC 6749, section 2.3.1: both are form-encoded before they become a password.
        auth: tuple[str, str] | None = (quote(self.client_id, safe=""), quote(self._client_secret, safe=""))
        methods = described.token_endpoint_auth_methods_supported
        if methods is not None and "client_secret_basic" not in methods:
            form |= {"client_id": self.client_id, "client_secret": self._client_secret}
            auth = None
        try:
            return await http(self.issuer, self._timeout, auth=auth).send("POST", described.token_endpoint, form=form)
        except VendorError as error:
            if error.status in (400, 401, 403):
                raise NotBelieved(f"code refused ({error.status})") from None
            raise _away() from None

    async def _ask(self) -> None:
        where = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = _checked(Description.model_validate(await http(self.issuer, self._timeout).get(where)), self.issuer)
        except (VendorError, ValidationError):
            # What it said before still holds.
            self._problem = _away()
            return
        except NotReachable as problem:
            self._problem, self._known = problem, None
            return
        finally:
            self._asked_at = time.monotonic()
        if self._known is None or found.jwks_uri != self._known.jwks_uri:
            self._keys = KeySet(found.jwks_uri, timeout_seconds=self._timeout)
        self._known = found


def is_closed_to_others(address: str) -> bool:
    """Whether nobody on the way can read what is sent to an address: by TLS, or on this machine."""
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    except ValueError:
        return False


def _checked(found: Description, issuer: str) -> Description:
    endpoints = [found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.end_session_endpoint]
    if found.issuer != issuer:
        raise NotReachable(
            "The identity provider calls itself by another name: correct SUREHAND_SERVICE__OIDC__ISSUER."
        )
    if not all(is_closed_to_others(address) for address in endpoints if address is not None):
        raise NotReachable("The identity provider has an address without TLS: have it corrected there.")
    for what, offered, wanted in (
        ("PKCE with S256", found.code_challenge_methods_supported, ("S256",)),
        ("tokens signed by RS256 or ES256", found.id_token_signing_alg_values_supported, ALGORITHMS),
    ):
        if offered is not None and not set(offered) & set(wanted):
            raise NotReachable(f"The identity provider does not offer {what}: switch it on there.")
    return found


def _with(address: str, parameters: dict[str, str]) -> str:
    parts = urlsplit(address)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _away() -> NotReachable:
    return NotReachable("The identity provider does not answer: try again in a moment, or sign in another way.")
