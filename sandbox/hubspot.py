"""HubSpot's CRM: contacts, deals and notes. Any contact exists, except ids that begin with `unknown`.

Deals and notes are created, searched by property, changed and archived; they exist once they were created.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.world import Entry, World, case_in, case_of

KINDS = ("contacts", "deals", "notes")
_REQUIRED = {"deals": ("dealname",), "notes": ("hs_note_body", "hs_timestamp"), "contacts": ("email",)}
_SEARCH_LIMIT = 200


class Refused(Exception):
    """A refusal: status and category."""

    def __init__(self, status: int, category: str) -> None:
        super().__init__(category)
        self.status, self.category = status, category


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
        base = "/crm/v3/objects/{kind}"
        return Starlette(
            routes=[
                Route("/account-info/v3/details", self._account),
                Route(base, self._once(self._create, 201), methods=["POST"]),
                Route(f"{base}/search", self._search, methods=["POST"]),
                Route(f"{base}/{{id:path}}", self._read, methods=["GET"]),
                Route(f"{base}/{{id:path}}", self._once(self._patch, 200), methods=["PATCH"]),
                Route(f"{base}/{{id:path}}", self._archive, methods=["DELETE"]),
            ],
            exception_handlers={Refused: _refuse},
        )

    async def _account(self, request: Request) -> Response:
        _is_let_in(request)
        return JSONResponse({"portalId": 1, "accountType": "STANDARD", "timeZone": "UTC"})

    def _once(
        self, act: Callable[[str, dict[str, Any], str], dict[str, Any]], status: int
    ) -> Callable[[Request], Awaitable[Response]]:
        """HubSpot itself knows no idempotency keys; this portal takes them, as everything here does."""

        async def endpoint(request: Request) -> Response:
            kind = _checked(request)
            body = await _body(request)
            key = request.headers.get("idempotency-key", "")
            asked = {"path": request.url.path, "method": request.method, "body": body}
            again = bool(request.scope["state"].get("again"))
            known = self._world.find("hubspot", "idempotency", key) if key and not again else None
            if known is not None and known["request"] != asked:
                raise Refused(409, "CONFLICT")
            if known is not None:
                return JSONResponse(known["answer"], status, headers={"Idempotent-Replayed": "true"})
            answer = act(kind, {"id": request.path_params.get("id", ""), **body}, key)
            if key and not again:
                self._world.keep("hubspot", "idempotency", key, {"request": asked, "answer": answer})
            return JSONResponse(answer, status)

        return endpoint

    # Reading

    async def _read(self, request: Request) -> Response:
        return JSONResponse(self._known(_checked(request), request.path_params["id"]))

    async def _search(self, request: Request) -> Response:
        kind = _checked(request)
        body = await _body(request)
        try:
            groups = [
                [(row["propertyName"], row["operator"], row.get("value")) for row in group["filters"]]
                for group in body.get("filterGroups", [])
            ]
        except (KeyError, TypeError, AttributeError):
            raise Refused(400, "VALIDATION_ERROR") from None
        if any(operator != "EQ" for group in groups for _, operator, _ in group):
            raise Refused(400, "VALIDATION_ERROR")
        rows = [
            row
            for row in self._world.all("hubspot", kind[:-1])
            if not row["archived"]
            and (not groups or any(all(row["properties"].get(name) == value for name, _, value in g) for g in groups))
        ]
        return JSONResponse({"total": len(rows), "results": rows[:_SEARCH_LIMIT]})

    def _known(self, kind: str, identity: str) -> dict[str, Any]:
        known = self._world.find("hubspot", kind[:-1], identity)
        if known is None and kind == "contacts" and not identity.startswith("unknown"):
            return _born(identity, {})
        if known is None or known["archived"]:
            raise Refused(404, "OBJECT_NOT_FOUND")
        return known

    # Writing

    def _create(self, kind: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        properties = _properties(body)
        if any(name not in properties for name in _REQUIRED[kind]):
            raise Refused(400, "VALIDATION_ERROR")
        made = _born(str(900_000 + self._world.next_number("hubspot", kind)), properties)
        targets = _targets(body.get("associations", []))
        self._world.keep("hubspot", kind[:-1], made["id"], made)
        told = properties | ({"associated with": ", ".join(targets)} if targets else {})
        self._record(f"{kind[:-1]}_created", kind, made, told, key, standing=True)
        return made

    def _patch(self, kind: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        made, properties = self._known(kind, body["id"]), _properties(body)
        made["properties"] |= properties
        made["updatedAt"] = datetime.now(UTC).isoformat()
        self._world.keep("hubspot", kind[:-1], made["id"], made)
        # A PATCH repeats without harm, so its effect is what it sets.
        digest = sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()[:12]
        self._record(f"{kind[:-1]}_changed", kind, made, properties, key or f"{made['id']}/{digest}", standing=None)
        return made

    async def _archive(self, request: Request) -> Response:
        kind = _checked(request)
        known = self._world.find("hubspot", kind[:-1], request.path_params["id"])
        if known is not None and not known["archived"]:
            known["archived"] = True
            self._world.keep("hubspot", kind[:-1], known["id"], known)
            key = request.headers.get("idempotency-key", "")
            self._record(f"{kind[:-1]}_archived", kind, known, {}, key, standing=False)
        # HubSpot says 204 also for what is gone already.
        return Response(status_code=204)

    def _record(
        self, what: str, kind: str, made: dict[str, Any], properties: dict[str, str], key: str, *,
        standing: bool | None,
    ) -> None:  # fmt: skip
        subject = f"{kind[:-1]}/{made['id']}" if standing is not None else None
        known = made["properties"]
        case = case_in(key, known.get("hs_note_body", "")) or case_of(known.get("surehand_reference", ""))
        body = {kind[:-1]: made["id"], "properties": properties}
        if kind != "contacts" or standing is not None:
            body |= {"title": f"{kind[:-1].capitalize()} {made['id']}", "facts": properties}
        self._world.record(
            Entry(
                vendor="hubspot",
                kind=what,
                key=key or f"{subject}/{what}",
                case=case,
                subject=subject,
                standing=standing,
                body=body,
            )
        )


def _is_let_in(request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token or token == "wrong":  # noqa: S105 - a word, not a secret
        raise Refused(401, "INVALID_AUTHENTICATION")


def _checked(request: Request) -> str:
    _is_let_in(request)
    kind = str(request.path_params["kind"])
    if kind not in KINDS or request.path_params.get("id", "").startswith("unknown"):
        raise Refused(404, "OBJECT_NOT_FOUND")
    return kind


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "VALIDATION_ERROR")
    return body


def _properties(body: dict[str, Any]) -> dict[str, str]:
    properties = body.get("properties")
    if not isinstance(properties, dict) or not all(isinstance(value, str) for value in properties.values()):
        raise Refused(400, "VALIDATION_ERROR")
    return properties


def _targets(associations: Any) -> list[str]:
    try:
        return [str(row["to"]["id"]) for row in associations]
    except (KeyError, TypeError):
        raise Refused(400, "VALIDATION_ERROR") from None


def _born(identity: str, properties: dict[str, str]) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    return {"id": identity, "properties": properties, "createdAt": at, "updatedAt": at, "archived": False}


async def _refuse(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)  # noqa: S101 - the handler is registered for it
    return JSONResponse(error_body(refused.status, refused.category), refused.status)
