"""Sessions: a client's, for a while. Cases may be opened and questions asked in one; nothing else hangs on it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.identity.principals import Principal, Role, SessionRecord
from starters.service.access.guarded import GuardedRoute
from starters.service.access.roles import ACCESS, V1
from starters.service.contract.declared import LOCATION, of_body, refusals
from starters.service.contract.idempotency import key_of
from starters.service.contract.paging import Limit, Offset, SortOrder, numbers
from starters.service.contract.requests import SessionIn
from starters.service.contract.views import SessionPage, SessionView
from starters.service.http.errors import Problem
from starters.service.services import Asking, Using

router = APIRouter(route_class=GuardedRoute, tags=["sessions"])
_IDS = uuid.UUID("8c0a3f4e-51c1-4c43-9d2e-2f8f0b9e7d21")


@router.post(
    f"{V1}/sessions",
    status_code=201,
    response_model=SessionView,
    responses={**of_body(), 201: {"model": SessionView, "headers": LOCATION, "description": "The session began."}},
)
async def start_session(body: SessionIn, request: Request, services: Using, principal: Asking) -> Response:
    """Start a session."""
    key, now = key_of(request), datetime.now(UTC)
    named = f"{principal.tenant}\n{principal.principal_id}\n{key}"
    record = SessionRecord(
        session_id=str(uuid.uuid5(_IDS, named) if key is not None else uuid.uuid4()),
        tenant=principal.tenant,
        principal=principal.principal_id,
        kind=body.session_type,
        created_at=now,
        expires_at=now + timedelta(hours=services.service.session_hours),
    )
    await services.store.sessions.add(record)
    view = _view(record, principal)
    location = {"Location": f"{V1}/sessions/{record.session_id}"}
    return Response(view.model_dump_json(), 201, location, "application/json")


@router.get(f"{V1}/sessions", responses=refusals())
async def list_sessions(
    services: Using, principal: Asking, limit: Limit = 50, offset: Offset = 0, sort_order: SortOrder = "desc"
) -> SessionPage:
    """The sessions of this key or token."""
    found, total = await services.store.sessions.page(
        tenant=principal.tenant,
        principal=principal.principal_id,
        now=datetime.now(UTC),
        limit=limit,
        offset=offset,
        newest_first=sort_order == "desc",
    )
    return SessionPage.model_validate(
        {"sessions": [_view(one, principal) for one in found], **numbers(total, limit, offset, len(found))}
    )


@router.get(f"{V1}/sessions/{{session_id}}", responses=refusals(404))
async def show_session(session_id: str, services: Using, principal: Asking) -> SessionView:
    """One session."""
    found = await services.store.sessions.find(
        session_id, tenant=principal.tenant, principal=principal.principal_id, now=datetime.now(UTC)
    )
    if found is None:
        raise _unknown()
    return _view(found, principal)


@router.delete(f"{V1}/sessions/{{session_id}}", status_code=204, responses=refusals(404))
async def end_session(session_id: str, services: Using, principal: Asking) -> None:
    """End a session."""
    removed = await services.store.sessions.remove(
        session_id, tenant=principal.tenant, principal=principal.principal_id
    )
    if not removed:
        raise _unknown()


def _unknown() -> Problem:
    return Problem(404, "NOT_FOUND", "There is no such session, or it has ended.")


def _view(record: SessionRecord, principal: Principal) -> SessionView:
    may = sorted(f"{method} {path}" for (method, path), role in ACCESS.items() if principal.may(role))
    return SessionView(
        session_id=record.session_id,
        session_type=record.kind,
        available_capabilities={"requests": may, "roles": sorted(r.value for r in Role if principal.may(r))},
        created_at=record.created_at,
        expires_at=record.expires_at,
    )
