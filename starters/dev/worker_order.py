"""The one line that sets the worker of `surehand dev` off: with which settings to run."""

from __future__ import annotations

import json

from runtime.settings import Settings, load_settings


def order(variables: dict[str, str], *, isolated: bool) -> str:
    """The line.

    Args:
        variables: settings that count where the environment sets nothing else.
        isolated: ignore the environment's own settings.
    """
    return json.dumps({"variables": variables, "isolated": isolated})


def settings_of(line: str) -> Settings:
    """The settings that an order stands for."""
    told = json.loads(line)
    return load_settings(environ={} if told["isolated"] else None, defaults=told["variables"])
