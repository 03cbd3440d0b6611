"""Cases: a list that can be narrowed and paged."""

from __future__ import annotations

from starlette.responses import Response

from domain.cases.terms import Status
from domain.errors import InvalidInput
from domain.identity.principals import Role
from domain.tickets.ticket import Priority
from starters.case_list import CaseFilter, row_of_record
from starters.case_pages import CasePage, SortBy, page_of_cases
from starters.console.cases.case import KINDS, NAMES
from starters.console.cases.inbox import titles_of
from starters.console.web.pages import Ask

_ROWS = 25
_DEEPEST = 400


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
        kinds=list(KINDS),
        kind_names=NAMES,
        statuses=[one.value for one in Status],
        priorities=[one.value for one in Priority],
        may_open=ask.visitor.principal.may(Role.AGENT),
        teams=sorted(ask.services.configuration.policy_for(ask.tenant).teams),
    )


async def _found(ask: Ask, given: dict[str, str], offset: int) -> CasePage:
    kind = given["kind"]
    if kind and kind not in KINDS:
        raise InvalidInput(f"There is no such kind: use {', '.join(KINDS)}.")
    wanted = CaseFilter(
        tenant=ask.tenant,
        kind=KINDS.get(kind),
        status=given["status"] or None,
        team=given["team"] or None,
        priority=given["priority"] or None,
    )
    if given["text"]:
        wanted.query()  # what cannot be filtered by is refused here too
        records = await ask.services.store.cases.with_words(ask.tenant, given["text"], wanted.match())
        rows = [row_of_record(record) for record in records]
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
