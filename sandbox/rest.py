"""What simulators of plain JSON interfaces share: bearer keys, idempotency, refusals, and what the outbox is told.

Each write takes an `Idempotency-Key`: the same key with the same request gives the first answer again, marked
`Idempotent-Replayed: true`; with another request it is refused with 409. Only what took effect is remembered.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.faults import VENDORS
from sandbox.fields import Field, Refused, error_body, take
from sandbox.world import Entry, World, case_in, case_of

_FOREIGN_KEYS = ("sk_test_", "rk_test_", "xoxb-")
_READS = ("GET", "HEAD")


@dataclass
class Call:
    """One request, with its body read."""

    request: Request
    body: Any = None
    told: int = 0
    """How many effects the outbox was told of: one request may have several, each counted for itself."""

    @property
    def key(self) -> str:
        """Its idempotency key; empty when it has none."""
        return self.request.headers.get("idempotency-key", "")

    @property
    def again(self) -> bool:
        """Whether a fault of kind `duplicate` lets it happen once more."""
        return bool(self.request.scope.get("state", {}).get("again"))

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.request.query_params.get(name, default)

    def take(self, **fields: Field) -> dict[str, Any]:
        """The fields of the body; raises `Refused`."""
        return take({} if self.body is None else self.body, fields)


Act = Callable[[Call], Any]
"""Acts and gives the answer's body, or a whole response. It never waits, so nothing comes between look and change."""


@dataclass(frozen=True)
class Way:
    """One operation."""

    method: str
    path: str
    act: Act
    status: int = 200
    open: bool = False
    """Whether it is for everybody, such as a link in a mail."""


class JsonVendor:
    """One account at a vendor. A subclass names itself, lists its ways and seeds what is there from the start."""

    name: ClassVar[str]

    def __init__(self, world: World) -> None:
        self.world = world
        world.plant(self.name, self.seed)

    def seed(self) -> None:
        """What is there before anything happened."""

    def ways(self) -> list[Way]:
        """Every operation."""
        raise NotImplementedError

    def app(self) -> Starlette:
        """The account's API."""
        return Starlette(
            routes=[Route(way.path, self._endpoint(way), methods=[way.method]) for way in self.ways()],
            exception_handlers={Refused: _refuse, HTTPException: _no_such_way},
        )

    # What ways use

    def find(self, kind: str, identity: str) -> dict[str, Any]:
        """One object; raises `Refused` when there is none."""
        found = self.world.find(self.name, kind, identity)
        if found is None:
            raise Refused(404, "not_found", f"There is no such {kind.replace('_', ' ')}.")
        return found

    def all(self, kind: str, /, **wanted: Any) -> list[dict[str, Any]]:
        """The objects whose fields have the wanted values; an empty value takes any."""
        return [
            row
            for row in self.world.all(self.name, kind)
            if all(row.get(name) == value for name, value in wanted.items() if value not in ("", None))
        ]

    def keep(self, kind: str, made: dict[str, Any], identity: str = "") -> dict[str, Any]:
        """Make or replace an object under its `id`."""
        return self.world.keep(self.name, kind, identity or made["id"], made)

    def next_id(self, kind: str, prefix: str) -> str:
        """A new id such as `res_000001`."""
        return f"{prefix}_{self.world.next_number(self.name, kind):06}"

    def stamp(self) -> str:
        """Now, as these vendors write it."""
        return self.world.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def record(
        self, call: Call, kind: str, subject: str, title: str, facts: Mapping[str, Any], *,
        reference: str = "", standing: bool | None = None,
    ) -> None:  # fmt: skip
        """Tell the outbox what took effect.

        Args:
            call: the request.
            kind: what happened, such as `reservation_made`.
            subject: what it happened to, such as `reservation/res_000001`.
            title: for a person.
            facts: for a person, in order.
            reference: the client's own reference, which names the case unless the key does.
            standing: whether the subject is in force now; None where an effect cannot be taken back.
        """
        key = call.key or f"{subject}/{kind}"
        call.told += 1
        self.world.record(
            Entry(
                vendor=self.name,
                kind=kind,
                key=key,
                effects=[key if call.told == 1 else f"{key} {subject}"],
                case=case_in(call.key) or case_of(reference),
                subject=subject if standing is not None else None,
                standing=standing,
                body={"title": title, "facts": {name: str(value) for name, value in facts.items()}},
            )
        )

    # Requests

    def _endpoint(self, way: Way) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if not way.open:
                self._check_key(request)
            if way.method in _READS:
                return _answer(way.act(Call(request)), way.status)
            call = Call(request, await _body(request))
            if way.open:
                return _answer(way.act(call), way.status)
            return self._once(way, call)

        return endpoint

    def _once(self, way: Way, call: Call) -> Response:
        asked = {"method": way.method, "path": call.request.url.path, "body": call.body}
        known = self.world.find(self.name, "idempotency", call.key) if call.key and not call.again else None
        if known is not None and known["request"] != asked:
            raise Refused(409, "idempotency_key_reused", "This Idempotency-Key came with another request before.")
        if known is not None:
            return JSONResponse(known["answer"], way.status, headers={"Idempotent-Replayed": "true"})
        answer = way.act(call)
        if call.key and not call.again:
            self.world.keep(self.name, "idempotency", call.key, {"request": asked, "answer": answer})
        return _answer(answer, way.status)

    def _check_key(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        others = tuple(f"{name}-" for name in VENDORS if name != self.name)
        # A key that was meant for another vendor has leaked: that must show.
        if scheme.lower() != "bearer" or not key or key == "wrong" or key.startswith((*_FOREIGN_KEYS, *others)):
            raise Refused(401, "unauthorized", "The bearer key is missing, wrong or another vendor's.")


def _answer(made: Any, status: int) -> Response:
    return made if isinstance(made, Response) else JSONResponse(made, status)


async def _body(request: Request) -> Any:
    content = await request.body()
    if not content.strip():
        return None
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refused(415, "unsupported_media_type", "Send the body as application/json.")
    try:
        return json.loads(content)
    except ValueError:
        raise Refused(400, "malformed_json", "The body is not JSON.") from None


async def _refuse(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)  # noqa: S101 - the handler is registered for it
    headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else None
    return JSONResponse(refused.body, refused.status, headers=headers)


async def _no_such_way(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)  # noqa: S101 - the handler is registered for it
    code = "method_not_allowed" if problem.status_code == 405 else "no_such_path"
    return JSONResponse(error_body(problem.status_code, code, str(problem.detail)), problem.status_code)
