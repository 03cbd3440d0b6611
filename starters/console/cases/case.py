"""The page of one case: everything that it knows, and what the visitor may do with it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response

from domain.cases.records import ApprovalRecord, CaseRecord, InterventionRecord
from domain.cases.state import CaseState
from domain.cases.timeline import TimelineEntry, TimelineKind
from domain.errors import NotReachable, SurehandError
from domain.identity.people import HOLDERS_OF_INCIDENTS, HOLDERS_OF_TICKETS
from domain.identity.principals import Role
from domain.ids import kind_of
from domain.model import JsonValue
from domain.text.redaction import Redactor
from starters.case_history import state_or_record, whole_conversation, whole_timeline
from starters.cases import Attempt
from starters.console.cases.showing import of_record, of_state
from starters.console.web.pages import Ask, clock
from starters.folding import folded
from starters.relatives import Relatives, relatives_of
from starters.service.contract.naming import case_named
from starters.service.http.errors import problem_of

KINDS = {"ticket": "escalation", "incident": "troubleshooting", "run": "playbook"}
NAMES = {kind: name for name, kind in KINDS.items()}
_HOLDERS = {"escalation": HOLDERS_OF_TICKETS, "troubleshooting": HOLDERS_OF_INCIDENTS}
_ENTRIES = 150
"""Of the timeline, unless all of it is asked for."""


@dataclass(frozen=True)
class Timeline:
    """The entries that were asked for, and which others there are."""

    entries: Sequence[TimelineEntry]
    kinds: tuple[tuple[str, int], ...]
    """Kinds that occur, with how often."""
    kind: str
    hidden: int


async def one(ask: Ask) -> Response:
    """The page of one case. Another tenant's is none."""
    services, principal = ask.services, ask.visitor.principal
    workflow_id = case_named(principal, ask.request.path_params["name"])
    store = services.store.cases
    known, note = await _known(ask, workflow_id)
    timeline, spoken, calls, relatives, audit = await asyncio.gather(
        whole_timeline(store, ask.tenant, workflow_id, known),
        whole_conversation(store, ask.tenant, workflow_id, known),
        _under_way(ask, workflow_id, known),
        _relatives(ask, workflow_id, known),
        _audit(ask, workflow_id),
    )
    shown = of_state(workflow_id, known, ask.who) if isinstance(known, CaseState) else of_record(known, note)
    name = known.case_number if isinstance(known, CaseState) else known.case_id
    is_person = principal.person_id is not None
    return ask.page(
        "case",
        live=f"case/{name}" if isinstance(known, CaseState) and not known.closed else "",
        case=name,
        kind=NAMES[kind_of(workflow_id)],
        shown=shown,
        timeline=_narrowed(timeline, ask.request.query_params.get("show", "")),
        conversation=spoken,
        calls=calls,
        relatives=relatives,
        audit=audit,
        temporal=_temporal(ask, workflow_id),
        once=str(uuid.uuid4()),
        holders=services.configuration.holders(ask.tenant, _HOLDERS.get(kind_of(workflow_id), ()), ()),
        may_work=is_person and principal.may(Role.AGENT) and shown.is_open,
        sees_arguments=principal.may(Role.OPERATOR),
        redacted=redacted,
        may_operate=is_person and principal.may(Role.OPERATOR) and shown.is_open,
    )


async def _known(ask: Ask, workflow_id: str) -> tuple[CaseState | CaseRecord, str]:
    """What is known of a case, and why that is not all. A case that does not answer now is shown as the store has it.

    Raises:
        UnknownCase: nobody knows it.
        NotReachable: the case does not answer, and the store has nothing of it.
    """
    store = ask.services.store.cases
    try:
        known = await state_or_record(ask.services.cases, store, ask.tenant, workflow_id)
    except (NotReachable, RuntimeError) as error:
        record = await store.find_case(workflow_id, tenant=ask.tenant)
        problem = problem_of(error)
        if record is None or problem is None:
            raise
        return record, f"{problem.detail} This is what the store has of the case, as of {clock(record.updated_at)}."
    return known, "Temporal keeps this case no longer; this is what the store has."


def redacted(arguments: JsonValue) -> JsonValue:
    """Arguments without personal data and secrets, as on the command line unless somebody asks for more."""
    return Redactor().redact_json(arguments).value


def _narrowed(entries: Sequence[TimelineEntry], wanted: str) -> Timeline:
    """The newest first; of one kind, where one was asked for."""
    counts = [(kind.value, sum(entry.kind is kind for entry in entries)) for kind in TimelineKind]
    kinds = tuple((kind, count) for kind, count in counts if count)
    kind = wanted if wanted == "all" or wanted in dict(kinds) else ""
    if kind:
        found = [entry for entry in reversed(entries) if kind in ("all", entry.kind.value)]
    else:
        found = list(folded(entries))[::-1]
    most = len(found) if kind else _ENTRIES
    return Timeline(found[:most], kinds, kind, max(len(found) - most, 0))


async def _under_way(ask: Ask, workflow_id: str, known: object) -> list[Attempt]:
    if not isinstance(known, CaseState) or known.closed:
        return []
    try:
        return await ask.services.cases.under_way(ask.tenant, workflow_id)
    except SurehandError:
        return []  # the rest of the page is worth showing


async def _relatives(ask: Ask, workflow_id: str, known: object) -> Relatives:
    if not isinstance(known, CaseState):
        return Relatives()
    try:
        return await relatives_of(ask.services.cases, ask.tenant, workflow_id)
    except SurehandError:
        return Relatives()


async def _audit(ask: Ask, workflow_id: str) -> list[ApprovalRecord | InterventionRecord]:
    """Who decided what, from the store, where nobody can change it; the newest first."""
    store = ask.services.store.cases
    approvals, interventions = await asyncio.gather(
        store.approvals_of(workflow_id, tenant=ask.tenant), store.interventions_of(workflow_id, tenant=ask.tenant)
    )
    lines: list[ApprovalRecord | InterventionRecord] = [*approvals, *interventions]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _temporal(ask: Ask, workflow_id: str) -> str:
    ui, namespace = ask.services.service.temporal_ui, ask.services.settings.temporal.namespace
    return f"{ui.rstrip('/')}/namespaces/{quote(namespace)}/workflows/{quote(workflow_id, safe='')}" if ui else ""
