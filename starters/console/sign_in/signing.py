"""Signing in and out: by a link, by name and password, by a key; `provider` has the identity provider."""

from __future__ import annotations

import logging
import secrets
from urllib.parse import unquote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from starters.console.sign_in import cookies, passwords, visitors
from starters.console.sign_in.visitors import SignIn
from starters.console.web.forms import read_form
from starters.console.web.pages import ROOT, Ask, address, rendered
from starters.service.http.errors import Problem
from starters.service.services import Services

_UNKNOWN = (
    "Nobody is known by that key or link: a link works once and for fifteen minutes; make another with "
    "`surehand console`."
)
_WRONG = "That name and password do not fit: check both, or ask for a new password."
_LONGEST_PATH = 500
_WAYS = ({"link"}, {"key"}, {"name", "password"})
_BESIDE = {"to", "tenant"}
_NAMES = ("link", "key", "password")

logger = logging.getLogger(__name__)


async def form(request: Request) -> Response:
    """The form. A link that is only opened, by a mail scanner or a preview, signs nobody in and is not used up."""
    return page(request)


async def sign_in(request: Request) -> Response:
    """By whatever the form holds."""
    services: Services = request.app.state.services
    fields = await read_form(request, cookies.cookie_of(request, cookies.BEFORE))
    try:
        who = await _who(request, services, fields)
    except Problem as problem:
        logger.warning("a sign-in was refused: too many were wrong")
        answer = page(request, fields, problem=problem.detail, status=problem.status)
        answer.headers.update(problem.headers)
        return answer
    if who is None:
        # Nothing of what was typed: people type passwords into the wrong field.
        logger.warning("a sign-in failed", extra={"way": next((way for way in _NAMES if way in fields), "none")})
        return page(request, fields, problem=_WRONG if "password" in fields else _UNKNOWN, status=401)
    response = RedirectResponse(within_console(fields.get("to", "")), 303)
    await visitors.begin(request, services, who, response)
    return response


async def sign_out(ask: Ask) -> Response:
    """End this session, or all of the same person."""
    by_provider = ask.visitor.principal.principal_id.startswith("token:")
    response = RedirectResponse(address("sign-in", out="there" if by_provider else "1"), 303)
    await visitors.sign_out(ask.request, ask.services, ask.visitor, response, all_="everywhere" in ask.form)
    return response


def within_console(wanted: str) -> str:
    """Where to go after signing in: a page of the console and nothing else, whatever the address asked for."""
    start = f"{ROOT}/"
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return start
    plain = unquote(parts.path)
    fits = (
        len(wanted) <= _LONGEST_PATH
        and wanted.isascii()
        and wanted.isprintable()
        and not (parts.scheme or parts.netloc or parts.fragment)
        and wanted.startswith(start)
        and not any(mark in plain for mark in ("\\", "//", ".."))
        and not plain.startswith(f"{ROOT}/sign-")
    )
    return wanted if fits else start


def page(request: Request, typed: dict[str, str] | None = None, *, problem: str = "", status: int = 200) -> Response:
    """The sign-in page.

    Args:
        request: of whoever signs in.
        typed: what stood in the form, to be kept but for secrets.
        problem: a sentence above the form.
        status: HTTP's.
    """
    services: Services = request.app.state.services
    asked = request.query_params if typed is None else typed
    oidc, out = services.service.oidc, request.query_params.get("out", "") if typed is None else ""
    # Tabs share the cookie, so the form of the one before stays good.
    secret = cookies.cookie_of(request, cookies.BEFORE) or secrets.token_urlsafe(32)
    to = within_console(asked.get("to", ""))
    answer = rendered(
        "sign_in",
        status=status,
        problem=problem,
        csrf=visitors.csrf_of(secret),
        done="You are signed out." if out else "",
        link=request.query_params.get("link", "")[:200] if typed is None else "",
        name=asked.get("name", "")[:200],
        tenant=asked.get("tenant", "")[:64],
        asks_tenant=len(services.configuration.tenants) > 1,
        to=to if to != f"{ROOT}/" else "",
        provider=oidc.label if oidc is not None else "",
        leaves_provider=oidc is not None and out == "there",
        takes_passwords=services.service.takes_passwords,
    )
    cookies.give(request, answer, cookies.BEFORE, secret, visitors.LINK_LIVES)
    return answer


async def _who(request: Request, services: Services, fields: dict[str, str]) -> SignIn | None:
    if set(fields) - _BESIDE not in _WAYS or not all(fields[name] for name in set(fields) - _BESIDE):
        return None
    if "password" in fields:
        typed = passwords.Typed(fields["name"], fields["password"], fields.get("tenant", "").strip())
        return await passwords.signed_in(request, services, typed)
    if "link" in fields:
        key = await visitors.key_by_link(services, fields["link"])
    else:
        key = await visitors.key_by_text(services, fields["key"])
    return SignIn.by_key(key) if key is not None else None
