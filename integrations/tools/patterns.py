"""Regular expressions from outside, matched in a process that can be ended.

A pattern such as `^(a+)+$` keeps Python's `re` busy for years, and a thread in it cannot be stopped. So a child process
does the matching. It is started at the first pattern of a check and ends with the check; it knows nothing of ours.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from types import TracebackType
from typing import IO, Self

_PROGRAM = """
import json, re, sys
for line in sys.stdin.buffer:
    pattern, text = json.loads(line)
    try:
        answer = b"1" if re.search(pattern, text) else b"0"
    except Exception:
        answer = b"?"
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
"""


class TooSlow(Exception):
    """A check did not end in its time."""


class BadPattern(Exception):
    """A pattern that Python's `re` cannot read."""


class PatternMatcher:
    """Searches texts for patterns until a deadline. A context manager; blocking, so for use in a thread."""

    def __init__(self, deadline: float) -> None:
        """`deadline` is a value of `time.monotonic()`."""
        self._deadline = deadline
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def search(self, pattern: str, text: str) -> bool:
        """Whether the pattern is found in the text, as JSON Schema means it: anywhere.

        Raises:
            TooSlow: not decided before the deadline.
            BadPattern: it cannot be read.
        """
        asking, answering = self._pipes()
        try:
            asking.write(json.dumps([pattern, text]).encode() + b"\n")
            asking.flush()
        except BrokenPipeError:
            raise BadPattern from None
        ready, _, _ = select.select([answering], [], [], max(self._deadline - time.monotonic(), 0))
        if not ready:
            raise TooSlow
        answer = answering.read(1)
        if answer not in (b"0", b"1"):
            raise BadPattern
        return answer == b"1"

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, with a program of ours
                [sys.executable, "-I", "-S", "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
            )
        asking, answering = self._process.stdin, self._process.stdout
        if asking is None or answering is None:
            raise BadPattern
        return asking, answering
