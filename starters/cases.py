"""Everything a way in can do with a case, typed. The command line and the HTTP service speak to cases through this."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.workflow import UpdateMethodMultiParam

from domain.cases.approval import ApprovalDecision, ApprovalReceipt, ApprovalState
from domain.cases.escalation import EscalationResult, EscalationState
from domain.cases.messages import (
    Accepted,
    ClaimInput,
    EscalateNowInput,
    FeedbackInput,
    MessageInput,
    ReassignInput,
    ResolveInput,
    TimelineView,
    UnparkInput,
    UnparkReceipt,
)
from domain.cases.state import CaseState
from domain.errors import InvalidInput
from domain.ids import kind_of, workflow_id_for
from domain.model import Value
from domain.playbook.state import PlaybookState
from domain.tools.tool import canonical
from starters.answers import CLOSED, INCIDENT_CLOSED, PATIENCE, RUN_ENDED, answered_within
from workflows.escalation import EscalationWorkflow
from workflows.playbook import PlaybookWorkflow
from workflows.troubleshooting import TroubleshootingWorkflow

AnswerT = TypeVar("AnswerT")
WordT = TypeVar("WordT")


def content_id(*parts: str) -> str:
    """An id made of content, so that saying the same thing twice is known as one thing. It shows nothing of it."""
    joined = "\x00".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:32]


class Attempt(Value):
    """A call of a step that is under way, or waits for its next attempt."""

    step: str
    """The activity's type: a tool's name, or what the case does itself."""
    attempt: int
    """From 1; the one under way, or the one that comes next."""
    problem: str = ""
    """Why the attempt before it failed; empty at the first."""
    next_at: datetime | None = None
    """When the next attempt begins; None while one is under way."""


@dataclass(frozen=True)
class _Kind:
    """How one kind of case is spoken to."""

    lifecycle: Any
    """The workflow's class. Every kind has the queries and updates that are used through it here."""
    closed: str
    """What is said of one that has ended."""


_KINDS = {
    "escalation": _Kind(EscalationWorkflow, CLOSED),
    "playbook": _Kind(PlaybookWorkflow, RUN_ENDED),
    "troubleshooting": _Kind(TroubleshootingWorkflow, INCIDENT_CLOSED),
}


