"""Events from other systems (CloudEvents 1.0, structured), brought to the playbook runs that wait for one."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from domain.errors import Refused, UnknownCase
from domain.ids import kind_of
from domain.model import JsonValue
from domain.playbook.messages import CloudEvent
from starters.answers import PATIENCE, answered_within
from starters.case_list import AT_ONCE, CaseFilter, Kind, row_of
from starters.playbooks import read_event
from starters.service.access.guarded import EventRoute
from starters.service.access.roles import V1
from starters.service.contract.declared import of_body
from starters.service.contract.naming import case_named
from starters.service.contract.views import DeliveredEvent
from starters.service.http.errors import unknown_case
from starters.service.services import Asking, Services, Using

router = APIRouter(route_class=EventRoute, tags=["events"])
RUN = "surehandrun"
"""The extension attribute that names one run."""
_MOST_RUNS = 1_000


class EventIn(BaseModel):
    """A CloudEvent. Extension attributes stand beside these."""

    model_config = ConfigDict(extra="allow", strict=True)
    # Extension attributes: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system
    __pydantic_extra__: dict[str, str | int | bool] = Field(init=False)

    specversion: str = Field(pattern=r"^1\.0$")
    id: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1, max_length=500)
    type: str = Field(min_length=1, max_length=200)
    time: str | None = Field(None, json_schema_extra={"format": "date-time"})
    subject: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    data: JsonValue = None
    surehandrun: str | None = Field(None, max_length=300, description="Bring it to this run and no other.")


@router.post(f"{V1}/events", status_code=202, response_model=DeliveredEvent, responses=of_body(404))
async def take_event(
    body: Annotated[EventIn, Body(media_type="application/cloudevents+json")], services: Using, principal: Asking
) -> Response:
    """Bring an event to the run that it names, else to every run of the tenant that waits for one.

    A run takes the events that its playbook asks for, and a repeat of an id from the same source counts once.
    """
    given = body.model_dump(mode="json", exclude_none=True, exclude={RUN})
    event = read_event(given)
    if body.surehandrun is not None:
        workflow_id = case_named(principal, body.surehandrun)
        if kind_of(workflow_id) != "playbook":
            raise unknown_case()
        await services.playbooks.event(principal.tenant, workflow_id, event)
        runs = [workflow_id.split(":", 2)[2]]
    else:
        runs = await to_all(services, principal.tenant, event)
    done = DeliveredEvent(event_id=event.id, runs=runs)
    return Response(done.model_dump_json(), 202, None, "application/json")


async def to_all(services: Services, tenant: str, event: CloudEvent) -> list[str]:
    """Bring an event to every run of a tenant that waits for one; returns those that took it."""
    query = CaseFilter(tenant=tenant, kind=Kind.PLAYBOOK, status="waiting_event").query()
    async with answered_within(PATIENCE):
        listed = services.client.list_workflows(f"{query} AND ExecutionStatus = 'Running'", limit=_MOST_RUNS)
        rows = [row_of(execution) async for execution in listed]
    gate = asyncio.Semaphore(AT_ONCE)

    async def bring(workflow_id: str) -> bool:
        async with gate:
            try:
                await services.playbooks.event(tenant, workflow_id, event)
            except (UnknownCase, Refused):
                return False  # it ended meanwhile
        return True

    brought = await asyncio.gather(*(bring(row.workflow_id) for row in rows))
    return [row.case for row, done in zip(rows, brought, strict=True) if done]
