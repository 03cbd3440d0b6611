"""Whole lives in seconds: the time-skipping server, the real workflow and activity classes, fake ports behind them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from domain.cases.escalation import EscalationInput, EscalationResult, EscalationState
from domain.cases.terms import Channels
from domain.identity.people import Person
from domain.ids import escalation_workflow_id
from domain.policies.case_policy import CasePolicy
from domain.rules import Phrases, RulesEngine
from domain.tickets.ticket import Customer, CustomerTier, Ticket
from integrations.playbooks.library import FolderLibrary
from integrations.rendering import Templates
from integrations.tools.builtin.billing import BillingTools
from integrations.tools.python import PythonTools
from integrations.tools.toolbox import Tools
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG
from tests.cancelling import careful_worker
from tests.fakes import (
    FakeAllowances,
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
from tests.skipping import PATIENCE_SECONDS, pass_time, skipping_server
from tests.vendor_world import MemoryLedger
from workers.clients import TEMPLATES
from workers.registered import activity_methods
from workers.worker import WORKFLOWS
from workflows import search_attributes
from workflows.escalation import EscalationWorkflow

Handle = WorkflowHandle[EscalationWorkflow, EscalationResult]

LIBRARY = FolderLibrary()
"""It is only read, and reading it takes a while."""
PASSWORD_TICKET = (
    "Hi, I forgot my password and cannot sign in to my account. Could you please help me reset it? Thanks!"
)
OUTAGE_TICKET = (
    "Our production system is down because every API call fails to authenticate. We lose thousands every minute. "
    "This is completely unacceptable and we are considering legal action."
)


@pytest.fixture(scope="session")
def configuration() -> Configuration:
    return Configuration((SHIPPED_CONFIG,))


@pytest.fixture(scope="session")
def rules(configuration: Configuration) -> RulesEngine:
    return RulesEngine(configuration.keywords, Phrases.model_validate(configuration.phrases))


@pytest.fixture
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    async with skipping_server() as environment:
        yield environment


class World:
    """One worker on fakes, and what a test does to a case."""

    def __init__(self, environment: WorkflowEnvironment, configuration: Configuration, rules: RulesEngine) -> None:
        self.environment = environment
        self.client = environment.client
        self.rules = rules
        self.configuration = configuration
        self.mailer, self.chat, self.tickets = FakeMailer(), FakeChat(), FakeTickets()
        self.records, self.billing, self.store = FakeRecords(), FakeBilling(), FakeStore()
        self.knowledge, self.model = FakeKnowledge(), FakeModel()
        self.policies = FakePolicies(configuration.policy_for("default"))
        self.directory = FakeDirectory(_people(configuration))
        self.channels = Channels(mail=True, chat=True, ticketing=True, crm=True, billing=True)
        self.task_queue = f"test-{uuid.uuid4().hex[:8]}"
        self.continue_after_events: int | None = None

    @property
    def policy(self) -> CasePolicy:
        return self.policies.policy

    def change_policy(self, **changes: Any) -> None:
        self.policies.policy = self.policy.model_copy(update=changes)

    def change_timers(self, **changes: timedelta) -> None:
        self.change_policy(timers=self.policy.timers.model_copy(update=changes))

    def methods(self) -> list[Callable[..., Any]]:
        return activity_methods(
            store=self.store,
            knowledge=self.knowledge,
            policies=self.policies,
            directory=self.directory,
            model=self.model,
            rules=self.rules,
            renderer=Templates(TEMPLATES),
            mailer=self.mailer,
            chat=self.chat,
            tickets=self.tickets,
            records=self.records,
            billing=self.billing,
            channels=self.channels,
            toolbox=Tools([PythonTools(BillingTools(self.billing))], self.configuration, MemoryLedger()),
            library=LIBRARY,
            guardrails=self.configuration,
            allowances=FakeAllowances(),
        )

    @asynccontextmanager
    async def worker(self, **options: Any) -> AsyncIterator[Worker]:
        async with careful_worker(
            self.client,
            task_queue=self.task_queue,
            workflows=WORKFLOWS,
            activities=self.methods(),
            **options,
        ) as worker:
            yield worker

    async def submit(self, ticket: Ticket) -> Handle:
        return await self.client.start_workflow(
            EscalationWorkflow.run,
            EscalationInput(tenant="default", ticket=ticket, continue_after_events=self.continue_after_events),
            id=escalation_workflow_id("default", ticket.ticket_id),
            task_queue=self.task_queue,
            search_attributes=search_attributes.at_start("default", "escalation"),
        )

    async def pass_time(self, duration: timedelta) -> None:
        await pass_time(self.environment, duration)

    async def until(
        self,
        handle: Handle,
        condition: Callable[[EscalationState], bool],
        *,
        within: timedelta = timedelta(seconds=PATIENCE_SECONDS),
    ) -> EscalationState:
        """Poll the case's state, in real time, until a condition holds."""
        async with asyncio.timeout(within.total_seconds()):
            while True:
                # A query gets no answer when it meets a run that is just continuing as new.
                with suppress(RPCError):
                    state = await handle.query(EscalationWorkflow.query_state, rpc_timeout=timedelta(seconds=2))
                    if condition(state):
                        return state
                await asyncio.sleep(0.02)


def _people(configuration: Configuration) -> list[Person]:
    roles = ("agent", "support_lead", "support_manager", "finance_manager", "relationship_owner", "incident_lead")
    return configuration.holders("default", roles, ())


@pytest.fixture
def world(environment: WorkflowEnvironment, configuration: Configuration, rules: RulesEngine) -> World:
    return World(environment, configuration, rules)


def a_ticket(text: str = PASSWORD_TICKET, *, subject: str = "Help", **changes: Any) -> Ticket:
    customer = {"customer_id": "CUST-1", "email": "customer@example.org", "tier": CustomerTier.PAID}
    customer.update(changes.pop("customer", {}))
    return Ticket(
        ticket_id=changes.pop("ticket_id", f"T-{uuid.uuid4().hex[:8]}"),
        subject=subject,
        body=text,
        customer=Customer(**customer),
        **changes,
    )


__all__ = ["OUTAGE_TICKET", "PASSWORD_TICKET", "Handle", "Path", "World", "a_ticket"]
