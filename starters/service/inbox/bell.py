"""Says at once that something came; whoever misses it looks a moment later by themselves."""

from __future__ import annotations

import asyncio


class Bell:
    """Rung by those who take something in, heard by those who deliver it. For one event loop."""

    def __init__(self) -> None:
        self._heard: list[asyncio.Event] = []

    def listen(self) -> asyncio.Event:
        """An event that each ring sets; its listener clears it."""
        event = asyncio.Event()
        self._heard.append(event)
        return event

    def ring(self) -> None:
        """Something came."""
        for event in self._heard:
            event.set()
