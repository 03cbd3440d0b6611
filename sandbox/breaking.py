"""Does to a vendor's HTTP interface what the faults say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import HANG_SECONDS, Fault, Faults

ErrorBody = Callable[[int, str], Any]
"""The vendor's own words for a status and a code."""


class Breaking:
    """Stands before a vendor's application."""

    def __init__(self, application: ASGIApp, vendor: str, faults: Faults, error_body: ErrorBody) -> None:
        self._application = application
        self._vendor = vendor
        self._faults = faults
        self._error_body = error_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = Headers(scope=scope).get("idempotency-key", "")
        target = f"{scope['method']} {scope['path']} {key}".rstrip()
        fault = self._faults.meet(self._vendor, target)
        if fault is None:
            await self._application(scope, receive, send)
            return
        refusal = self._refusal(fault)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        if fault.kind == "hang":
            await asyncio.sleep(HANG_SECONDS)
        if fault.kind == "delay":
            await asyncio.sleep(fault.delay_ms / 1000)
            await self._application(scope, receive, send)
            return
        await self._act_then_spoil(fault, scope, receive, send)

    def _refusal(self, fault: Fault) -> Response | None:
        if fault.kind == "throttle":
            body = self._error_body(429, "ratelimited")
            return JSONResponse(body, 429, headers={"Retry-After": str(fault.retry_after)})
        if fault.kind == "fail":
            # Slack tells its refusals with status 200.
            status = 200 if fault.code is not None and self._vendor == "slack" else fault.status
            return JSONResponse(self._error_body(status, str(fault.code or "internal_error")), status)
        return None

    async def _act_then_spoil(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        answer: list[Message] = []
        request = await _whole(receive)

        async def keep(message: Message) -> None:
            answer.append(message)

        if fault.kind == "duplicate":
            await self._application({**scope, "state": {**scope["state"], "again": True}}, _replay(request), _nowhere)
        await self._application(scope, _replay(request), keep)
        if fault.kind == "stall":
            await asyncio.sleep(HANG_SECONDS)
        if fault.kind == "drop":
            scope["state"]["transport"].abort()
            await asyncio.sleep(0)  # the server hears of it, and lets the answer below go nowhere
        spoilt = _SPOILT.get(fault.kind)
        if spoilt is not None:
            await spoilt()(scope, receive, send)
            return
        if fault.kind == "truncated":
            _cut(answer)
        for message in answer:
            await send(message)
        if fault.kind == "truncated":
            scope["state"]["transport"].close()


_SPOILT: dict[str, Callable[[], Response]] = {
    "html": lambda: HTMLResponse("<html><body>Welcome to the guest network</body></html>"),
    "empty": lambda: Response(status_code=204),
    "redirect": lambda: RedirectResponse("http://127.0.0.1:9/elsewhere", 302),
    "charset": lambda: Response(b'{"ok": true, "id": "\xe9"}', media_type="application/json; charset=latin-1"),
}


def _cut(answer: list[Message]) -> None:
    """Promise the whole body and send half of it."""
    body = b"".join(message.get("body", b"") for message in answer[1:])
    MutableHeaders(raw=answer[0]["headers"])["content-length"] = str(len(body))
    answer[1:] = [{"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True}]


async def _whole(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _nowhere(message: Message) -> None:
    """Takes the answer that nobody asked for."""
