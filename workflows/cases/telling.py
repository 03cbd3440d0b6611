"""Writes a case down soon after it changed, where systems outside are told of it: the store tells what it is given.

Only cases whose tenant has somebody to tell do so, as the policy they began with says; all others are written down at
their milestones. It goes on beside whatever the case does, and a store that is down holds up nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic

from temporalio import workflow

from workflows.cases.case import Case, StateT


class Telling(Generic[StateT]):
    """Writes one case down whenever something changed that others are told of."""

    def __init__(
        self, case: Case[StateT], marks: Callable[[], tuple[object, ...]], write: Callable[[], Awaitable[None]]
    ):
        """Nothing is written before `begin`.

        Args:
            case: to write down.
            marks: what of it is told, beside status, phase and approvals.
            write: writes it down once; a failure is tried again with the next change.
        """
        self._case = case
        self._marks = marks
        self._write = write
        self._task: asyncio.Task[None] | None = None
        self._over = False
        self._line = ""
        self.is_writing = False
        """Whether something is on its way to the store."""

    def begin(self) -> None:
        """From now on, where anybody is told."""
        policy = self._case.state.policy
        if self._task is None and policy is not None and policy.tells_others:
            self._task = asyncio.create_task(self._keep_written())

    def end(self) -> None:
        """From now on what is written down is the milestones'."""
        self._over = True

    async def stop(self) -> None:
        """End, and wait for what is on its way, so that a new run finds it written."""
        self.end()
        if self._task is not None:
            await self._task

    async def _keep_written(self) -> None:
        state = self._case.state
        while not self._over:
            await workflow.wait_condition(lambda: self._over or self._is_news())
            if self._over:
                return
            # Written or not: what the store does not have goes with the next change.
            state.told, self._line = self._mark(), self._last_line()
            self.is_writing = True
            await self._case.attempt("Tell others", self._write)
            self.is_writing = False

    def _is_news(self) -> bool:
        return self._mark() != self._case.state.told or self._last_line() not in (self._line, "")

    def _mark(self) -> str:
        state = self._case.state
        return "|".join(str(part) for part in (state.current_status().value, state.phase, *self._marks()))

    def _last_line(self) -> str:
        """Of the approvals audit, as far as the store does not have it."""
        lines = self._case.state.unsaved_audit
        return f"{lines[-1].request_id}/{lines[-1].number}" if lines else ""
