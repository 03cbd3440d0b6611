"""Metrics at an address of their own, for Prometheus: nothing else is there, and no proxy leads to it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from starters.service.http.edge import App, Receive, Scope, Send
from starters.service.http.listening import listen, running
from starters.service.services import Services

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STOPS_WITHIN_SECONDS = 2
_ADVICE = "stop what has it, or choose another in SUREHAND_SERVICE__METRICS_ADDRESS"


async def shown(services: Services) -> Response:
    """What is counted, and how things stand."""
    await services.metrics.standing.refresh(services)
    return Response(services.metrics.text(), 200, None, MEDIA_TYPE)


@contextlib.asynccontextmanager
async def metrics_port(services: Services) -> AsyncIterator[None]:
    """Show metrics while the block runs, where the settings name an address.

    Raises:
        ConfigurationProblem: the port cannot be had.
    """
    address = services.service.metrics_address
    if address is None:
        yield
        return
    host, _, port = address.rpartition(":")
    listening = listen(host.strip("[]"), int(port), advice=_ADVICE)
    options: dict[str, Any] = {
        "log_config": None, "access_log": False, "server_header": False, "proxy_headers": False, "lifespan": "off",
        "ws": "none", "timeout_graceful_shutdown": _STOPS_WITHIN_SECONDS,
    }  # fmt: skip
    async with running(uvicorn.Server(uvicorn.Config(_only_metrics(services), **options)), listening):
        yield


def _only_metrics(services: Services) -> App:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope)
        is_asked = request.url.path == "/metrics" and request.method in ("GET", "HEAD")
        response = await shown(services) if is_asked else Response(status_code=404)
        await response(scope, receive, send)

    return answer
