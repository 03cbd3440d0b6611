"""Whether the service lives, whether it can work, and what it counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

from fastapi import APIRouter
from sqlalchemy import text
from starlette.responses import Response

from starters.service.access.guarded import GuardedRoute
from starters.service.contract.declared import refusals
from starters.service.contract.views import Health
from starters.service.http.errors import ErrorBody, Problem
from starters.service.monitoring.port import shown
from starters.service.services import Services, Using

router = APIRouter(route_class=GuardedRoute, tags=["operations"])
_LOOK_SECONDS = 2.0


@router.get("/health/live")
async def live() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/health/ready", responses={503: {"model": ErrorBody, "description": "Something does not answer."}})
async def ready(services: Using) -> Health:
    """Temporal and the store answer, so requests can be taken."""
    temporal, store = await asyncio.gather(_answers(_temporal(services)), _answers(_store(services)))
    silent = [name for name, answers in (("Temporal", temporal), ("the store", store)) if not answers]
    if silent:
        raise Problem(503, "UNAVAILABLE", f"Not ready: {' and '.join(silent)} does not answer.", {"Retry-After": "5"})
    return Health(status="ok", checks={"temporal": "ok", "store": "ok"})


@router.get(
    "/metrics",
    response_class=Response,
    responses={**refusals(), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(services: Using) -> Response:
    """Counts of this process, and how things stand, for Prometheus."""
    return await shown(services)


async def _answers(look: Awaitable[object]) -> bool:
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            await look
    except Exception:  # whatever keeps it from answering, it does not answer
        return False
    return True


async def _temporal(services: Services) -> None:
    await services.client.service_client.check_health(timeout=timedelta(seconds=_LOOK_SECONDS))


async def _store(services: Services) -> None:
    async with services.store.database.reading() as connection:
        await connection.execute(text("SELECT 1"))
