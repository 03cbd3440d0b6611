"""The settings of webhooks to systems outside."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from runtime.settings.groups import Group


class WebhookSettings(Group):
    """Where webhooks may go beside the public internet."""

    internal_hosts: str = Field(
        "",
        description="host:port, separated by commas, of endpoints in your own network; these may also speak plain http",
    )

    @property
    def places(self) -> tuple[str, ...]:
        """The hosts, in the order given."""
        return tuple(part.strip().lower() for part in self.internal_hosts.split(",") if part.strip())

    @field_validator("internal_hosts")
    @classmethod
    def _are_places(cls, text: str) -> str:
        for part in text.split(","):
            if part.strip() and not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}", part.strip()):
                raise ValueError("has something that is no host:port: write it without a scheme")
        return text
