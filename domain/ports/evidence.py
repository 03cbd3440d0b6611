"""The port of the store that keeps evidence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Protocol


class EvidenceStore(Protocol):
    """Files that users uploaded for incidents, by reference. Their content never stands in history."""

    async def put(self, tenant: str, name: str, content: AsyncIterator[bytes]) -> tuple[str, int]:
        """Keep a file, read as a stream; the same content twice is kept once.

        Args:
            tenant: whose it is.
            name: as the user calls the file; for people, never a path.
            content: its bytes, in pieces of any size.

        Returns:
            The reference, `sha256:` and 64 hexadecimal digits, and the size in bytes.

        Raises:
            InvalidInput: it is empty or too large, or the tenant keeps too much.
            VendorUnavailable: it cannot be kept now.
        """
        ...

    async def path(self, tenant: str, reference: str) -> Path:
        """A local file to read and never to change; gzip as it was uploaded.

        Raises:
            InvalidInput: the tenant has no such evidence. Another tenant's looks the same.
        """
        ...

    async def remove_older_than(self, moment: datetime) -> int:
        """Remove what was last uploaded before a moment (with a time zone), of every tenant; returns how many."""
        ...
