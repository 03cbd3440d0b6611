"""The few addresses of httpbin.org that the workflow language's conformance features and our tests use."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def error_body(status: int, code: str) -> dict[str, Any]:
    """A failure."""
    return {"error": code}


def app() -> Starlette:
    """The web application."""
    return Starlette(
        routes=[
            Route("/basic-auth/{user}/{password}", _basic),
            Route("/bearer", _bearer),
            Route("/get", _echo, methods=["GET"]),
            Route("/post", _echo, methods=["POST"]),
            Route("/anything", _echo, methods=_METHODS),
            Route("/anything/{rest:path}", _echo, methods=_METHODS),
            Route("/status/{status:int}", _status, methods=_METHODS),
        ]
    )


async def _basic(request: Request) -> Response:
    user, password = request.path_params["user"], request.path_params["password"]
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        given = b64decode(value, validate=True).decode() if scheme.lower() == "basic" else ""
    except ValueError:
        given = ""
    if given != f"{user}:{password}":
        return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="Fake Realm"'})
    return JSONResponse({"authenticated": True, "user": user})


async def _bearer(request: Request) -> Response:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
    return JSONResponse({"authenticated": True, "token": token})


async def _echo(request: Request) -> Response:
    content = (await request.body()).decode("utf-8", "replace")
    try:
        parsed = await request.json() if content else None
    except ValueError:
        parsed = None
    echoed = {
        "args": dict(request.query_params),
        "headers": {name.title(): value for name, value in request.headers.items()},
        "url": str(request.url),
        "method": request.method,
        "data": content,
        "json": parsed,
    }
    return JSONResponse(echoed)


async def _status(request: Request) -> Response:
    return Response(status_code=request.path_params["status"])
