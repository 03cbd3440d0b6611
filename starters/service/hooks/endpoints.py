"""Endpoints of `webhooks.yaml`: whose they are, and which secrets are in force."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from pydantic import Field

from domain.model import Value
from runtime.configuration import Configuration
from runtime.yaml_layers import read_layers
from starters.service.errors import Problem, of_status
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


def endpoint_of(services: Services, kind: str, name: str) -> tuple[Endpoint, tuple[str, ...]]:
    """An endpoint and its secrets.

    Raises:
        ConfigurationProblem: webhooks.yaml cannot be used.
        Problem: 404, there is none; 503, none of its secrets is set, or its tenant is not configured.
    """
    known = _file(services.configuration).endpoints.get(name)
    if known is None or known.kind != kind:
        raise of_status(404)
    held = services.settings.secrets
    secrets = [held[one.lower()].get_secret_value() for one in known.secrets if one.lower() in held]
    zendesk = services.settings.zendesk
    if kind == "zendesk" and name == kind and zendesk is not None and zendesk.webhook_secret is not None:
        secrets.append(zendesk.webhook_secret.get_secret_value())
    if not secrets or known.tenant not in services.configuration.tenants:
        raise Problem(503, "MISCONFIGURED", "This endpoint has no secret or no tenant: see docs/webhooks.md.")
    return known, tuple(secrets)
