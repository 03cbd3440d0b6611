"""Runs of playbooks in the browser: filled in, rehearsed, started, told of events, stopped."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass

from pydantic import Field
from starlette.responses import RedirectResponse, Response

from domain.errors import InvalidInput
from domain.identity.principals import Role
from domain.model import JsonValue
from domain.playbook.definition import parse_playbook
from domain.playbook.messages import PlaybookInput
from domain.playbook.plan import Plan
from domain.playbook.rehearsal import rehearse as rehearsed
from integrations.playbooks.library import Shelved
from starters.console.cases.fields import CaseFields, Fields, Reason, back, data_of, person, workflow
from starters.console.playbooks.inputs import PREFIX, WHOLE, Input, data_from, inputs_of, values_of
from starters.console.web.pages import Ask, case_address
from starters.playbook_files import check_input
from starters.playbook_tools import known_tools
from starters.playbooks import fresh_key, read_event
from starters.service.access.principals import reporter_of
from starters.service.contract.requests import NAME
from starters.service.http.errors import Problem, invalid


class _Chosen(Fields):
    name: str = Field(min_length=1, max_length=200)
    version: str = Field("", max_length=64)
    customer: str = Field("", max_length=200)


class _Order(_Chosen):
    key: str = Field(pattern=NAME)
    input: str = Field("", max_length=100_000)


class _Event(CaseFields):
    once: uuid.UUID
    type: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1, max_length=500)
    data: str = Field("", max_length=60_000)


@dataclass(frozen=True)
class _Book:
    """A playbook of the library that can run."""

    shelved: Shelved
    definition: dict[str, JsonValue]
    inputs: tuple[Input, ...]


async def form(ask: Ask) -> Response:
    """The form, made from the schema of the input."""
    asked = ask.request.query_params
    book = await _book(ask, ask.request.path_params["name"], asked.get("version"))
    return _form(ask, book, {})


async def rehearse(ask: Ask) -> Response:
    """Say what the playbook would do. Nothing is called, and starting it is another click."""
    given = dict(ask.form)
    parts = {name: given.pop(name) for name in ask.form if name.startswith(PREFIX) or name == WHOLE}
    chosen = _Chosen.model_validate(given)
    book = await _book(ask, chosen.name, chosen.version or None)
    if not set(parts) <= {*(one.name for one in book.inputs), WHOLE}:
        raise invalid("The form has a field that the playbook does not ask for: load the page anew.")
    try:
        data = data_from(book.inputs, parts)
        check_input(book.definition, data)
    except (InvalidInput, Problem) as problem:
        return _form(ask, book, {**parts, "customer": chosen.customer}, str(problem))
    plan = await _plan(ask, book, data, chosen.customer)
    visitor = ask.visitor.principal
    return ask.page(
        "plan",
        book=book.shelved,
        plan=plan,
        would_run=not plan.notes and not any(step.denied for step in plan.steps),
        data=json.dumps(data, ensure_ascii=False),
        customer=chosen.customer,
        key=fresh_key(),
        inputs=book.inputs,
        given={**values_of(book.inputs, data), WHOLE: parts.get(WHOLE, ""), "customer": chosen.customer},
        may_start=visitor.may(Role.OPERATOR) and visitor.person_id is not None,
    )


async def start(ask: Ask) -> Response:
    """Start a run. The same form twice is one run; who starts it approves none of it."""
    order, who = _Order.model_validate(ask.form), person(ask)
    book = await _book(ask, order.name, order.version or None)
    data = data_of(order.input, "The input")
    check_input(book.definition, data)
    started = await ask.services.playbooks.start(
        PlaybookInput(
            tenant=ask.tenant,
            name=book.shelved.name,
            key=order.key,
            version=book.shelved.version or None,
            input=data,
            started_by=who,
            customer_id=order.customer or None,
        )
    )
    return RedirectResponse(case_address(started.run, done="started"), 303)


async def event(ask: Ask) -> Response:
    """Bring an event to a run; the same form twice is one event."""
    form, _ = _Event.model_validate(ask.form), person(ask)
    given: dict[str, JsonValue] = {"id": f"console-{form.once}", "source": form.source, "type": form.type}
    data = data_of(form.data, "The data")
    word = read_event({**given, "data": data} if data is not None else given)
    case = workflow(ask, form)
    await ask.services.playbooks.event(ask.tenant, case, word)
    return back(form, "event")


async def abort(ask: Ask) -> Response:
    """Stop a run; what it did is undone."""
    form = Reason.model_validate(ask.form)
    await ask.services.playbooks.abort(ask.tenant, workflow(ask, form), person_id=person(ask), reason=form.reason)
    return back(form, "aborted")


async def _book(ask: Ask, name: str, version: str | None) -> _Book:
    try:
        shelved = await asyncio.to_thread(ask.services.library.shelved, ask.tenant, name, version)
        definition = ask.services.library.definition_of(shelved)
    except InvalidInput:
        raise Problem(404, "NOT_FOUND", "There is no such playbook, or it cannot run: look at its page.") from None
    asked = definition.get("input")
    return _Book(shelved, definition, inputs_of(asked.get("schema") if isinstance(asked, dict) else None))


async def _plan(ask: Ask, book: _Book, data: JsonValue, customer: str) -> Plan:
    playbook = parse_playbook(book.definition)
    tools = await known_tools(ask.services.settings, ask.tenant, playbook, configuration=ask.services.configuration)
    facts: dict[str, JsonValue] = {
        "tenant": ask.tenant,
        "customer_id": customer or None,
        "started_by": reporter_of(ask.visitor.principal),
    }
    return await asyncio.to_thread(
        rehearsed,
        playbook,
        data,
        tools=tools.by_call,
        guardrails=tools.guardrails,
        ladders=tools.ladders,
        assumed={},
        facts=facts,
    )


def _form(ask: Ask, book: _Book, given: dict[str, str], problem: str = "") -> Response:
    return ask.page(
        "start",
        status=422 if problem else 200,
        book=book.shelved,
        inputs=book.inputs,
        given=given,
        problem=problem,
    )
