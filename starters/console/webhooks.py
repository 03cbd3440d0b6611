"""Systems outside that are told of cases, for operators: how each fares, what it was told, what is done about it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from starlette.responses import RedirectResponse, Response

from starters.console.cases.fields import Fields
from starters.console.web.pages import Ask, address
from starters.service.access.principals import reporter_of
from starters.service.http.errors import Problem
from starters.service.routes.subscriptions import desk_of
from starters.webhooks import WebhookDesk

_SHOWN = 50


class _Act(Fields):
    endpoint: str = Field(min_length=1, max_length=80)
    act: Literal["test", "enable", "disable", "replay"]
    event: str = Field("", max_length=100)
    reason: str = Field("", max_length=2_000)


async def page(ask: Ask) -> Response:
    """The tenant's endpoints."""
    return ask.page("webhooks", endpoints=await desk_of(ask.services, ask.tenant).endpoints())


async def one(ask: Ask) -> Response:
    """One endpoint, and what it was told last."""
    name = ask.request.path_params["endpoint_id"]
    desk = _known(ask, name)
    deliveries, total = await desk.deliveries(name, limit=_SHOWN)
    return ask.page("webhook", endpoint=await desk.endpoint(name), deliveries=deliveries, total=total)


async def act(ask: Ask) -> Response:
    """Try it out, switch it on or off, or have one event sent again."""
    form = _Act.model_validate(ask.form)
    desk, name = _known(ask, form.endpoint), form.endpoint
    if form.act == "test":
        await desk.trial(name)
    elif form.act == "enable":
        await desk.enable(name)
    elif form.act == "disable":
        await desk.disable(name, by=reporter_of(ask.visitor.principal), why=form.reason)
    else:
        await desk.replay(name, event_id=form.event)
    return RedirectResponse(address("webhooks", name, done=f"webhook-{form.act}"), 303)


def _known(ask: Ask, name: str) -> WebhookDesk:
    desk = desk_of(ask.services, ask.tenant)
    if not desk.knows(name):
        raise Problem(404, "NOT_FOUND", "There is no such endpoint.")
    return desk
