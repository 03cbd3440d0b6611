"""What is known of failures."""

from __future__ import annotations

from fastapi import APIRouter

from starters.service.access.guarded import GuardedRoute
from starters.service.access.roles import V1
from starters.service.contract.declared import of_body
from starters.service.contract.requests import SearchIn
from starters.service.contract.views import Finding, KnowledgeView
from starters.service.services import Asking, Using

router = APIRouter(route_class=GuardedRoute, tags=["knowledge"])


@router.post(f"{V1}/knowledge/search", responses=of_body())
async def search(body: SearchIn, services: Using, principal: Asking) -> KnowledgeView:
    """Search signatures of failures and lessons that people of the tenant reviewed."""
    found = await services.knowledge.search(principal.tenant, body.query, limit=body.limit)
    results = [
        Finding(
            reference=hit.reference,
            title=hit.title,
            text=hit.text,
            fault=hit.fault.value,
            check=hit.check,
            fix=hit.fix,
            playbook=hit.playbook,
            score=hit.score,
        )
        for hit in found.hits
    ]
    return KnowledgeView(
        answered_by=found.answered_by.value,
        results=results,
        total=len(results),
        not_answering=tuple(level.value for level in found.down),
    )
