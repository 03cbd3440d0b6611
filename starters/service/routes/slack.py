"""What Slack sends: clicks, answered dialogs and events. Acknowledged once they are written down."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from domain.cases.deliveries import Delivery
from integrations.slack.signature import SIGNATURE_HEADER, TIME_HEADER, is_from_slack
from runtime.settings.environment import SlackSettings
from starters.service.hooks.signed import SignedRoute, not_believed, only
from starters.service.http import bodies, correlation
from starters.service.http.errors import Problem
from starters.service.inbox.delivering import received
from starters.service.services import Services, Using, services_of
from starters.service.slack.reading import (
    SOURCE,
    Event,
    answer_in,
    check_workspace,
    clicks_in,
    interaction_in,
    read,
    reason_in,
)

router = APIRouter(route_class=SignedRoute)
_OVER = frozenset({"app_uninstalled", "tokens_revoked"})
logger = logging.getLogger("surehand.service")
_FORM = ("application/x-www-form-urlencoded",)
_NO_REASON = "Say why, in at most 1,500 characters: the case goes on by your reason."


async def _believed(request: Request, services: Services, types: tuple[str, ...]) -> tuple[SlackSettings, bytes]:
    """The raw body, once it is sure that Slack sent it.

    Raises:
        Problem: 401 for a signature that is not Slack's of now, 413 or 415 for the body, 503 without a secret.
    """
    raw = await bodies.read_raw(request, limit_bytes=services.service.json_limit_bytes, types=types)
    slack = services.settings.slack
    if slack is None or slack.signing_secret is None:
        raise Problem(503, "MISCONFIGURED", "No Slack app is configured: set SUREHAND_SLACK__SIGNING_SECRET.")
    stamp, signature = only(request, TIME_HEADER), only(request, SIGNATURE_HEADER)
    if not is_from_slack(slack.signing_secret, body=raw, timestamp=stamp, signature=signature):
        raise not_believed()
    return slack, raw


async def _signed_form(
    request: Request, services: Annotated[Services, Depends(services_of)]
) -> tuple[SlackSettings, bytes]:
    return await _believed(request, services, _FORM)


async def _signed_json(
    request: Request, services: Annotated[Services, Depends(services_of)]
) -> tuple[SlackSettings, bytes]:
    return await _believed(request, services, bodies.JSON)


@router.post("/slack/interactivity")
async def interactivity(
    services: Using, signed: Annotated[tuple[SlackSettings, bytes], Depends(_signed_form)]
) -> Response:
    """A click or an answered dialog. What is to be done is written down before Slack hears that it came."""
    slack, raw = signed
    given = interaction_in(raw)
    check_workspace(slack, given.team.id if given.team is not None else "", given.api_app_id)
    tenants, now = services.configuration.tenants, datetime.now(UTC)
    correlation_id = correlation.current.get()
    if given.type == "block_actions":
        for one in clicks_in(given, tenants=tenants, now=now, correlation_id=correlation_id):
            await received(services, one)
    elif given.type == "view_submission" and given.view is not None:
        reason = reason_in(given)
        if reason is None:
            return JSONResponse({"response_action": "errors", "errors": {"reason": _NO_REASON}})
        said = answer_in(given, reason, tenants=tenants, now=now, correlation_id=correlation_id)
        if said is not None:
            await received(services, said)
    return Response(status_code=200)


@router.post("/slack/events")
async def events(services: Using, signed: Annotated[tuple[SlackSettings, bytes], Depends(_signed_json)]) -> Response:
    """What Slack tells of itself. A retry is known by the event's id, whatever its headers say."""
    slack, raw = signed
    given = read(Event, raw)
    if given.type == "url_verification":
        return JSONResponse({"challenge": given.challenge})
    check_workspace(slack, given.team_id, given.api_app_id)
    if given.type == "event_callback" and given.event_id:
        kind = str(given.event.get("type") or "")[:60]
        seen = Delivery(
            tenant=services.settings.tenant,
            source=SOURCE,
            delivery_id=given.event_id,
            kind="slack_event",
            body={},
            correlation_id=correlation.current.get(),
            received_at=datetime.now(UTC),
        )
        if await received(services, seen, done="seen") and kind in _OVER:
            logger.error("Slack no longer takes our messages: install the app anew", extra={"event": kind})
    return Response(status_code=200)
