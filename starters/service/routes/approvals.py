"""Questions that wait for people, and their word on them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from domain.cases.approval import ApprovalDecision
from starters.case_list import open_approvals
from starters.mcp.views import approval_view
from starters.service.access.guarded import GuardedRoute
from starters.service.access.principals import person_of
from starters.service.access.roles import V1
from starters.service.contract.declared import of_body, refusals
from starters.service.contract.naming import case_named
from starters.service.contract.paging import Limit, Offset, cut
from starters.service.contract.requests import DecisionIn
from starters.service.contract.views import ApprovalPage, Receipt, RequestView
from starters.service.services import Asking, Using

router = APIRouter(route_class=GuardedRoute, tags=["approvals"])


@router.get(f"{V1}/approvals", responses=refusals())
async def list_approvals(
    services: Using,
    principal: Asking,
    limit: Limit = 50,
    offset: Offset = 0,
    mine: Annotated[bool, Query(description="Only what waits for the person that the key stands for.")] = False,
) -> ApprovalPage:
    """What waits for an approval, the most pressing first."""
    found = [
        RequestView(**approval_view(one.case, one.request).model_dump(), digest=one.request.digest)
        for one in await open_approvals(services.cases, principal.tenant)
    ]
    if mine:
        person = person_of(principal)
        found = [one for one in found if person in one.waits_for]
    part, fields = cut(found, limit, offset)
    return ApprovalPage.model_validate({"approvals": part, **fields})


@router.post(f"{V1}/approvals/decisions", responses=of_body(404))
async def decide(body: DecisionIn, services: Using, principal: Asking) -> Receipt:
    """Approve or reject, for the arguments that were shown. Whether the person may is the case's to say."""
    workflow_id, person = case_named(principal, body.case_id), person_of(principal)
    decision = ApprovalDecision(
        request_id=body.request_id,
        person_id=person,
        approve=body.decision == "approve",
        digest=body.digest,
        reason=body.reason,
    )
    receipt = await services.cases.decide(principal.tenant, workflow_id, decision)
    return Receipt(
        case_id=body.case_id,
        request_id=receipt.request_id,
        status=receipt.status.value,
        text=receipt.text,
        decided_by=person,
    )
