"""A socket to listen on, and a server that runs on it while a block does."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator

import uvicorn

from domain.errors import ConfigurationProblem

BACKLOG = 2_048


def listen(host: str, port: int, *, advice: str) -> socket.socket:
    """Take a port.

    Args:
        host: address to listen on.
        port: to listen on; 0 takes a free one.
        advice: what to do when somebody has it.

    Raises:
        ConfigurationProblem: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise ConfigurationProblem(f"This machine has no address {host!r}: give one that it has.") from None
        raise ConfigurationProblem(
            f"The service cannot listen on port {port} ({error.strerror or 'error'}): {advice}."
        ) from None
    made.listen(BACKLOG)
    return made


@contextlib.asynccontextmanager
async def running(server: uvicorn.Server, listening: socket.socket) -> AsyncIterator[None]:
    """Serve while the block runs; requests under way are answered before it ends.

    Raises:
        ConfigurationProblem: it did not start.
    """
    # Not `serve`: that takes the process's signals, which belong to whoever runs us.
    task = asyncio.create_task(server._serve([listening]))
    try:
        while not server.started:
            if task.done():
                await task
                raise ConfigurationProblem("The service could not start: see its log.")
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await task
        listening.close()
