"""Says at once that something came; whoever misses it looks a moment later by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Collection


class Bell:
    """Rung by those who take something in, heard by those who deliver it. For one event loop."""

    def __init__(self) -> None:
        self._heard: list[tuple[frozenset[str], asyncio.Event]] = []

    def listen(self, kinds: Collection[str]) -> asyncio.Event:
        """An event that each ring for one of these kinds sets; its listener clears it."""
        event = asyncio.Event()
        self._heard.append((frozenset(kinds), event))
        return event

    def ring(self, kind: str) -> None:
        """Something of a kind came. Who delivers other kinds is not woken: each look costs the store a query."""
        for kinds, event in self._heard:
            if kind in kinds:
                event.set()
