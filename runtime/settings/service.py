"""The settings of the HTTP service, in groups like all others."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic import model_validator as check_together

from runtime.settings.groups import Group, HostAndPort, TimeoutSeconds, WebAddress


class TokenSettings(Group):
    """Tokens (JWT) that an identity provider gives to programs and people."""

    issuer: str = Field(min_length=1, description="issuer (iss) that a token must name; unset means no tokens")
    audience: str = Field(min_length=1, description="audience (aud) that a token must name")
    jwks_url: WebAddress | None = Field(None, description="where the provider's public keys are")
    public_key_file: Path | None = Field(None, description="PEM file of the provider's public key, instead")
    tenant_claim: str = Field("tenant", min_length=1, description="claim that names the tenant")
    roles_claim: str = Field("roles", min_length=1, description="claim that names the roles, a list")
    person_claim: str = Field("sub", min_length=1, description="claim that names the person, as in people.yaml")

    @field_validator("public_key_file")
    @classmethod
    def _exists(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError("names a file that is not there: give the path of a PEM file")
        return path

    @check_together(mode="after")
    def _one_key(self) -> TokenSettings:
        if (self.jwks_url is None) == (self.public_key_file is None):
            raise ValueError("needs one place of the public key: set JWKS_URL or PUBLIC_KEY_FILE")
        return self


REDIRECT_PATH = "/console/sign-in/back"
"""Where people come back to from the identity provider."""


class OidcSettings(Group):
    """Signing in to the console at an identity provider (OpenID Connect)."""

    # Letter by letter as the provider writes it: some end with a slash.
    issuer: str = Field(
        pattern=r"^https?://[^\s?#]+$",
        description="address of the provider, as its tokens name it; unset means nobody signs in there",
    )
    client_id: str = Field(min_length=1, description="our name at the provider")
    client_secret: SecretStr = Field(min_length=16, description="our secret at the provider, 16 characters or more")
    redirect_uri: WebAddress = Field(
        description=f"where people come back to, as registered there: https://HOST{REDIRECT_PATH}"
    )
    scopes: str = Field("openid", pattern=r"(^|\s)openid(\s|$)", description="what we ask for, separated by spaces")
    tenant_claim: str = Field("tenant", min_length=1, description="claim that names the tenant")
    roles_claim: str = Field("roles", min_length=1, description="claim that names the roles, a list")
    label: str = Field("your organisation", min_length=1, max_length=60, description="what the button calls it")
    timeout_seconds: TimeoutSeconds = Field(5, description="give up on one call to the provider after this long")

    @field_validator("issuer", "redirect_uri")
    @classmethod
    def _is_closed_to_others(cls, address: str) -> str:
        parts = urlsplit(address)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("sends secrets without TLS: begin it with https://")
        return address

    @field_validator("redirect_uri")
    @classmethod
    def _comes_back_here(cls, address: str) -> str:
        parts = urlsplit(address)
        if parts.path != REDIRECT_PATH or parts.query or parts.fragment:
            raise ValueError(f"leads elsewhere: end it with {REDIRECT_PATH}")
        return address


_ORIGIN = re.compile(r"(?:https?|chrome-extension|moz-extension)://[A-Za-z0-9.-]+(?::\d{1,5})?\Z")


class ServiceSettings(Group):
    """The HTTP service."""

    host: str = Field("127.0.0.1", min_length=1, description="address it listens on; loopback by default")
    port: int = Field(8700, ge=1, le=65535, description="port it listens on")
    json_limit_bytes: int = Field(1_000_000, ge=1_000, description="largest JSON body that is taken, in bytes")
    answer_within_seconds: TimeoutSeconds = Field(5, description="wait this long for the answer to a simple question")
    session_hours: int = Field(24, ge=1, le=720, description="hours until a session ends")
    idle_minutes: int = Field(120, ge=5, le=43_200, description="minutes until a console session that nobody uses ends")
    passwords: bool | None = Field(
        None, description="sign in to the console by password: true or false; unset means where there is no OIDC"
    )
    proxies: str = Field(
        "", description="addresses of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8, by commas"
    )
    repeat_hours: int = Field(24, ge=1, le=720, description="hours for which an Idempotency-Key is remembered")
    requests_per_minute: int = Field(
        6_000, ge=0, description="requests of one key or token in a minute, over all replicas; 0 for no limit"
    )
    cors_origins: str = Field(
        "", description="origins whose pages may ask (CORS), such as https://desk.example.com, by commas"
    )
    metrics_address: HostAndPort | None = Field(
        None, description="host:port where Prometheus may read metrics; on PORT itself they are for operators only"
    )
    temporal_ui: str | None = Field(
        None, pattern=r"^https?://[^\s]+$", description="address of Temporal's web UI, for links from the console"
    )
    docs: bool = Field(False, description="serve a page that shows the API, at /docs")
    tokens: TokenSettings | None = None
    oidc: OidcSettings | None = None

    @field_validator("proxies")
    @classmethod
    def _are_addresses(cls, text: str) -> str:
        try:
            networks_in(text)
        except ValueError:
            raise ValueError("holds something that is no address: write 10.0.0.5 or 10.0.0.0/8") from None
        return text

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, text: str) -> str:
        if not all(_ORIGIN.match(origin) for origin in parts_of(text)):
            raise ValueError("holds something that is no origin: write https://HOST, with a port where it has one")
        return text

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins whose pages may ask."""
        return parts_of(self.cors_origins)

    @property
    def takes_passwords(self) -> bool:
        """Whether people sign in to the console by password."""
        return self.passwords if self.passwords is not None else self.oidc is None


Network = IPv4Network | IPv6Network


def networks_in(text: str) -> tuple[Network, ...]:
    """Addresses and networks, separated by commas.

    Raises:
        ValueError: one of them is none.
    """
    return tuple(ip_network(part) for part in parts_of(text))


def parts_of(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
