"""Whose log a file is: by the user's word, by what printed it, or by the file's name; and which files say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from integrations.evidence.kubernetes.names import workload_of
from integrations.evidence.logs.names import Names
from integrations.evidence.logs.opening import Opened
from integrations.evidence.printed import Printed, printed_by

_LOOKED_AT = 65_536
_HEAD_LINES = 8
_MOST_COMPARED = 4_000_000
"""Bytes of a file that is compared with others."""


@dataclass(frozen=True)
class Owner:
    """What is known of a file before it is read."""

    head: Printed | None = None
    digest: str | None = None
    """Of what stands below the head, where there is one."""

    @property
    def service(self) -> str | None:
        """Whose lines these are, as the head says."""
        if self.head is None or self.head.pod is None:
            return None
        return workload_of(self.head.pod.removesuffix(".service"))

    @property
    def skipped(self) -> int:
        """Lines that are no log."""
        return self.head.lines if self.head is not None else 0


def owner_of(path: Path) -> Owner:
    """Look at a file's first lines."""
    first = next(Opened(path, _LOOKED_AT).batches(), [])
    head = printed_by(first[:_HEAD_LINES])
    if head is None:
        return Owner()
    return Owner(head, _digest(path, head.lines) if path.stat().st_size <= _MOST_COMPARED else None)


def _digest(path: Path, skipped: int) -> str:
    lines = [line for batch in Opened(path, _MOST_COMPARED).batches() for line in batch][skipped:]
    told = [line.rstrip() for line in lines if line.strip() and line.strip() not in ("stdout:", "stderr:")]
    return hashlib.sha256("\n".join(told).encode("utf-8", "surrogatepass")).hexdigest()


def twins_of(owners: Sequence[Owner]) -> dict[int, int]:
    """Files that say the same of the same service as an earlier one: number of the file -> of the earlier one."""
    first: dict[tuple[str | None, str], int] = {}
    twins = {}
    for number, owner in enumerate(owners):
        if owner.digest is None:
            continue
        earlier = first.setdefault((owner.service, owner.digest), number)
        if earlier != number:
            twins[number] = earlier
    return twins


def service_of(given: str | None, owner: Owner, file_name: str, names: Names) -> tuple[str | None, bool]:
    """Whose lines a file holds, and whether that is certain.

    Args:
        given: as the user said it.
        owner: what the file's head says.
        file_name: as the user named it.
        names: services that are known.
    """
    for name in (given, owner.service):
        if name is not None:
            return names.named(name) or name, True
    named, _ = names.of_file(file_name)
    return named, named in names.known
