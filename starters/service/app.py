"""The application: every resource, one shape for what goes wrong, one edge around it all."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from starters.console.app import application as console_of
from starters.console.app import to_console
from starters.console.web.pages import ROOT
from starters.service.contract.openapi import describe, page
from starters.service.http.crossing import Crossing, Heads
from starters.service.http.edge import Edge
from starters.service.http.errors import answer_to, internal, of_status
from starters.service.routes import (
    approvals,
    cases,
    events,
    health,
    jobs,
    knowledge,
    playbooks,
    queries,
    sessions,
    slack,
    subscriptions,
    tickets,
    uploads,
    webhooks,
    words,
)
from starters.service.services import Services

_ROUTERS = (
    cases.router, queries.router, words.router, tickets.router, approvals.router, playbooks.router, events.router,
    knowledge.router, uploads.router, sessions.router, jobs.router, subscriptions.router, health.router,
)  # fmt: skip
_OURS_IS_ENOUGH: TelemetryConfig = {
    "tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False,
}  # fmt: skip
"""The edge makes the span of a request. The framework's own would continue a stranger's trace, hold paths with ids in
them, and log what exceptions say."""
_SIGNED = (slack.router, webhooks.router)
"""What senders sign that have no key of ours."""


def build(services: Services) -> Edge:
    """The application, as a server runs it."""
    inside = Crossing(Heads(application(services)), services.service.origins)
    return Edge(inside, services.metrics)


def application(services: Services) -> FastAPI:
    """What is inside the edge."""
    app = FastAPI(
        title="Surehand",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_OURS_IS_ENOUGH,
    )
    app.state.services = services
    for router in (*_ROUTERS, *_SIGNED):
        app.include_router(router)
    app.add_exception_handler(HTTPException, _of_framework)
    # Else the framework says it in words of its own, before the edge is told.
    app.add_exception_handler(Exception, _of_fault)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]

    async def openapi(request: Request) -> Response:
        return JSONResponse(describe(app))

    async def docs(request: Request) -> Response:
        return HTMLResponse(page(app))

    app.add_route("/openapi.json", openapi, include_in_schema=False)
    if services.service.docs:
        app.add_route("/docs", docs, include_in_schema=False)
    app.add_route(ROOT, to_console, include_in_schema=False)
    app.mount(ROOT, console_of(services))
    return app


async def _of_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods_of(request)))
    return answer_to(of_status(error.status_code, headers))


async def _of_fault(_request: Request, _error: Exception) -> Response:
    return answer_to(internal())


def _methods_of(request: Request) -> set[str]:
    """All methods of a path; the framework itself names those of one function."""
    routes = [route for router in (*_ROUTERS, *_SIGNED) for route in router.routes if isinstance(route, APIRoute)]
    found = {
        method
        for route in routes
        if route.path_regex.match(request.scope["path"]) is not None
        for method in route.methods or ()
    } or {"GET"}
    return found | {"HEAD"} if "GET" in found else found
