"""A route of the service: who asks, whether they may, what they send, and whether it was answered before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import SurehandError
from domain.identity.principals import Principal
from starters.service.access.principals import authenticated, permitted
from starters.service.access.roles import ACCESS, PROMISING, PUBLIC
from starters.service.contract import idempotency
from starters.service.contract.declared import is_wanted_later
from starters.service.contract.idempotency import Promise
from starters.service.http import bodies
from starters.service.http.errors import Problem, answer_to, answered, invalid, problem_of
from starters.service.inbox.delivering import received
from starters.service.services import Services

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
CLOUD_EVENTS = ("application/cloudevents+json", "application/json")


class GuardedRoute(APIRoute):
    """A route that stands in `roles.ACCESS` or `roles.PUBLIC`; one that does not cannot be built."""

    streams = False
    """Whether the route reads its body itself."""
    takes: tuple[str, ...] = bodies.JSON
    """Types of its body."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        for method in self.methods or ():
            if (method, path) not in ACCESS and (method, path) not in PUBLIC:
                raise LookupError(f"{method} {path} is not in the table of access")

    def get_route_handler(self) -> Handler:
        """The guard around what FastAPI makes of the function."""
        inner = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                response = await self._guard(request, inner)
            except (Problem, SurehandError, RequestValidationError, RuntimeError) as error:
                problem = problem_of(error)
                if problem is None:
                    raise
                response = answer_to(problem)
            for name, value in getattr(request.state, "rate", {}).items():
                response.headers[name] = value
            return response

        return guarded

    async def _guard(self, request: Request, inner: Handler) -> Response:
        services: Services = request.app.state.services
        role = ACCESS.get((request.method, self.path))
        if role is not None:
            principal = await authenticated(request, services)
            request.state.principal = principal
            request.state.rate = await services.rates.admit(principal)
            permitted(principal, role)
        self._check_parameters(request)
        if request.method != "POST" or self.streams:
            await self._prepare(request)
            return await inner(request)
        raw, data = await bodies.read_json(request, limit_bytes=services.service.json_limit_bytes, types=self.takes)
        request._body, request._json = raw, data

        async def work() -> Response:
            response = await answered(inner, request)
            if isinstance(data, dict) and data.get("priority") == "normal":
                response.headers["Deprecation"] = "true"
            return response

        if self.path in PROMISING and is_wanted_later(request.headers.get("prefer", "")):
            return await self._promise(services, request, raw, work)
        return await idempotency.once(services.store.requests, _principal(request), request, raw, work)

    async def _promise(
        self, services: Services, request: Request, raw: bytes, work: Callable[[], Awaitable[Response]]
    ) -> Response:
        """What only promises does nothing yet: it is not claimed first, and written down with its answer at once."""
        principal, kept = _principal(request), services.store.requests
        response = await work()
        if isinstance(response, Promise) and await idempotency.promised(kept, principal, request, raw, response):
            services.bell.ring(response.delivery.kind)
            return response

        async def known() -> Response:
            # Whoever had the key died before there was an answer.
            if isinstance(response, Promise):
                await received(services, response.delivery)
            return response

        return await idempotency.once(kept, principal, request, raw, known)

    async def _prepare(self, request: Request) -> None:
        if self.streams:
            await bodies.refuse_packed(request)
        else:
            await bodies.refuse_body(request)

    def _check_parameters(self, request: Request) -> None:
        """Unknown parameters are refused like unknown fields: a misspelt filter would show too much."""
        known = {field.alias for field in self.dependant.query_params}
        for below in self.dependant.dependencies:
            known |= {field.alias for field in below.query_params}
        given = [name for name, _ in request.query_params.multi_items()]
        if len(given) != len(set(given)) or not set(given) <= known:
            named = ", ".join(sorted(known)) or "none"
            raise invalid(f"There is a parameter that this path does not know, or one stands twice: it takes {named}.")
        for value in (*request.query_params.values(), *request.path_params.values()):
            bodies.check_text(value)


class StreamingRoute(GuardedRoute):
    """A route that reads its body itself, piece by piece."""

    streams = True


class EventRoute(GuardedRoute):
    """A route that takes CloudEvents."""

    takes = CLOUD_EVENTS


def _principal(request: Request) -> Principal:
    principal = request.state.principal
    assert isinstance(principal, Principal)  # noqa: S101 - every POST is in ACCESS
    return principal
