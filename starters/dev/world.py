"""The sandbox as settings: every vendor that the user did not configure is played by a simulator on this machine."""

from __future__ import annotations

import json
from pathlib import Path

from domain.errors import NotReachable
from runtime.settings.environment import Settings
from runtime.settings.service import REDIRECT_PATH

_HOST = "127.0.0.1"
_DESCRIBED = ("inventory", "shipping", "accounting", "deployments", "fleet", "documents", "mailing", "market")
"""Vendors that `tools.yaml` knows by their OpenAPI documents."""
SANDBOX_BOT = "xoxb-sandbox"
SANDBOX_CLIENT = "sandbox-client-secret"


def read_ports(state_file: Path) -> dict[str, int]:
    """The ports that the sandbox wrote down once it was ready.

    Raises:
        NotReachable: what it wrote cannot be understood.
    """
    try:
        told = json.loads(state_file.read_text("utf-8"))
        return {name: int(port) for name, port in told["ports"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise NotReachable(f"The sandbox did not say where it listens: see {state_file}.") from None


def variables(ports: dict[str, int], settings: Settings) -> dict[str, str]:
    """Settings that point each vendor to its simulator, except those that are configured already.

    Args:
        ports: from `read_ports`.
        settings: of the user; a group that is set there is left alone.
    """
    groups: dict[str, dict[str, str]] = {
        "smtp": {
            "HOST": _HOST,
            "PORT": str(ports["smtp"]),
            "SECURITY": "none",
            "SENDER": "support@example.com",
        },
        "slack": {
            "BOT_TOKEN": SANDBOX_BOT,
            "BASE_URL": f"{_web(ports['slack'])}/api",
            "SIGNING_SECRET": "sandbox-signing-secret",
        },
        "zendesk": {
            "BASE_URL": _web(ports["zendesk"]),
            "EMAIL": "surehand@example.com",
            "API_TOKEN": "sandbox-token",
        },
        "hubspot": {"ACCESS_TOKEN": "sandbox-token", "BASE_URL": _web(ports["hubspot"])},
        "stripe": {"API_KEY": "sk_test_sandbox", "BASE_URL": _web(ports["stripe"])},
        "prometheus": {"BASE_URL": _web(ports["metrics"])},
    }
    vendors = {
        f"SUREHAND_{name.upper()}__{field}": value
        for name, fields in groups.items()
        if getattr(settings, name) is None
        for field, value in fields.items()
    }
    for name in _DESCRIBED:
        if name not in settings.servers:
            vendors[f"SUREHAND_SERVERS__{name.upper()}"] = _web(ports[name])
            # The key of a real vendor never goes to a simulator, nor the other way round.
            vendors[f"SUREHAND_SECRETS__{name.upper()}_KEY"] = f"{name}-sandbox"
    return vendors


def accounts(ports: dict[str, int], settings: Settings, service_port: int) -> dict[str, str]:
    """Settings that let people sign in to the console at the sandbox's identity provider, unless another is configured.

    Args:
        ports: from `read_ports`.
        settings: of the user.
        service_port: where the service listens.
    """
    if settings.service.oidc is not None:
        return {}
    fields = {
        "ISSUER": _web(ports["identity"]),
        "CLIENT_ID": "surehand",
        "CLIENT_SECRET": SANDBOX_CLIENT,
        "REDIRECT_URI": f"{_web(service_port)}{REDIRECT_PATH}",
        "LABEL": "a sandbox account",
    }
    return {f"SUREHAND_SERVICE__OIDC__{name}": value for name, value in fields.items()}


def outbox_url(ports: dict[str, int]) -> str | None:
    """Address of the page that shows what was sent."""
    return _web(ports["outbox"]) if "outbox" in ports else None


def _web(port: int) -> str:
    return f"http://{_HOST}:{port}"
