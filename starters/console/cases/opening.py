"""Tickets and incidents that somebody opens in the browser: the telephone rings, and there is no other way in."""

from __future__ import annotations

import uuid
from typing import Any

from pydantic import Field, ValidationError
from starlette.responses import RedirectResponse, Response

from domain.errors import InvalidInput
from domain.tickets.ticket import Channel, CustomerTier, Priority
from starters.console.cases.fields import Fields
from starters.console.incidents import evidence
from starters.console.web.pages import Ask, case_address
from starters.service.contract.requests import IncidentIn, TicketIn
from starters.service.http.errors import Problem
from starters.service.routes import opening

_PRIORITIES = [one.value for one in Priority if one is not Priority.URGENT]


class _Ticket(Fields):
    once: uuid.UUID
    id: str = Field("", max_length=200)
    subject: str = ""
    description: str = ""
    name: str = ""
    email: str = ""
    customer_id: str = ""
    tier: str = "free"
    channel: str = "phone"
    priority: str = ""


class _Incident(Fields):
    once: uuid.UUID
    title: str = ""
    description: str = ""
    service: str = ""
    priority: str = ""
    tickets: str = ""


async def new_ticket(ask: Ask) -> Response:
    """The form."""
    return _ticket_form(ask, {})


async def new_incident(ask: Ask) -> Response:
    """The form."""
    return _incident_form(ask, {})


async def ticket(ask: Ask) -> Response:
    """Open a ticket's case; the same form twice is one ticket."""
    form = _Ticket.model_validate(ask.form)
    customer = {"id": form.customer_id, "name": form.name, "email": form.email, "tier": form.tier}
    fields: dict[str, Any] = {
        **_given(form, "id", "subject", "description", "channel", "priority"),
        "customer": {name: value for name, value in customer.items() if value},
    }
    try:
        given = TicketIn.model_validate(fields)
        opened = await opening.open_ticket(ask.services, ask.visitor.principal, given, str(form.once))
    except ValidationError as error:
        return _ticket_form(ask, ask.form, _problem(error))
    except (InvalidInput, Problem) as error:
        return _ticket_form(ask, ask.form, _said(error))
    return RedirectResponse(case_address(opened.case_id, done="opened"), 303)


async def incident(ask: Ask) -> Response:
    """Open an incident with its evidence; the same form twice is one incident."""
    form = _Incident.model_validate(ask.form)
    fields: dict[str, Any] = {
        **_given(form, "title", "description", "service", "priority"),
        "linked_tickets": form.tickets.replace(",", " ").split(),
    }
    try:
        given = IncidentIn.model_validate(fields)
        found = await evidence.kept(ask, given.service)
        pieces = [{"reference": one.reference, "name": one.name} for one in found]
        whole = IncidentIn.model_validate({**fields, "evidence": pieces})
        opened = await opening.open_incident(ask.services, ask.visitor.principal, whole, str(form.once))
    except ValidationError as error:
        return _incident_form(ask, ask.form, _problem(error))
    except (InvalidInput, Problem) as error:
        return _incident_form(ask, ask.form, _said(error))
    return RedirectResponse(case_address(opened.case_id, done="opened"), 303)


def _given(form: Fields, *names: str) -> dict[str, str]:
    """Fields that say something."""
    return {name: value for name in names if (value := str(getattr(form, name)))}


def _ticket_form(ask: Ask, given: dict[str, str], problem: str = "") -> Response:
    return ask.page(
        "new_ticket",
        status=422 if problem else 200,
        given=given,
        problem=problem,
        once=given.get("once") or str(uuid.uuid4()),
        channels=[one.value for one in Channel if one is not Channel.API],
        tiers=[one.value for one in CustomerTier],
        priorities=_PRIORITIES,
    )


def _incident_form(ask: Ask, given: dict[str, str], problem: str = "") -> Response:
    return ask.page(
        "new_incident",
        status=422 if problem else 200,
        given=given,
        problem=problem,
        once=given.get("once") or str(uuid.uuid4()),
        priorities=_PRIORITIES,
    )


def _said(error: InvalidInput | Problem) -> str:
    """The sentence beside the form; what no other words in it would mend is a page of its own."""
    if isinstance(error, Problem) and error.status != 422:
        raise error
    return str(error)


def _problem(error: ValidationError) -> str:
    named = sorted({str(fault["loc"][-1]).replace("_", " ") for fault in error.errors() if fault["loc"]})
    return f"Something is missing, too long or not known: look at {', '.join(named) or 'the form'}."
