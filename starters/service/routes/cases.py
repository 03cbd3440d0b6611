"""Cases: opened, listed, looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from domain.cases.state import CaseState
from domain.cases.terms import Status
from domain.identity.principals import Principal
from starters.case_history import state_or_record, whole_conversation, whole_timeline
from starters.case_list import CaseFilter
from starters.case_pages import SortBy, page_of_cases
from starters.service.access.guarded import GuardedRoute
from starters.service.access.roles import V1
from starters.service.contract.declared import (
    LOCATION,
    RETRY_AFTER,
    Prefer,
    Responses,
    is_wanted_later,
    of_body,
    refusals,
)
from starters.service.contract.idempotency import key_of
from starters.service.contract.naming import case_named
from starters.service.contract.paging import Limit, Offset, SortOrder, cut, numbers
from starters.service.contract.requests import CaseIn, IncidentIn, TicketIn
from starters.service.contract.showing import KIND_OF, detail_of, detail_of_record, entry_of, messages_of, summary_of
from starters.service.contract.views import CaseDetail, CasePageView, Conversation, JobView, OpenedCase, TimelinePage
from starters.service.inbox import promising
from starters.service.routes import opening
from starters.service.services import Asking, Services, Using

router = APIRouter(route_class=GuardedRoute, tags=["cases"])

STARTED: Responses = {
    **of_body(404),
    201: {"model": OpenedCase, "headers": LOCATION, "description": "The case is open."},
    200: {"model": OpenedCase, "headers": LOCATION, "description": "It was open already; what is new was added."},
}
OPENED: Responses = {
    **STARTED,
    202: {
        "model": JobView,
        "headers": {**LOCATION, **RETRY_AFTER},
        "description": "Accepted, as `Prefer: respond-async` asked: it is opened soon, whoever goes down meanwhile.",
    },
}
SortField = Annotated[Literal["created_at", "closed_at", "due_at", "priority", "status"], Query()]
StatusName = Annotated[Status | None, Query()]
Word = Annotated[str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]


@dataclass(frozen=True)
class Listing:
    """Which part of a list is wanted, and in which order."""

    limit: int
    offset: int
    sort_by: Literal["created_at", "closed_at", "due_at", "priority", "status"]
    sort_order: Literal["asc", "desc"]


# A function for the event loop, here and below: whatever FastAPI cannot await, a class for one, it sends to a thread.
async def _listing(
    limit: Limit = 50, offset: Offset = 0, sort_by: SortField = "created_at", sort_order: SortOrder = "desc"
) -> Listing:
    return Listing(limit, offset, sort_by, sort_order)


Listed = Annotated[Listing, Depends(_listing)]


@dataclass(frozen=True)
class Given:
    """What every request has that opens a case."""

    request: Request
    services: Services
    principal: Principal
    prefer: str

    async def open(self, body: TicketIn | IncidentIn) -> Response:
        """Open a case, or only write down that it is to be opened."""
        key = key_of(self.request)
        if is_wanted_later(self.prefer):
            return await promising.accept(self.services, self.principal, body, key)
        if isinstance(body, TicketIn):
            return opening.answer(await opening.open_ticket(self.services, self.principal, body, key))
        return opening.answer(await opening.open_incident(self.services, self.principal, body, key))


async def _given(request: Request, services: Using, principal: Asking, prefer: Prefer = "") -> Given:
    return Given(request, services, principal, prefer)


Opening = Annotated[Given, Depends(_given)]


@router.post(f"{V1}/cases", status_code=201, response_model=OpenedCase, responses=OPENED)
async def open_case(body: CaseIn, given: Opening) -> Response:
    """Open a ticket's case or an incident."""
    return await given.open(body)


@router.get(f"{V1}/cases", responses=refusals())
async def list_cases(
    *,
    services: Using,
    principal: Asking,
    page: Listed,
    kind: Annotated[Literal["ticket", "incident", "run"] | None, Query()] = None,
    status: StatusName = None,
    team: Word = None,
    priority: Annotated[Literal["low", "medium", "high", "urgent", "critical"] | None, Query()] = None,
) -> CasePageView:
    """The tenant's cases."""
    wanted = CaseFilter(
        tenant=principal.tenant,
        kind=KIND_OF[kind] if kind is not None else None,
        status=status,
        team=team,
        priority=priority,
    )
    return await listed(services, wanted, page)


async def listed(services: Services, wanted: CaseFilter, part: Listing) -> CasePageView:
    """A page of cases."""
    page = await page_of_cases(
        services.client,
        wanted,
        limit=part.limit,
        offset=part.offset,
        sort_by=SortBy(part.sort_by),
        descending=part.sort_order == "desc",
        open_store=services.case_store,
    )
    return CasePageView.model_validate(
        {
            "cases": [summary_of(row) for row in page.rows],
            **numbers(page.total, part.limit, part.offset, len(page.rows)),
        }
    )


@router.get(f"{V1}/cases/{{case_id}}", responses=refusals(404))
async def show_case(case_id: str, services: Using, principal: Asking) -> CaseDetail:
    """Everything that matters of one case."""
    workflow_id = case_named(principal, case_id)
    known = await state_or_record(services.cases, services.store.cases, principal.tenant, workflow_id)
    return detail_of(workflow_id, known) if isinstance(known, CaseState) else detail_of_record(known)


@router.get(f"{V1}/cases/{{case_id}}/timeline", responses=refusals(404))
async def show_timeline(
    *,
    case_id: str,
    services: Using,
    principal: Asking,
    limit: Limit = 50,
    offset: Offset = 0,
    sort_order: SortOrder = "asc",
) -> TimelinePage:
    """What happened in a case."""
    workflow_id = case_named(principal, case_id)
    store = services.store.cases
    known = await state_or_record(services.cases, store, principal.tenant, workflow_id)
    entries = await whole_timeline(store, principal.tenant, workflow_id, known)
    part, fields = cut(entries if sort_order == "asc" else entries[::-1], limit, offset)
    return TimelinePage.model_validate({"entries": [entry_of(one) for one in part], **fields})


@router.get(f"{V1}/cases/{{case_id}}/conversation", responses=refusals(404))
async def show_conversation(
    case_id: str, services: Using, principal: Asking, limit: Limit = 50, offset: Offset = 0
) -> Conversation:
    """What was said in a case, the oldest first."""
    workflow_id = case_named(principal, case_id)
    store = services.store.cases
    known = await state_or_record(services.cases, store, principal.tenant, workflow_id)
    spoken = await whole_conversation(store, principal.tenant, workflow_id, known)
    state = known if isinstance(known, CaseState) else None
    part, fields = cut(messages_of(workflow_id, spoken, state), limit, offset)
    return Conversation.model_validate({"messages": part, **fields})
