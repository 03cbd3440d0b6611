"""Tickets and incidents by their own paths."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from domain.identity.principals import Principal
from domain.ids import kind_of
from domain.troubleshooting.messages import EvidenceInput, LinkTicketInput
from starters.case_list import CaseFilter, Kind
from starters.service.access.guarded import GuardedRoute
from starters.service.access.principals import reporter_of
from starters.service.access.roles import V1
from starters.service.contract.declared import of_body, refusals
from starters.service.contract.naming import case_named
from starters.service.contract.requests import IncidentIn, LinkIn, MoreEvidenceIn, TicketIn
from starters.service.contract.views import Accepted, CasePageView, OpenedCase
from starters.service.http.errors import unknown_case
from starters.service.routes import opening
from starters.service.routes.cases import OPENED, Listed, Opening, StatusName, Word, listed
from starters.service.services import Asking, Using

router = APIRouter(route_class=GuardedRoute)


@router.post(f"{V1}/tickets", status_code=201, response_model=OpenedCase, responses=OPENED, tags=["tickets"])
async def open_ticket(body: TicketIn, given: Opening) -> Response:
    """Open a ticket's case. A ticket that has one joins it, and what is new in it is added there."""
    return await given.open(body)


@router.get(f"{V1}/tickets", responses=refusals(), tags=["tickets"])
async def list_tickets(
    services: Using, principal: Asking, page: Listed, status: StatusName = None, team: Word = None
) -> CasePageView:
    """The cases of tickets."""
    wanted = CaseFilter(tenant=principal.tenant, kind=Kind.ESCALATION, status=status, team=team)
    return await listed(services, wanted, page)


@router.post(f"{V1}/incidents", status_code=201, response_model=OpenedCase, responses=OPENED, tags=["incidents"])
async def open_incident(body: IncidentIn, given: Opening) -> Response:
    """Open an incident with whatever is at hand. Opening it again adds what is new."""
    return await given.open(body)


@router.get(f"{V1}/incidents", responses=refusals(), tags=["incidents"])
async def list_incidents(
    services: Using, principal: Asking, page: Listed, status: StatusName = None, team: Word = None
) -> CasePageView:
    """Incidents."""
    wanted = CaseFilter(tenant=principal.tenant, kind=Kind.TROUBLESHOOTING, status=status, team=team)
    return await listed(services, wanted, page)


@router.post(f"{V1}/incidents/{{case_id}}/evidence", responses=of_body(404), tags=["incidents"])
async def add_evidence(case_id: str, body: MoreEvidenceIn, services: Using, principal: Asking) -> Accepted:
    """Give an incident files that were uploaded; it is looked at anew."""
    workflow_id = _incident(principal, case_id)
    evidence = await opening.evidence_of(services, principal, body.evidence)
    more = EvidenceInput(evidence=evidence, person_id=reporter_of(principal))
    taken = await services.incidents.add_evidence(principal.tenant, workflow_id, more)
    return Accepted(text=taken.text, status=taken.status.value)


@router.post(f"{V1}/incidents/{{case_id}}/tickets", responses=of_body(404), tags=["incidents"])
async def link_ticket(case_id: str, body: LinkIn, services: Using, principal: Asking) -> Accepted:
    """Say that a ticket is about an incident: its customer hears once how it ended, after approval."""
    workflow_id = _incident(principal, case_id)
    link = LinkTicketInput(ticket_id=body.ticket_id, person_id=reporter_of(principal), customer_id=body.customer_id)
    await services.incidents.link(principal.tenant, workflow_id, link)
    state = await services.incidents.state(principal.tenant, workflow_id)
    return Accepted(text="The incident is told.", status=state.current_status().value)


def _incident(principal: Principal, name: str) -> str:
    workflow_id = case_named(principal, name)
    if kind_of(workflow_id) != "troubleshooting":
        raise unknown_case()
    return workflow_id
