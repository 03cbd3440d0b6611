"""The console's cookies: closed to scripts, and outside this machine bound to TLS and to this very host."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

SESSION, BEFORE, AWAY = "surehand_console", "surehand_sign_in", "surehand_away"
"""Of a session; of the sign-in form; of whoever is at the identity provider."""
_SAFE_PREFIX = "__Host-"
_LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})
_LONGEST = 200


def cookie_of(request: Request, name: str) -> str | None:
    """A cookie of ours; None for what cannot be one."""
    value = request.cookies.get(_named(request, name), "")
    return value if 20 <= len(value) <= _LONGEST and value.isascii() else None


def give(request: Request, response: Response, name: str, value: str, lives: timedelta) -> None:
    """Have the browser keep a cookie."""
    response.set_cookie(
        _named(request, name),
        value,
        max_age=int(lives.total_seconds()),
        path="/",
        secure=not is_loopback(request),
        httponly=True,
        # Not `strict`: whoever comes back from the identity provider, or by a link in a message, is still who they are.
        samesite="lax",
    )


def forget(request: Request, response: Response, name: str) -> None:
    """Have the browser drop a cookie."""
    give(request, response, name, "", timedelta(0))


def is_loopback(request: Request) -> bool:
    """Whether the browser is on this machine, where there is no TLS."""
    name, _, port = request.headers.get("host", "").rpartition(":")
    return (name if port.isdecimal() else request.headers.get("host", "")) in _LOOPBACK


def _named(request: Request, name: str) -> str:
    # With the prefix a browser takes it over TLS and from this very host only.
    return name if is_loopback(request) else _SAFE_PREFIX + name
