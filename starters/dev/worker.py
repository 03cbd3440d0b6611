"""`python -m starters.dev.worker`: the worker of `surehand dev`.

It imports everything at once, waits for one line on standard input that says with which settings to run, says `ready`
on standard output once it polls, and ends on SIGTERM or when its standard input closes: its parent is gone then.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time

from domain.errors import SurehandError
from runtime.telemetry.logs import configure_logging
from starters.dev.worker_order import settings_of
from starters.leaving import leave
from workers.worker import run

_GONE_WITHIN_SECONDS = 8.0
"""After the parent died, the server goes too, and there is nothing left to be graceful with."""

logger = logging.getLogger(__name__)


async def _main(line: str) -> None:
    settings = settings_of(line)
    configure_logging(settings.log, secrets=settings.secret_values())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    threading.Thread(target=watch_parent, args=(loop, stop), daemon=True).start()
    await run(settings, stop=stop, ready=lambda: print("ready", flush=True))  # noqa: T201 - the parent reads it


def watch_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Ask for the end when standard input closes, and end for good soon after."""
    # Not by `sys.stdin`: a thread that waits in it keeps its lock, and a worker that fails could not end without a
    # message about that, the last thing in its log.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    loop.call_soon_threadsafe(stop.set)
    time.sleep(_GONE_WITHIN_SECONDS)
    os._exit(1)


def main() -> int:
    """Wait for the order and run."""
    line = sys.stdin.buffer.readline().decode()
    if not line:
        return 0
    try:
        asyncio.run(_main(line))
    except SurehandError as error:
        logger.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    leave(main())
