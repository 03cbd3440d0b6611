"""What pages of other origins may ask (CORS): nothing, unless the origin is on the list. Keys travel in a header, never
as a cookie, so credentials are not allowed. https://fetch.spec.whatwg.org/#http-cors-protocol"""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from starters.service.access.roles import V1
from starters.service.http.edge import App, Message, Receive, Scope, Send

_SENT = "Authorization, Content-Type, Idempotency-Key, Prefer, X-API-Key, X-Correlation-ID"
_SHOWN = (
    "Allow, Deprecation, Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, "
    "X-Correlation-ID"
)
_METHODS = "DELETE, GET, HEAD, POST"
_REMEMBERED_SECONDS = "600"


class Crossing:
    """Answers preflights, and marks answers that a listed origin may read.

    Args:
        app: what is inside.
        origins: as browsers send them, such as `https://desk.example.com`.
    """

    def __init__(self, app: App, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass a request on."""
        if scope["type"] != "http" or not self._origins or not scope["path"].startswith(V1):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        is_listed = origin in self._origins

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(raw=list(message["headers"]))
                # Also where nothing is allowed: what is kept for one origin must not be shown to another.
                given.add_vary_header("Origin")
                if is_listed:
                    given["Access-Control-Allow-Origin"] = origin
                    given["Access-Control-Expose-Headers"] = _SHOWN
                message = {**message, "headers": given.raw}
            await send(message)

        if is_listed and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            allowed = {
                "Access-Control-Allow-Methods": _METHODS,
                "Access-Control-Allow-Headers": _SENT,
                "Access-Control-Max-Age": _REMEMBERED_SECONDS,
            }
            await Response(None, 204, allowed)(scope, receive, marked)
            return
        await self._app(scope, receive, marked)


class Heads:
    """Answers HEAD as GET is answered, without the body (RFC 9110, section 9.3.2)."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def headless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            # The server leaves the body out by it.
            scope["method"] = "HEAD"
            await send(message)

        scope["method"] = "GET"
        try:
            await self._app(scope, receive, headless)
        finally:
            scope["method"] = "HEAD"
