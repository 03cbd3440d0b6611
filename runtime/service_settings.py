"""The settings of the HTTP service, in groups like all others."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator
from pydantic import model_validator as check_together

from runtime.setting_groups import Group, TimeoutSeconds, WebAddress


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


class ServiceSettings(Group):
    """The HTTP service."""

    host: str = Field("127.0.0.1", min_length=1, description="address it listens on; loopback by default")
    port: int = Field(8700, ge=1, le=65535, description="port it listens on")
    json_limit_bytes: int = Field(1_000_000, ge=1_000, description="largest JSON body that is taken, in bytes")
    answer_within_seconds: TimeoutSeconds = Field(5, description="wait this long for the answer to a simple question")
    session_hours: int = Field(24, ge=1, le=720, description="hours until a session ends")
    repeat_hours: int = Field(24, ge=1, le=720, description="hours for which an Idempotency-Key is remembered")
    open_metrics: bool = Field(False, description="show /metrics to whoever asks; otherwise to operators only")
    temporal_ui: str | None = Field(
        None, pattern=r"^https?://[^\s]+$", description="address of Temporal's web UI, for links from the console"
    )
    docs: bool = Field(False, description="serve a page that shows the API, at /docs")
    tokens: TokenSettings | None = None
