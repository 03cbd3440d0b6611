"""How the MCP server is reached: standard input and output, or HTTP on loopback with a token."""

from __future__ import annotations

import hmac
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from pydantic import SecretStr

from starters.mcp.server import SurehandServer

HOST = "127.0.0.1"
PATH = "/mcp"
_REFUSAL = b'{"error":"unauthorized"}'

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Gate:
    """Lets in who brings the token, before anything of the request is read.

    Args:
        app: what is behind it.
        token: the one that counts.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], token: SecretStr) -> None:
        self._app = app
        self._wanted = f"Bearer {token.get_secret_value()}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass on."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and self._knows(scope)):
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": _REFUSAL})

    def _knows(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._wanted)


async def serve_http(server: SurehandServer, listening: socket.socket, token: SecretStr) -> None:
    """Serve until the process is told to stop. Only on loopback; the SDK also refuses foreign Host and Origin headers.

    Args:
        server: what is served.
        listening: the socket that requests come to.
        token: that clients bring as `Authorization: Bearer`.
    """
    app = Gate(server.streamable_http_app(streamable_http_path=PATH, host=HOST), token)
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=2)
    await uvicorn.Server(config).serve([listening])
