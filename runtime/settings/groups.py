"""The groups of settings: Temporal, the store, vendors, models, encryption, logs. Each field says what it means."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic import model_validator as check_together


def _web_address(value: str) -> str:
    if not re.match(r"https?://[^\s/]+", value):
        raise ValueError("is not a web address: begin it with https:// (or http:// on your own machine)")
    return value.rstrip("/")


def _host_and_port(value: str) -> str:
    if not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}", value):
        raise ValueError("is not an address: write it as host:port, without a scheme")
    return value


def _mail_address(value: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", value):
        raise ValueError("is not an e-mail address: write it as name@example.com")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
HostAndPort = Annotated[str, AfterValidator(_host_and_port)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
TimeoutSeconds = Annotated[float, Field(gt=0, le=600)]


class Group(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TemporalSettings(Group):
    """Where Temporal is and how to be let in."""

    address: HostAndPort = Field("127.0.0.1:7233", description="host:port of the Temporal frontend")
    namespace: str = Field("default", min_length=1, description="Temporal namespace")
    task_queue: str = Field("surehand", min_length=1, description="task queue of the workers")
    api_key: SecretStr | None = Field(None, description="API key of Temporal Cloud; implies TLS")
    tls: bool = Field(False, description="speak TLS to Temporal")
    tls_ca_file: Path | None = Field(None, description="PEM file of the certificate authority, when it is your own")
    tls_cert_file: Path | None = Field(None, description="PEM file of the client certificate, for mutual TLS")
    tls_key_file: Path | None = Field(None, description="PEM file of the client certificate's private key")
    tls_server_name: str | None = Field(None, description="name in the server's certificate, when it is not the host")

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted: asked for, or implied by a key or a certificate."""
        return self.tls or self.api_key is not None or self.tls_cert_file is not None or self.tls_ca_file is not None

    @field_validator("tls_ca_file", "tls_cert_file", "tls_key_file")
    @classmethod
    def _exists(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError("names a file that is not there: give the path of a PEM file")
        return path

    @check_together(mode="after")
    def _pair(self) -> TemporalSettings:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("has a client certificate or its key but not both: set TLS_CERT_FILE and TLS_KEY_FILE")
        return self


class WorkerSettings(Group):
    """How much one worker process takes on."""

    max_cached_workflows: int = Field(1000, ge=0, description="cases kept warm in memory, about 300 KB each")
    max_concurrent_workflow_tasks: int = Field(50, ge=2, description="workflow tasks worked on at once")
    max_concurrent_activities: int = Field(100, ge=1, description="activities worked on at once")
    max_young_activities: int = Field(
        8, ge=1, description="of these, how many began within half a second; with more, a flooding tenant delays others"
    )
    sticky_timeout_seconds: TimeoutSeconds = Field(2, description="wait this long for the worker that knows a case")
    graceful_shutdown_seconds: TimeoutSeconds = Field(20, description="let activities finish for this long on SIGTERM")
    build_id: str | None = Field(None, description="build id for worker versioning; unset means not versioned")
    metrics_address: HostAndPort | None = Field(None, description="host:port where Prometheus may read metrics")


class StoreSettings(Group):
    """The store of what outlives Temporal's retention."""

    url: SecretStr | None = Field(
        None,
        description="sqlite:///file or postgresql://user:password@host/name; unset means a file in DATA_DIR",
    )

    @field_validator("url")
    @classmethod
    def _known_kind(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not re.match(r"(sqlite|postgresql|postgres)(\+\w+)?://", url.get_secret_value()):
            raise ValueError("is not a store address: begin it with sqlite:/// or postgresql://")
        return url


class SlackSettings(Group):
    """The Slack app."""

    bot_token: SecretStr = Field(description="bot token (xoxb-...); unset means no chat")
    signing_secret: SecretStr | None = Field(None, description="signing secret, to check what Slack sends us")
    team_id: str | None = Field(None, description="workspace id (T...); messages of other workspaces are refused")
    app_id: str | None = Field(None, description="app id (A...); messages of other apps are refused")
    base_url: WebAddress = Field("https://slack.com/api", description="address of the Web API")
    timeout_seconds: TimeoutSeconds = Field(20, description="give up on one attempt after this long")


class ZendeskSettings(Group):
    """The ticketing system."""

    base_url: WebAddress = Field(description="https://<you>.zendesk.com; unset means no ticketing system")
    email: MailAddress = Field(description="address of the agent that the API token belongs to")
    api_token: SecretStr = Field(description="API token")
    webhook_secret: SecretStr | None = Field(None, description="secret that Zendesk signs its webhooks with")
    timeout_seconds: TimeoutSeconds = Field(20, description="give up on one attempt after this long")


class HubspotSettings(Group):
    """The CRM."""

    access_token: SecretStr = Field(description="private app token; unset means no CRM")
    base_url: WebAddress = Field("https://api.hubapi.com", description="address of the API")
    timeout_seconds: TimeoutSeconds = Field(20, description="give up on one attempt after this long")


class StripeSettings(Group):
    """The payment provider."""

    api_key: SecretStr = Field(description="restricted key that may refund and credit; unset means no money moves")
    base_url: WebAddress = Field("https://api.stripe.com", description="address of the API")
    timeout_seconds: TimeoutSeconds = Field(20, description="give up on one attempt after this long")


class PrometheusSettings(Group):
    """The metrics that playbooks look at."""

    base_url: WebAddress = Field(description="address of a Prometheus server; unset means playbooks see no metrics")
    token: SecretStr | None = Field(None, description="bearer token, when a proxy in front of it asks for one")
    timeout_seconds: TimeoutSeconds = Field(20, description="give up on one query after this long")


class ModelEndpoint(Group):
    """One OpenAI-compatible endpoint."""

    base_url: WebAddress = Field(description="address of the API, such as https://api.openai.com/v1")
    model: str = Field(min_length=1, description="name of the model there")
    api_key: SecretStr | None = Field(None, description="key, when it asks for one")
    price_in: float = Field(0.0, ge=0, description="price of a million tokens in, in the tenant's currency")
    price_out: float = Field(0.0, ge=0, description="price of a million tokens out, in the tenant's currency")
    timeout_seconds: TimeoutSeconds = Field(25, description="give up on one call after this long")


class ModelSettings(Group):
    """The language models, in the order they are asked; with neither, the rules do the work."""

    primary: ModelEndpoint | None = None
    secondary: ModelEndpoint | None = None


class EmbeddingSettings(Group):
    """One OpenAI-compatible endpoint that turns texts into vectors."""

    base_url: WebAddress = Field(description="address of the API; unset means knowledge is searched by words only")
    model: str = Field(min_length=1, description="name of the model there")
    api_key: SecretStr | None = Field(None, description="key, when it asks for one")
    timeout_seconds: TimeoutSeconds = Field(10, description="give up on one request after this long")
    least_similarity: float = Field(0.35, ge=0, le=1, description="cosine from which two texts count as alike")


class CodecSettings(Group):
    """Keys that encrypt what Temporal stores."""

    keys: SecretStr = Field(description="id:key,id:key with 32-byte keys in base64; unset means not encrypted")
    active: str | None = Field(None, description="id of the key that encrypts; unset means the first one")

    @property
    def key_ring(self) -> dict[str, bytes]:
        """Key id -> 32 bytes, in the order given."""
        return _read_keys(self.keys.get_secret_value())

    @property
    def active_id(self) -> str:
        """Id of the key that encrypts."""
        return self.active or next(iter(self.key_ring))

    @check_together(mode="after")
    def _keys_are_usable(self) -> CodecSettings:
        if self.active_id not in self.key_ring:
            raise ValueError("names an active key that KEYS does not have: set ACTIVE to one of its ids")
        return self


def _read_keys(text: str) -> dict[str, bytes]:
    ring: dict[str, bytes] = {}
    for part in (part.strip() for part in text.split(",")):
        key_id, colon, encoded = part.partition(":")
        if not colon or not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", key_id):
            raise ValueError("has a key that is not written as id:base64: make one with `openssl rand -base64 32`")
        if key_id in ring:
            raise ValueError("has two keys with the same id: give each its own")
        try:
            ring[key_id] = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise ValueError("has a key that is not base64: make one with `openssl rand -base64 32`") from None
        if len(ring[key_id]) != 32:
            raise ValueError("has a key that is not 32 bytes long: make one with `openssl rand -base64 32`")
    return ring


def _secret_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise ValueError("is not a name: write letters and digits with single underscores between them")
    return name


NamedSecrets = dict[Annotated[str, AfterValidator(_secret_name)], SecretStr]
"""Secrets of tools: `SUREHAND_SECRETS__INVENTORY_KEY` is `inventory_key` in `tools.yaml`."""
NamedServers = dict[Annotated[str, AfterValidator(_secret_name)], WebAddress]
"""Servers of tools: `SUREHAND_SERVERS__INVENTORY` is where the document `inventory` of `tools.yaml` is served."""


class PlaybookSettings(Group):
    """Where your own playbooks are."""

    folder: Path | None = Field(None, description="folder of your playbooks; one below it per tenant, by its name")

    @field_validator("folder")
    @classmethod
    def _is_folder(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            raise ValueError("names a folder that is not there: make it or correct the path")
        return folder


class EvidenceSettings(Group):
    """Files that users upload for incidents."""

    file_limit_bytes: int = Field(500_000_000, gt=0, description="largest file that is taken, in bytes, as uploaded")
    tenant_limit_bytes: int = Field(5_000_000_000, gt=0, description="all files of one tenant together, in bytes")
    keep_days: int = Field(90, ge=1, description="days after its last upload until a file is removed")


class EventSettings(Group):
    """Systems that are told of events."""

    sinks: SecretStr = Field(
        description="addresses that take CloudEvents by POST, separated by commas; unset means events stay on record"
    )
    timeout_seconds: TimeoutSeconds = Field(10, description="give up on one sink after this long")

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses, in the order given."""
        return tuple(part.strip() for part in self.sinks.get_secret_value().split(",") if part.strip())

    @check_together(mode="after")
    def _are_addresses(self) -> EventSettings:
        if not self.addresses:
            raise ValueError("names no address: write one, or leave the variable out")
        for address in self.addresses:
            _web_address(address)
        return self
