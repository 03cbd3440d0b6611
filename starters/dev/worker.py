"""`python -m starters.dev.worker`: the worker of `surehand dev`.

It imports everything at once, waits for one line on standard input that says with which settings to run, says `ready`
on standard output once it polls, and ends on SIGTERM or when its standard input closes: its parent is gone then.
"""

from __future__ import annotations

import logging

from runtime.garbage import settle
from runtime.telemetry.logs import configure_logging
from starters.dev.ordered import asked_to_stop, carry_out
from starters.dev.worker_order import settings_of
from starters.leaving import leave
from workers.worker import run

logger = logging.getLogger(__name__)


async def _main(line: str) -> None:
    settings = settings_of(line)
    configure_logging(settings.log, secrets=settings.secret_values())
    stop = asked_to_stop()

    def ready() -> None:
        settle()
        print("ready", flush=True)  # noqa: T201 - the parent reads it

    await run(settings, stop=stop, ready=ready)


if __name__ == "__main__":
    leave(carry_out(_main, logger))
