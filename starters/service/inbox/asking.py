"""Questions about a case: asked as its kind takes them, and found again in what the case knows."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.cases.escalation import EscalationState
from domain.cases.messages import MessageInput
from domain.cases.records import CaseRecord
from domain.cases.state import CaseState
from domain.cases.timeline import CaseMessage
from domain.errors import UnknownCase
from domain.ids import kind_of, workflow_id_for
from domain.triage.classification import Complexity
from domain.troubleshooting.classification import classify
from domain.troubleshooting.messages import QueryInput
from domain.troubleshooting.records import QueryRecord
from domain.troubleshooting.state import IncidentState
from integrations.store.deliveries.inbox import Kept
from starters.case_history import state_or_record, whole_conversation
from starters.service.contract.declared import is_wanted_later
from starters.service.contract.views import AgentResponse, QueryState, QueryStatus
from starters.service.http import correlation
from starters.service.http.errors import Problem, unfitting
from starters.service.services import Services

_MARK = "query/"
"""Before the id of a question, where the case knows it as a message."""
_IDS = uuid.UUID("c0e2b9f4-8f0e-4f0d-9d1e-6f6a0d1b7c55")
_LOOK_EVERY_SECONDS = 0.15
_PREFERENCE = re.compile(r"(?:\A|[,;\s])wait=(\d{1,4})(?:\Z|[,;\s])")
TAKES_NONE = "A run of a playbook takes no questions: ask about an incident or a ticket."
_LONGEST_ID = 300
_PROGRESS: dict[QueryState, int] = {"pending": 0, "processing": 50, "completed": 100, "failed": 100, "cancelled": 100}


@dataclass(frozen=True)
class Question:
    """A question, and how far its answer is."""

    query_id: str
    case_id: str
    status: QueryState
    phase: str
    asked_at: datetime
    updated_at: datetime
    answer: str | None = None
    """None also for an answer that was given long ago and is kept nowhere."""
    answered_by: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.status in ("completed", "failed", "cancelled")

    def as_status(self) -> QueryStatus:
        """Where it stands."""
        return QueryStatus(
            query_id=self.query_id,
            case_id=self.case_id,
            status=self.status,
            progress_percentage=_PROGRESS[self.status],
            current_phase=self.phase,
            created_at=self.asked_at,
            last_updated_at=self.updated_at,
            correlation_id=correlation.current.get(),
        )

    def as_answer(self) -> AgentResponse:
        """What was answered."""
        return AgentResponse(
            query_id=self.query_id,
            case_id=self.case_id,
            content=self.answer or "",
            answered_by=self.answered_by,
            created_at=self.updated_at,
        )


@dataclass(frozen=True)
class Patience:
    """How a client wants to be answered (RFC 7240)."""

    asynchronously: bool
    seconds: float

    @classmethod
    def of(cls, prefer: str, most_seconds: float) -> Patience:
        """What a `Prefer` header says; `most_seconds` where it says nothing."""
        asked = _PREFERENCE.search(prefer)
        return cls(
            asynchronously=is_wanted_later(prefer),
            seconds=min(float(asked.group(1)), most_seconds) if asked is not None else most_seconds,
        )


def id_for(tenant: str, principal: str, key: str | None) -> str:
    """The id of a question: a new one, or with an idempotency key always the same."""
    return str(uuid.uuid5(_IDS, f"{tenant}\n{principal}\n{key}") if key is not None else uuid.uuid4())


def is_simple(text: str) -> bool:
    """Whether a question is answered while the client waits."""
    return classify(text).complexity in (Complexity.SIMPLE, Complexity.MODERATE)


async def ask(services: Services, tenant: str, case: str, query_id: str, *, author: str, text: str) -> None:
    """Put a question to a case; the same id once more asks nothing.

    Raises:
        UnknownCase: there is no such case.
        Problem: 409, the case takes no questions.
        Refused: it is over.
        NotReachable: no worker answers; asking again under the same id is safe.
    """
    workflow_id = workflow_id_for(tenant, case)
    named = f"{_MARK}{query_id}"
    if kind_of(workflow_id) == "troubleshooting":
        await services.incidents.ask(tenant, workflow_id, QueryInput(message_id=named, author=author, text=text))
    elif kind_of(workflow_id) == "escalation":
        await services.cases.message(tenant, workflow_id, MessageInput(message_id=named, text=text))
    else:
        raise unfitting(TAKES_NONE)


async def wait_for(services: Services, tenant: str, case: str, query_id: str, seconds: float) -> Question:
    """Look until the answer is there, or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        found = await find(services, tenant, case, query_id)
        if found.is_over or time.monotonic() >= deadline:
            return found
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


async def find(services: Services, tenant: str, case: str, query_id: str) -> Question:
    """A question by its id.

    Raises:
        Problem: 404, there is none.
    """
    kept = await accepted(services, tenant, case, query_id) if len(query_id) <= _LONGEST_ID else None
    if kept is not None and kept.status == "pending":
        return (await _as_withdrawn(services, tenant, case, [kept]))[0]
    try:
        every = await _known_to(services, tenant, case)
    except UnknownCase:
        every = []
    found = next((one for one in every if one.query_id == query_id), None)
    if found is None and kept is not None and kept.status == "failed":
        found = kept
    if found is None:
        raise _unknown()
    return (await _as_withdrawn(services, tenant, case, [found]))[0]


