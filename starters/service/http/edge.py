"""The outermost layer: the correlation id, the headers that every answer has, a line in the log, a count."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starters.service.http import correlation
from starters.service.http.errors import answer_to, internal
from starters.service.http.request_spans import note_answer, request_span
from starters.service.monitoring.metrics import Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    "Cache-Control": "no-store",
}

_POURED_AWAY_BYTES = 1_000_000
_POURED_WITHIN_SECONDS = 1.0

logger = logging.getLogger("surehand.service")


class Edge:
    """Wraps the application.

    Args:
        app: what is inside.
        metrics: counts what is answered.
    """

    def __init__(self, app: App, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens inside."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == b"x-correlation-id"]
        correlation_id = correlation.take(given[0].decode("latin-1") if len(given) == 1 else None)
        mark = correlation.current.set(correlation_id)
        incoming = _Incoming(scope, receive)
        answer = _Answer(send, correlation_id, incoming)
        began = time.monotonic()
        self._metrics.began()
        with request_span(scope, correlation_id) as span:
            try:
                await self._app(scope, incoming, answer)
            except Exception as error:  # whatever it is, the client gets the shape that it knows
                _tell(error)
                if not answer.status:
                    await answer_to(internal())(scope, incoming, answer)
            finally:
                self._note(scope, answer.status, time.monotonic() - began)
                note_answer(span, scope, answer.status)
                correlation.current.reset(mark)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = str(scope["method"]), str(getattr(scope.get("route"), "path", ""))
        self._metrics.answered(method, route, status, seconds)
        state: Any = scope.get("state") or {}
        principal = state.get("principal")
        logger.info(
            "answered",
            extra={
                "method": method[:16],
                "route": route,
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
                "principal": principal.principal_id if principal is not None else None,
                "tenant": principal.tenant if principal is not None else None,
            },
        )


class _Incoming:
    """Passes a body on, and knows whether all of it came."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        names = {bytes(name).lower(): bytes(value) for name, value in scope["headers"]}
        self.whole = b"transfer-encoding" not in names and names.get(b"content-length", b"0") == b"0"
        self._receive = receive

    async def __call__(self) -> Message:
        message = await self._receive()
        self.whole = self.whole or not message.get("more_body", False)
        return message

    async def pour_away(self) -> None:
        """Read what still comes, if it is little: a client that is still sending would not hear the answer."""
        poured = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_POURED_WITHIN_SECONDS):
                while not self.whole and poured < _POURED_AWAY_BYTES:
                    poured += len((await self()).get("body", b""))


class _Answer:
    """Passes an answer on, with the headers that every one has."""

    def __init__(self, send: Send, correlation_id: str, incoming: _Incoming) -> None:
        self._send = send
        self._correlation_id = correlation_id
        self._incoming = incoming
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            await self._incoming.pour_away()
            headers = [(name, value) for name, value in message["headers"] if name.lower() != b"server"]
            known = {name.lower() for name, _ in headers}
            own = {correlation.HEADER: self._correlation_id, **SECURITY_HEADERS}
            if not self._incoming.whole:
                # Else the connection would wait for the rest, which nobody reads.
                own["Connection"] = "close"
            headers += [
                (name.lower().encode(), value.encode())
                for name, value in own.items()
                if name.lower().encode() not in known
            ]
            message = {**message, "headers": headers}
        await self._send(message)


def _tell(error: Exception) -> None:
    # The exception's own words may hold somebody's data: its kind and place must do.
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    logger.error("a request failed", extra={"error": type(error).__name__, "place": place})
