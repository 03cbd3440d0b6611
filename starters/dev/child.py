"""A process that `surehand dev` starts: in a session of its own, its words in a log file, gone when we are gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from domain.errors import NotReachable
from runtime.temporal.dev_server import watch_over

_LONGEST_BACK_OFF_SECONDS = 30.0
_GOOD_RUN_SECONDS = 60.0
"""A child that ran for this long starts its back-off anew."""


class Child:
    """One process.

    Args:
        name: for people, such as `worker`.
        command: program and arguments.
        log_file: gets what the process writes to standard error.
        environment: its variables; ours when not given.
        watched: end it when we are gone, for a program that does not see to that itself.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log_file: Path,
        environment: Mapping[str, str] | None = None,
        watched: bool = False,
    ) -> None:
        self.name = name
        self.log_file = log_file
        self._command = list(command)
        self._environment = environment
        self._watched = watched
        self._process: asyncio.subprocess.Process | None = None
        self._watchdog: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Start it, once more after it ended."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches us first, and we stop it when it is its turn.
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=log, start_new_session=True, env=self._environment
            )
        if self._watched:
            await self._end_watchdog()
            self._watchdog = await watch_over(self._process.pid)

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(line.encode() + b"\n")

    async def hear(self) -> str:
        """The next line of its standard output; empty when it ended."""
        if self._process is None or self._process.stdout is None:
            return ""
        return (await self._process.stdout.readline()).decode().strip()

    async def ended(self) -> int:
        """Wait until it ends; returns its code."""
        return await self._process.wait() if self._process is not None else 0

    async def stop(self, within_seconds: float) -> None:
        """Ask it to end, and kill it when it takes longer."""
        if self.pid is not None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ended(), within_seconds)
        if self.pid is not None:
            self._signal(signal.SIGKILL)
            await self.ended()
        await self._end_watchdog()

    def last_words(self) -> str:
        """The last line of its log."""
        try:
            lines = self.log_file.read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1][:300] if lines else ""

    def _signal(self, number: signal.Signals) -> None:
        # Its whole session, so that nothing it started stays behind.
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number) if number is signal.SIGKILL else os.kill(self.pid, number)

    async def _end_watchdog(self) -> None:
        if self._watchdog is not None and self._watchdog.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._watchdog.kill()
            await self._watchdog.wait()
        self._watchdog = None


def keep_alive(child: Child, revive: Callable[[], Awaitable[None]], tell: Callable[[str], None]) -> asyncio.Task[None]:
    """Start a child again whenever it ends, until the task is cancelled.

    Args:
        child: which runs.
        revive: starts it and waits until it is ready.
        tell: is told what happens, a sentence each.
    """
    return asyncio.create_task(_keep_alive(child, revive, tell))


async def _keep_alive(child: Child, revive: Callable[[], Awaitable[None]], tell: Callable[[str], None]) -> None:
    pause = 1.0
    while True:
        started = time.monotonic()
        code = await child.ended()
        pause = 1.0 if time.monotonic() - started > _GOOD_RUN_SECONDS else min(pause * 2, _LONGEST_BACK_OFF_SECONDS)
        tell(f"The {child.name} ended (code {code}): starting it again in {pause:.0f} s. See {child.log_file}.")
        await asyncio.sleep(pause)
        try:
            await revive()
        except NotReachable as problem:
            tell(str(problem))
        else:
            tell(f"The {child.name} is back.")
