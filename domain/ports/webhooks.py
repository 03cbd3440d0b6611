"""The ports of webhooks to systems outside: who is told, what waits to be told, and who sends it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from domain.webhooks.events import DeliveryRules, Subscription, WebhookAttempt, WebhookDelivery, WebhookHealth


class SubscriptionSource(Protocol):
    """Which systems outside are told of cases."""

    @property
    def delivery_rules(self) -> DeliveryRules:
        """How they are told."""
        ...

    def subscription(self, tenant: str, name: str) -> Subscription | None:
        """One endpoint; None when the tenant has none of that name."""
        ...


class WebhookOutbox(Protocol):
    """What systems outside are to be told, until they were."""

    async def heads(
        self, tenant: str, endpoint: str, *, limit: int, without: Collection[str] = ()
    ) -> Sequence[WebhookDelivery]:
        """The oldest that waits of each case except `without`, those tried least first."""
        ...

    async def find(self, tenant: str, endpoint: str, number: int) -> WebhookDelivery | None:
        """One of an endpoint's."""
        ...

    async def record_attempt(self, delivery: WebhookDelivery, attempt: WebhookAttempt, now: datetime) -> None:
        """Write down what came of sending."""
        ...

    async def give_up(self, tenant: str, endpoint: str, number: int, now: datetime) -> None:
        """Leave one out."""
        ...

    async def disable(self, tenant: str, endpoint: str, *, by: str, why: str, now: datetime) -> bool:
        """Tell an endpoint nothing more; False when it was disabled before."""
        ...

    async def health(self, tenant: str) -> Mapping[str, WebhookHealth]:
        """How the tenant's endpoints fare, by name."""
        ...


class WebhookSender(Protocol):
    """Sends events to systems outside."""

    async def send(self, to: Subscription, delivery: WebhookDelivery) -> WebhookAttempt:
        """Send once, signed. Every failure is an answer; none is raised."""
        ...
