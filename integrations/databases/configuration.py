"""What `tools.yaml` says below `databases:`."""

from __future__ import annotations

import re

from pydantic import ConfigDict, Field, RootModel, field_validator

from domain.model import Value
from integrations.tools.authentication import SecretName


class DatabaseSource(Value):
    """One database that `database.query` may read."""

    secret: SecretName
    """Name of the secret that holds its address: `postgresql://user:password@host/name` or `sqlite:///file`. The user
    should have the right to read and no other."""
    tenants: tuple[str, ...] = Field(min_length=1)
    """Who may ask it; `*` for all."""
    title: str = ""
    """What is in it, for people."""
    timeout_seconds: float = Field(10, gt=0, le=120)
    """Of one statement; the server ends it too."""
    most_rows: int = Field(200, ge=1, le=5_000)
    most_bytes: int = Field(50_000, ge=1_000, le=500_000)
    """Of all rows together, as JSON."""
    redact: bool = True
    """Replace personal data and secrets in what comes back by tokens."""

    def is_for(self, tenant: str) -> bool:
        """Whether a tenant may ask it."""
        return "*" in self.tenants or tenant in self.tenants


class DatabaseSources(RootModel[dict[str, DatabaseSource]]):
    """All of them, by name. None unless listed."""

    model_config = ConfigDict(frozen=True)
    root: dict[str, DatabaseSource] = Field(default_factory=dict)

    @field_validator("root")
    @classmethod
    def _names_fit(cls, sources: dict[str, DatabaseSource]) -> dict[str, DatabaseSource]:
        for name in sources:
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,39}", name):
                raise ValueError(f"{name!r} cannot name a database: use letters, digits, dashes and underscores")
        return sources