class Cases:
    """Speaks to the cases of one Temporal namespace: support cases and runs of playbooks.

    Every method takes the tenant and the case by whatever it is called: ticket id, case number, `NAME:KEY` of a run,
    or workflow id. Each raises `UnknownCase`, `Refused` when the case does not take it, `InvalidInput` when its kind
    knows no such thing, and `NotReachable` when nothing answers in time.

    Args:
        client: from `runtime.temporal.connection.connect`.
        patience: how long one answer may take.
    """

    def __init__(self, client: Client, *, patience: timedelta = PATIENCE) -> None:
        self.client = client
        self._patience = patience

    # Reads

    async def state(self, tenant: str, case: str) -> CaseState:
        """Everything the case knows; also of a closed case, as long as Temporal keeps its history.

        Returns:
            An `EscalationState`, an `IncidentState` or a `PlaybookState`.
        """
        state: CaseState = await self._ask(tenant, case, _kind(tenant, case).lifecycle.query_state)
        return state

    async def escalation(self, tenant: str, case: str) -> EscalationState:
        """Everything a support case knows."""
        return await self._ask(tenant, _served(tenant, case), EscalationWorkflow.query_state)

    async def run(self, tenant: str, case: str) -> PlaybookState:
        """Everything a run of a playbook knows."""
        if kind_of(workflow_id_for(tenant, case)) != "playbook":
            raise InvalidInput("A run is named NAME:KEY: give it as `surehand playbook run` showed it.")
        return await self._ask(tenant, case, PlaybookWorkflow.query_state)

    async def timeline(self, tenant: str, case: str) -> TimelineView:
        """The recent timeline."""
        view: TimelineView = await self._ask(tenant, case, _kind(tenant, case).lifecycle.timeline)
        return view

    async def pending_approvals(self, tenant: str, case: str) -> list[ApprovalState]:
        """The case's open requests."""
        open_: list[ApprovalState] = await self._ask(tenant, case, _kind(tenant, case).lifecycle.pending_approvals)
        return open_

    async def is_running(self, tenant: str, case: str) -> bool:
        """Whether the case is still alive. Needs no worker."""
        async with answered_within(self._patience):
            description = await self.handle(tenant, case).describe()
        return description.status is WorkflowExecutionStatus.RUNNING

    async def under_way(self, tenant: str, case: str) -> list[Attempt]:
        """The calls that the case waits for right now. Needs no worker."""
        async with answered_within(self._patience):
            description = await self.handle(tenant, case).describe()
        return [_attempt(pending) for pending in description.raw_description.pending_activities]

    async def result(self, tenant: str, case: str, *, patience: timedelta) -> EscalationResult:
        """How a support case ended; waits for its end."""
        async with answered_within(patience):
            result: EscalationResult = await self.handle(tenant, _served(tenant, case)).result()
        return result

    # Words to support cases

    async def message(self, tenant: str, case: str, message: MessageInput) -> Accepted:
        """Add a message; a repeat of its id changes nothing."""
        # Hashed, because an e-mail's id may hold an address.
        update_id = f"message-{content_id(message.message_id)}"
        return await self._tell(tenant, _served(tenant, case), EscalationWorkflow.add_message, message, update_id)

    async def claim(self, tenant: str, case: str, claim: ClaimInput, *, update_id: str | None = None) -> Accepted:
        """Take the case; claiming what one has changes nothing.

        Args:
            tenant: whose case it is.
            case: which.
            claim: who takes it.
            update_id: of the word, where it is brought again until it is answered.
        """
        if kind_of(workflow_id_for(tenant, case)) == "troubleshooting":
            return await self._tell(tenant, case, TroubleshootingWorkflow.claim, claim, update_id)
        return await self._tell(tenant, _served(tenant, case), EscalationWorkflow.claim, claim, update_id)

    async def reassign(self, tenant: str, case: str, word: ReassignInput) -> Accepted:
        """Give the case to a named person; giving it to who has it is refused."""
        if kind_of(workflow_id_for(tenant, case)) == "troubleshooting":
            return await self._tell(tenant, case, TroubleshootingWorkflow.reassign, word)
        return await self._tell(tenant, _served(tenant, case), EscalationWorkflow.reassign, word)

    async def resolve(self, tenant: str, case: str, resolution: ResolveInput) -> Accepted:
        """Say that it is solved; a second time is refused."""
        return await self._tell(tenant, _served(tenant, case), EscalationWorkflow.resolve, resolution)

    async def feedback(self, tenant: str, case: str, feedback: FeedbackInput) -> Accepted:
        """Record a judgement; the same one twice counts once."""
        update_id = f"feedback-{content_id(feedback.model_dump_json())}"
        return await self._tell(tenant, _served(tenant, case), EscalationWorkflow.record_feedback, feedback, update_id)

    async def escalate_now(self, tenant: str, case: str, order: EscalateNowInput) -> None:
        """Bring the handoff forward. A signal: it is taken in when a worker is there, and has no answer."""
        async with answered_within(self._patience, changes=True):
            await self.handle(tenant, _served(tenant, case)).signal(EscalationWorkflow.escalate_now, order)

    # Words to any case

    async def decide(
        self, tenant: str, case: str, decision: ApprovalDecision, *, update_id: str | None = None
    ) -> ApprovalReceipt:
        """Record a person's word on a request; the same word twice counts once.

        Args:
            tenant: whose case it is.
            case: which.
            decision: the word.
            update_id: of the word, where it is brought again until it is answered; else one made of the word.
        """
        # The word is part of the id: a changed mind must be refused by the case, not answered with the first receipt.
        word = "approve" if decision.approve else "reject"
        made = f"approval-{content_id(decision.request_id, decision.digest)}-{decision.person_id}-{word}"
        update = _kind(tenant, case).lifecycle.decide_approval
        receipt: ApprovalReceipt = await self._tell(tenant, case, update, decision, update_id or made)
        return receipt

    async def unpark(self, tenant: str, case: str, word: UnparkInput) -> UnparkReceipt:
        """Say how a parked step goes on; the same word on the same parking counts once.

        Returns:
            The receipt; its `refusal` says why other arguments were not taken.
        """
        if word.parked_at is None:
            parked = (await self.state(tenant, case)).parked.get(word.step)
            word = word.model_copy(update={"parked_at": parked.parked_at if parked is not None else None})
        # A step may be retried and parked again: when it was parked tells the two words apart.
        parked_at = word.parked_at.isoformat() if word.parked_at is not None else ""
        content = content_id(word.step, parked_at, canonical(word.arguments), word.reason)
        update_id = f"unpark-{content}-{word.person_id}-{word.action.value}"
        update = _kind(tenant, case).lifecycle.unpark
        receipt: Accepted = await self._tell(tenant, case, update, word, update_id)
        return receipt if isinstance(receipt, UnparkReceipt) else UnparkReceipt(**receipt.model_dump())

    async def cancel(self, tenant: str, case: str) -> None:
        """Ask the case to take back what it did and end; the end is shown on the case."""
        async with answered_within(self._patience, changes=True, closed=_kind(tenant, case).closed):
            await self.handle(tenant, case).cancel()

    def handle(self, tenant: str, case: str) -> WorkflowHandle[Any, Any]:
        """The workflow behind a case."""
        workflow_id = workflow_id_for(tenant, case)
        return self.client.get_workflow_handle_for(_kind(tenant, case).lifecycle.run, workflow_id)

    async def _ask(self, tenant: str, case: str, question: Callable[[Any], AnswerT]) -> AnswerT:
        async with answered_within(self._patience):
            answer: AnswerT = await self.handle(tenant, case).query(question)
        return answer

    async def _tell(
        self,
        tenant: str,
        case: str,
        update: UpdateMethodMultiParam[[Any, WordT], AnswerT],
        word: WordT,
        update_id: str | None = None,
    ) -> AnswerT:
        async with answered_within(self._patience, changes=True, closed=_kind(tenant, case).closed):
            answer: AnswerT = await self.handle(tenant, case).execute_update(update, word, id=update_id)
        return answer


def _attempt(pending: PendingActivityInfo) -> Attempt:
    waits = (
        pending.HasField("next_attempt_schedule_time")
        and pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    )
    return Attempt(
        step=pending.activity_type.name,
        attempt=pending.attempt,
        problem=pending.last_failure.message if pending.HasField("last_failure") else "",
        next_at=pending.next_attempt_schedule_time.ToDatetime(UTC) if waits else None,
    )


def _kind(tenant: str, case: str) -> _Kind:
    return _KINDS[kind_of(workflow_id_for(tenant, case))]


def _served(tenant: str, case: str) -> str:
    """The workflow id of a case that people serve a customer in.

    Raises:
        InvalidInput: it is an incident, or the run of a playbook.
    """
    workflow_id = workflow_id_for(tenant, case)
    if kind_of(workflow_id) == "troubleshooting":
        raise InvalidInput("That is an incident, and this is for support cases: see `surehand incident --help`.")
    if kind_of(workflow_id) != "escalation":
        raise InvalidInput(
            "That is a run of a playbook, and this is for support cases: see `surehand playbook --help`."
        )
    return workflow_id
