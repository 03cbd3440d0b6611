"""All that was said and done in a case: the latest from the case itself, what came before from the store."""

from __future__ import annotations

from domain.cases.records import CaseRecord
from domain.cases.state import CaseState, ServedCaseState
from domain.cases.timeline import CaseMessage, TimelineEntry
from domain.errors import UnknownCase
from domain.ids import workflow_id_for
from domain.ports.cases import CaseStore
from starters.cases import Cases


async def state_or_record(cases: Cases, store: CaseStore, tenant: str, case: str) -> CaseState | CaseRecord:
    """What is known of a case, from Temporal or, once that has forgotten it, from the store.

    Raises:
        UnknownCase: neither knows it.
        NotReachable: nobody answers.
    """
    try:
        return await cases.state(tenant, case)
    except UnknownCase:
        record = await store.find_case(workflow_id_for(tenant, case), tenant=tenant)
        if record is None:
            raise
        return record


async def whole_timeline(
    store: CaseStore, tenant: str, case: str, known: CaseState | CaseRecord
) -> list[TimelineEntry]:
    """Everything that happened, in order."""
    latest = list(known.timeline) if isinstance(known, CaseState) else []
    if latest and latest[0].number == 0:
        return latest
    stored = await store.timeline(workflow_id_for(tenant, case), tenant=tenant)
    numbers = {entry.number for entry in latest}
    return sorted([*latest, *(one for one in stored if one.number not in numbers)], key=lambda entry: entry.number)


async def whole_conversation(
    store: CaseStore, tenant: str, case: str, known: CaseState | CaseRecord
) -> list[CaseMessage]:
    """Everything that was said, in order."""
    latest = list(known.conversation) if isinstance(known, ServedCaseState) else []
    if latest and latest[0].number == 0:
        return latest
    stored = await store.conversation(workflow_id_for(tenant, case), tenant=tenant)
    numbers = {message.number for message in latest}
    return sorted([*latest, *(one for one in stored if one.number not in numbers)], key=lambda message: message.number)
