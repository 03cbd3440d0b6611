"""How much memory an analysis may take."""

from __future__ import annotations

import contextlib

MOST_MEMORY_BYTES = 1_000_000_000
"""Address space. What is in use stays far below; a file that defeats our bounds ends the process and not the worker."""


def limit_memory(most_bytes: int = MOST_MEMORY_BYTES) -> None:
    """Refuse this process more; where the system has no such limit, nothing happens."""
    try:
        import resource  # noqa: PLC0415  # not on Windows
    except ImportError:
        return
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
