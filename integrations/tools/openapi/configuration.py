"""What `tools.yaml` says below `openapi:` and `web:`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
    field_validator,
    model_validator,
)

from domain.model import Value
from domain.tools.tool import Safety, ToolUndo, is_reserved
from integrations.http import RESPONSE_LIMIT
from integrations.tools.authentication import Authentication

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$", max_length=1000)]
Port = Annotated[int, Field(ge=1, le=65535)]
TimeoutSeconds = Annotated[float, Field(gt=0, le=600)]
ResponseLimit = Annotated[int, Field(ge=1_000, le=50_000_000)]


def _server_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.username or parts.query or parts.fragment:
        raise ValueError("is no address of a server: write it as https://host/path, without credentials or query")
    return value.rstrip("/")


BY_SETTING = "setting"
ServerAddress = Annotated[str, AfterValidator(_server_address)]


class OpenApiSource(Value):
    """One OpenAPI document and how its operations become tools. Operations go by their `operationId`."""

    document: str
    """A file, relative to the configuration folder, or an address that begins with https://."""
    server: ServerAddress | Literal["setting"] | None = None
    """Where calls go; wins over the document, and may be an internal host because you name it here. `setting` takes it
    from `SUREHAND_SERVERS__NAME`; while that is unset, the vendor is switched off."""
    server_variables: dict[str, str] = Field(default_factory=dict)
    """Values for the variables in the document's own server address."""
    vendor: str | None = None
    """Who is behind it; the name of this entry when unset."""
    authentication: Authentication | None = None
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Sent with each call, such as an API version. No place for a secret."""
    omit: tuple[str, ...] = ()
    """Parameters that no caller gives, such as a `token` that `authentication` stands for. Fixed headers are omitted
    by themselves."""
    include: tuple[str, ...] = ()
    """Operations that become tools, `*` at the end as the only wildcard; all of them when empty."""
    exclude: tuple[str, ...] = ()
    idempotency_header: HeaderName | None = None
    """Where the vendor takes a call's key, such as `Idempotency-Key`: makes its writes idempotent."""
    safety: dict[str, Safety] = Field(default_factory=dict)
    """Tightens what the HTTP method says; a looser word changes nothing."""
    capabilities: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    undo: dict[str, ToolUndo] = Field(default_factory=dict)
    timeout_seconds: TimeoutSeconds = 20
    response_limit_bytes: ResponseLimit = RESPONSE_LIMIT

    @model_validator(mode="after")
    def _credentials_have_one_address(self) -> Self:
        if self.authentication is not None and self.server is None:
            raise ValueError("has an authentication and no server: set `server`, so that credentials go nowhere else")
        return self

    def offers(self, operation_id: str) -> bool:
        """Whether an operation becomes a tool."""
        included = not self.include or _matches(operation_id, self.include)
        return included and not _matches(operation_id, self.exclude)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern for pattern in patterns)


class WebCredentials(Authentication):
    """A named way for plain HTTP calls to prove who we are, and where it may be shown."""

    hosts: tuple[str, ...] = Field(min_length=1)
    """Hosts that see it, each as `host` or `host:port`; nobody else does, whatever a playbook asks for."""


class WebConfiguration(Value):
    """Plain HTTP calls, and documents that a playbook names by address. Nothing is allowed unless listed."""

    allowed_hosts: tuple[str, ...] = ()
    """Hosts on the public internet: a name, `*.` and a name for those below it, or `*` for every one."""
    internal_hosts: tuple[str, ...] = ()
    """Hosts that may have a private address, each as `host` or `host:port`."""
    ports: tuple[Port, ...] = (80, 443)
    timeout_seconds: TimeoutSeconds = 20
    response_limit_bytes: ResponseLimit = 1_000_000
    authentications: dict[str, WebCredentials] = Field(default_factory=dict)
    """Named ways to authenticate, for `authentication: {use: NAME}`."""
    safety: dict[str, Safety] = Field(default_factory=dict)
    """By method in lower case; tightens what the method says."""

    @model_validator(mode="after")
    def _internal_hosts_are_plain(self) -> Self:
        if any("*" in host for host in self.internal_hosts):
            raise ValueError("lists internal hosts with a wildcard: name each of them")
        return self


class OpenApiSources(RootModel[dict[str, OpenApiSource]]):
    """All documents, by the name that their tools' names begin with."""

    def placed(self, servers: Mapping[str, str]) -> OpenApiSources:
        """With each server that is a setting filled in; those whose setting is not there are left out.

        Args:
            servers: by name in lower case (`Settings.servers`).
        """
        placed = {}
        for name, source in self.root.items():
            if source.server != BY_SETTING:
                placed[name] = source
            elif name.lower() in servers:
                placed[name] = source.model_copy(update={"server": servers[name.lower()]})
        return OpenApiSources(placed)

    model_config = ConfigDict(frozen=True)
    root: dict[str, OpenApiSource] = Field(default_factory=dict)

    @field_validator("root")
    @classmethod
    def _names_fit(cls, sources: dict[str, OpenApiSource]) -> dict[str, OpenApiSource]:
        for name in sources:
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,31}", name) or is_reserved(name):
                raise ValueError(f"{name!r} cannot name a document: use letters, digits, dashes and underscores")
            if name in ("web", "python") or name.startswith("openapi-"):
                raise ValueError(f"{name!r} already means something: name the document otherwise")
        return sources
