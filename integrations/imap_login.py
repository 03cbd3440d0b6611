"""Logging in to an IMAP server: by password, or by an access token."""

from __future__ import annotations

import imaplib
from dataclasses import dataclass, field

from pydantic import SecretStr

from domain.errors import VendorRefused
from integrations.mail_tokens import first_words, last_words, mechanism_for

LOGIN_REFUSED = "login"
"""Code of the error when the server does not let us in."""
_NAME = "imap"
_OFFERS = "AUTH="


@dataclass(frozen=True)
class Login:
    """Who wants in, and with what."""

    user: str
    password: SecretStr | None
    token: str | None = field(repr=False)
    """Where there is one, nothing else is tried."""
    host: str
    port: int

    @property
    def where(self) -> str:
        """For people; no address of anybody."""
        return f"{self.host}:{self.port}"


def log_in(wire: imaplib.IMAP4, login: Login) -> None:
    """Log in, and learn what the server can do once we are in.

    Raises:
        VendorRefused: it does not let us in.
    """
    try:
        if login.token is not None:
            _by_token(wire, login, login.token)
        else:
            _by_password(wire, login.user, login.password.get_secret_value() if login.password is not None else "")
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeEncodeError):
        what = "the user, or what its token allows" if login.token is not None else "the user or its secret"
        raise VendorRefused(_NAME, LOGIN_REFUSED, f"{login.where} refuses our login: correct {what}.") from None
    # What it can is often told anew once we are in.
    _, told = wire.capability()
    wire.capabilities = tuple(str(told[-1] or b"", "ascii", "replace").upper().split())


def _by_password(wire: imaplib.IMAP4, user: str, password: str) -> None:
    if "AUTH=PLAIN" in wire.capabilities:
        wire.authenticate("PLAIN", lambda _: b"\0".join((b"", user.encode(), password.encode())))
    else:
        wire.login(quoted(user), password)


def _by_token(wire: imaplib.IMAP4, login: Login, token: str) -> None:
    offered = frozenset(word.removeprefix(_OFFERS) for word in wire.capabilities if word.startswith(_OFFERS))
    mechanism = mechanism_for(offered)
    if mechanism is None:
        raise VendorRefused(
            _NAME, "no_oauth", f"{login.where} takes no access tokens: leave `oauth` out, and set a password."
        )
    words = [first_words(mechanism, user=login.user, token=token, host=login.host, port=login.port)]
    # Asked a second time, the server has said why it refuses, and waits for our word that we read it.
    wire.authenticate(mechanism, lambda _: words.pop() if words else last_words(mechanism))


def quoted(text: str) -> str:
    """A text as a quoted string of the protocol (RFC 3501, section 4.3).

    Raises:
        VendorRefused: it holds what cannot be quoted.
    """
    if any(character in text for character in "\r\n\0"):
        raise VendorRefused(_NAME, "name", "The name of a folder or user holds a line's end: correct it.")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
