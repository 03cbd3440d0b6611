"""Cases that were accepted before they are open: how far each is, and taking one back."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from starters.service.access.guarded import GuardedRoute
from starters.service.access.roles import V1
from starters.service.contract.declared import LOCATION, RETRY_AFTER, refusals
from starters.service.contract.views import JobView
from starters.service.inbox import promising
from starters.service.services import Asking, Using

router = APIRouter(route_class=GuardedRoute, tags=["cases"])
_JOB = f"{V1}/jobs/{{job_id}}"


@router.get(
    _JOB,
    response_model=JobView,
    responses={
        **refusals(404),
        200: {"model": JobView, "headers": RETRY_AFTER, "description": "Not open yet, refused, or taken back."},
        303: {"headers": LOCATION, "description": "Open: the case is at Location."},
    },
)
async def show_job(job_id: str, services: Using, principal: Asking) -> Response:
    """Where an accepted case stands; redirects to the case once it is open."""
    found = await promising.find(services, principal, job_id)
    if found.status == "completed":
        return Response(None, 303, {"Location": f"{V1}/cases/{found.case_id}"})
    headers = {"Retry-After": promising.RETRY_SECONDS} if found.status in ("pending", "processing") else {}
    return Response(found.model_dump_json(), 200, headers, "application/json")


@router.delete(_JOB, status_code=204, responses=refusals(404, 409))
async def cancel_job(job_id: str, services: Using, principal: Asking) -> None:
    """Take an accepted case back before it is opened."""
    await promising.cancel(services, principal, job_id)
