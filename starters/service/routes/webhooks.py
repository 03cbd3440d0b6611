"""Webhooks in: believed by the sender's own signature, written down, acknowledged, and then delivered."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from domain.model import JsonValue
from integrations import webhooks
from starters.service.access.guarded import CLOUD_EVENTS
from starters.service.hooks import mail, reading
from starters.service.hooks.endpoints import endpoint_of
from starters.service.hooks.reading import Read
from starters.service.hooks.signed import SignedRoute, not_believed, only
from starters.service.hooks.taking import MAIL, take
from starters.service.http import bodies
from starters.service.http.errors import invalid
from starters.service.services import Services, Using

router = APIRouter(route_class=SignedRoute)
_TYPES = {"email": mail.TYPES, "events": CLOUD_EVENTS}


@router.post("/webhooks/{kind}")
async def take_first(kind: str, request: Request, services: Using) -> Response:
    """A delivery to the endpoint that is named like its kind."""
    return await _take(services, request, kind, kind)


@router.post("/webhooks/{kind}/{name}")
async def take_named(kind: str, name: str, request: Request, services: Using) -> Response:
    """A delivery to any other endpoint."""
    return await _take(services, request, kind, name)


async def _take(services: Services, request: Request, kind: str, name: str) -> Response:
    endpoint, secrets = endpoint_of(services, kind, name)
    limit = mail.LIMIT_BYTES if kind == "email" else services.service.json_limit_bytes
    raw = await bodies.read_raw(request, limit_bytes=limit, types=_TYPES.get(kind, bodies.JSON))
    if kind == "email":
        read, token = await _mail(services, request, raw, secrets)
        is_new = await take(services, endpoint.tenant, MAIL, read, once=token)
    else:
        is_new = await take(services, endpoint.tenant, f"{kind}/{name}", await _other(kind, request, raw, secrets))
    return JSONResponse({"status": "taken" if is_new else "known"}, 202)


async def _other(kind: str, request: Request, raw: bytes, secrets: tuple[str, ...]) -> Read:
    if not _is_believed(kind, request, raw, secrets):
        raise not_believed()
    data = bodies.parse(raw)
    if kind == "zendesk":
        return reading.zendesk(data)
    if kind == "alertmanager":
        return reading.alerts(data)
    return reading.pager(data) if kind == "pagerduty" else _event(request, data)


def _is_believed(kind: str, request: Request, raw: bytes, secrets: tuple[str, ...]) -> bool:
    if kind == "zendesk":
        stamp = only(request, "X-Zendesk-Webhook-Signature-Timestamp")
        signature = only(request, "X-Zendesk-Webhook-Signature")
        return webhooks.is_from_zendesk(secrets, body=raw, stamp=stamp, signature=signature, now=datetime.now(UTC))
    if kind == "pagerduty":
        return webhooks.is_from_pagerduty(secrets, body=raw, signature=only(request, "X-PagerDuty-Signature"))
    if kind == "alertmanager":
        return webhooks.carries(secrets, only(request, "Authorization"))
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return webhooks.is_standard(secrets, body=raw, headers={name: only(request, name) or "" for name in names})


def _event(request: Request, data: JsonValue) -> Read:
    name = only(request, "webhook-id") or ""
    if len(name) > 200:
        raise invalid("The delivery's id is longer than 200 characters: shorten it.")
    return Read(delivery_id=name, kind="hook_event", body={"event": data})


async def _mail(services: Services, request: Request, raw: bytes, secrets: tuple[str, ...]) -> tuple[Read, str | None]:
    """What the e-mail says, and what it counts once under beside its own id."""
    own = services.settings.smtp.sender if services.settings.smtp is not None else None
    is_mime = bodies.media_type_of(request) == mail.MIME
    if webhooks.carries(secrets, only(request, "Authorization")):
        if is_mime:
            return await asyncio.to_thread(mail.of_mime, raw, own), None
        return await asyncio.to_thread(mail.of_form, await mail.fields_of(request, raw), own), None
    if is_mime:
        raise not_believed()
    # This signature stands in the form itself.
    fields = await mail.fields_of(request, raw)
    token = fields.get("token")
    stamp, signature = fields.get("timestamp"), fields.get("signature")
    if not webhooks.is_from_mailgun(secrets, stamp=stamp, token=token, signature=signature, now=datetime.now(UTC)):
        raise not_believed()
    # It does not cover the e-mail, so each token counts once, whatever comes with it.
    return await asyncio.to_thread(mail.of_form, fields, own), f"token/{token}"[:200]
