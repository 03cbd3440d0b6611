"""Systems outside that are told of cases: how each fares, what it was told, trials, replays, switching on and off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from starters.answers import PATIENCE, answered_within
from starters.service.access.guarded import GuardedRoute
from starters.service.access.principals import reporter_of
from starters.service.access.roles import V1
from starters.service.contract.declared import of_body, refusals
from starters.service.contract.paging import Limit, Offset, Page, cut, numbers
from starters.service.contract.requests import Reason, Request
from starters.service.contract.views import Moment, View
from starters.service.http.errors import Problem
from starters.service.services import Asking, Services, Using
from starters.webhooks import EndpointRow, WebhookDesk
from workers.webhook_waking import wake

router = APIRouter(route_class=GuardedRoute, tags=["webhooks"])
_ONE = f"{V1}/webhooks/{{name}}"
_LONG_AGO, _LONG_AFTER = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Nothing was told before, nor will be after; the store knows no moment of the years 1 and 9999."""
DeliveryState = Literal["waiting", "delivered", "given_up"]


class EndpointView(View):
    """An endpoint, and how it fares."""

    name: str
    host: str
    """Without its path, which may hold a token."""
    events: tuple[str, ...]
    status: Literal["working", "failing", "disabled"]
    waiting: int
    delivered: int
    given_up: int
    failing_since: Moment | None = None
    last_success_at: Moment | None = None
    last_outcome: str | None = None
    disabled_at: Moment | None = None
    disabled_by: str | None = None
    why_disabled: str | None = None


class EndpointPage(Page):
    """Endpoints, by name."""

    endpoints: list[EndpointView]


class DeliveryView(View):
    """One event for one endpoint."""

    event_id: str
    """Its `webhook-id`."""
    type: str
    status: DeliveryState
    attempts: int
    outcome: str | None = None
    created_at: Moment
    last_attempt_at: Moment | None = None


class DeliveryPage(Page):
    """What an endpoint was told and is to be told, the newest first."""

    deliveries: list[DeliveryView]


class OneEventIn(Request):
    """This event is sent again."""

    event_id: Annotated[str, Field(min_length=1, max_length=100)]


class SinceIn(Request):
    """All of changes since a moment are sent again."""

    since: Annotated[AwareDatetime, Field(strict=False)]


class ReplayView(View):
    """What became of it."""

    replayed: int


class TrialIn(Request):
    """Nothing is needed."""


class TrialView(View):
    """An event that says only that the way is open."""

    event_id: str


class DisableIn(Request):
    """Why."""

    reason: Reason = ""


@router.get(f"{V1}/webhooks", responses=refusals())
async def list_endpoints(services: Using, principal: Asking, limit: Limit = 50, offset: Offset = 0) -> EndpointPage:
    """The tenant's endpoints."""
    rows = [_view(row) for row in await desk_of(services, principal.tenant).endpoints()]
    part, fields = cut(rows, limit, offset)
    return EndpointPage.model_validate({"endpoints": part, **fields})


@router.get(f"{_ONE}/deliveries", responses=refusals(404))
async def list_deliveries(
    name: str,
    services: Using,
    principal: Asking,
    *,
    limit: Limit = 50,
    offset: Offset = 0,
    status: Annotated[DeliveryState | None, Query()] = None,
) -> DeliveryPage:
    """What an endpoint was told and is to be told."""
    found, total = await _known(services, principal.tenant, name).deliveries(
        name, status=status, limit=limit, offset=offset
    )
    part = [
        DeliveryView(
            event_id=one.event_id,
            type=one.kind,
            status=one.status.value,
            attempts=one.attempts,
            outcome=one.outcome,
            created_at=one.created_at,
            last_attempt_at=one.last_attempt_at,
        )
        for one in found
    ]
    return DeliveryPage.model_validate({"deliveries": part, **numbers(total, limit, offset, len(part))})


@router.post(f"{_ONE}/test", responses=of_body(404))
async def try_out(name: str, body: TrialIn, services: Using, principal: Asking) -> TrialView:
    """Send an event that says only that the way is open."""
    return TrialView(event_id=await _known(services, principal.tenant, name).trial(name))


@router.post(f"{_ONE}/replay", responses=of_body(404))
async def replay(name: str, body: OneEventIn | SinceIn, services: Using, principal: Asking) -> ReplayView:
    """Send again what was sent or left out, under its own id."""
    desk = _known(services, principal.tenant, name)
    if isinstance(body, OneEventIn):
        return ReplayView(replayed=await desk.replay(name, event_id=body.event_id))
    return ReplayView(replayed=await desk.replay(name, since=min(max(body.since, _LONG_AGO), _LONG_AFTER)))


@router.post(f"{_ONE}/enable", responses=of_body(404))
async def enable(name: str, body: TrialIn, services: Using, principal: Asking) -> EndpointView:
    """Tell it again, first of all what waits for it."""
    desk = _known(services, principal.tenant, name)
    await desk.enable(name)
    return _view(await desk.endpoint(name))


@router.post(f"{_ONE}/disable", responses=of_body(404))
async def disable(name: str, body: DisableIn, services: Using, principal: Asking) -> EndpointView:
    """Tell it nothing more; what it is not told waits."""
    desk = _known(services, principal.tenant, name)
    await desk.disable(name, by=reporter_of(principal), why=body.reason)
    return _view(await desk.endpoint(name))


def desk_of(services: Services, tenant: str) -> WebhookDesk:
    """The tenant's endpoints, with a way to wake their senders."""

    async def wake_sender(of: str, endpoint: str) -> None:
        async with answered_within(PATIENCE, changes=True):
            await wake(services.client, services.settings.temporal.task_queue, of, endpoint, at_once=True)

    return WebhookDesk(services.store.outbox, services.configuration, tenant, wake_sender)


def _known(services: Services, tenant: str, name: str) -> WebhookDesk:
    desk = desk_of(services, tenant)
    if not desk.knows(name):
        raise Problem(404, "NOT_FOUND", "There is no such endpoint.")
    return desk


def _view(row: EndpointRow) -> EndpointView:
    health = row.health.model_dump(include=set(EndpointView.model_fields))
    return EndpointView(**row.model_dump(exclude={"health"}), **health)
