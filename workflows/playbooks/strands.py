"""Strands: the places at which a playbook is at work at the same time, one for each open branch of a fork.

A run may be continued as new when every strand rests: in a timer, a listener, an approval, a parked step, or between
two tasks. The new run starts the definition from the top and finds its place again by the frames in its state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow

from workflows.cases.lanes import Lanes

ResultT = TypeVar("ResultT")


class Stop:
    """Says to a part of a run that it is no longer wanted.

    Cancelling alone is not enough: an activity that completes although its cancellation was asked for swallows the
    cancellation of whoever awaits it. So each boundary between tasks looks here too.
    """

    def __init__(self, outer: Stop | None = None) -> None:
        """`outer` is of the part that this one is in."""
        self._outer = outer
        self._asked = False

    def ask(self) -> None:
        """Say it."""
        self._asked = True

    @property
    def is_asked(self) -> bool:
        """Whether it was said, to this part or to one around it."""
        return self._asked or (self._outer is not None and self._outer.is_asked)

    def notice(self) -> None:
        """Raise `CancelledError` when it was said."""
        if self.is_asked:
            raise asyncio.CancelledError


class Strands(Lanes):
    """The strands of one run."""

    def __init__(self) -> None:
        """One strand, at work."""
        super().__init__()
        self._count = 1
        self.leaving = False
        """Set when the run stops here to be continued as new: nothing is undone and nothing is taken back."""

    def forked(self, branches: int) -> None:
        """A strand has split; the one that waits for the branches does not count meanwhile."""
        self._count += branches - 1

    def branch_ended(self) -> None:
        """A branch came to its end."""
        self._count -= 1

    def joined(self) -> None:
        """All branches came to their end, and the one that waited for them goes on."""
        self._count += 1

    def all_rest(self) -> bool:
        """Whether nothing is under way."""
        return self._waiting == self._count

    async def rest(self) -> None:
        """Wait here until the run is continued as new."""
        await self.wait(lambda: False)

    async def pause(self, until: datetime, summary: str) -> None:
        """Wait until an instant."""
        await self.wait(lambda: False, until=until, summary=summary)


async def run_until(work: Awaitable[ResultT], stop: Stop, deadline: datetime | None, summary: str) -> ResultT:
    """Await something, and stop it at a deadline.

    Args:
        work: what to await; it must watch `stop`.
        stop: asked when the deadline comes, or whoever awaits this is cancelled.
        deadline: None waits for as long as it takes.
        summary: names the timer in the web UI.

    Raises:
        TimeoutError: the deadline came; the work has ended by then.
    """
    task: asyncio.Task[Any] = asyncio.ensure_future(work)
    timeout = None if deadline is None else max(deadline - workflow.now(), timedelta(0))
    try:
        await workflow.wait_condition(task.done, timeout=timeout, timeout_summary=summary or None)
    except (TimeoutError, asyncio.CancelledError):
        stop.ask()
        await ended(task)
        raise
    return task.result()  # type: ignore[no-any-return]  # ensure_future forgets the type


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel what still runs, and wait until it really ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def shielded(work: Awaitable[ResultT], on_cancel: Callable[[], None]) -> ResultT:
    """Await something to its end, whatever cancellation comes meanwhile.

    Args:
        work: what must not be left half done.
        on_cancel: called when a cancellation came, so that it is not forgotten.
    """
    task: asyncio.Task[Any] = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.done():
                break
            on_cancel()
    return task.result()  # type: ignore[no-any-return]  # as above
