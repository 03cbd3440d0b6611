"""Cases that are accepted before they are open: written down, acknowledged, opened by whichever replica is first.

The acknowledgement needs the store alone, so it comes as soon while Temporal is away or has much to do.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Any

from domain.cases.deliveries import Delivery
from domain.errors import InvalidInput, Refused, VendorRefused
from domain.identity.principals import Principal
from integrations.store.deliveries.jobs import Job
from starters.service.access.roles import V1
from starters.service.contract.idempotency import Promise
from starters.service.contract.requests import IncidentIn, TicketIn
from starters.service.contract.views import JobView, OpenedCase, QueryState
from starters.service.http import correlation
from starters.service.http.errors import Problem, problem_of
from starters.service.inbox.delivering import Done, Lane, may_pass
from starters.service.routes import opening
from starters.service.services import Services

SOURCE = "http"
RETRY_SECONDS = "1"
_TICKET, _INCIDENT = "http_ticket", "http_incident"
_HANDS = 4
"""Few, so that a flood of cases is opened steadily and does not keep the machine from acknowledging more."""
_CANCELLED = json.dumps({"cancelled": True})
_IDS = uuid.UUID("3f1b5a52-1f6f-4a25-9d3c-6a5c5b2a7e41")


async def accept(services: Services, principal: Principal, given: TicketIn | IncidentIn, key: str | None) -> Promise:
    """What is to be written down for a case to be opened, and the answer that says where it can be followed.

    Raises:
        Problem: what can be seen to be wrong already is refused at once.
        InvalidInput: the ticket cannot be used.
    """
    await opening.in_session(services, principal, given.session_id)
    named = f"{principal.tenant}\n{principal.principal_id}\n{key}"
    job_id = str(uuid.uuid5(_IDS, named) if key is not None else uuid.uuid4())
    is_ticket = isinstance(given, TicketIn)
    if isinstance(given, TicketIn):
        opening.read_ticket(given, principal, key or job_id)
    else:
        opening.titled(given.title, given.description)
        await opening.evidence_of(services, principal, given.evidence)
    now = datetime.now(UTC)
    delivery = Delivery(
        tenant=principal.tenant,
        source=SOURCE,
        delivery_id=job_id,
        kind=_TICKET if is_ticket else _INCIDENT,
        body={
            "given": given.model_dump(mode="json", exclude={"kind", "session_id"}),
            "key": key or job_id,
            "principal": principal.principal_id,
            "person": principal.person_id,
        },
        correlation_id=correlation.current.get(),
        received_at=now,
    )
    view = JobView(
        job_id=job_id,
        kind="ticket" if is_ticket else "incident",
        status="pending",
        progress_percentage=0,
        created_at=now,
        last_updated_at=now,
        correlation_id=delivery.correlation_id,
    )
    headers = {"Location": f"{V1}/jobs/{job_id}", "Retry-After": RETRY_SECONDS}
    return Promise(view.model_dump_json(), headers, delivery)


async def find(services: Services, principal: Principal, job_id: str) -> JobView:
    """How far a job is.

    Raises:
        Problem: 404, there is none.
    """
    job = await services.store.jobs.find(principal.tenant, SOURCE, job_id)
    if job is None:
        raise _unknown()
    said = json.loads(job.outcome) if job.outcome else {}
    status = _status(job, said)
    return JobView(
        job_id=job_id,
        kind="ticket" if job.kind == _TICKET else "incident",
        status=status,
        progress_percentage=100 if job.done_at is not None else 0,
        case_id=said.get("case_id"),
        detail=said.get("detail"),
        error_type=said.get("error_type"),
        created_at=job.received_at,
        last_updated_at=job.done_at or job.received_at,
        correlation_id=job.correlation_id,
    )


async def cancel(services: Services, principal: Principal, job_id: str) -> None:
    """Take a job back before anybody has begun it.

    Raises:
        Problem: 404, there is none; 409, it is being carried out or over.
    """
    if await services.store.jobs.take_back(principal.tenant, SOURCE, job_id, _CANCELLED):
        return
    if (await find(services, principal, job_id)).status != "cancelled":
        raise Problem(409, "CONFLICT", "This is being carried out already, or is done: look at it with GET.")


def _status(job: Job, said: Mapping[str, Any]) -> QueryState:
    if job.done_at is None:
        return "processing" if job.is_under_way else "pending"
    if "case_id" in said:
        return "completed"
    return "cancelled" if said.get("cancelled") else "failed"


def _unknown() -> Problem:
    return Problem(404, "NOT_FOUND", "There is no such job, or it ended a week ago.")


async def _open_ticket(services: Services, delivery: Delivery) -> Done:
    given = TicketIn.model_validate(delivery.body["given"])
    return await _opened(opening.open_ticket(services, _asked_by(delivery), given, _key(delivery)))


async def _open_incident(services: Services, delivery: Delivery) -> Done:
    given = IncidentIn.model_validate(delivery.body["given"])
    return await _opened(opening.open_incident(services, _asked_by(delivery), given, _key(delivery)))


async def _opened(work: Awaitable[OpenedCase]) -> Done:
    try:
        opened = await work
    except (Refused, InvalidInput, VendorRefused, Problem) as refused:
        if may_pass(refused):
            raise
        problem = problem_of(refused)
        assert problem is not None  # noqa: S101 - each of these is one
        return Done(json.dumps({"error_type": problem.error_type, "detail": problem.detail}))
    return Done(json.dumps({"case_id": opened.case_id, "outcome": opened.outcome}))


def _asked_by(delivery: Delivery) -> Principal:
    # Whether it might was asked when it came; roles are not asked for again.
    person = delivery.body.get("person")
    return Principal(
        principal_id=str(delivery.body["principal"]),
        tenant=delivery.tenant,
        person_id=str(person) if person is not None else None,
    )


def _key(delivery: Delivery) -> str:
    return str(delivery.body["key"])


LANE = Lane({_TICKET: _open_ticket, _INCIDENT: _open_incident}, hands=_HANDS)
