"""Ports on loopback that can be shut, so that connections are refused, and opened again under the same number."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from starlette.types import ASGIApp
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

HOST = "127.0.0.1"


class Door:
    """A listening port and the connections that came through it."""

    def __init__(self, factory: Callable[[], asyncio.Protocol], wanted_port: int = 0) -> None:
        """Listen with a protocol. A wanted port that is taken gives way to a free one."""
        self._factory = factory
        self._port = wanted_port
        self._held: socket.socket | None = None
        """Keeps the port while the door is shut: somebody else would take it, and whoever knows it find nobody."""
        self._server: asyncio.Server | None = None
        self._transports: set[asyncio.Transport] = set()

    @property
    def port(self) -> int:
        """Its number, once it was open."""
        return self._port

    async def open(self) -> None:
        """Accept connections."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        listening, self._held = self._held or _listening(self._port), None
        self._server = await loop.create_server(self._accept, sock=listening)
        self._port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Refuse connections and end those that are open, without a good-bye."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        # Nobody listens to it, so connections are refused.
        with suppress(OSError):  # somebody was quicker
            self._held = _bound(self._port)
        for transport in list(self._transports):
            transport.abort()
        self._transports.clear()

    async def close(self) -> None:
        """Shut it for good."""
        await self.shut()
        if self._held is not None:
            self._held.close()
            self._held = None

    def _accept(self) -> asyncio.Protocol:
        protocol = self._factory()
        made = protocol.connection_made

        def connection_made(transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)  # noqa: S101 - sockets' transports are
            self._transports = {known for known in self._transports if not known.is_closing()} | {transport}
            made(transport)

        protocol.connection_made = connection_made  # type: ignore[method-assign]  # the one way in that all protocols share
        return protocol


def _listening(port: int) -> socket.socket:
    for number in (port, 0):
        try:
            listener = _bound(number)
        except OSError:
            if number == 0:
                raise
            continue
        try:
            listener.listen(128)
        except OSError:
            listener.close()
            continue
        return listener
    raise AssertionError("a free port was tried last")


def _bound(port: int) -> socket.socket:
    # Named as TCP, or asyncio does not switch Nagle's algorithm off and each answer waits 40 ms for its body.
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((HOST, port))
    except OSError:
        held.close()
        raise
    held.setblocking(False)
    return held


class _WebConnection(H11Protocol):
    """Hands the connection to the application, which may have to break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def web(application: ASGIApp) -> Callable[[], asyncio.Protocol]:
    """The protocol that serves a web application."""
    config = Config(application, lifespan="off", log_config=None, access_log=False, server_header=False)
    config.load()
    state = ServerState()
    return lambda: _WebConnection(config=config, server_state=state, app_state={})
