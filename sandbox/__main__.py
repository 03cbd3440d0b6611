"""`python -m sandbox`: the outside world in a box, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from sandbox.server import NAMES, Sandbox


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Simulators of the vendors, on loopback.")
    parser.add_argument("--state-file", type=Path, required=True, help="JSON file that says where everything listens")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder that keeps what was received")
    for name in NAMES:
        parser.add_argument(f"--port-{name}", type=int, metavar="PORT", help="a free one when not given")
    return parser.parse_args(words)


async def _serve(arguments: argparse.Namespace) -> None:
    wanted = {name: getattr(arguments, f"port_{name}") for name in NAMES}
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Sandbox(arguments.data_dir, {name: port for name, port in wanted.items() if port}) as sandbox:
        sandbox.write_state(arguments.state_file)
        await stop.wait()


def main(words: list[str] | None = None) -> int:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_serve(_arguments(words)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
