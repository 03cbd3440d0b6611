"""Playbooks: the tenant's library, and each with its steps and its diagram."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from domain.errors import InvalidInput
from domain.identity.principals import Role
from domain.playbook.definition import parse_playbook
from domain.playbook.diagram import mermaid
from starters.case_list import CaseFilter, list_cases
from starters.console.drawings.diagram import drawn
from starters.console.playbooks.steps import steps_of
from starters.console.web.pages import Ask, shown
from starters.service.http.errors import Problem

_RUNS = 10


async def page(ask: Ask) -> Response:
    """The list."""
    shelf = await asyncio.to_thread(ask.services.library.shelf, ask.tenant)
    return ask.page("playbooks", shelf=shelf)


async def one(ask: Ask) -> Response:
    """The page of one."""
    name, version = ask.request.path_params["name"], ask.request.query_params.get("version") or None
    try:
        shelved = await asyncio.to_thread(ask.services.library.shelved, ask.tenant, name, version)
        runs = await list_cases(
            ask.services.client,
            CaseFilter(tenant=ask.tenant, playbook=name),
            limit=_RUNS,
            open_store=ask.services.case_store,
        )
    except InvalidInput:
        raise Problem(404, "NOT_FOUND", "There is no such playbook, or no such version of it.") from None
    playbook = parse_playbook(shelved.definition) if shelved.definition is not None else None
    return ask.page(
        "playbook",
        shelved=shelved,
        faults=[str(finding) for finding in shelved.errors],
        summary=playbook.document.summary if playbook is not None else "",
        steps=list(steps_of(playbook.do, "/do")) if playbook is not None else [],
        diagram=drawn(playbook) if playbook is not None else "",
        mermaid=mermaid(playbook) if playbook is not None else "",
        may_start=playbook is not None and ask.visitor.principal.may(Role.OPERATOR),
        definition=shown(shelved.definition) if shelved.definition is not None else "",
        runs=runs,
    )
