"""The sender of webhooks on the time-skipping server: the real workflow, activities and outbox; a receiver by rule."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from activities.notices import NoticeActivities
from activities.webhooks import WebhookActivities
from domain.cases.records import CaseRecord
from domain.cases.terms import Channels
from domain.webhooks.events import DeliveryRules, Subscription, WebhookAttempt, WebhookDelivery, webhook_workflow_id
from domain.webhooks.messages import SenderInput, WakeInput
from integrations.rendering import Templates
from integrations.store.store import SqlStore
from runtime.configuration.policies import Configuration
from tests.cancelling import careful_worker
from tests.fakes import FakeChat, FakeDirectory, FakeMailer, FakePolicies, FakeStore
from tests.workflows.conftest import TEMPLATES, _people
from workflows.webhooks import WebhookWorkflow

Sender = WorkflowHandle[WebhookWorkflow, int]
OPENED_AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
TAKEN = WebhookAttempt(delivered=True, outcome="204")
DOWN = WebhookAttempt(delivered=False, outcome="503")


def a_case(name: str = "T-1", *, tenant: str = "default", at: int = 0, **more: Any) -> CaseRecord:
    """A row as it is `at` minutes after the case was opened."""
    given: dict[str, Any] = {"status": "triaging", "phase": "intake", "subject": "I am Ada, help me", **more}
    return CaseRecord(
        workflow_id=f"escalation:{tenant}:{name}",
        tenant=tenant,
        kind="escalation",
        case_id=name,
        ticket_id=name,
        opened_at=OPENED_AT,
        updated_at=OPENED_AT + timedelta(minutes=at),
        **given,
    )


class Receiver:
    """The port `WebhookSender`: answers by rule, and remembers when it was told what, by the workflow's clock."""

    def __init__(self, world: WebhookWorld) -> None:
        self._world = world
        self.rule: Callable[[WebhookDelivery], WebhookAttempt] = lambda _: TAKEN
        self.told: list[tuple[WebhookDelivery, datetime]] = []

    async def send(self, to: Subscription, delivery: WebhookDelivery) -> WebhookAttempt:
        self.told.append((delivery, await self._world.environment.get_current_time()))
        return self.rule(delivery)

    @property
    def ids(self) -> list[str]:
        return [delivery.event_id for delivery, _ in self.told]

    @property
    def waits(self) -> list[float]:
        """Seconds between one try and the next."""
        times = [at for _, at in self.told]
        return [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]


class WebhookWorld:
    """One endpoint, `portal`, with a worker, and what a test does to them."""

    def __init__(self, environment: WorkflowEnvironment, configuration: Configuration, store: SqlStore) -> None:
        self.environment = environment
        self.client = environment.client
        self.outbox, self.cases = store.outbox, store.cases
        self.portal = Subscription(name="portal", tenant="default", url="https://portal.test/hook", secrets=("portal",))
        self.known: dict[str, Subscription] = {"portal": self.portal}
        self.delivery_rules = DeliveryRules()
        self.receiver = Receiver(self)
        self.mailer, self.chat = FakeMailer(), FakeChat()
        self.policies = FakePolicies(configuration.policy_for("default"))
        self.directory = FakeDirectory(_people(configuration))
        self.task_queue = f"test-{uuid.uuid4().hex[:8]}"
        self.continue_after_events: int | None = None
        self.outbox.tell([self.portal], {})

    def subscription(self, tenant: str, name: str) -> Subscription | None:
        return self.known.get(name) if tenant == "default" else None

    def methods(self) -> list[Callable[..., Any]]:
        webhooks = WebhookActivities(self.outbox, self.receiver, self, self.policies, Channels(mail=True, chat=True))
        notices = NoticeActivities(self.mailer, self.chat, Templates(TEMPLATES), self.directory, FakeStore())
        return [
            webhooks.next_webhooks,
            webhooks.send_webhook,
            webhooks.give_up_webhook,
            webhooks.disable_webhook,
            notices.mail_team,
            notices.post_chat,
        ]

    @asynccontextmanager
    async def worker(self, **options: Any) -> AsyncIterator[None]:
        async with careful_worker(
            self.client,
            task_queue=self.task_queue,
            workflows=[WebhookWorkflow],
            activities=self.methods(),
            **options,
        ):
            yield

    async def lives(self, name: str = "T-1", changes: int = 3) -> None:
        """A case is opened and changes: as many events as changes."""
        await self.cases.save_case(a_case(name))
        for number in range(1, changes):
            await self.cases.save_case(a_case(name, at=number, phase=f"phase-{number}"))

    async def wake(self, *, at_once: bool = False) -> Sender:
        """As the workers do."""
        handle: Sender = await self.client.start_workflow(
            WebhookWorkflow.run,
            SenderInput(tenant="default", endpoint="portal", continue_after_events=self.continue_after_events),
            id=self.workflow_id,
            task_queue=self.task_queue,
            start_signal="wake",
            start_signal_args=[WakeInput(at_once=at_once)],
        )
        return handle

    @property
    def workflow_id(self) -> str:
        """Of the sender; a server that is shared has one for each test."""
        return f"{webhook_workflow_id('default', 'portal')}:{self.task_queue}"

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait in real time, while the server's time stands still."""
        async with asyncio.timeout(60):
            while not holds():  # noqa: ASYNC110 - what it looks at belongs to others
                await asyncio.sleep(0.02)

    async def until_it_pauses(self, sender: Sender) -> None:
        """Wait until the endpoint is left alone for a while, with no activity under way."""
        async with asyncio.timeout(60):
            while (await sender.query(WebhookWorkflow.query_state)).paused_until is None:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.02)

    async def waiting(self) -> int:
        return (await self.outbox.deliveries("default", "portal", status="waiting"))[1]


@asynccontextmanager
async def webhook_world(
    environment: WorkflowEnvironment, configuration: Configuration, folder: Path
) -> AsyncIterator[WebhookWorld]:
    """With a store of its own."""
    store = await SqlStore.open(f"sqlite:///{folder}/webhooks.db")
    try:
        yield WebhookWorld(environment, configuration, store)
    finally:
        await store.close()
