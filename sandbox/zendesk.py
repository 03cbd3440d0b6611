"""Zendesk Support as far as a handoff uses it: tickets, comments, audits, groups.

Any ticket asked for exists, by number or by external id, except numbers that begin with 404 and external ids that begin
with `unknown` or `new`. Updates are checked as Zendesk checks them; `safe_update` refuses an outdated stamp with 409.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.world import Entry, World, case_in

STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
PRIORITIES = ("urgent", "high", "normal", "low")
GROUPS = ("Support", "Engineering", "Billing", "Customer Success", "Senior Support", "Management")
_FIELDS = frozenset({
    "subject", "comment", "status", "priority", "group_id", "assignee_id", "requester_id", "requester", "tags",
    "external_id", "type", "custom_fields", "metadata", "safe_update", "updated_stamp", "additional_tags", "due_at",
})  # fmt: skip


class Refused(Exception):
    """A refusal: status and body."""

    def __init__(self, status: int, error: str, description: str = "") -> None:
        super().__init__(error)
        self.status, self.body = status, {"error": error, "description": description or error}


def error_body(status: int, code: str) -> dict[str, Any]:
    """Zendesk's words for a refusal."""
    return {"error": code, "description": f"Sandbox fault {status}"}


class ZendeskSimulator:
    """One account."""

    def __init__(self, world: World) -> None:
        self._world = world

    def app(self) -> Starlette:
        """The account's API."""
        tickets = "/api/v2/tickets"
        ways: list[tuple[str, Callable[[Request], Awaitable[Response]], str]] = [
            (tickets, self._create, "POST"),
            (tickets, self._list, "GET"),
            (f"{tickets}/{{number:int}}/comments", self._comments, "GET"),
            (f"{tickets}/{{number:int}}/audits", self._audits, "GET"),
            (f"{tickets}/{{number:int}}", self._show, "GET"),
            (f"{tickets}/{{number:int}}", self._update, "PUT"),
            ("/api/v2/groups", self._groups, "GET"),
            ("/api/v2/users/me", self._me, "GET"),
        ]
        # Zendesk takes each address with and without the ending.
        routes = [Route(path + end, way, methods=[method]) for path, way, method in ways for end in ("", ".json")]
        return Starlette(routes=routes, exception_handlers={Refused: _refuse})

    # Reading

    async def _show(self, request: Request) -> Response:
        _check(request)
        return JSONResponse({"ticket": self._ticket(str(request.path_params["number"]))})

    async def _me(self, request: Request) -> Response:
        _check(request)
        return JSONResponse({"user": {"id": 1, "role": "agent", "name": "Sandbox", "active": True}})

    async def _list(self, request: Request) -> Response:
        _check(request)
        wanted = request.query_params.get("external_id")
        tickets = self._world.all("zendesk", "ticket")
        if wanted is not None:
            tickets = [ticket for ticket in tickets if ticket.get("external_id") == wanted]
            if not tickets and not wanted.startswith(("unknown", "new")):
                number = 20_000 + int(sha256(wanted.encode()).hexdigest()[:4], 16)
                tickets = [self._seed(str(number), external_id=wanted)]
        return JSONResponse({"tickets": tickets, "count": len(tickets), "next_page": None, "previous_page": None})

    async def _comments(self, request: Request) -> Response:
        _check(request)
        number = str(self._ticket(str(request.path_params["number"]))["id"])
        events = [event for audit in self._history(number) for event in audit["events"]]
        comments = [event for event in events if event["type"] == "Comment"]
        return JSONResponse({"comments": comments, "count": len(comments), "next_page": None})

    async def _audits(self, request: Request) -> Response:
        _check(request)
        number = str(self._ticket(str(request.path_params["number"]))["id"])
        return JSONResponse(_cursor_page("audits", self._history(number), request))

    async def _groups(self, request: Request) -> Response:
        _check(request)
        groups = [{"id": 500 + place, "name": name, "deleted": False} for place, name in enumerate(GROUPS)]
        return JSONResponse(_cursor_page("groups", groups, request))

    def _ticket(self, number: str) -> dict[str, Any]:
        known = self._world.find("zendesk", "ticket", number)
        if known is not None:
            return known
        if number.startswith("404"):
            raise Refused(404, "RecordNotFound", "Not found")
        return self._seed(number)

    def _seed(self, number: str, external_id: str | None = None) -> dict[str, Any]:
        at = _stamp(datetime.now(UTC) - timedelta(hours=1))
        ticket = {
            "id": int(number), "subject": f"Request {external_id or number}", "status": "open", "priority": "normal",
            "type": "problem", "group_id": 500, "assignee_id": 7_000, "requester_id": 7_001, "tags": ["web"],
            "created_at": at, "updated_at": at,
        }  # fmt: skip
        if external_id is not None:
            ticket["external_id"] = external_id
        return self._world.keep("zendesk", "ticket", number, ticket)

    def _history(self, number: str) -> list[dict[str, Any]]:
        return [audit for audit in self._world.all("zendesk", "audit") if audit["ticket_id"] == int(number)]

    # Writing

    async def _create(self, request: Request) -> Response:
        _check(request)
        wanted = await _wanted(request)
        if not isinstance(wanted.get("comment"), dict):
            raise Refused(422, "RecordInvalid", "Description: cannot be blank")
        key = request.headers.get("idempotency-key")
        known = (
            self._world.find("zendesk", "idempotency", key) if key and not request.state._state.get("again") else None
        )
        if known is not None:
            if known["request"] != wanted:
                raise Refused(400, "IdempotentRequestError", "The request differs from the first with this key")
            return JSONResponse(known["answer"], 201, headers={"x-idempotency-lookup": "hit"})
        ticket = self._seed(str(10_000 + self._world.next_number("zendesk", "ticket")), wanted.get("external_id"))
        ticket["status"] = "new"
        answer = self._change(ticket, wanted, created=True)
        if key:
            self._world.keep("zendesk", "idempotency", key, {"request": wanted, "answer": answer})
        return JSONResponse(answer, 201, headers={"x-idempotency-lookup": "miss"})

    async def _update(self, request: Request) -> Response:
        _check(request)
        ticket = self._ticket(str(request.path_params["number"]))
        wanted = await _wanted(request)
        if ticket["status"] == "closed":
            raise Refused(422, "RecordInvalid", "Status: closed prevents ticket update")
        if str(wanted.get("safe_update", "")).lower() == "true":
            if not wanted.get("updated_stamp"):
                raise Refused(400, "InvalidArgument", "updated_stamp is required with safe_update")
            if wanted["updated_stamp"] != ticket["updated_at"]:
                raise Refused(409, "UpdateConflict", "Safe Update prevented: the ticket was updated meanwhile")
        return JSONResponse(self._change(ticket, wanted))

    def _change(self, ticket: dict[str, Any], wanted: dict[str, Any], *, created: bool = False) -> dict[str, Any]:
        events: list[dict[str, Any]] = []
        for name in ("subject", "status", "priority", "group_id", "assignee_id", "tags", "external_id"):
            if name in wanted and wanted[name] != ticket.get(name):
                events.append({
                    "id": self._world.next_number("zendesk", "event"), "type": "Change", "field_name": name,
                    "value": _told(wanted[name]), "previous_value": _told(ticket.get(name)),
                })  # fmt: skip
                ticket[name] = wanted[name]
        comment = wanted.get("comment")
        if comment is not None:
            events.append({
                "id": self._world.next_number("zendesk", "event"), "type": "Comment", "body": comment["body"],
                "public": bool(comment.get("public", True)), "author_id": 7_000,
            })  # fmt: skip
        ticket["updated_at"] = _stamp(datetime.now(UTC), after=ticket["updated_at"])
        audit = {
            "id": self._world.next_number("zendesk", "audit"), "ticket_id": ticket["id"],
            "created_at": ticket["updated_at"], "author_id": 7_000, "events": events,
            "metadata": {"system": {}, "custom": wanted.get("metadata") or {}}, "via": {"channel": "api"},
        }  # fmt: skip
        self._world.keep("zendesk", "ticket", str(ticket["id"]), ticket)
        self._world.keep("zendesk", "audit", str(audit["id"]), audit)
        key = str(audit["metadata"]["custom"].get("surehand_key") or f"audit/{audit['id']}")
        kind = "ticket_created" if created else "ticket_changed"
        case = case_in(key, str(ticket.get("external_id") or ""))
        body = {"ticket": ticket, "events": events}
        self._world.record(Entry(vendor="zendesk", kind=kind, key=key, case=case, body=body))
        return {"ticket": ticket, "audit": audit}


