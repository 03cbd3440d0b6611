"""Cases: a list that can be narrowed and paged, and the page of one."""

from __future__ import annotations

import asyncio
import uuid
from urllib.parse import quote

from starlette.responses import Response

from domain.case import CaseState, Status
from domain.errors import InvalidInput, SurehandError
from domain.ids import kind_of
from domain.principals import Role
from domain.ticket import Priority
from starters.case_history import state_or_record, whole_conversation, whole_timeline
from starters.case_list import CaseFilter, Kind, row_of_record
from starters.case_pages import CasePage, SortBy, page_of_cases
from starters.cases import Attempt
from starters.console.inbox import titles_of
from starters.console.pages import Ask
from starters.console.showing import of_record, of_state
from starters.service.naming import case_named

_ROWS = 25
_DEEPEST = 400
_KINDS = {"ticket": Kind.ESCALATION.value, "incident": Kind.TROUBLESHOOTING.value, "run": Kind.PLAYBOOK.value}
_NAMES = {kind: name for name, kind in _KINDS.items()}


async def page(ask: Ask) -> Response:
    """The list."""
    asked = ask.request.query_params
    given = {name: asked.get(name, "").strip()[:100] for name in ("kind", "status", "team", "priority", "text")}
    number = int(asked["page"]) if asked.get("page", "").isdecimal() and len(asked["page"]) < 4 else 1
    number = min(max(number, 1), _DEEPEST)
    problem, found = "", CasePage(rows=(), total=0)
    try:
        found = await _found(ask, given, (number - 1) * _ROWS)
    except InvalidInput as error:
        problem = str(error)
    return ask.page(
        "cases",
        status=422 if problem else 200,
        live="cases",
        rows=found.rows,
        total=found.total,
        number=number,
        pages=max(-(-found.total // _ROWS), 1),
        titles=await titles_of(ask, [row.workflow_id for row in found.rows]),
        given=given,
        is_narrowed=any(given.values()),
        problem=problem,
        kinds=list(_KINDS),
        kind_names=_NAMES,
        statuses=[one.value for one in Status],
        priorities=[one.value for one in Priority],
        teams=sorted(ask.services.configuration.policy_for(ask.tenant).teams),
    )


async def _found(ask: Ask, given: dict[str, str], offset: int) -> CasePage:
    kind = given["kind"]
    if kind and kind not in _KINDS:
        raise InvalidInput(f"There is no such kind: use {', '.join(_KINDS)}.")
    wanted = CaseFilter(
        tenant=ask.tenant,
        kind=_KINDS.get(kind),
        status=given["status"] or None,
        team=given["team"] or None,
        priority=given["priority"] or None,
    )
    if given["text"]:
        wanted.query()  # what cannot be filtered by is refused here too
        records = await ask.services.store.cases.with_words(ask.tenant, given["text"])
        rows = [row for record in records if wanted.takes(row := row_of_record(record))]
        return CasePage(rows=tuple(rows[offset : offset + _ROWS]), total=len(rows))
    return await page_of_cases(
        ask.services.client,
        wanted,
        limit=_ROWS,
        offset=offset,
        sort_by=SortBy.CREATED_AT,
        descending=True,
        open_store=ask.services.case_store,
    )


async def one(ask: Ask) -> Response:
    """The page of one case. Another tenant's is none."""
    services, principal = ask.services, ask.visitor.principal
    workflow_id = case_named(principal, ask.request.path_params["name"])
    store = services.store.cases
    known = await state_or_record(services.cases, store, ask.tenant, workflow_id)
    timeline, spoken, calls = await asyncio.gather(
        whole_timeline(store, ask.tenant, workflow_id, known),
        whole_conversation(store, ask.tenant, workflow_id, known),
        _under_way(ask, workflow_id, known),
    )
    shown = of_state(workflow_id, known) if isinstance(known, CaseState) else of_record(known)
    kind = _NAMES[kind_of(workflow_id)]
    name = known.case_number if isinstance(known, CaseState) else known.case_id
    is_person = principal.person_id is not None
    return ask.page(
        "case",
        live=f"case/{name}" if isinstance(known, CaseState) and not known.closed else "",
        case=name,
        kind=kind,
        shown=shown,
        timeline=timeline[::-1],
        conversation=spoken,
        calls=calls,
        temporal=_temporal(ask, workflow_id),
        once=str(uuid.uuid4()),
        may_work=is_person and principal.may(Role.AGENT) and shown.is_open,
        may_operate=is_person and principal.may(Role.OPERATOR) and shown.is_open,
    )


async def _under_way(ask: Ask, workflow_id: str, known: object) -> list[Attempt]:
    if not isinstance(known, CaseState) or known.closed:
        return []
    try:
        return await ask.services.cases.under_way(ask.tenant, workflow_id)
    except SurehandError:
        return []  # the rest of the page is worth showing


def _temporal(ask: Ask, workflow_id: str) -> str:
    ui, namespace = ask.services.service.temporal_ui, ask.services.settings.temporal.namespace
    return f"{ui.rstrip('/')}/namespaces/{quote(namespace)}/workflows/{quote(workflow_id, safe='')}" if ui else ""
