"""The pet store that the workflow language's conformance features call: three pets and its Swagger 2.0 document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

STATUSES = ("available", "pending", "sold")
_SWAGGER = json.loads((Path(__file__).parent / "pages" / "petstore-swagger.json").read_text("utf-8"))
_DOG, _CAT = {"id": 1, "name": "Dogs"}, {"id": 2, "name": "Cats"}
PETS: dict[int, dict[str, Any]] = {
    number: {
        "id": number, "category": category, "name": name, "photoUrls": [], "tags": [{"id": number, "name": "sandbox"}],
        "status": status,
    }
    for number, category, name, status in (
        (1, _DOG, "Rex", "available"), (2, _CAT, "Mimi", "available"), (3, _DOG, "Bello", "pending"),
        (4, _CAT, "Tom", "sold"),
    )
}  # fmt: skip


def error_body(status: int, code: str) -> dict[str, Any]:
    """The pet store's words for a failure."""
    return {"code": status, "type": "unknown", "message": code}


def app() -> Starlette:
    """The web application. Pets are only looked at, so that every run of the features sees the same."""
    return Starlette(
        routes=[
            Route("/v2/swagger.json", _document),
            Route("/v2/pet/findByStatus", _find),
            Route("/v2/pet/{pet}", _show),
        ],
        exception_handlers={HTTPException: _no_such_path},
    )


async def _document(request: Request) -> Response:
    return JSONResponse(_SWAGGER)


async def _find(request: Request) -> Response:
    wanted = [word for text in request.query_params.getlist("status") for word in text.split(",")]
    if not wanted or any(word not in STATUSES for word in wanted):
        return JSONResponse(error_body(400, "Invalid status value"), 400)
    return JSONResponse([pet for pet in PETS.values() if pet["status"] in wanted])


async def _show(request: Request) -> Response:
    text = request.path_params["pet"]
    if not text.isdigit():
        return JSONResponse(error_body(404, f'java.lang.NumberFormatException: For input string: "{text}"'), 404)
    pet = PETS.get(int(text))
    if pet is None:
        return JSONResponse({"code": 1, "type": "error", "message": "Pet not found"}, 404)
    return JSONResponse(pet)


async def _no_such_path(request: Request, problem: Exception) -> Response:
    status = problem.status_code if isinstance(problem, HTTPException) else 500
    return JSONResponse(error_body(status, f"null for uri: {request.url}"), status)
