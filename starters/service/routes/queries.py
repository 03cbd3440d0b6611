"""Questions about a case: answered at once, soon, or later; each has an address that says how far it is."""

from __future__ import annotations

import contextlib

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.errors import NotReachable
from domain.identity.principals import Principal
from domain.ids import kind_of
from starters.service.access.guarded import GuardedRoute
from starters.service.access.principals import reporter_of
from starters.service.access.roles import V1
from starters.service.contract.declared import LOCATION, RETRY_AFTER, Prefer, of_body, refusals
from starters.service.contract.idempotency import key_of
from starters.service.contract.naming import case_named
from starters.service.contract.paging import Limit, Offset, SortOrder, cut
from starters.service.contract.requests import QueryIn
from starters.service.contract.views import AgentResponse, QueryPage, QueryStatus
from starters.service.http.errors import Problem
from starters.service.inbox import accepting, asking
from starters.service.inbox.asking import Patience, Question
from starters.service.routes.opening import in_session
from starters.service.services import Asking, Services, Using

router = APIRouter(route_class=GuardedRoute, tags=["queries"])

_QUERIES = f"{V1}/cases/{{case_id}}/queries"
_RETRY_SECONDS = "5"
_SOON_SECONDS = "1"


@router.post(
    _QUERIES,
    status_code=201,
    response_model=AgentResponse,
    responses={
        **of_body(404),
        201: {
            "model": AgentResponse,
            "headers": LOCATION,
            "description": "Answered, with the answer; or being answered, with no body: look at Location.",
        },
        202: {"model": QueryStatus, "headers": {**LOCATION, **RETRY_AFTER}, "description": "It takes longer."},
    },
)
async def ask(
    *, case_id: str, body: QueryIn, request: Request, services: Using, principal: Asking, prefer: Prefer = ""
) -> Response:
    """Ask about a case. A simple question is answered at once where that is possible."""
    workflow_id = case_named(principal, case_id)
    await in_session(services, principal, body.session_id)
    query_id = asking.id_for(principal.tenant, principal.principal_id, key_of(request))
    word = {"author": reporter_of(principal), "text": body.query}
    patience = Patience.of(prefer, services.service.answer_within_seconds)
    is_long = patience.asynchronously or not asking.is_simple(body.query)
    # An incident's questions are answered by the machine within seconds; a ticket may wait for people.
    if is_long or kind_of(workflow_id) != "troubleshooting":
        found = await accepting.accept(services, principal.tenant, workflow_id, query_id, **word)
        if not is_long:
            found = await _patiently(services, principal, workflow_id, found, patience)
    else:
        await asking.ask(services, principal.tenant, workflow_id, query_id, **word)
        found = await asking.wait_for(services, principal.tenant, workflow_id, query_id, patience.seconds)
    location = f"{V1}/cases/{found.case_id}/queries/{query_id}"
    if not is_long and found.status == "completed":
        return _json(found.as_answer(), 201, {"Location": location})
    if is_long or kind_of(workflow_id) != "troubleshooting":
        return _json(found.as_status(), 202, {"Location": location, "Retry-After": _RETRY_SECONDS})
    return Response(None, 201, {"Location": location})


async def _patiently(
    services: Services, principal: Principal, workflow_id: str, found: Question, patience: Patience
) -> Question:
    """The question once its answer is there, or the time is over. It is accepted: that nobody answers is no fault."""
    with contextlib.suppress(NotReachable):
        return await asking.wait_for(services, principal.tenant, workflow_id, found.query_id, patience.seconds)
    return found


@router.get(_QUERIES, responses=refusals(404))
async def list_queries(
    *,
    case_id: str,
    services: Using,
    principal: Asking,
    limit: Limit = 50,
    offset: Offset = 0,
    sort_order: SortOrder = "desc",
) -> QueryPage:
    """The questions about a case."""
    every = await asking.all_of(services, principal.tenant, case_named(principal, case_id))
    part, fields = cut(every if sort_order == "asc" else every[::-1], limit, offset)
    return QueryPage.model_validate({"queries": [one.as_status() for one in part], **fields})


@router.get(
    f"{_QUERIES}/{{query_id}}",
    response_model=QueryStatus,
    responses={
        **refusals(404),
        200: {"model": QueryStatus, "headers": RETRY_AFTER, "description": "Not answered yet, or it never will be."},
        303: {"headers": LOCATION, "description": "Answered: the answer is at Location."},
    },
)
async def show_query(case_id: str, query_id: str, services: Using, principal: Asking) -> Response:
    """Where a question stands; redirects to the answer once it is there."""
    found = await asking.find(services, principal.tenant, case_named(principal, case_id), query_id)
    if found.status == "completed":
        return Response(None, 303, {"Location": f"{V1}/cases/{found.case_id}/queries/{query_id}/result"})
    headers = {} if found.is_over else {"Retry-After": _soon(found)}
    return _json(found.as_status(), 200, headers)


@router.get(f"{_QUERIES}/{{query_id}}/result", response_model=AgentResponse, responses=refusals(404, 409, 410))
async def show_result(case_id: str, query_id: str, services: Using, principal: Asking) -> AgentResponse:
    """The answer to a question."""
    found = await asking.find(services, principal.tenant, case_named(principal, case_id), query_id)
    if found.status != "completed":
        headers = {} if found.is_over else {"Retry-After": _soon(found)}
        raise Problem(409, "NOT_COMPLETED", f"This question is {found.status}: there is no answer.", headers)
    if found.answer is None:
        raise Problem(410, "GONE", "The answer was given long ago and is kept no longer: ask again.")
    return found.as_answer()


@router.delete(f"{_QUERIES}/{{query_id}}", status_code=204, responses=refusals(404, 409))
async def cancel_query(case_id: str, query_id: str, services: Using, principal: Asking) -> None:
    """Withdraw a question that is not answered yet: its answer is shown to nobody. Twice is like once."""
    workflow_id = case_named(principal, case_id)
    await asking.withdraw(services, principal.tenant, workflow_id, query_id, reporter_of(principal))


def _soon(found: Question) -> str:
    return _SOON_SECONDS if found.case_id.startswith("incident:") else _RETRY_SECONDS


def _json(body: AgentResponse | QueryStatus, status: int, headers: dict[str, str]) -> Response:
    return Response(body.model_dump_json(), status, headers, "application/json")
