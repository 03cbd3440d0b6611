"""Opening cases: a ticket or an incident, from any of the paths that take one."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from domain.errors import InvalidInput
from domain.identity.principals import Principal
from domain.tickets.intake import read_ticket_with_notes
from domain.tickets.ticket import Priority, Ticket
from domain.tickets.titles import title_of
from domain.troubleshooting.evidence import EvidenceRef
from domain.troubleshooting.messages import IncidentReport, LinkTicketInput
from integrations.evidence.kinds import HEAD_BYTES, kind_of
from starters.incidents import OpenOutcome
from starters.service.access.principals import reporter_of
from starters.service.access.roles import V1
from starters.service.contract.requests import EvidenceIn, IncidentIn, TicketIn
from starters.service.contract.views import OpenedCase
from starters.service.http.errors import Problem
from starters.service.services import Services

_IDS = uuid.UUID("1d9d4c0a-0f5e-4b6b-8a45-8d6a8d3a2f10")


def answer(opened: OpenedCase) -> Response:
    """201 for a case that was started, 200 for one that was open already; both say where it is."""
    return Response(
        opened.model_dump_json(),
        201 if opened.outcome == "started" else 200,
        {"Location": f"{V1}/cases/{opened.case_id}"},
        "application/json",
    )


async def in_session(services: Services, principal: Principal, session_id: str | None) -> None:
    """Look whether a session is there and the principal's own.

    Raises:
        Problem: 404.
    """
    if session_id is None:
        return
    found = await services.store.sessions.find(
        session_id, tenant=principal.tenant, principal=principal.principal_id, now=datetime.now(UTC)
    )
    if found is None:
        raise Problem(404, "NOT_FOUND", "There is no such session, or it has ended: leave session_id out.")


async def open_ticket(services: Services, principal: Principal, given: TicketIn, key: str | None) -> OpenedCase:
    """Open a ticket's case, or join the one that it has.

    Args:
        services: of the application.
        principal: who asks.
        given: the ticket.
        key: the request's idempotency key; a ticket without an id of its own gets one made of it.
    """
    await in_session(services, principal, given.session_id)
    ticket, notes = read_ticket(given, principal, key)
    done = await services.submitter.submit(principal.tenant, ticket)
    return OpenedCase(case_id=done.case_number, kind="ticket", outcome=done.outcome.value, text=done.text, notes=notes)


def read_ticket(given: TicketIn, principal: Principal, key: str | None) -> tuple[Ticket, tuple[str, ...]]:
    """A ticket as intake takes it, and what was ignored.

    Raises:
        InvalidInput: it cannot be used.
        Problem: 422, it has no subject, and says too little to be given one.
    """
    return read_ticket_with_notes(_as_intake_reads(given, principal, key), require_address=False)


def titled(given: str | None, description: str) -> str:
    """The title that was given, else one made of the description.

    Raises:
        Problem: 422, the description says too little.
    """
    title = given or title_of(description)
    if title is None:
        raise Problem(
            422, "INSUFFICIENT_CONTEXT", "There is insufficient context for a title: give one, or say what happened."
        )
    return title


def _as_intake_reads(given: TicketIn, principal: Principal, key: str | None) -> dict[str, Any]:
    customer = given.customer
    named = given.id or (f"T-{made_of(principal, key)}" if key is not None else None)
    fields = {
        "id": named,
        "subject": titled(given.subject, given.description),
        "description": given.description,
        "channel": given.channel,
        "priority": given.priority,
        "tags": given.tags,
        "customerId": customer.id,
        "customerName": customer.name,
        "customerEmail": customer.email,
        "customerTier": customer.tier,
        "accountValue": customer.account_value,
        "previousTicketCount": customer.previous_tickets,
        "timezone": customer.time_zone,
    }
    return {name: value for name, value in fields.items() if value is not None}


async def open_incident(services: Services, principal: Principal, given: IncidentIn, key: str | None) -> OpenedCase:
    """Open an incident, or add what is new to the one that is open under its id."""
    await in_session(services, principal, given.session_id)
    evidence = await evidence_of(services, principal, given.evidence)
    report = IncidentReport(
        incident_id=given.id or f"INC-{made_of(principal, key)}",
        title=titled(given.title, given.description),
        description=given.description,
        reported_by=reporter_of(principal),
        customer_id=given.customer_id,
        service=given.service,
        urgency=Priority(given.priority) if given.priority is not None else None,
        evidence=evidence,
    )
    opened = await services.incidents.open(principal.tenant, report)
    for ticket_id in given.linked_tickets:
        link = LinkTicketInput(ticket_id=ticket_id, person_id=reporter_of(principal))
        await services.incidents.link(principal.tenant, opened.incident, link)
    started = opened.outcome is OpenOutcome.STARTED
    return OpenedCase(
        case_id=opened.incident, kind="incident", outcome="started" if started else "joined", text=opened.text
    )


def made_of(principal: Principal, key: str | None) -> str:
    """A short id; with a key always the same, so that a repeat after a crash finds what the first one began."""
    if key is None:
        return uuid.uuid4().hex[:12]
    return uuid.uuid5(_IDS, f"{principal.tenant}\n{principal.principal_id}\n{key}").hex[:12]


async def evidence_of(services: Services, principal: Principal, given: list[EvidenceIn]) -> tuple[EvidenceRef, ...]:
    """Uploaded files as the incident takes them; what they hold is looked at, not believed.

    Raises:
        Problem: 404, the tenant has no such file.
    """
    return tuple([await _ref(services, principal.tenant, one) for one in given])


async def _ref(services: Services, tenant: str, given: EvidenceIn) -> EvidenceRef:
    try:
        path = await services.evidence.path(tenant, given.reference)
    except InvalidInput as problem:
        raise Problem(404, "NOT_FOUND", str(problem)) from None
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return EvidenceRef(
        reference=given.reference,
        name=given.name,
        kind=kind_of(given.name, head),
        size_bytes=path.stat().st_size,
        service=given.service,
    )
