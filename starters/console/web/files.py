"""The console's own script and style; nothing else is served from its folder."""

from __future__ import annotations

from functools import cache

from starlette.requests import Request
from starlette.responses import Response

from starters.console.web.pages import FOLDER
from starters.service.http.errors import answer_to, of_status

_TYPES = {"console.js": "text/javascript", "console.css": "text/css", "icon.svg": "image/svg+xml"}


async def serve(request: Request) -> Response:
    """One of the files."""
    name = request.path_params["name"]
    if name not in _TYPES:
        return answer_to(of_status(404))
    return Response(_read(name), 200, {"Cache-Control": "public, max-age=60"}, _TYPES[name])


@cache
def _read(name: str) -> bytes:
    return (FOLDER / "static" / name).read_bytes()
