"""A system outside that is told by webhooks: it believes what is signed, and shows what it took.

The signature is checked with code of its own, from the specification on standardwebhooks.com: base64 of HMAC-SHA256
over `id.timestamp.body`, several signatures apart by spaces, a time within five minutes. `POST /hooks/NAME` takes
events; faults make it fail, answer late, drop the line or say 410.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.world import Entry, World

SECRETS = (
    "whsec_c2FuZGJveC1yZWNlaXZlci1zZWNyZXQtbnVtYmVyLW9uZSE=",
    "whsec_c2FuZGJveC1yZWNlaXZlci1zZWNyZXQtbnVtYmVyLXR3byE=",
)
"""Either is believed, as while one replaces the other."""
_WINDOW_SECONDS = 300


def error_body(status: int, code: str) -> dict[str, Any]:
    """A failure."""
    return {"error": code}


class Receiver:
    """Takes signed events."""

    def __init__(self, world: World) -> None:
        self._world = world

    def app(self) -> Starlette:
        """The web application."""
        return Starlette(routes=[Route("/hooks/{name}", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        if not is_signed(dict(request.headers), body, time.time()):
            return JSONResponse({"error": "not_signed"}, 401)
        try:
            event = json.loads(body)
            message_id, kind, data = request.headers["webhook-id"], str(event["type"]), event["data"]
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "no_event"}, 400)
        if event.get("specversion") != "1.0" or event.get("id") != message_id:
            return JSONResponse({"error": "no_event"}, 400)
        # The same id a second time is the same event: it is written down as a repeat, and acknowledged.
        self._world.record(
            Entry(
                vendor="receiver",
                kind=kind.rpartition(".")[2],
                key=message_id,
                body={"endpoint": request.path_params["name"], "event": event},
                case=str(data.get("id", "")).removeprefix("incident:") or None,
            )
        )
        return Response(status_code=204)


def is_signed(headers: dict[str, str], body: bytes, now: float) -> bool:
    """Whether one of our secrets made one of the signatures, lately."""
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not stamp.isascii() or not stamp.isdigit() or abs(now - int(stamp)) > _WINDOW_SECONDS:
        return False
    signed = f"{message_id}.{stamp}.".encode() + body
    given = [part.removeprefix("v1,") for part in headers.get("webhook-signature", "").split(" ") if part[:3] == "v1,"]
    expected = [
        base64.b64encode(hmac.new(base64.b64decode(secret[6:]), signed, hashlib.sha256).digest()).decode()
        for secret in SECRETS
    ]
    return any(hmac.compare_digest(one.encode(), other.encode()) for one in given for other in expected)
