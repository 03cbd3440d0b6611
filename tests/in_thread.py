"""Worlds that all tests of a process share: each runs in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import io
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from runtime.garbage import settle

T = TypeVar("T")
_STARTS_WITHIN_SECONDS = 120.0
_STOPS_WITHIN_SECONDS = 60.0


class InThread(ABC):
    """Use it with `with`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        """Set it, or wait for it, in the loop only."""
        self._is_up = threading.Event()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    @abstractmethod
    async def _live(self) -> None:
        """Start, say `_up`, and go on until `_stop`."""

    def _up(self) -> None:
        self._is_up.set()

    def __enter__(self) -> Self:
        self._thread.start()
        is_up = self._is_up.wait(_STARTS_WITHIN_SECONDS)
        if self._problem is not None:
            raise self._problem
        # A world that is half there would fail each of its tests with something else.
        settle()  # as a process of the product does: a long look for garbage would stop the world
        assert is_up, f"It is not up after {_STARTS_WITHIN_SECONDS:.0f} s: {self._where_it_stands()}"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_STOPS_WITHIN_SECONDS)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Have something done in the world's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._live())
        except BaseException as problem:
            self._problem = problem
        finally:
            self._is_up.set()
            self._loop.close()

    def _where_it_stands(self) -> str:
        text = io.StringIO()
        for task in asyncio.all_tasks(self._loop):
            task.print_stack(file=text)
        return text.getvalue()


__all__ = ["InThread"]
