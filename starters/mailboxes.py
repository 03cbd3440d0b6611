"""Mailboxes of `mailboxes.yaml`: whose they are, where they are, and what becomes of the mails that were taken."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic import model_validator as check_together

from domain.model import Value
from integrations.imap import ImapAccount, Security
from integrations.mail_tokens import FetchedTokens, FileTokens, MailTokens, TokenClient
from runtime.configuration.policies import Configuration
from runtime.configuration.yaml_layers import read_duration, read_layers
from runtime.settings.environment import Settings

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SHORTEST, _LONGEST = timedelta(milliseconds=200), timedelta(days=1)


class MailboxOauth(Value):
    """How a mailbox is entered by an access token instead of a password."""

    token_url: str | None = Field(None, pattern=r"^https?://[^\s?#]+$", max_length=2_000)
    client_id: str | None = Field(None, min_length=1, max_length=500)
    refresh_secret: str | None = None
    """Name of the setting that holds a refresh token; without it, the client asks in its own name."""
    scopes: tuple[str, ...] = ()
    token_file: Path | None = None
    """A file that somebody else writes tokens to, instead of an address."""

    @check_together(mode="after")
    def _one_place(self) -> MailboxOauth:
        if (self.token_url is None) == (self.token_file is None):
            raise ValueError("says where tokens come from: one of `token_url` and `token_file`")
        if self.token_url is not None and self.client_id is None:
            raise ValueError("asks in somebody's name: add `client_id`")
        parts = urlsplit(self.token_url or "")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("sends secrets without TLS: begin `token_url` with https://")
        return self


class MailboxSource(Value):
    """One mailbox."""

    tenant: str
    host: str = Field(min_length=1, max_length=253, pattern=r"^[^\s/@]+$")
    port: int = Field(993, ge=1, le=65535)
    security: Security = "tls"
    """`none` only on this machine."""
    ca_file: Path | None = None
    """PEM file of the certificate authority, when it is your own."""
    user: str = Field(min_length=1, max_length=320)
    secret: str | None = None
    """Name of the setting that holds the password; with `oauth`, our client's secret at the token endpoint."""
    oauth: MailboxOauth | None = None
    folder: str = Field("INBOX", min_length=1, max_length=200)
    every: timedelta = timedelta(seconds=60)
    start: Literal["new", "unseen"] = "new"
    """What counts of the mails that are there at the first look: none, or those that nobody has read."""
    taken: Literal["seen", "move", "leave"] = "seen"
    taken_folder: str = Field("Surehand", min_length=1, max_length=200)
    aside_folder: str | None = Field(None, min_length=1, max_length=200)
    """Where mails go that cannot be used; without it they are flagged and stay."""

    @field_validator("every", mode="before")
    @classmethod
    def _duration(cls, given: Any) -> timedelta:
        every = read_duration(given)
        if every is None or not _SHORTEST <= every <= _LONGEST:
            raise ValueError("is a duration of up to a day, such as `60 s`")
        return every

    @field_validator("ca_file")
    @classmethod
    def _exists(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError("names a file that is not there")
        return path

    @check_together(mode="after")
    def _is_encrypted(self) -> MailboxSource:
        if self.security == "none" and self.host not in _LOOPBACK:
            raise ValueError("a mailbox elsewhere is read with security tls or starttls")
        return self

    @check_together(mode="after")
    def _lets_us_in(self) -> MailboxSource:
        by_person = self.oauth is not None and self.oauth.refresh_secret is not None
        by_file = self.oauth is not None and self.oauth.token_file is not None
        if self.secret is None and not by_person and not by_file:
            raise ValueError("needs a way in: add `secret`")
        return self

    @property
    def place(self) -> str:
        """What its position is kept under: another server, user or folder has its own."""
        parts = (self.host.lower(), str(self.port), self.user, self.folder)
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def unset(self, settings: Settings) -> str | None:
        """Name of a secret that is needed and not set; None when all are."""
        needed = [self.secret, self.oauth.refresh_secret if self.oauth is not None else None]
        return next((name for name in needed if name is not None and settings.secrets.get(name.lower()) is None), None)

    def account(self, settings: Settings) -> ImapAccount | None:
        """How to be let in; None while a secret of it is not set."""
        if self.unset(settings) is not None:
            return None
        held = settings.secrets[self.secret.lower()] if self.secret is not None else None
        return ImapAccount(
            host=self.host,
            port=self.port,
            security=self.security,
            user=self.user,
            password=held if self.oauth is None else None,
            folder=self.folder,
            ca_file=self.ca_file,
            tokens=None if self.oauth is None else _tokens(self.oauth, held, settings),
        )


def _tokens(oauth: MailboxOauth, client_secret: SecretStr | None, settings: Settings) -> MailTokens:
    if oauth.token_file is not None:
        return FileTokens(oauth.token_file)
    refresh = settings.secrets[oauth.refresh_secret.lower()] if oauth.refresh_secret is not None else None
    return FetchedTokens(
        TokenClient(
            token_url=oauth.token_url or "",
            client_id=oauth.client_id or "",
            client_secret=client_secret,
            refresh_token=refresh,
            scopes=oauth.scopes,
        )
    )


class MailboxFile(Value):
    """`mailboxes.yaml`."""

    mailboxes: dict[str, MailboxSource] = Field(default_factory=dict)


@lru_cache(maxsize=8)
def mailboxes_of(configuration: Configuration) -> dict[str, MailboxSource]:
    """Every mailbox by its name.

    Raises:
        ConfigurationProblem: the file cannot be used, names a tenant that is not configured, or a mailbox twice.
    """
    document = read_layers(configuration.dirs, "mailboxes.yaml")
    found = document.read(MailboxFile, document.data).mailboxes
    places: set[str] = set()
    for name, source in found.items():
        where = ("mailboxes", name)
        if not _NAME.match(name):
            raise document.fault(where, "a mailbox's name has small letters, digits and dashes, up to 64: rename it.")
        if source.tenant not in configuration.tenants:
            raise document.fault(
                (*where, "tenant"),
                f"the mailbox {name} belongs to {source.tenant}, which is no configured tenant: add it to tenants.yaml "
                "or correct the name.",
            )
        if source.place in places:
            raise document.fault(where, f"the mailbox {name} is another one's too: each mail belongs to one tenant.")
        places.add(source.place)
    return found
