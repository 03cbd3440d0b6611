"""The ports of playbooks: where they are kept, and where their events go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.model import JsonValue
from domain.playbook.messages import CloudEvent


class PlaybookLibrary(Protocol):
    """The playbooks a tenant has."""

    def find(self, tenant: str, name: str, version: str | None = None) -> dict[str, JsonValue]:
        """A checked definition; the newest version when none is named.

        Raises:
            InvalidInput: there is none by that name and version.
        """
        ...

    def names(self, tenant: str) -> Sequence[str]:
        """Names of all of them."""
        ...

    def check(self, definition: dict[str, JsonValue]) -> Sequence[str]:
        """What is wrong with a definition that came with a request, as sentences; empty when nothing is."""
        ...


class EventPublisher(Protocol):
    """Tells systems outside what happened, as CloudEvents."""

    async def publish(self, event: CloudEvent, *, tenant: str, key: str) -> int:
        """Send the event to every sink, to each once per key as far as it can be known; a repeat has the same id.

        Returns:
            How many sinks there are; 0 when none is configured.

        Raises:
            VendorError: a sink did not take it. Those that did are not asked again.
        """
        ...
