"""The settings of one process, and the only place in Surehand that reads the environment.

Every variable begins with `SUREHAND_`; `__` separates a group from its field: `SUREHAND_SMTP__HOST`. Nothing is read
from a file unless `SUREHAND_ENV_FILE` names one, or a variable such as `SUREHAND_STORE__URL_FILE` a secret's.
`.env.example` lists every variable with its meaning.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from domain.errors import ConfigurationProblem, InvalidInput
from domain.ids import check_tenant
from runtime.settings.faults import DELIMITER, PREFIX, explain, unknown_names
from runtime.settings.groups import (
    CodecSettings,
    EmbeddingSettings,
    EventSettings,
    EvidenceSettings,
    HubspotSettings,
    ModelEndpoint,
    ModelSettings,
    NamedSecrets,
    NamedServers,
    PlaybookSettings,
    PrometheusSettings,
    SlackSettings,
    StoreSettings,
    StripeSettings,
    TemporalSettings,
    WebAddress,
    WorkerSettings,
    ZendeskSettings,
)
from runtime.settings.mail import SmtpSettings
from runtime.settings.secret_files import with_files
from runtime.settings.service import OidcSettings, ServiceSettings, TokenSettings
from runtime.settings.signing import SigningSettings
from runtime.settings.standard_variables import from_opentelemetry
from runtime.settings.telemetry import LogSettings, TracingSettings
from runtime.settings.webhooks import WebhookSettings

__all__ = [
    "ENV_FILE",
    "SHIPPED_CONFIG",
    "CodecSettings",
    "EmbeddingSettings",
    "EventSettings",
    "EvidenceSettings",
    "HubspotSettings",
    "LogSettings",
    "ModelEndpoint",
    "ModelSettings",
    "OidcSettings",
    "PlaybookSettings",
    "PrometheusSettings",
    "ServiceSettings",
    "Settings",
    "SigningSettings",
    "SlackSettings",
    "SmtpSettings",
    "StoreSettings",
    "StripeSettings",
    "TemporalSettings",
    "TokenSettings",
    "TracingSettings",
    "WebhookSettings",
    "WorkerSettings",
    "ZendeskSettings",
    "bare_environment",
    "load_settings",
]

ENV_FILE = "SUREHAND_ENV_FILE"
SECRETS_PREFIX = f"{PREFIX}SECRETS{DELIMITER}"
_BARE = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
SHIPPED_CONFIG = Path(__file__).resolve().parents[2] / "config"


class Settings(BaseSettings):
    """Everything one process is told. A vendor's group that is absent switches that leg off."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, env_ignore_empty=True, extra="forbid", frozen=True
    )

    temporal: TemporalSettings = TemporalSettings()
    worker: WorkerSettings = WorkerSettings()
    store: StoreSettings = StoreSettings()
    smtp: SmtpSettings | None = None
    slack: SlackSettings | None = None
    zendesk: ZendeskSettings | None = None
    hubspot: HubspotSettings | None = None
    stripe: StripeSettings | None = None
    prometheus: PrometheusSettings | None = None
    model: ModelSettings = ModelSettings()
    embeddings: EmbeddingSettings | None = None
    codec: CodecSettings | None = None
    signing: SigningSettings = SigningSettings()
    playbooks: PlaybookSettings = PlaybookSettings()
    events: EventSettings | None = None
    evidence: EvidenceSettings = EvidenceSettings()
    webhooks: WebhookSettings = WebhookSettings()
    service: ServiceSettings = ServiceSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
    secrets: NamedSecrets = Field({}, description="a secret by the name that tools.yaml calls it by; one variable each")
    servers: NamedServers = Field(
        {}, description="address of a vendor by its name below `openapi` in tools.yaml; unset means it is switched off"
    )
    config_dirs: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="your configuration folders, separated by commas; later ones win over earlier ones"
    )
    tenant: str = Field("default", description="tenant of a ticket that names none")
    data_dir: Path = Field(Path(".surehand"), description="folder for the store's file and Temporal's development data")
    dashboard_url: WebAddress | None = Field(None, description="public address of the console, for links in messages")

    @field_validator("config_dirs", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("config_dirs")
    @classmethod
    def _are_folders(cls, dirs: tuple[Path, ...]) -> tuple[Path, ...]:
        if not all(path.is_dir() for path in dirs):
            raise ValueError("names a folder that is not there: make it or correct the path")
        return dirs

    @field_validator("tenant")
    @classmethod
    def _tenant_fits(cls, name: str) -> str:
        try:
            return check_tenant(name)
        except InvalidInput:
            raise ValueError("has 1 to 64 letters, digits, dots, dashes or underscores: rename the tenant") from None

    @property
    def configuration_dirs(self) -> tuple[Path, ...]:
        """The layers of configuration, lowest first: the shipped one, then the user's."""
        return (SHIPPED_CONFIG, *self.config_dirs)

    @property
    def evidence_dir(self) -> Path:
        """Folder of what users uploaded; all workers of an installation share it."""
        return self.data_dir / "evidence"

    @property
    def store_url(self) -> str:
        """The store's address for SQLAlchemy's async engine. May hold a password: never log it."""
        if self.store.url is None:
            return f"sqlite+aiosqlite:///{self.data_dir / 'surehand.db'}"
        url = self.store.url.get_secret_value()
        url = re.sub(r"^sqlite://", "sqlite+aiosqlite://", url)
        return re.sub(r"^postgres(ql)?://", "postgresql+asyncpg://", url)

    def secret_values(self) -> frozenset[str]:
        """Every secret value, for the log filter that hides them."""
        return frozenset(_secrets_in(self))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read what `load_settings` hands over and nothing else: no implicit files."""
        return (init_settings,)


class _Variables(EnvSettingsSource):
    """Reads variables from a mapping instead of the process's environment."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = {name.lower(): value for name, value in variables.items() if value.strip()}
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._variables


def _secrets_in(group: BaseModel) -> list[str]:
    found: list[str] = []
    for name in type(group).model_fields:
        value = getattr(group, name)
        if isinstance(value, SecretStr):
            found.append(value.get_secret_value())
        elif isinstance(value, BaseModel):
            found.extend(_secrets_in(value))
        elif isinstance(value, dict):
            found.extend(secret.get_secret_value() for secret in value.values() if isinstance(secret, SecretStr))
    if isinstance(group, StoreSettings) and group.url is not None:
        found.append(urlsplit(group.url.get_secret_value()).password or "")
    if isinstance(group, CodecSettings):
        found.extend(part.partition(":")[2].strip() for part in group.keys.get_secret_value().split(","))
    if isinstance(group, SigningSettings) and group.key is not None:
        found.append(group.key.get_secret_value().partition(":")[2].strip())
    return [secret for secret in found if secret]


def load_settings(
    *,
    environ: Mapping[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings, or refuse them with one sentence per fault.

    Args:
        environ: the variables; the process's environment when not given.
        defaults: variables that count where neither the environment nor its file sets them (`surehand dev` uses them).
        overrides: variables that win over all others (options of the command line).

    Raises:
        ConfigurationProblem: one sentence per fault, one per line. They name variables and never their values.
    """
    process = os.environ if environ is None else environ
    standard = from_opentelemetry(process)
    variables: dict[str, str] = {
        **(defaults or {}),
        **standard,
        **_env_file(process.get(ENV_FILE)),
        **process,
        **(overrides or {}),
    }
    ours = {name: text for name, text in variables.items() if name.upper().startswith(PREFIX) and name != ENV_FILE}
    ours, faults = with_files(Settings, ours)
    faults += unknown_names(Settings, ours, also_known=(ENV_FILE,))
    if faults:
        raise ConfigurationProblem("\n".join(faults))
    named = {name: text for name, text in ours.items() if name.upper().startswith(SECRETS_PREFIX)}
    values: dict[str, Any] = _Variables({name: text for name, text in ours.items() if name not in named})()
    # Taken as they are: the reader of groups would turn a secret made of digits into a number.
    values["secrets"] = {name[len(SECRETS_PREFIX) :].lower(): text for name, text in named.items() if text.strip()}
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigurationProblem("\n".join(explain(Settings, error))) from None


def bare_environment() -> dict[str, str]:
    """What a program that we start may know of our environment: where programs and files are, and no secret."""
    return {name: os.environ[name] for name in _BARE if name in os.environ}


def _env_file(path: str | None) -> dict[str, str]:
    if not path:
        return {}
    if not Path(path).is_file():
        raise ConfigurationProblem(f"{ENV_FILE} names a file that is not there: correct the path or unset it.")
    return {name: text for name, text in dotenv_values(path, interpolate=False).items() if text is not None}
