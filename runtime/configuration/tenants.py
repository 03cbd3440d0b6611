"""Which tenants there are, and the share of busy workers that each gets. Read alone, because it costs little.

Whoever starts something asks here first: a tenant that is not in `tenants.yaml` gets nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from domain.errors import ConfigurationProblem
from domain.model import Value
from runtime.configuration.yaml_layers import Document, read_layers

TENANTS_FILE = "tenants.yaml"
SHARE = "share"
"""Key of a tenant in `tenants.yaml`."""


class _Share(Value):
    share: float = Field(1.0, ge=0.001, le=1_000)
    """As far as Temporal's weights go."""


class Tenants:
    """The configured tenants.

    Args:
        dirs: configuration folders, lowest first.

    Raises:
        ConfigurationProblem: the file cannot be read, or a share cannot be used.
    """

    def __init__(self, dirs: Sequence[Path]) -> None:
        document = read_layers(dirs, TENANTS_FILE)
        self._shares = {name: _share_of(document.below("tenants", name)) for name in document.below("tenants").data}

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._shares)

    def check(self, tenant: str) -> str:
        """The name, when there is such a tenant.

        Raises:
            ConfigurationProblem: there is none.
        """
        self.share_of(tenant)
        return tenant

    def share_of(self, tenant: str) -> float:
        """The share of a tenant: one with 2 gets twice as many turns as one with 1.

        Raises:
            ConfigurationProblem: there is no such tenant.
        """
        share = self._shares.get(tenant)
        if share is None:
            raise ConfigurationProblem("That tenant is not configured: add it to tenants.yaml or correct the name.")
        return share


def _share_of(tenant: Document) -> float:
    given = {SHARE: tenant.data[SHARE]} if SHARE in tenant.data else {}
    return tenant.read(_Share, given).share
