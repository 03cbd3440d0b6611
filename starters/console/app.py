"""The console's application: every address, the role that it needs, and one guard before all of them."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from domain.errors import SurehandError
from domain.identity.principals import Role
from starters.console import numbers, webhooks
from starters.console.cases import acting, case, cases, inbox, opening
from starters.console.incidents import acts as incident_acts
from starters.console.incidents import evidence, knowledge, post_mortem
from starters.console.incidents.uploads import Upload
from starters.console.playbooks import playbooks, starting
from starters.console.sign_in import provider, signing
from starters.console.sign_in.visitors import Visitor, visitor_of
from starters.console.web import files, live
from starters.console.web.forms import read_form
from starters.console.web.pages import ROOT, Ask, address, rendered
from starters.service.http.errors import Problem, invalid, of_status, problem_of
from starters.service.services import Services

Page = Callable[[Ask], Awaitable[Response]]


@dataclass(frozen=True)
class Entry:
    """One address for whoever is signed in."""

    method: str
    path: str
    role: Role
    page: Page
    uploads: bool = False
    """Whether its form may have files."""


ENTRIES: tuple[Entry, ...] = (
    Entry("GET", "/", Role.VIEWER, inbox.page),
    Entry("GET", "/cases", Role.VIEWER, cases.page),
    Entry("GET", "/cases/{name:path}", Role.VIEWER, case.one),
    Entry("GET", "/tickets/new", Role.AGENT, opening.new_ticket),
    Entry("GET", "/incidents/new", Role.AGENT, opening.new_incident),
    Entry("GET", "/evidence/{reference}", Role.VIEWER, evidence.page),
    Entry("GET", "/post-mortem/{name:path}", Role.VIEWER, post_mortem.page),
    Entry("GET", "/playbooks", Role.VIEWER, playbooks.page),
    Entry("GET", "/playbooks/{name}", Role.VIEWER, playbooks.one),
    Entry("GET", "/playbooks/{name}/start", Role.VIEWER, starting.form),
    Entry("GET", "/knowledge", Role.VIEWER, knowledge.page),
    Entry("GET", "/knowledge/{name}", Role.VIEWER, knowledge.one),
    Entry("GET", "/numbers", Role.VIEWER, numbers.page),
    Entry("GET", "/webhooks", Role.OPERATOR, webhooks.page),
    Entry("GET", "/webhooks/{endpoint_id}", Role.OPERATOR, webhooks.one),
    Entry("GET", "/live/{of:path}", Role.VIEWER, live.stream),
    Entry("POST", "/do/rehearse", Role.VIEWER, starting.rehearse),
    Entry("POST", "/do/decide", Role.APPROVER, acting.decide),
    Entry("POST", "/do/claim", Role.AGENT, acting.claim),
    Entry("POST", "/do/reassign", Role.AGENT, acting.reassign),
    Entry("POST", "/do/resolve", Role.AGENT, acting.resolve),
    Entry("POST", "/do/message", Role.AGENT, acting.message),
    Entry("POST", "/do/heard", Role.AGENT, acting.heard),
    Entry("POST", "/do/escalate", Role.AGENT, acting.escalate),
    Entry("POST", "/do/feedback", Role.AGENT, acting.feedback),
    Entry("POST", "/do/ask", Role.AGENT, incident_acts.ask),
    Entry("POST", "/do/close", Role.AGENT, incident_acts.close),
    Entry("POST", "/do/evidence", Role.AGENT, incident_acts.evidence, uploads=True),
    Entry("POST", "/do/link", Role.AGENT, incident_acts.link),
    Entry("POST", "/do/join", Role.AGENT, incident_acts.join),
    Entry("POST", "/do/open-incident-of", Role.AGENT, incident_acts.open_of_ticket),
    Entry("POST", "/do/open-ticket", Role.AGENT, opening.ticket),
    Entry("POST", "/do/open-incident", Role.AGENT, opening.incident, uploads=True),
    Entry("POST", "/do/review", Role.AGENT, knowledge.review),
    Entry("POST", "/do/webhooks", Role.OPERATOR, webhooks.act),
    Entry("POST", "/do/unpark", Role.OPERATOR, acting.unpark),
    Entry("POST", "/do/cancel", Role.OPERATOR, acting.cancel),
    Entry("POST", "/do/start", Role.OPERATOR, starting.start),
    Entry("POST", "/do/event", Role.OPERATOR, starting.event),
    Entry("POST", "/do/abort", Role.OPERATOR, starting.abort),
    Entry("POST", "/sign-out", Role.VIEWER, signing.sign_out),
)


def application(services: Services) -> Starlette:
    """What stands below `/console`."""
    routes = [Route(entry.path, _guarded(entry), methods=[entry.method]) for entry in ENTRIES]
    routes += [
        Route("/sign-in", _answered(signing.form), methods=["GET"]),
        Route("/sign-in", _answered(signing.sign_in), methods=["POST"]),
        Route("/sign-in/away", _answered(provider.step(provider.go)), methods=["GET"]),
        Route("/sign-in/back", _answered(provider.step(provider.back)), methods=["GET"]),
        Route("/sign-in/leave", _answered(provider.step(provider.leave)), methods=["GET"]),
        Route("/static/{name}", files.serve, methods=["GET"]),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _of_framework, 500: _of_fault})
    app.router.redirect_slashes = False
    app.state.services = services
    return app


def to_console(request: Request) -> Response:
    """Where somebody who typed `/console` wanted to go."""
    return RedirectResponse(f"{ROOT}/", 307)


def _guarded(entry: Entry) -> Callable[[Request], Awaitable[Response]]:
    async def run(request: Request) -> Response:
        services: Services = request.app.state.services
        visitor = await visitor_of(request, services)
        if visitor is None:
            return _sign_in_first(request)
        request.state.visitor, request.state.principal = visitor, visitor.principal
        if not visitor.principal.may(entry.role):
            raise Problem(403, "FORBIDDEN", f"This needs the role {entry.role.value}: ask an admin for it.")
        if entry.uploads:
            upload = await Upload.begun(request, visitor.secret)
            return await entry.page(Ask(request, services, visitor, upload.fields, upload))
        form = await read_form(request, visitor.secret) if entry.method == "POST" else {}
        return await entry.page(Ask(request, services, visitor, form))

    return _answered(run)


def _answered(work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """With a page for whatever goes wrong on purpose."""

    async def run(request: Request) -> Response:
        try:
            return await work(request)
        except ValidationError as error:
            return _error_page(request, _of_fields(error))
        except (Problem, SurehandError, RuntimeError) as error:
            problem = problem_of(error)
            if problem is None:
                raise
            return _error_page(request, problem)

    return run


def _of_fields(error: ValidationError) -> Problem:
    named = sorted({str(fault["loc"][0]) for fault in error.errors() if fault["loc"]})
    return invalid(f"Something in the form is missing, too long or not known: look at {', '.join(named) or 'it'}.")


def _sign_in_first(request: Request) -> Response:
    if request.method != "GET":
        return _error_page(request, Problem(401, "UNAUTHENTICATED", "You are signed out: sign in and do it again."))
    if request.url.path.startswith(f"{ROOT}/live/"):
        return Response(status_code=401)
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wanted = signing.within_console(path)
    return RedirectResponse(address("sign-in", to=wanted if wanted != f"{ROOT}/" else ""), 303)


def _error_page(request: Request, problem: Problem) -> Response:
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    again = request.url.path if problem.status == 503 and request.method == "GET" else ""
    page = rendered("error", status=problem.status, visitor=visitor, detail=problem.detail, again=again)
    page.headers.update(problem.headers)
    return page


async def _of_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this
    with contextlib.suppress(SurehandError):  # else the page offers to sign in
        request.state.visitor = await visitor_of(request, request.app.state.services)
    return _error_page(request, of_status(error.status_code, error.headers))


async def _of_fault(request: Request, error: Exception) -> Response:
    return _error_page(request, Problem(500, "INTERNAL", "Surehand stumbled over a fault of its own: see its log."))
