"""Two workers on one server in one process: the product on instant fakes, and the bare workflow."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from bench import bare
from domain.cases.escalation import EscalationInput
from domain.cases.records import CaseRecord
from domain.cases.terms import Channels
from domain.identity.people import Person
from domain.ids import escalation_workflow_id
from domain.policies.case_policy import CasePolicy
from domain.rules import Phrases, RulesEngine
from domain.tickets.ticket import Customer, CustomerTier, Ticket
from integrations.rendering import Templates
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG, WorkerSettings
from tests.fakes import (
    FakeBilling,
    FakeChat,
    FakeDirectory,
    FakeKnowledge,
    FakeMailer,
    FakeModel,
    FakePolicies,
    FakeRecords,
    FakeStore,
    FakeTickets,
)
from workers.clients import TEMPLATES
from workers.registered import activity_methods
from workers.worker import build_worker, workflow_runner
from workflows import search_attributes, sharing
from workflows.escalation import EscalationWorkflow

OUTAGE = (
    "Our production system is down because every API call fails to authenticate. We lose thousands every minute. "
    "This is completely unacceptable and we are considering legal action."
)
QUESTION = "Hi, I forgot my password and cannot sign in to my account. Could you please help me reset it? Thanks!"
ROLES = ("agent", "support_lead", "support_manager", "finance_manager", "relationship_owner", "incident_lead")


@dataclass
class Handoffs:
    """Tells when a case's handoff is complete: when the activity after it begins, in both worlds."""

    events: dict[str, asyncio.Event] = field(default_factory=dict)

    def of(self, workflow_id: str) -> asyncio.Event:
        return self.events.setdefault(workflow_id, asyncio.Event())


class WatchedStore(FakeStore):
    """Keeps the case's row only, and reports the milestone after the handoff."""

    def __init__(self, handoffs: Handoffs) -> None:
        super().__init__()
        self._handoffs = handoffs

    async def save_case(self, record: CaseRecord) -> None:
        if record.status in ("waiting_claim", "with_agent"):
            self._handoffs.of(record.workflow_id).set()


class Product:
    """The product on instant fakes."""

    name = "surehand"

    def __init__(self, client: Client, *, cached: int = 2_000, timers: dict[str, timedelta] | None = None) -> None:
        configuration = Configuration((SHIPPED_CONFIG,))
        self.client = client
        self.task_queue = f"bench-{uuid.uuid4().hex[:8]}"
        self.handoffs = Handoffs()
        self.policies = FakePolicies(_with_timers(configuration.policy_for("default"), timers or {}))
        self.settings = WorkerSettings(max_cached_workflows=cached)
        self.mailer, self.chat, self.tickets = FakeMailer(), FakeChat(), FakeTickets()
        people: list[Person] = configuration.holders("default", ROLES, ())
        self.methods: list[Callable[..., Any]] = activity_methods(
            store=WatchedStore(self.handoffs),
            knowledge=FakeKnowledge(),
            policies=self.policies,
            directory=FakeDirectory(people),
            model=FakeModel(),
            rules=RulesEngine(configuration.keywords, Phrases.model_validate(configuration.phrases)),
            renderer=Templates(TEMPLATES),
            mailer=self.mailer,
            chat=self.chat,
            tickets=self.tickets,
            records=FakeRecords(),
            billing=FakeBilling(),
            channels=Channels(mail=True, chat=True, ticketing=True, crm=True, billing=True),
        )

    def worker(self) -> Worker:
        return build_worker(self.client, self.methods, self.task_queue, self.settings)

    async def start(
        self, text: str = OUTAGE, tier: CustomerTier = CustomerTier.PAID, tenant: str = "default"
    ) -> WorkflowHandle[Any, Any]:
        ticket = Ticket(
            ticket_id=f"B-{uuid.uuid4().hex[:10]}",
            subject="Help",
            body=text,
            customer=Customer(customer_id="CUST-1", email="customer@example.org", tier=tier),
        )
        return await self.client.start_workflow(
            EscalationWorkflow.run,
            EscalationInput(tenant=tenant, ticket=ticket),
            id=escalation_workflow_id(tenant, ticket.ticket_id),
            task_queue=self.task_queue,
            search_attributes=search_attributes.at_start(tenant, "escalation"),
            priority=sharing.of_tenant(tenant),
        )

    def forget_effects(self) -> None:
        """What fakes keep would count as the worker's memory."""
        self.mailer.sent.clear()
        self.chat.posted.clear()
        self.tickets.escalated.clear()
        self.handoffs.events.clear()


class Bare:
    """The bare workflow on a worker with the same settings."""

    name = "bare"

    def __init__(self, client: Client, *, cached: int = 2_000) -> None:
        self.client = client
        self.task_queue = f"bare-{uuid.uuid4().hex[:8]}"
        self.handoffs = Handoffs()
        self.settings = WorkerSettings(max_cached_workflows=cached)

    def worker(self) -> Worker:
        @activity.defn(name="no_op")
        async def no_op(step: str) -> str:
            if step == bare.LAST_STEP:
                self.handoffs.of(activity.info().workflow_id or "").set()
            return step

        settings = self.settings
        return Worker(
            self.client,
            task_queue=self.task_queue,
            workflows=[bare.BareEscalation, bare.BareApproval],
            activities=[no_op],
            workflow_runner=workflow_runner(),
            max_cached_workflows=settings.max_cached_workflows,
            max_concurrent_workflow_tasks=settings.max_concurrent_workflow_tasks,
            max_concurrent_activities=settings.max_concurrent_activities,
            workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
            activity_task_poller_behavior=PollerBehaviorAutoscaling(),
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=settings.sticky_timeout_seconds),
        )

    async def start(self, run: Any = bare.BareEscalation.run) -> WorkflowHandle[Any, Any]:
        return await self.client.start_workflow(
            run, "ticket", id=f"bare:{uuid.uuid4().hex[:10]}", task_queue=self.task_queue
        )

    def forget_effects(self) -> None:
        self.handoffs.events.clear()


World = Product | Bare


@asynccontextmanager
async def both(client: Client, **options: Any) -> AsyncIterator[tuple[Product, Bare]]:
    """Both worlds with their workers polling."""
    product, plain = Product(client, **options), Bare(client)
    async with AsyncExitStack() as stack:
        for world in (product, plain):
            await stack.enter_async_context(world.worker())
        yield product, plain


def _with_timers(policy: CasePolicy, timers: dict[str, timedelta]) -> CasePolicy:
    return policy.model_copy(update={"timers": policy.timers.model_copy(update=timers)})
