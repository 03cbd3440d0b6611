"""Signing in and out."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from starters.console import visitors
from starters.console.forms import read_form
from starters.console.pages import ROOT, Ask, address, rendered
from starters.service.services import Services

_UNKNOWN = (
    "Nobody is known by that key or link: a link works once and for fifteen minutes; make another with "
    "`surehand console`."
)
_FIELDS = {"link", "key"}


async def form(request: Request) -> Response:
    """The form. A link that is only opened, by a mail scanner or a preview, signs nobody in and is not used up."""
    link = request.query_params.get("link", "")[:200]
    done = "You are signed out." if "out" in request.query_params else ""
    return _form(request, link=link, done=done)


async def sign_in(request: Request) -> Response:
    """By the link or the key that the form holds."""
    services: Services = request.app.state.services
    fields = await read_form(request, visitors.cookie_of(request, visitors.BEFORE))
    link, text = fields.get("link", ""), fields.get("key", "")
    key = None
    if set(fields) <= _FIELDS and bool(link) != bool(text):
        key = await (visitors.key_by_link(services, link) if link else visitors.key_by_text(services, text))
    if key is None:
        return _form(request, link="", problem=_UNKNOWN, status=401)
    response = RedirectResponse(f"{ROOT}/", 303)
    await visitors.sign_in(request, services, key, response)
    return response


async def sign_out(ask: Ask) -> Response:
    """End this session, or all of the same key."""
    response = RedirectResponse(address("sign-in", out=1), 303)
    await visitors.sign_out(ask.request, ask.services, ask.visitor, response, all_="everywhere" in ask.form)
    return response


def _form(request: Request, *, link: str, problem: str = "", done: str = "", status: int = 200) -> Response:
    # Tabs share the cookie, so the form of the one before stays good.
    secret = visitors.cookie_of(request, visitors.BEFORE) or secrets.token_urlsafe(32)
    page = rendered("sign_in", status=status, link=link, problem=problem, csrf=visitors.csrf_of(secret), done=done)
    visitors.guard_sign_in(request, page, secret)
    return page
