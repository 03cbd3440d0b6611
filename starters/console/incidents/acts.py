"""What a person does with an incident in the browser, and with a ticket that is about one."""

from __future__ import annotations

import uuid
from typing import Literal

from pydantic import Field
from starlette.responses import Response

from domain.errors import InvalidInput
from domain.troubleshooting.messages import CloseIncidentInput, EvidenceInput, QueryInput
from starters.console.cases.fields import CaseFields, back, person, workflow
from starters.console.incidents.evidence import kept
from starters.console.web.pages import Ask
from starters.ticket_links import TicketLinks


class _Question(CaseFields):
    text: str = Field(min_length=1, max_length=4_000)
    once: uuid.UUID


class _End(CaseFields):
    reason: str = Field(min_length=1, max_length=20_000)
    cause: str = Field("", max_length=400)


class _Ticket(CaseFields):
    ticket: str = Field(min_length=1, max_length=200)
    how: Literal["link", "unlink"] = "link"


class _Join(CaseFields):
    incident: str = Field(min_length=1, max_length=300)


class _Evidence(CaseFields):
    service: str = Field("", max_length=200)


async def ask(ask: Ask) -> Response:
    """Ask an incident something."""
    form = _Question.model_validate(ask.form)
    word = QueryInput(message_id=f"console-{form.once}", author=person(ask), text=form.text)
    await ask.services.incidents.ask(ask.tenant, workflow(ask, form), word)
    return back(form, "question")


async def close(ask: Ask) -> Response:
    """Say that an incident is over, and what its cause was."""
    form = _End.model_validate(ask.form)
    word = CloseIncidentInput(person_id=person(ask), resolution=form.reason, cause=form.cause or None)
    await ask.services.incidents.close(ask.tenant, workflow(ask, form), word)
    return back(form, "closed")


async def evidence(ask: Ask) -> Response:
    """Give an incident more evidence; it is looked at anew."""
    form, who = _Evidence.model_validate(ask.form), person(ask)
    case = workflow(ask, form)
    # Whether it is there and takes evidence is asked before anything is kept.
    await ask.services.incidents.state(ask.tenant, case)
    found = await kept(ask, form.service or None)
    if not found:
        raise InvalidInput("No file was chosen: choose at least one.")
    await ask.services.incidents.add_evidence(ask.tenant, case, EvidenceInput(evidence=found, person_id=who))
    return back(form, "evidence")


async def link(ask: Ask) -> Response:
    """Say that a ticket is about an incident, or that it is not."""
    form, who = _Ticket.model_validate(ask.form), person(ask)
    links = TicketLinks(ask.services.cases)
    say = links.link if form.how == "link" else links.unlink
    await say(ask.tenant, workflow(ask, form), form.ticket, who)
    return back(form, "linked" if form.how == "link" else "unlinked")


async def join(ask: Ask) -> Response:
    """Say which incident a ticket is about."""
    form, who = _Join.model_validate(ask.form), person(ask)
    await TicketLinks(ask.services.cases).join(ask.tenant, workflow(ask, form), form.incident, who)
    return back(form, "joined")


async def open_of_ticket(ask: Ask) -> Response:
    """Open an incident from a ticket; a second time gives the same one."""
    form, who = CaseFields.model_validate(ask.form), person(ask)
    await TicketLinks(ask.services.cases).open(ask.tenant, workflow(ask, form), who)
    return back(form, "incident")
