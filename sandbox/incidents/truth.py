"""What really happened in a made-up incident."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

KINDS = (
    "bad_deployment",
    "connection_pool",
    "certificate",
    "memory_leak",
    "slow_dependency",
    "disk_full",
    "bad_configuration",
    "traffic_surge",
    "clock_skew",
    "dns_failure",
)


@dataclass(frozen=True)
class Cause:
    """One fault that was injected."""

    service: str
    kind: str
    change: str | None
    """Id of the change record that brought it about; None when no change did."""
    onset: datetime
    """When the first request was hurt."""


@dataclass(frozen=True)
class Truth:
    """The answer to an incident; never part of the evidence."""

    seed: int
    causes: tuple[Cause, ...]
    """In the order in which they began."""
    affected: tuple[str, ...]
    """Everybody whose answers got worse, the faulty ones included."""
    is_answerable: bool
    """False when what points to the cause was taken out of the evidence: then nobody can know."""

    @property
    def services(self) -> tuple[str, ...]:
        """The faulty services, in the order in which they began."""
        return tuple(cause.service for cause in self.causes)

    @property
    def kind(self) -> str:
        """The first fault's kind."""
        return self.causes[0].kind

    @property
    def change(self) -> str | None:
        """The first fault's change."""
        return self.causes[0].change

    @property
    def onset(self) -> datetime:
        """When it all began."""
        return self.causes[0].onset

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {
            "seed": self.seed,
            "is_answerable": self.is_answerable,
            "services": list(self.services),
            "kind": self.kind,
            "change": self.change,
            "onset": self.onset.isoformat(),
            "affected": list(self.affected),
            "causes": [{**asdict(cause), "onset": cause.onset.isoformat()} for cause in self.causes],
        }

    def write(self, file: Path) -> None:
        """Keep it beside the evidence."""
        file.write_text(json.dumps(self.as_json(), indent=2) + "\n", encoding="utf-8")