def _told(value: Any) -> Any:
    """A field's value in an audit: tags are told as one text."""
    return " ".join(value) if isinstance(value, list) else value


async def _wanted(request: Request) -> dict[str, Any]:
    try:
        wanted = json.loads(await request.body())["ticket"]
    except (ValueError, KeyError, TypeError):
        raise Refused(400, "InvalidArgument", "Parameter ticket is required") from None
    if not isinstance(wanted, dict) or wanted.keys() - _FIELDS:
        raise Refused(400, "InvalidArgument", "Unknown parameter")
    comment = wanted.get("comment")
    if comment is not None and not (isinstance(comment, dict) and comment.get("body")):
        raise Refused(422, "RecordInvalid", "Comment: body cannot be blank")
    if comment is not None and len(comment["body"]) > 65_535:
        raise Refused(422, "RecordInvalid", "Description: is too long (maximum is 65535 characters)")
    if wanted.get("status", "open") not in STATUSES or wanted.get("priority") not in (None, *PRIORITIES):
        raise Refused(422, "RecordInvalid", "Record validation errors")
    if wanted.get("group_id") not in (None, *range(500, 500 + len(GROUPS))):
        raise Refused(422, "RecordInvalid", "Group: is not valid")
    return wanted


def _check(request: Request) -> None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        user = b64decode(value).decode() if scheme == "Basic" else ""
    except ValueError:
        user = ""
    if "/token:" not in user or user.endswith((":", ":wrong")):
        raise Refused(401, "Couldn't authenticate you")


async def _refuse(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)  # noqa: S101 - the handler is registered for it
    return JSONResponse(refused.body, refused.status)


def _cursor_page(name: str, rows: list[dict[str, Any]], request: Request) -> dict[str, Any]:
    start = int(request.query_params.get("page[after]") or 0)
    size = max(1, min(int(request.query_params.get("page[size]") or 100), 100))
    more = start + size < len(rows)
    return {name: rows[start : start + size], "meta": {"has_more": more, "after_cursor": str(start + size)}}


def _stamp(at: datetime, after: str = "") -> str:
    """Zendesk's stamps have whole seconds; a second change within one moves on, so that it is told apart."""
    text = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if text > after:
        return text
    later = datetime.strptime(after, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) + timedelta(seconds=1)
    return later.strftime("%Y-%m-%dT%H:%M:%SZ")
