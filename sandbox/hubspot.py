"""HubSpot's contacts: read and patch. Any contact exists, except ids that begin with `unknown`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.world import Entry, World


def error_body(status: int, code: str) -> dict[str, Any]:
    """HubSpot's words for a refusal."""
    return {
        "status": "error",
        "message": f"Sandbox answer {status}",
        "correlationId": "00000000-0000-4000-8000-000000000000",
        "category": code,
    }


class HubSpotSimulator:
    """One portal."""

    def __init__(self, world: World) -> None:
        self._world = world

    def app(self) -> Starlette:
        """The portal's API."""
        path = "/crm/v3/objects/contacts/{contact:path}"
        return Starlette(routes=[Route(path, self._read, methods=["GET"]), Route(path, self._patch, methods=["PATCH"])])

    async def _read(self, request: Request) -> Response:
        refused = self._refusal(request)
        return refused or JSONResponse(self._contact(request.path_params["contact"]))

    async def _patch(self, request: Request) -> Response:
        refused = self._refusal(request)
        if refused is not None:
            return refused
        try:
            properties = json.loads(await request.body())["properties"]
        except (ValueError, KeyError, TypeError):
            properties = None
        if not isinstance(properties, dict) or not all(isinstance(value, str) for value in properties.values()):
            return JSONResponse(error_body(400, "VALIDATION_ERROR"), 400)
        contact = self._contact(request.path_params["contact"])
        contact["properties"] |= properties
        contact["updatedAt"] = datetime.now(UTC).isoformat()
        self._world.keep("hubspot", "contact", contact["id"], contact)
        # A PATCH repeats without harm, so its effect is what it sets.
        digest = sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()[:12]
        body = {"contact": contact["id"], "properties": properties}
        self._world.record(Entry(vendor="hubspot", kind="contact_changed", key=f"{contact['id']}/{digest}", body=body))
        return JSONResponse(contact)

    def _refusal(self, request: Request) -> Response | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token or token == "wrong":  # noqa: S105 - a word, not a secret
            return JSONResponse(error_body(401, "INVALID_AUTHENTICATION"), 401)
        if request.path_params["contact"].startswith("unknown"):
            return JSONResponse(error_body(404, "OBJECT_NOT_FOUND"), 404)
        return None

    def _contact(self, identity: str) -> dict[str, Any]:
        at = datetime.now(UTC).isoformat()
        known = self._world.find("hubspot", "contact", identity)
        return known or {"id": identity, "properties": {}, "createdAt": at, "updatedAt": at, "archived": False}
