"""How a mailbox or mail server is entered with an access token instead of a password.

Tokens come from a token endpoint, by client credentials (RFC 6749, section 4.4) as Microsoft 365 wants it or by a
refresh token (section 6) as Google wants it, or out of a file that somebody else renews. They are sent as OAUTHBEARER
(RFC 7628) or, to servers without it, as XOAUTH2 (https://developers.google.com/workspace/gmail/imap/xoauth2-protocol).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from domain.errors import VendorError, VendorRefused, VendorUnavailable
from integrations.access_tokens import AccessToken, KeptToken, is_sendable, read_access_token
from integrations.http import Reply, Translate, VendorHttp, status_error

OAUTHBEARER, XOAUTH2 = "OAUTHBEARER", "XOAUTH2"
_SEPARATOR = "\x01"
_LONGEST_FILE = 20_000
_VENDOR = "oauth"


class MailTokens(Protocol):
    """Where tokens come from."""

    async def token(self, instead_of: str | None = None) -> str:
        """A token that holds; another one than `instead_of`, which was refused, where there is another.

        Raises:
            VendorError: there is none to be had.
        """
        ...


@dataclass(frozen=True)
class TokenClient:
    """Who asks a token endpoint, and where that is."""

    token_url: str
    client_id: str
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None
    """With one, the token is a person's; without, it is the program's own."""
    scopes: tuple[str, ...] = ()
    timeout_seconds: float = 10.0


class FetchedTokens:
    """Tokens of a token endpoint, kept until shortly before their end."""

    def __init__(self, client: TokenClient) -> None:
        self._client = client
        # The endpoint may hand out a new refresh token with each access token; the newest is used while we run.
        self._refresh = client.refresh_token.get_secret_value() if client.refresh_token is not None else None
        self._kept = KeptToken(self._fetch)

    def __repr__(self) -> str:
        return f"FetchedTokens({urlsplit(self._client.token_url).hostname})"

    async def token(self, instead_of: str | None = None) -> str:
        """A token that holds. Raises `VendorError`."""
        return await self._kept.token(instead_of)

    async def _fetch(self) -> AccessToken:
        client, form = self._client, {"client_id": self._client.client_id}
        if client.client_secret is not None:
            form["client_secret"] = client.client_secret.get_secret_value()
        if client.scopes:
            form["scope"] = " ".join(client.scopes)
        grant = {"grant_type": "client_credentials"}
        if self._refresh is not None:
            grant = {"grant_type": "refresh_token", "refresh_token": self._refresh}
        host = urlsplit(client.token_url).hostname or "the token endpoint"
        http = VendorHttp(
            _VENDOR, client.token_url, timeout_seconds=client.timeout_seconds, translate=_translated(host)
        )
        try:
            given = await http.send("POST", client.token_url, form={**grant, **form})
        except VendorRefused:
            raise
        except VendorError as error:
            # To ask twice for a token does no harm, so whatever it was may be tried again.
            raise VendorUnavailable(_VENDOR, error.code, f"{host} gives no token now ({error.code}).") from None
        renewed = given.get("refresh_token") if isinstance(given, dict) else None
        if self._refresh is not None and isinstance(renewed, str) and is_sendable(renewed):
            self._refresh = renewed
        return read_access_token(_VENDOR, given)


class FileTokens:
    """A token out of a file, read at each use: whoever put it there renews it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __repr__(self) -> str:
        return f"FileTokens({self._path})"

    async def token(self, instead_of: str | None = None) -> str:
        """The token in the file. Raises `VendorError`."""
        try:
            text = (await asyncio.to_thread(_head_of, self._path)).strip()
        except (OSError, UnicodeDecodeError):
            text = ""
        if not is_sendable(text):
            raise VendorRefused(_VENDOR, "token_file", "The token's file holds none: have whoever writes it repair it.")
        return text


def mechanism_for(offered: frozenset[str]) -> str | None:
    """The better way of those that a server offers; None when it takes no tokens.

    Args:
        offered: names of SASL mechanisms, in capitals.
    """
    return next((name for name in (OAUTHBEARER, XOAUTH2) if name in offered), None)


def first_words(mechanism: str, *, user: str, token: str, host: str, port: int) -> bytes:
    """What a client says first.

    Args:
        mechanism: one of the two.
        user: whose mailbox.
        token: that lets us in.
        host: of the server.
        port: of the server.
    """
    if mechanism == XOAUTH2:
        parts = [f"user={user}", f"auth=Bearer {token}", "", ""]
    else:
        # RFC 5801, section 4: a comma and an equals sign in the name are written as their numbers.
        name = user.replace("=", "=3D").replace(",", "=2C")
        parts = [f"n,a={name},", f"host={host}", f"port={port}", f"auth=Bearer {token}", "", ""]
    return _SEPARATOR.join(parts).encode()


def last_words(mechanism: str) -> bytes:
    """What a client says to a server that has told why it refuses, so that the exchange comes to its end."""
    return b"" if mechanism == XOAUTH2 else _SEPARATOR.encode()


def _head_of(path: Path) -> str:
    with path.open("r", encoding="ascii") as opened:
        return opened.read(_LONGEST_FILE + 1)


_REFUSALS: Mapping[str, str] = {
    "invalid_client": "does not know our client or its secret: renew the secret.",
    "invalid_grant": "no longer takes our refresh token: sign in there once more and set the new one.",
    "invalid_scope": "does not give such a token: correct `scopes`.",
    "unauthorized_client": "does not let our client ask this way: allow it there.",
}


def _translated(host: str) -> Translate:
    def translate(reply: Reply, write: bool) -> VendorError:
        word = reply.body.get("error") if isinstance(reply.body, dict) else None
        if reply.status in (400, 401, 403):
            known = word if isinstance(word, str) and word in _REFUSALS else ""
            what = _REFUSALS.get(known, f"gives no token to our client (status {reply.status}): look at its log.")
            return VendorRefused(_VENDOR, known or "token_refused", f"{host} {what}", status=reply.status)
        return status_error(_VENDOR, reply, write=False)

    return translate
