"""The one line that sets the worker or the service of `surehand dev` off: with which settings to run."""

from __future__ import annotations

import json

from runtime.settings.environment import Settings, load_settings


def order(variables: dict[str, str], *, isolated: bool, service_port: int = 0) -> str:
    """The line.

    Args:
        variables: settings that count where the environment sets nothing else.
        isolated: ignore the environment's own settings.
        service_port: where the service listens; a free port when 0.
    """
    return json.dumps({"variables": variables, "isolated": isolated, "service_port": service_port})


def settings_of(line: str) -> Settings:
    """The settings that an order stands for."""
    told = json.loads(line)
    return load_settings(environ={} if told["isolated"] else None, defaults=told["variables"])


def service_port_of(line: str) -> int:
    """Where an order wants the service to listen."""
    return int(json.loads(line)["service_port"])
