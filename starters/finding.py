"""Which installation a command talks to: explicit settings first, then a running `surehand dev`, then the defaults."""

from __future__ import annotations

from runtime.configuration.tenants import Tenants
from runtime.settings.environment import Settings, load_settings
from starters.dev import state


def find_settings() -> Settings:
    """The settings of this command.

    Raises:
        ConfigurationProblem: a setting cannot be used.
    """
    settings = load_settings()
    dev = state.running(settings.data_dir)
    if dev is None or "address" in settings.temporal.model_fields_set:
        return settings
    return load_settings(defaults=dev.variables)


def find_tenant(settings: Settings, given: str | None) -> str:
    """The tenant that a command is about.

    Raises:
        ConfigurationProblem: it is not in `tenants.yaml`, so it gets nothing.
    """
    return Tenants(settings.configuration_dirs).check(given or settings.tenant)
