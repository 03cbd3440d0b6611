"""Playbooks: listed, shown, rehearsed, run."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from domain.errors import InvalidInput
from domain.identity.principals import Principal
from domain.model import JsonValue
from domain.playbook.definition import parse_playbook
from domain.playbook.messages import PlaybookInput
from domain.playbook.rehearsal import rehearse
from integrations.playbooks.library import Shelved
from starters.mcp.desk import PlaybookRow, PlaybookView
from starters.playbook_files import check_input
from starters.playbook_tools import known_tools
from starters.playbooks import Outcome, fresh_key
from starters.service.access.guarded import GuardedRoute
from starters.service.access.principals import reporter_of
from starters.service.access.roles import V1
from starters.service.contract.declared import of_body, refusals
from starters.service.contract.idempotency import key_of
from starters.service.contract.paging import Limit, Offset, Page, cut
from starters.service.contract.requests import RehearsalIn, RunIn
from starters.service.contract.views import OpenedCase, View
from starters.service.http.errors import Problem
from starters.service.routes import opening
from starters.service.routes.cases import STARTED
from starters.service.services import Asking, Services, Using

router = APIRouter(route_class=GuardedRoute, tags=["playbooks"])
_BOOK = f"{V1}/playbooks/{{name}}"
Version = Annotated[str | None, Query(max_length=64, description="The newest when not given.")]


class PlaybookPage(Page):
    """The tenant's playbooks, with all their versions."""

    playbooks: list[PlaybookRow]


class StepView(View):
    """One step of a dry run."""

    path: str
    name: str
    kind: str
    what: str
    when: str
    tool: str
    arguments: JsonValue
    denied: tuple[str, ...]
    needs_approval: bool


class PlanView(View):
    """What a playbook would do. None of it was done."""

    name: str
    version: str
    would_run: bool
    """False when a call would be denied or an expression would fail."""
    steps: list[StepView]
    notes: tuple[str, ...]
    output: JsonValue = None


@router.get(f"{V1}/playbooks", responses=refusals())
async def list_playbooks(services: Using, principal: Asking, limit: Limit = 50, offset: Offset = 0) -> PlaybookPage:
    """The playbooks of the library."""
    shelf = await asyncio.to_thread(services.library.shelf, principal.tenant)
    rows = [PlaybookRow(name=b.name, version=b.version, title=b.title, can_run=b.definition is not None) for b in shelf]
    part, fields = cut(rows, limit, offset)
    return PlaybookPage.model_validate({"playbooks": part, **fields})


@router.get(_BOOK, responses=refusals(404))
async def show_playbook(name: str, services: Using, principal: Asking, version: Version = None) -> PlaybookView:
    """One playbook: its definition and the schema of its input."""
    shelved = await _shelved(services, principal, name, version)
    definition = services.library.definition_of(shelved)
    given = definition.get("input")
    return PlaybookView(
        name=shelved.name,
        version=shelved.version,
        title=shelved.title,
        definition=definition,
        input_schema=given.get("schema") if isinstance(given, dict) else None,
    )


@router.post(f"{_BOOK}/dry-run", responses=of_body(404))
async def dry_run(name: str, body: RehearsalIn, services: Using, principal: Asking) -> PlanView:
    """Say what a playbook would do, in order, without doing any of it."""
    shelved = await _shelved(services, principal, name, body.version)
    playbook = parse_playbook(services.library.definition_of(shelved))
    tools = await known_tools(services.settings, principal.tenant, playbook, configuration=services.configuration)
    facts = {"tenant": principal.tenant, "customer_id": body.customer_id, "started_by": reporter_of(principal)}
    plan = await asyncio.to_thread(
        rehearse,
        playbook,
        body.input,
        tools=tools.by_call,
        guardrails=tools.guardrails,
        ladders=tools.ladders,
        assumed=body.assume,
        facts=facts,
    )
    steps = [
        StepView(
            path=step.path,
            name=step.name,
            kind=step.kind.value,
            what=step.what,
            when=step.when,
            tool=step.tool,
            arguments=step.arguments,
            denied=step.denied,
            needs_approval=step.approval is not None,
        )
        for step in plan.steps
    ]
    would_run = not plan.notes and not any(step.denied for step in plan.steps)
    return PlanView(
        name=plan.name, version=plan.version, would_run=would_run, steps=steps, notes=plan.notes, output=plan.output
    )


@router.post(f"{_BOOK}/runs", status_code=201, response_model=OpenedCase, responses=STARTED)
async def run_playbook(name: str, body: RunIn, request: Request, services: Using, principal: Asking) -> Response:
    """Start a playbook. What is dangerous in it still waits for people to approve it."""
    shelved = await _shelved(services, principal, name, body.version)
    check_input(services.library.definition_of(shelved), body.input)
    given = key_of(request)
    start = await services.playbooks.start(
        PlaybookInput(
            tenant=principal.tenant,
            name=shelved.name,
            key=body.key or (opening.made_of(principal, given) if given is not None else fresh_key()),
            version=shelved.version or None,
            input=body.input,
            started_by=reporter_of(principal),
            customer_id=body.customer_id,
        )
    )
    outcome = "started" if start.outcome is Outcome.STARTED else "known"
    return opening.answer(OpenedCase(case_id=start.run, kind="run", outcome=outcome, text=start.text))


async def _shelved(services: Services, principal: Principal, name: str, version: str | None) -> Shelved:
    try:
        return await asyncio.to_thread(services.library.shelved, principal.tenant, name, version)
    except InvalidInput:
        raise Problem(404, "NOT_FOUND", "There is no such playbook, or no such version of it.") from None
