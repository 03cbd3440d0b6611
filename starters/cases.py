"""Everything a way in can do with a case, typed. The command line and the HTTP service speak to cases through this."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.workflow import UpdateMethodMultiParam

from domain.approval import ApprovalDecision, ApprovalReceipt, ApprovalState
from domain.case import (
    Accepted,
    ClaimInput,
    EscalateNowInput,
    FeedbackInput,
    MessageInput,
    ResolveInput,
    TimelineView,
    UnparkInput,
)
from domain.escalation import EscalationResult, EscalationState
from domain.ids import escalation_workflow_id_for
from starters.answers import PATIENCE, answered_within
from workflows.escalation import EscalationWorkflow

AnswerT = TypeVar("AnswerT")
WordT = TypeVar("WordT")


def content_id(*parts: str) -> str:
    """An id made of content, so that saying the same thing twice is known as one thing. It shows nothing of it."""
    joined = "\x00".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:32]


class Cases:
    """Speaks to the cases of one Temporal namespace.

    Every method takes the tenant and the case by whatever it is called: ticket id, case number, or workflow id. Each
    raises `UnknownCase`, `Refused` when the case does not take it, and `NotReachable` when nothing answers in time.

    Args:
        client: from `runtime.temporal.connect`.
        patience: how long one answer may take.
    """

    def __init__(self, client: Client, *, patience: timedelta = PATIENCE) -> None:
        self.client = client
        self._patience = patience

    # Reads

    async def state(self, tenant: str, case: str) -> EscalationState:
        """Everything the case knows; also of a closed case, as long as Temporal keeps its history."""
        return await self._ask(tenant, case, EscalationWorkflow.query_state)

    async def timeline(self, tenant: str, case: str) -> TimelineView:
        """The recent timeline."""
        return await self._ask(tenant, case, EscalationWorkflow.timeline)

    async def pending_approvals(self, tenant: str, case: str) -> list[ApprovalState]:
        """The case's open requests."""
        return await self._ask(tenant, case, EscalationWorkflow.pending_approvals)

    async def is_running(self, tenant: str, case: str) -> bool:
        """Whether the case is still alive. Needs no worker."""
        async with answered_within(self._patience):
            description = await self.handle(tenant, case).describe()
        return description.status is WorkflowExecutionStatus.RUNNING

    async def result(self, tenant: str, case: str, *, patience: timedelta) -> EscalationResult:
        """How the case ended; waits for its end."""
        async with answered_within(patience):
            return await self.handle(tenant, case).result()

    # Words

    async def message(self, tenant: str, case: str, message: MessageInput) -> Accepted:
        """Add a message; a repeat of its id changes nothing."""
        # Hashed, because an e-mail's id may hold an address.
        update_id = f"message-{content_id(message.message_id)}"
        return await self._tell(tenant, case, EscalationWorkflow.add_message, message, update_id)

    async def claim(self, tenant: str, case: str, claim: ClaimInput) -> Accepted:
        """Take the case; claiming what one has changes nothing."""
        return await self._tell(tenant, case, EscalationWorkflow.claim, claim)

    async def resolve(self, tenant: str, case: str, resolution: ResolveInput) -> Accepted:
        """Say that it is solved; a second time is refused."""
        return await self._tell(tenant, case, EscalationWorkflow.resolve, resolution)

    async def feedback(self, tenant: str, case: str, feedback: FeedbackInput) -> Accepted:
        """Record a judgement; the same one twice counts once."""
        update_id = f"feedback-{content_id(feedback.model_dump_json())}"
        return await self._tell(tenant, case, EscalationWorkflow.record_feedback, feedback, update_id)

    async def decide(self, tenant: str, case: str, decision: ApprovalDecision) -> ApprovalReceipt:
        """Record a person's word on a request; the same word twice counts once."""
        # The word is part of the id: a changed mind must be refused by the case, not answered with the first receipt.
        word = "approve" if decision.approve else "reject"
        update_id = f"approval-{content_id(decision.request_id, decision.digest)}-{decision.person_id}-{word}"
        return await self._tell(tenant, case, EscalationWorkflow.decide_approval, decision, update_id)

    async def unpark(self, tenant: str, case: str, word: UnparkInput) -> Accepted:
        """Say how a parked step goes on."""
        return await self._tell(tenant, case, EscalationWorkflow.unpark, word)

    async def escalate_now(self, tenant: str, case: str, order: EscalateNowInput) -> None:
        """Bring the handoff forward. A signal: it is taken in when a worker is there, and has no answer."""
        async with answered_within(self._patience, changes=True):
            await self.handle(tenant, case).signal(EscalationWorkflow.escalate_now, order)

    async def cancel(self, tenant: str, case: str) -> None:
        """Ask the case to take back what it sent and end as withdrawn; the end is shown on the case."""
        async with answered_within(self._patience, changes=True):
            await self.handle(tenant, case).cancel()

    def handle(self, tenant: str, case: str) -> WorkflowHandle[EscalationWorkflow, EscalationResult]:
        """The workflow behind a case."""
        return self.client.get_workflow_handle_for(EscalationWorkflow.run, escalation_workflow_id_for(tenant, case))

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
        async with answered_within(self._patience, changes=True):
            answer: AnswerT = await self.handle(tenant, case).execute_update(update, word, id=update_id)
        return answer
