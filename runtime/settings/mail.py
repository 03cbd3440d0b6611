"""The settings of the mail server, and of logging in there by access token."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic import model_validator as check_together

from runtime.settings.groups import Group, MailAddress, TimeoutSeconds, WebAddress


class OauthSettings(Group):
    """Access tokens (OAuth 2.0) that let us in to the mail server instead of a password."""

    token_url: WebAddress | None = Field(None, description="address that gives access tokens")
    client_id: str | None = Field(None, min_length=1, description="our name there")
    client_secret: SecretStr | None = Field(None, description="our secret there")
    refresh_token: SecretStr | None = Field(None, description="of a person; unset means that we ask in our own name")
    scopes: str = Field("", description="what we ask for, separated by spaces")
    token_file: Path | None = Field(None, description="file that somebody else writes tokens to, instead of an address")

    @check_together(mode="after")
    def _one_place(self) -> OauthSettings:
        if (self.token_url is None) == (self.token_file is None):
            raise ValueError("needs one place that tokens come from: set TOKEN_URL or TOKEN_FILE")
        if self.token_url is not None and self.client_id is None:
            raise ValueError("asks for tokens in nobody's name: set CLIENT_ID")
        if self.token_url is not None and self.client_secret is None and self.refresh_token is None:
            raise ValueError("asks for tokens without a secret: set CLIENT_SECRET or REFRESH_TOKEN")
        host = urlsplit(self.token_url or "").hostname
        if (self.token_url or "").startswith("http://") and host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("sends secrets without TLS: begin TOKEN_URL with https://")
        return self


class SmtpSettings(Group):
    """The mail server that sends for us."""

    host: str = Field(min_length=1, description="mail server; unset means no e-mail is sent")
    port: int = Field(587, ge=1, le=65535, description="its port: 587 with starttls, 465 with tls")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="starttls, tls or none")
    username: str | None = Field(None, description="user name, when it asks for one")
    password: SecretStr | None = Field(None, description="password, when it asks for one")
    sender: MailAddress = Field(description="address that mail comes from")
    sender_name: str = Field("Customer Support", description="name that mail comes from")
    timeout_seconds: TimeoutSeconds = Field(20, description="give up on one attempt after this long")
    oauth: OauthSettings | None = None

    @check_together(mode="after")
    def _pair(self) -> SmtpSettings:
        if self.oauth is not None:
            if self.username is None or self.password is not None:
                raise ValueError("logs in by access token: set USERNAME, and no PASSWORD beside it")
            if self.security == "none" and self.host not in ("127.0.0.1", "::1", "localhost"):
                raise ValueError("sends access tokens without TLS: set SECURITY to starttls or tls")
        elif (self.username is None) != (self.password is None):
            raise ValueError("has a user name or a password but not both: set USERNAME and PASSWORD")
        return self
