"""The outbox: a page that shows everything that was sent, and a JSON interface for tests and faults."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.faults import VENDORS, Faults, NoSuchFault
from sandbox.forms import urlencoded
from sandbox.outbox_view import ALWAYS_SHOWN, VENDOR_NAMES, cases_of, clock
from sandbox.slack_markup import marked_up
from sandbox.slack_pressing import CannotPress, SlackPressing
from sandbox.world import World

_PAGES = Path(__file__).parent / "pages"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Outbox:
    """The page and the interface over one world."""

    def __init__(
        self, world: World, faults: Faults, apply_down: Callable[[], Awaitable[None]], pressing: SlackPressing
    ) -> None:
        """`apply_down` shuts and opens ports after the faults changed; `pressing` presses Slack's buttons."""
        self._pressing = pressing
        self._world = world
        self._faults = faults
        self._apply_down = apply_down
        self._pages = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined)
        self._pages.filters |= {"marked_up": marked_up, "clock": clock}

    def app(self) -> Starlette:
        """The web application."""
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/style.css", self._style),
                Route("/press", self._press, methods=["POST"]),
                Route("/attachments/{number:int}/{place:int}", self._attachment),
                Route("/api/messages", self._messages),
                Route("/api/effects", self._effects),
                Route("/api/standing", self._standing),
                Route("/api/objects/{vendor}/{kind}", self._objects),
                Route("/api/objects/{vendor}/{kind}/{id:path}", self._set_object, methods=["PATCH"]),
                Route("/api/clock", self._show_clock, methods=["GET"]),
                Route("/api/clock", self._advance_clock, methods=["POST"]),
                Route("/api/faults", self._show_faults, methods=["GET"]),
                Route("/api/faults", self._add_fault, methods=["POST"]),
                Route("/api/faults", self._remove_faults, methods=["DELETE"]),
                Route("/api/reset", self._reset, methods=["POST"]),
            ]
        )

    # The page

    async def _page(self, request: Request) -> Response:
        vendor = request.query_params.get("vendor")
        vendor = vendor if vendor in VENDOR_NAMES else None
        everything = list(self._world.entries())
        counts = Counter(entry.vendor for entry in everything)
        page = self._pages.get_template("outbox.html").render(
            cases=cases_of([entry for entry in everything if vendor in (None, entry.vendor)]),
            vendors=[
                {"id": name, "label": label, "count": counts[name]}
                for name, label in VENDOR_NAMES.items()
                if counts[name] or name in ALWAYS_SHOWN
            ],
            chosen=vendor,
            total=len(everything),
            faults=self._faults.all(),
        )
        return HTMLResponse(page, headers=_HEADERS)

    async def _press(self, request: Request) -> Response:
        """Somebody presses a button of a Slack message on the page."""
        origin = request.headers.get("origin")
        if origin not in (None, "null", f"http://{request.headers.get('host')}"):
            return Response("Press it on the page itself.", 403, media_type="text/plain", headers=_HEADERS)
        wanted = await urlencoded(request)
        named = [str(wanted.get(name) or "") for name in ("channel", "ts", "action", "user")]
        try:
            done = await self._pressing.press(
                named[0], named[1], named[2], named[3], str(wanted.get("text") or "") or None
            )
        except CannotPress as problem:
            return Response(str(problem), 400, media_type="text/plain", headers=_HEADERS)
        if done["status"] != 200:
            words = f"The service did not take it (status {done['status']}): see whether it runs."
            return Response(words, 502, media_type="text/plain", headers=_HEADERS)
        return RedirectResponse("/", 303, headers=_HEADERS)

    async def _style(self, request: Request) -> Response:
        return FileResponse(_PAGES / "outbox.css", media_type="text/css", headers=_HEADERS)

    async def _attachment(self, request: Request) -> Response:
        number, place = request.path_params["number"], request.path_params["place"]
        entry = next(self._world.entries(vendor="smtp", since=number - 1), None)
        attachments = entry.body["attachments"] if entry is not None and entry.number == number else []
        if place >= len(attachments):
            return Response("There is no such attachment.", 404, media_type="text/plain", headers=_HEADERS)
        # Always plain text: what a customer sent is never run by a browser.
        return Response(attachments[place]["text"], media_type="text/plain; charset=utf-8", headers=_HEADERS)

    # The interface

    async def _messages(self, request: Request) -> Response:
        since = request.query_params.get("since", "0")
        if not since.isdigit():
            return JSONResponse({"error": "`since` is the number of an entry."}, 400)
        found = self._world.entries(vendor=request.query_params.get("vendor"), since=int(since))
        case = request.query_params.get("case")
        return JSONResponse([asdict(entry) for entry in found if case in (None, entry.case)], headers=_HEADERS)

    async def _effects(self, request: Request) -> Response:
        return JSONResponse(self._world.effects(), headers=_HEADERS)

    async def _standing(self, request: Request) -> Response:
        asked = request.query_params
        return JSONResponse(self._world.standing(vendor=asked.get("vendor"), case=asked.get("case")), headers=_HEADERS)

    async def _objects(self, request: Request) -> Response:
        found = self._world.all(request.path_params["vendor"], request.path_params["kind"])
        return JSONResponse(found, headers=_HEADERS)

    async def _set_object(self, request: Request) -> Response:
        """Sets fields of an object at a vendor, as if something had happened there that nobody asked for."""
        vendor, kind, identity = (str(request.path_params[name]) for name in ("vendor", "kind", "id"))
        try:
            wanted = json.loads(await request.body())
        except ValueError:
            wanted = None
        if vendor not in VENDORS or not isinstance(wanted, dict):
            return JSONResponse({"error": "Send the fields to set, as a JSON object, of an object at a vendor."}, 400)
        known = self._world.find(vendor, kind, identity) or {"id": identity}
        return JSONResponse(self._world.keep(vendor, kind, identity, known | wanted))

    async def _show_clock(self, request: Request) -> Response:
        return JSONResponse({"now": self._world.now().isoformat()}, headers=_HEADERS)

    async def _advance_clock(self, request: Request) -> Response:
        try:
            seconds = float(json.loads(await request.body())["advance_seconds"])
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "`advance_seconds` says by how much time passes at the vendors."}, 400)
        return JSONResponse({"now": self._world.advance(seconds).isoformat()})

    async def _show_faults(self, request: Request) -> Response:
        return JSONResponse(self._faults.all(), headers=_HEADERS)

    async def _add_fault(self, request: Request) -> Response:
        try:
            wanted = json.loads(await request.body())
            fault = self._faults.add(wanted if isinstance(wanted, dict) else {})
        except ValueError as error:
            sentence = str(error) if isinstance(error, NoSuchFault) else "A fault is a JSON object."
            return JSONResponse({"error": sentence}, 400)
        await self._apply_down()
        return JSONResponse(asdict(fault), 201)

    async def _remove_faults(self, request: Request) -> Response:
        vendor, identity = request.query_params.get("vendor"), request.query_params.get("id")
        if vendor is not None and vendor not in VENDORS:
            return JSONResponse({"error": f"The vendors are {', '.join(VENDORS)}."}, 400)
        self._faults.remove(vendor=vendor, fault_id=int(identity) if identity and identity.isdigit() else None)
        await self._apply_down()
        return JSONResponse(self._faults.all())

    async def _reset(self, request: Request) -> Response:
        self._world.reset()
        self._faults.remove()
        await self._apply_down()
        return JSONResponse({"entries": 0})
