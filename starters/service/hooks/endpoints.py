"""Endpoints of `webhooks.yaml`: whose they are, and which secrets are in force."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from pydantic import Field

from domain.errors import ConfigurationProblem
from domain.model import Value
from runtime.configuration.policies import Configuration
from runtime.configuration.yaml_layers import read_layers
from starters.service.http.errors import Problem, of_status
from starters.service.services import Services

Kind = Literal["zendesk", "alertmanager", "pagerduty", "email", "events"]


class Endpoint(Value):
    """One endpoint."""

    kind: Kind
    tenant: str
    secrets: tuple[str, ...] = Field(min_length=1)
    """Names of settings."""


class WebhookFile(Value):
    """`webhooks.yaml`."""

    endpoints: dict[str, Endpoint] = Field(default_factory=dict)


@lru_cache(maxsize=8)
def _file(configuration: Configuration) -> WebhookFile:
    document = read_layers(configuration.dirs, "webhooks.yaml")
    return document.read(WebhookFile, document.data)


def check(configuration: Configuration) -> None:
    """Look whether the file can be used, before anything is sent to us.

    Raises:
        ConfigurationProblem: it cannot, or names a tenant that is not configured.
    """
    for name, endpoint in _file(configuration).endpoints.items():
        if endpoint.tenant not in configuration.tenants:
            raise ConfigurationProblem(
                f"webhooks.yaml gives the endpoint {name} to {endpoint.tenant}, which is no configured tenant: "
                "add it to tenants.yaml or correct the name."
            )


def endpoint_of(services: Services, kind: str, name: str) -> tuple[Endpoint, tuple[str, ...]]:
    """An endpoint and its secrets.

    Raises:
        Problem: 404, there is none; 503, none of its secrets is set.
    """
    known = _file(services.configuration).endpoints.get(name)
    if known is None or known.kind != kind:
        raise of_status(404)
    held = services.settings.secrets
    secrets = [held[one.lower()].get_secret_value() for one in known.secrets if one.lower() in held]
    zendesk = services.settings.zendesk
    if kind == "zendesk" and name == kind and zendesk is not None and zendesk.webhook_secret is not None:
        secrets.append(zendesk.webhook_secret.get_secret_value())
    if not secrets:
        raise Problem(503, "MISCONFIGURED", "No secret of this endpoint is set: see docs/webhooks.md.")
    return known, tuple(secrets)
