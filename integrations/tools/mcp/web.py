"""The HTTP under the SDK's streamable transport: one server, connected where the guard says, read to a limit.

The SDK follows redirects within an origin, inflates and reads a JSON answer whatever its size, and lets a connection
error end the whole session. Here each of these becomes an answer that says what went wrong, marked so that no server
can forge it.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import httpx2
from pydantic import SecretStr

from domain.model import Term
from integrations.http import CONNECT_SECONDS, certificates, retry_after
from integrations.tools.addresses import AddressGuard, plain_host
from integrations.tools.provider import NotAllowed

MARK = secrets.token_hex(8)
"""Stands in the faults that we make ourselves; a server cannot know it."""
_STREAM_SECONDS = 3_600.0
"""A stream of events may be silent for so long; calls have limits of their own."""
_SESSION_HEADER = "mcp-session-id"


class Fault(Term):
    """What went wrong below MCP."""

    UNSENT = "unsent"
    NOT_ALLOWED = "not_allowed"
    LOST = "lost"
    REDIRECT = "redirect"
    CREDENTIALS = "credentials"
    SESSION_GONE = "session_gone"
    THROTTLED = "throttled"
    FAILED = "failed"
    UNREADABLE = "unreadable"


def web_client(guard: AddressGuard, url: str, token: SecretStr | None, *, limit_bytes: int) -> httpx2.AsyncClient:
    """A client for one server's endpoint: no proxies, cookies or compression, the token on each request.

    Args:
        guard: judges addresses; the endpoint itself is listed by being configured.
        url: the endpoint.
        token: bearer token.
        limit_bytes: the most that one answer may have.
    """
    headers = {"Accept-Encoding": "identity", "User-Agent": "surehand"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token.get_secret_value()}"
    return httpx2.AsyncClient(
        transport=_Pinned(guard.only(url), limit_bytes),
        headers=headers,
        timeout=httpx2.Timeout(_STREAM_SECONDS, connect=CONNECT_SECONDS),
        trust_env=False,
        follow_redirects=False,
    )


class _Pinned(httpx2.AsyncBaseTransport):
    """Connects to the addresses that the guard judged and to no other."""

    def __init__(self, guard: AddressGuard, limit_bytes: int) -> None:
        self._guard = guard
        self._limit = limit_bytes
        # No kept connections: one that the server closes meanwhile would make a call look as if it had been sent.
        self._inner = httpx2.AsyncHTTPTransport(
            verify=certificates(), trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send, and answer what went wrong in MCP's own form."""
        try:
            response = await self._connected(request)
        except NotAllowed:
            return _fault(request, Fault.NOT_ALLOWED)
        except (httpx.ConnectError, httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            return _fault(request, Fault.UNSENT)
        except (httpx2.TransportError, OSError):
            return _fault(request, Fault.LOST)
        fault = _fault_of(request, response)
        if fault is None:
            body = _Limited(response, self._limit)
            return httpx2.Response(
                response.status_code, headers=response.headers, stream=body, extensions=response.extensions
            )
        await response.aclose()
        return _fault(request, fault, status=response.status_code, wait=response.headers.get("retry-after"))

    async def _connected(self, request: httpx2.Request) -> httpx2.Response:
        url = self._guard.check(str(request.url))
        *others, last = await self._guard.pin(url)
        host = plain_host(url)
        named = {"sni_hostname": host} if host != last else {}
        for address in others:
            try:
                return await self._inner.handle_async_request(_to(request, address, named))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(_to(request, last, named))

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()


class _Limited(httpx2.AsyncByteStream):
    """A body that ends with an error past its limit; what breaks is said in a way that the SDK takes.

    The limit holds for the session's own stream of notices too. A server that has used it up is no longer listened to,
    which costs nothing: tools are looked at before they are called.
    """

    def __init__(self, response: httpx2.Response, limit_bytes: int) -> None:
        self._response = response
        self._limit = limit_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        try:
            async for chunk in self._response.aiter_raw():
                read += len(chunk)
                if read > self._limit:
                    raise httpx2.StreamError("The answer is larger than it may be.")
                yield chunk
        except httpx2.TransportError:
            raise httpx2.StreamError("The answer broke off.") from None

    async def aclose(self) -> None:
        await self._response.aclose()


def _to(request: httpx2.Request, address: str, named: dict[str, str]) -> httpx2.Request:
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,  # with the Host header that was made from the name
        stream=request.stream,
        extensions={**request.extensions, **named},
    )


def _fault_of(request: httpx2.Request, response: httpx2.Response) -> Fault | None:
    status = response.status_code
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    table: tuple[tuple[bool, Fault], ...] = (
        (300 <= status < 400, Fault.REDIRECT),
        (status in (401, 403), Fault.CREDENTIALS),
        (status == 404 and _SESSION_HEADER in request.headers, Fault.SESSION_GONE),
        (status == 429, Fault.THROTTLED),
        (status == 503, Fault.THROTTLED),
        (status >= 500, Fault.FAILED),
        (encoding not in ("", "identity"), Fault.UNREADABLE),
    )
    return next((fault for holds, fault in table if holds), None)


def _fault(
    request: httpx2.Request, fault: Fault, *, status: int | None = None, wait: str | None = None
) -> httpx2.Response:
    """An answer that the SDK hands on as a JSON-RPC error, whichever request it was."""
    seconds = retry_after(wait, datetime.now(UTC))
    data: dict[str, Any] = {
        "mark": MARK,
        "fault": fault.value,
        "status": status,
        "wait_seconds": seconds.total_seconds() if seconds else None,
    }
    error = {"code": -32603, "message": fault.value, "data": data}
    return httpx2.Response(520, json={"jsonrpc": "2.0", "id": None, "error": error}, request=request)
