"""Routes for senders that sign what they send: the raw body is read and believed before anything looks into it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from starters.service.http.errors import Problem, answered

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class SignedRoute(APIRoute):
    """A route whose function checks the sender's signature itself; what it refuses has the service's one shape."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        # What senders send is theirs to describe.
        super().__init__(path, endpoint, **{**options, "include_in_schema": False})

    def get_route_handler(self) -> Handler:
        """The guard around what FastAPI makes of the function."""
        inner = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            return await answered(inner, request)

        return guarded


def not_believed() -> Problem:
    """One answer for every reason, so that nobody learns how near they came."""
    return Problem(401, "UNAUTHENTICATED", "The signature is missing, wrong or too old: sign with the current secret.")


def only(request: Request, header: str) -> str | None:
    """A header's value; None when it is missing or stands twice."""
    given = request.headers.getlist(header)
    return given[0] if len(given) == 1 else None
