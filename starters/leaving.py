"""Leaving a process that has spoken to Temporal."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

BROKEN_PIPE = 141
"""As a shell reports a program that wrote to a pipe nobody reads any more."""


def leave(code: int) -> NoReturn:
    """End the process at once, with everything written.

    The SDK's threads may still run while the interpreter takes itself apart, and now and then that aborts with a core
    dump instead of our exit code. Whoever calls this has closed what must be closed.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            code = BROKEN_PIPE
    os._exit(code)
