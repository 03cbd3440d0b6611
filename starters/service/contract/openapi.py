"""The description that is served: what the routes declare, and what is the same for all of them."""

from __future__ import annotations

from html import escape
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from starters.service.access.principals import KEY_HEADER
from starters.service.access.roles import ACCESS
from starters.service.contract import idempotency
from starters.service.http import correlation

_ABOUT = (
    "Opens support cases and incidents, asks about them, decides approvals and runs playbooks. Every answer carries "
    "`X-Correlation-ID`; every refusal has one shape. A text holds no NUL and no half of a surrogate pair."
)
_METHODS = ("get", "post", "put", "patch", "delete")
_CORRELATION_ANSWER = {"schema": {"type": "string"}, "description": "Of this request, in our logs too."}
_REPLAYED = {"schema": {"type": "string", "enum": ["true"]}, "description": "This answer was given before."}
_DEPRECATION = {"schema": {"type": "string", "enum": ["true"]}, "description": "Something sent is no longer current."}
_RATE = {
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": "How often the key or token may ask."},
    "RateLimit": {"schema": {"type": "string"}, "description": "How often it still may, and until when."},
}
_KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": idempotency.PATTERN},
    "description": "The same request with the same key is carried out once, and answered alike every time.",
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title="Surehand", version=version("surehand"), description=_ABOUT, routes=app.routes)
        made.setdefault("components", {})["securitySchemes"] = {
            "key": {"type": "apiKey", "in": "header", "name": KEY_HEADER},
            "bearer": {"type": "http", "scheme": "bearer", "description": "A key, or a token (JWT)."},
        }
        for path, methods in made["paths"].items():
            for method in _METHODS:
                if method in methods:
                    _complete(methods[method], method, path)
        app.openapi_schema = made
    return app.openapi_schema


def _complete(operation: dict[str, Any], method: str, path: str) -> None:
    role = ACCESS.get((method.upper(), path))
    if role is not None:
        operation["security"] = [{"key": []}, {"bearer": []}]
        operation["x-role"] = role.value
    takes_json = method == "post" and "multipart/form-data" not in operation.get("requestBody", {}).get("content", {})
    if takes_json and role is not None:
        operation.setdefault("parameters", []).append(_KEY)
    for answer in operation["responses"].values():
        headers = answer.setdefault("headers", {})
        headers[correlation.HEADER] = _CORRELATION_ANSWER
        if role is not None:
            headers |= _RATE
        if takes_json and role is not None:
            headers[idempotency.REPLAYED] = _REPLAYED
            headers["Deprecation"] = _DEPRECATION


def page(app: FastAPI) -> str:
    """The description for people, as a page that needs no script."""
    rows = [
        (method.upper(), path, str(operation.get("description", "")), str(operation.get("x-role", "everybody")))
        for path, methods in describe(app)["paths"].items()
        for method, operation in methods.items()
    ]
    cells = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Surehand API</title><h1>Surehand API</h1>'
        f'<p>{escape(_ABOUT)} <a href="/openapi.json">OpenAPI</a></p>'
        f"<table><tr><th>Method<th>Path<th>What it does<th>Role</tr>{cells}</table>"
    )
