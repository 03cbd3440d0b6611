"""What the processes that `surehand dev` starts have in common: they wait for an order, and end with their parent."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from domain.errors import SurehandError

_GONE_WITHIN_SECONDS = 8.0
"""After the parent died, the server goes too, and there is nothing left to be graceful with."""


def asked_to_stop() -> asyncio.Event:
    """An event that is set on SIGTERM, and when standard input closes; soon after that the process is gone."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    threading.Thread(target=_watch_parent, args=(loop, stop), daemon=True).start()
    return stop


def _watch_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # Not by `sys.stdin`: a thread that waits in it keeps its lock, and a worker that fails could not end without a
    # message about that, the last thing in its log.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    loop.call_soon_threadsafe(stop.set)
    time.sleep(_GONE_WITHIN_SECONDS)
    os._exit(1)


def carry_out(work: Callable[[str], Coroutine[Any, Any, None]], logger: logging.Logger) -> int:
    """Wait for the order, one line on standard input, and do it; returns the process's exit code.

    Args:
        work: is given the line.
        logger: hears what went wrong.
    """
    line = sys.stdin.buffer.readline().decode()
    if not line:
        return 0
    try:
        asyncio.run(work(line))
    except SurehandError as error:
        logger.error("%s", error)
        return 1
    return 0
