"""Runs an analysis in a process of its own, so that the worker stays responsive, and ends it for certain."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from domain.errors import InvalidInput, VendorUnavailable
from domain.troubleshooting.evidence import Findings
from integrations.evidence.logs.analysing import LogQuestion

VENDOR = "logs"
_MODULE = "integrations.evidence.logs"
_ROOT = Path(__file__).parents[3]
_BEAT_SECONDS = 1.0
_TOO_LARGE = 5
_MOST_ANSWER_BYTES = 8_000_000
_AT_ONCE = 2
"""Analyses that one worker runs side by side; the others wait."""


class LogProcesses:
    """Starts the processes of one worker."""

    def __init__(self, *, at_once: int = _AT_ONCE) -> None:
        """Run at most `at_once` side by side."""
        self._turns = asyncio.Semaphore(at_once)

    async def analyse(
        self, question: LogQuestion, *, beat: Callable[[], None], started: Callable[[int], None] = lambda _: None
    ) -> Findings:
        """Analyse log files.

        Args:
            question: which files, and what is known of the incident.
            beat: called about every second until the answer is there.
            started: called with the id of the process.

        Raises:
            InvalidInput: the files need more memory than an analysis may take.
            VendorUnavailable: the process was ended from outside, or a file could not be read; trying again may help.
        """
        beating = asyncio.create_task(_beating(beat))
        try:
            async with self._turns:
                return await _asked(question, started)
        finally:
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating


async def _asked(question: LogQuestion, started: Callable[[int], None]) -> Findings:
    # An environment of its own: what this process knows, such as keys, is of no use to one that reads files.
    environment = {"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    # It works in another folder than we do, and `.surehand/evidence` is ours.
    there = question.model_copy(
        update={"files": tuple(file.model_copy(update={"path": file.path.absolute()}) for file in question.files)}
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        _MODULE,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=_ROOT,
        env=environment,
        limit=1 << 20,
    )
    try:
        started(process.pid)
        answer = await _answered(process, there)
        code = await process.wait()
    finally:
        await _end(process)
    if code == _TOO_LARGE:
        raise InvalidInput("logs.analyse: these logs need too much memory: upload the part around the incident.")
    if code != 0:
        raise VendorUnavailable(VENDOR, f"exit {code}", "The analysis of the logs ended early: try again.")
    try:
        return Findings.model_validate_json(answer)
    except ValidationError:
        raise VendorUnavailable(VENDOR, "unreadable", "The analysis of the logs gave no answer: try again.") from None


async def _answered(process: Process, question: LogQuestion) -> bytes:
    assert process.stdin is not None  # noqa: S101  # both are pipes
    assert process.stdout is not None  # noqa: S101
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(question.model_dump_json().encode() + b"\n")
        await process.stdin.drain()
    pieces: list[bytes] = []
    size = 0
    while piece := await process.stdout.read(1 << 16):
        size += len(piece)
        if size > _MOST_ANSWER_BYTES:
            break
        pieces.append(piece)
    return b"".join(pieces)


async def _end(process: Process) -> None:
    """Kill it if it still runs, and wait for its end even while this call is being cancelled."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await asyncio.shield(asyncio.ensure_future(process.wait()))
    if process.stdin is not None:
        process.stdin.close()


async def _beating(beat: Callable[[], None]) -> None:
    while True:
        beat()
        await asyncio.sleep(_BEAT_SECONDS)
