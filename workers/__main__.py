"""`python -m workers`: one worker process, configured by the environment, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from domain.errors import SurehandError
from runtime.settings.environment import load_settings
from runtime.telemetry.logs import configure_logging
from workers.worker import run


async def _main() -> None:
    settings = load_settings()
    configure_logging(settings.log, secrets=settings.secret_values())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(settings, stop=stop)


def main() -> int:
    """Run, and turn an error into a sentence and an exit code."""
    try:
        asyncio.run(_main())
    except SurehandError as error:
        logging.getLogger(__name__).error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