async def all_of(services: Services, tenant: str, case: str) -> list[Question]:
    """Every question about a case, the oldest first.

    Raises:
        UnknownCase: there is no such case.
    """
    kept = await services.store.inbox.find(tenant, source_of(tenant, case))
    every = await _known_to(services, tenant, case)
    ids = {one.query_id for one in every}
    waiting = [_of_inbox(tenant, case, one) for one in kept if one.delivery_id not in ids]
    return await _as_withdrawn(services, tenant, case, [*every, *waiting])


async def _known_to(services: Services, tenant: str, case: str) -> list[Question]:
    """The questions that a case itself has."""
    store = services.store.cases
    known = await state_or_record(services.cases, store, tenant, case)
    spoken = await whole_conversation(store, tenant, case, known)
    name = known.case_number if isinstance(known, CaseState) else known.case_id
    asked = [said for said in spoken if said.message_id.startswith(_MARK)]
    if isinstance(known, IncidentState):
        return [_of_incident(name, said, known) for said in asked]
    return [_of_ticket(name, said, spoken, known) for said in asked]


async def withdraw(services: Services, tenant: str, case: str, query_id: str, by: str) -> None:
    """Withdraw a question: one that waits is not asked any more, and an answer that comes is shown to nobody.

    Raises:
        Problem: 404, there is none; 409, it is answered, or never will be.
    """
    found = await find(services, tenant, case, query_id)
    if found.status in ("completed", "failed"):
        raise Problem(409, "CONFLICT", f"This question is {found.status}: there is nothing left to withdraw.")
    await services.store.questions.withdraw(tenant, case, query_id, by)
    await services.store.jobs.take_back(tenant, source_of(tenant, case), query_id, "withdrawn")


async def _as_withdrawn(services: Services, tenant: str, case: str, found: list[Question]) -> list[Question]:
    at = await services.store.questions.withdrawn(tenant, case) if found else {}
    return [_withdrawn(one, at[one.query_id]) if one.query_id in at else one for one in found]


def _withdrawn(question: Question, at: datetime) -> Question:
    return replace(question, status="cancelled", updated_at=at, answer=None, answered_by="")


async def accepted(services: Services, tenant: str, case: str, query_id: str) -> Question | None:
    """A question that was written down: it waits, or it came too late, or its case has it; None if it was not."""
    kept = await services.store.inbox.find(tenant, source_of(tenant, case), query_id)
    return _of_inbox(tenant, case, kept[0]) if kept else None


def source_of(tenant: str, case: str) -> str:
    """What the questions about a case are kept under while they wait."""
    return f"query/{workflow_id_for(tenant, case)}"


def _of_inbox(tenant: str, case: str, kept: Kept) -> Question:
    kind, _, name = workflow_id_for(tenant, case).rpartition(":")
    states: dict[str | None, tuple[QueryState, str]] = {
        None: ("pending", "accepted"),
        "asked": ("processing", "asked"),
    }
    status, phase = states.get(kept.outcome, ("failed", "not taken"))
    return Question(
        query_id=kept.delivery_id,
        case_id=f"incident:{name}" if kind_of(kind) == "troubleshooting" else name,
        status=status,
        phase=phase,
        asked_at=kept.received_at,
        updated_at=kept.done_at or kept.received_at,
    )


def _of_incident(case: str, said: CaseMessage, state: IncidentState) -> Question:
    record = next((one for one in state.queries if one.message_id == said.message_id), None)
    updated = record.answered_at if record is not None else None
    return Question(
        query_id=said.message_id.removeprefix(_MARK),
        case_id=case,
        status=_status_in_incident(record, state),
        phase=state.phase,
        asked_at=said.at,
        updated_at=updated or said.at,
        answer=record.answer if record is not None and not record.is_open else None,
        answered_by=record.model.value if record is not None and record.model is not None else "",
    )


def _status_in_incident(record: QueryRecord | None, state: IncidentState) -> QueryState:
    if record is None or not record.is_open:
        return "completed"
    if state.withdrawn:
        return "cancelled"
    if state.closed:
        return "failed"
    return "processing" if state.open_query is record else "pending"


def _of_ticket(case: str, said: CaseMessage, spoken: Sequence[CaseMessage], known: CaseState | CaseRecord) -> Question:
    reply = next((one for one in spoken if one.number > said.number and one.author != "customer"), None)
    answer, by, at = (reply.text, reply.author, reply.at) if reply is not None else (None, "", said.at)
    status: QueryState = "completed"
    if isinstance(known, EscalationState):
        if reply is None and known.resolved_at is not None and known.resolved_at >= said.at:
            answer, by, at = known.outcome.resolution, known.outcome.resolved_by, known.resolved_at
        elif reply is None:
            status = _status_in_ticket(said, known)
    elif reply is None:
        status = "failed"
    return Question(
        query_id=said.message_id.removeprefix(_MARK),
        case_id=case,
        status=status,
        phase=known.phase,
        asked_at=said.at,
        updated_at=at,
        answer=answer,
        answered_by=by,
    )


def _status_in_ticket(said: CaseMessage, state: EscalationState) -> QueryState:
    if state.withdrawn:
        return "cancelled"
    if state.closed:
        return "failed"
    first = state.next_unhandled()
    return "pending" if first is not None and first.number < said.number else "processing"


def _unknown() -> Problem:
    return Problem(404, "NOT_FOUND", "There is no such question about this case.")
