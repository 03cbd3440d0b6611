"""Submitting a ticket: it starts its case, joins the case it already has, or is refused in a sentence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.cases.escalation import EscalationInput
from domain.cases.messages import MessageInput
from domain.errors import Refused
from domain.ids import case_id, escalation_workflow_id
from domain.model import Term, Value
from domain.ports.cases import CaseStore
from domain.tickets.intake import split_long_text
from domain.tickets.ticket import CustomerTier, Priority, Ticket
from runtime.configuration.tenants import Tenants
from starters.answers import PATIENCE, answered_within
from starters.cases import Cases, content_id
from workflows import search_attributes, sharing
from workflows.escalation import EscalationWorkflow

_MEMO_CONTENT = "content"
_RANK_OF_TIER = {CustomerTier.VIP: 2, CustomerTier.ENTERPRISE: 2, CustomerTier.AT_RISK: 3, CustomerTier.PAID: 3}
"""Which case's work comes first when workers are busy and the ticket states no priority; 4 for all others."""


class Outcome(Term):
    """What became of a submitted ticket."""

    STARTED = "started"
    JOINED = "joined"
    """Its case was running already, and got what is new in it as a message."""
    KNOWN = "known"
    """Its case was running already and knows all of it."""


class Submission(Value):
    """The answer to a submitted ticket."""

    ticket_id: str
    case_number: str
    workflow_id: str
    outcome: Outcome
    text: str
    """One sentence for a person."""


class Submitter:
    """Starts cases.

    Args:
        cases: the cases of the namespace.
        task_queue: of the workers.
        tenants: who may start anything.
        open_store: opens the store; called only for a ticket too long to travel in a workflow.
    """

    def __init__(
        self, cases: Cases, *, task_queue: str, tenants: Tenants, open_store: Callable[[], Awaitable[CaseStore]]
    ) -> None:
        self._cases = cases
        self._task_queue = task_queue
        self._tenants = tenants
        self._open_store = open_store

    @property
    def _client(self) -> Client:
        return self._cases.client

    async def submit(self, tenant: str, ticket: Ticket, *, correlation_id: str | None = None) -> Submission:
        """Start the ticket's case, or join the one it has. Repeating it is safe.

        Args:
            tenant: whose ticket it is.
            ticket: from `domain.tickets.intake`, still with its whole text.
            correlation_id: ties the case to the request that brought it; kept in the workflow's memo.

        Raises:
            ConfigurationProblem: there is no such tenant.
            Refused: the ticket's case is closed.
            NotReachable: Temporal, the store or a worker that is needed does not answer.
        """
        self._tenants.check(tenant)
        content = content_id(ticket.subject, ticket.body)
        short = await self._shortened(tenant, ticket, content)
        try:
            async with answered_within(PATIENCE, changes=True):
                await self._start(tenant, short, content, correlation_id)
        except WorkflowAlreadyStartedError:
            return await self._join(tenant, short, content)
        return self._answer(tenant, ticket, Outcome.STARTED, "opened")

    async def _shortened(self, tenant: str, ticket: Ticket, content: str) -> Ticket:
        short, whole = split_long_text(ticket)
        if whole is None:
            return short
        reference = f"ticket/{content}"
        store = await self._open_store()
        await store.save_text(reference, tenant, whole)
        return short.model_copy(update={"full_text_ref": reference})

    async def _start(self, tenant: str, ticket: Ticket, content: str, correlation_id: str | None) -> None:
        tier, channel = ticket.customer.tier.label, ticket.channel.label
        number = case_id(ticket.ticket_id)
        memo = {_MEMO_CONTENT: content, **({"correlation_id": correlation_id} if correlation_id else {})}
        await self._client.start_workflow(
            EscalationWorkflow.run,
            EscalationInput(tenant=tenant, ticket=ticket),
            id=escalation_workflow_id(tenant, ticket.ticket_id),
            task_queue=self._task_queue,
            # One ticket is one case: neither a second run beside it nor a new life after its end.
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            memo=memo,
            search_attributes=search_attributes.at_start(tenant, "escalation"),
            static_summary=f"Case {number}: {tier} customer, by {channel}",
            static_details=f"Support case **{number}** of tenant {tenant}; follow it: `surehand case watch {number}`.",
            priority=sharing.of_tenant(tenant, _rank(ticket), weight=self._tenants.share_of(tenant)),
        )

    async def _join(self, tenant: str, ticket: Ticket, content: str) -> Submission:
        async with answered_within(PATIENCE):
            case = await self._cases.handle(tenant, case_id(ticket.ticket_id)).describe()
        if case.status is not WorkflowExecutionStatus.RUNNING:
            raise Refused(
                f"Ticket {ticket.ticket_id} had its case, which is {_end_of(case)}: submit it as a new ticket, "
                "under an id of its own."
            )
        if (await case.memo()).get(_MEMO_CONTENT) == content:
            return self._answer(tenant, ticket, Outcome.KNOWN, "is open already and knows this ticket")
        message = MessageInput(message_id=f"ticket/{content}", text=ticket.text)
        await self._cases.message(tenant, case_id(ticket.ticket_id), message)
        return self._answer(tenant, ticket, Outcome.JOINED, "is open already and got this as a new message")

    @staticmethod
    def _answer(tenant: str, ticket: Ticket, outcome: Outcome, what: str) -> Submission:
        number = case_id(ticket.ticket_id)
        return Submission(
            ticket_id=ticket.ticket_id,
            case_number=number,
            workflow_id=escalation_workflow_id(tenant, ticket.ticket_id),
            outcome=outcome,
            text=f"Case {number} {what}.",
        )


def _rank(ticket: Ticket) -> int:
    stated: Priority | None = ticket.stated_priority
    return stated.rank if stated is not None else _RANK_OF_TIER.get(ticket.customer.tier, 4)


def _end_of(case: WorkflowExecutionDescription) -> str:
    words: dict[Any, str] = {
        WorkflowExecutionStatus.COMPLETED: "closed",
        WorkflowExecutionStatus.CANCELED: "withdrawn",
    }
    return words.get(case.status, "ended")
