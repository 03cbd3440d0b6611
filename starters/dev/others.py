"""Other servers than our own: one that the settings name, and one that a predecessor left."""

from __future__ import annotations

import asyncio

from domain.errors import ConfigurationProblem
from runtime.settings.environment import Settings
from runtime.temporal.dev_server import is_free
from starters.dev.state import DevState

_PREDECESSOR_IS_GONE_WITHIN_SECONDS = 10.0


def refuse_other_servers(settings: Settings) -> None:
    """Refuse settings that name another Temporal.

    Raises:
        ConfigurationProblem: they do.
    """
    if "address" in settings.temporal.model_fields_set or settings.temporal.uses_tls:
        raise ConfigurationProblem(
            "This brings a Temporal server of its own, and SUREHAND_TEMPORAL__ADDRESS or its TLS settings name "
            "another: unset them, or run `surehand worker` beside that server."
        )


async def is_gone(before: DevState) -> None:
    """Wait for the server of a predecessor that was killed: two on one file would fight over it."""
    for _ in range(round(_PREDECESSOR_IS_GONE_WITHIN_SECONDS / 0.1)):
        if is_free(before.temporal_port):
            return
        await asyncio.sleep(0.1)
