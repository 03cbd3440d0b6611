"""The inbox: approvals that wait for whoever is signed in, handoffs that nobody claimed, steps that are parked."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from domain.cases.terms import Status
from domain.identity.principals import Role
from domain.troubleshooting.knowledge import LessonStatus
from starters.case_list import CaseFilter, CaseRow, list_cases, open_approvals
from starters.cli.approvals import still_to_decide
from starters.console.web.pages import Ask

_HANDOFFS = 50
_OTHERS = 20


async def page(ask: Ask) -> Response:
    """The page."""
    approvals, handoffs, parked, drafts = await asyncio.gather(
        open_approvals(ask.services.cases, ask.tenant),
        _waiting(ask, Status.WAITING_CLAIM),
        _waiting(ask, Status.PARKED),
        ask.services.knowledge.lessons(ask.tenant, LessonStatus.DRAFT),
    )
    person = ask.visitor.principal.person_id
    mine = [one for one in approvals if person is not None and person in still_to_decide(one.request)]
    others = [one for one in approvals if one not in mine]
    rows = [*handoffs, *parked]
    titles = await titles_of(ask, [row.workflow_id for row in rows] + [one.workflow_id for one in approvals])
    return ask.page(
        "inbox",
        live="inbox",
        mine=mine,
        others=others[:_OTHERS],
        hidden=max(len(others) - _OTHERS, 0),
        handoffs=handoffs,
        parked=parked,
        drafts=len(drafts),
        titles=titles,
        may_decide=ask.visitor.principal.may(Role.APPROVER),
        may_claim=person is not None and ask.visitor.principal.may(Role.AGENT),
    )


async def _waiting(ask: Ask, status: Status) -> list[CaseRow]:
    """Cases that wait for somebody, the most pressing first."""
    wanted = CaseFilter(tenant=ask.tenant, status=status.value)
    rows = await list_cases(ask.services.client, wanted, limit=_HANDOFFS, open_store=ask.services.case_store)
    return sorted(rows, key=lambda row: (row.due_at is None, row.due_at or row.opened_at))


async def titles_of(ask: Ask, workflow_ids: list[str]) -> dict[str, str]:
    """What cases are about, as far as the store knows."""
    records = await ask.services.store.cases.named(ask.tenant, workflow_ids)
    return {record.workflow_id: record.subject for record in records}
