"""Activities that tell systems outside of cases: what is next, sending it once, and saying that an endpoint is off."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio import activity

from domain.cases.terms import Channels
from domain.model import Value
from domain.ports.configuration import PolicySource
from domain.ports.webhooks import SubscriptionSource, WebhookOutbox, WebhookSender
from domain.webhooks.events import DeliveryRules, DeliveryStatus, WebhookAttempt

SURE = "surehand"
"""Who disables an endpoint that no person disabled."""


class EndpointName(Value):
    """Which endpoint."""

    tenant: str
    endpoint: str


class NextWebhooksInput(Value):
    """What may be sent now."""

    to: EndpointName
    limit: int
    without: tuple[str, ...] = ()
    """Cases whose oldest event waits for its next try."""


class WaitingWebhook(Value):
    """An event that may be sent: the oldest of its case."""

    number: int
    workflow_id: str
    kind: str


class NextWebhooks(Value):
    """What is next for an endpoint."""

    is_open: bool
    """False when it is disabled or no longer configured."""
    rules: DeliveryRules = DeliveryRules()
    failing_since: datetime | None = None
    waiting: tuple[WaitingWebhook, ...] = ()


class SendWebhookInput(Value):
    """One event to send."""

    to: EndpointName
    number: int


class DisableWebhookInput(Value):
    """An endpoint that is told nothing more."""

    to: EndpointName
    why: str


class DisabledWebhook(Value):
    """Whom to tell that it is."""

    duty_lead: str
    channel: str
    channels: Channels


class WebhookActivities:
    """Receives the outbox, the sender, the subscriptions and the policies."""

    def __init__(
        self,
        outbox: WebhookOutbox,
        sender: WebhookSender,
        subscriptions: SubscriptionSource,
        policies: PolicySource,
        channels: Channels,
    ) -> None:
        """`channels` says by which ways people can be told."""
        self._outbox = outbox
        self._sender = sender
        self._subscriptions = subscriptions
        self._policies = policies
        self._channels = channels

    @activity.defn
    async def next_webhooks(self, asked: NextWebhooksInput) -> NextWebhooks:
        """The oldest event of each case, and how the endpoint is to be told."""
        to = asked.to
        health = (await self._outbox.health(to.tenant)).get(to.endpoint)
        known = self._subscriptions.subscription(to.tenant, to.endpoint)
        if known is None or (health is not None and health.disabled_at is not None):
            return NextWebhooks(is_open=False)
        heads = await self._outbox.heads(to.tenant, to.endpoint, limit=asked.limit, without=asked.without)
        return NextWebhooks(
            is_open=True,
            rules=self._subscriptions.delivery_rules,
            failing_since=health.failing_since if health is not None else None,
            waiting=tuple(
                WaitingWebhook(number=head.number, workflow_id=head.workflow_id, kind=head.kind) for head in heads
            ),
        )

    @activity.defn
    async def send_webhook(self, asked: SendWebhookInput) -> WebhookAttempt:
        """Send one event once. A worker that dies before it wrote down the answer makes the next one send it again."""
        to = asked.to
        delivery = await self._outbox.find(to.tenant, to.endpoint, asked.number)
        known = self._subscriptions.subscription(to.tenant, to.endpoint)
        if delivery is None or known is None:
            return WebhookAttempt(delivered=False, outcome="no_longer_there")
        if delivery.status is not DeliveryStatus.WAITING:
            return WebhookAttempt(delivered=delivery.status is DeliveryStatus.DELIVERED, outcome=delivery.outcome or "")
        attempt = await self._sender.send(known, delivery)
        await self._outbox.record_attempt(delivery, attempt, datetime.now(UTC))
        return attempt

    @activity.defn
    async def give_up_webhook(self, asked: SendWebhookInput) -> None:
        """Leave one event out: the endpoint takes others and not this one."""
        await self._outbox.give_up(asked.to.tenant, asked.to.endpoint, asked.number, datetime.now(UTC))

    @activity.defn
    async def disable_webhook(self, asked: DisableWebhookInput) -> DisabledWebhook:
        """Tell an endpoint nothing more; returns whom to tell."""
        to = asked.to
        await self._outbox.disable(to.tenant, to.endpoint, by=SURE, why=asked.why, now=datetime.now(UTC))
        policy = self._policies.policy_for(to.tenant)
        return DisabledWebhook(duty_lead=policy.duty_lead, channel=policy.emergency_channel, channels=self._channels)
