"""A case has concerns that run side by side (answering, claiming, clocks). Each is a lane: a coroutine of its own.

Lanes wait in one place, `Lanes.wait`, so the case knows when nothing is under way and may continue as new.
A lane reads what to do from the case's state and never from where it stands in its code: a new run starts every lane
from the top and it finds its place again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from temporalio import workflow


class Lanes:
    """The lanes of one case. At most one wait per lane at a time: what a lane gathers inside must not wait here."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._waiting = 0
        self._stopping = False
        self.winding_down = False
        """Set once the case deals with its own cancellation, so that waits work again."""

    async def wait(self, condition: Callable[[], bool], *, until: datetime | None = None, summary: str = "") -> bool:
        """Wait for a condition, or until an instant.

        Args:
            condition: read-only look at the state.
            until: gives up then; None waits for as long as it takes, without a timer.
            summary: names the timer in the web UI.

        Returns:
            True when the condition holds, False when the time is up.
        """
        self._notice_cancellation()
        if condition():
            return True
        if until is not None and until <= workflow.now():
            return False
        self._waiting += 1
        try:
            timeout = None if until is None else until - workflow.now()
            await workflow.wait_condition(condition, timeout=timeout, timeout_summary=summary or None)
        except TimeoutError:
            return condition()
        finally:
            self._waiting -= 1
        return True

    def _notice_cancellation(self) -> None:
        """Stop here when the lanes are being stopped, or the case is cancelled.

        An activity that completes although its cancellation was asked for swallows the cancellation of whoever
        awaits it; the next wait is where it is noticed.
        """
        cancelled = workflow.cancellation_reason() is not None and not self.winding_down
        if self._stopping or cancelled:
            raise asyncio.CancelledError

    async def run(self, *lanes: Coroutine[Any, Any, None], leave: Callable[[], bool]) -> bool:
        """Run lanes side by side until each has come to its end.

        Args:
            lanes: the coroutines.
            leave: asked while all of them wait; True stops them there, for continue-as-new.

        Returns:
            True when the lanes came to their end, False when they were stopped while waiting.

        Raises:
            Whatever a lane raises; the others are cancelled first.
        """
        tasks = [asyncio.create_task(lane) for lane in lanes]

        def finished() -> bool:
            return all(task.done() for task in tasks) or any(_failed(task) for task in tasks)

        def may_leave() -> bool:
            return self._waiting == sum(not task.done() for task in tasks) and leave()

        try:
            await workflow.wait_condition(lambda: finished() or may_leave())
        except asyncio.CancelledError:
            await self._stop(tasks)
            raise
        await self._stop(tasks)
        self._notice_cancellation()
        for task in tasks:
            if _failed(task):
                task.result()
        return not any(task.cancelled() for task in tasks)

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        """Cancel what still runs and wait until it ended; an undo that a lane has begun is finished first."""
        self._stopping = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._stopping = False


def _failed(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None
