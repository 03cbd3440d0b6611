"""Endpoints that are told of cases, for people and programs: how each fares, trials, replays, switching on and off."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pydantic import Field

from domain.errors import InvalidInput
from domain.model import Term, Value
from domain.webhooks.events import TEST_TYPE, DeliveryStatus, Subscription, WebhookDelivery, WebhookHealth, trial_body
from integrations.store.deliveries.outbox import SqlOutbox
from runtime.configuration.policies import Configuration

Wake = Callable[[str, str], Awaitable[None]]
"""Has an endpoint's sender look at once: tenant and endpoint."""


class EndpointStatus(Term):
    """How an endpoint fares."""

    WORKING = "working"
    FAILING = "failing"
    """It did not take the last event; it is tried again by itself."""
    DISABLED = "disabled"


class EndpointRow(Value):
    """One endpoint as people see it."""

    name: str
    host: str
    """Scheme, host and port; what follows may hold a token."""
    events: tuple[str, ...]
    status: EndpointStatus
    waiting: int = 0
    delivered: int = 0
    given_up: int = 0
    health: WebhookHealth = Field(default_factory=WebhookHealth)


class WebhookDesk:
    """The endpoints of one tenant.

    Args:
        outbox: of the store.
        configuration: of the installation.
        tenant: whose.
        wake: has a sender look at once. What it cannot tell, the workers find by themselves.
    """

    def __init__(self, outbox: SqlOutbox, configuration: Configuration, tenant: str, wake: Wake) -> None:
        self._outbox = outbox
        self._configuration = configuration
        self._wake = wake
        self.tenant = tenant

    async def endpoints(self) -> list[EndpointRow]:
        """All of them, by name."""
        health, counts = await self._outbox.health(self.tenant), await self._outbox.counts(self.tenant)
        return [
            _row(one, health.get(one.name, WebhookHealth()), counts)
            for one in self._configuration.subscriptions
            if one.tenant == self.tenant
        ]

    async def endpoint(self, name: str) -> EndpointRow:
        """One of them.

        Raises:
            InvalidInput: the tenant has none of that name.
        """
        self._find(name)
        return next(row for row in await self.endpoints() if row.name == name)

    def knows(self, name: str) -> bool:
        """Whether the tenant has an endpoint of that name."""
        return self._configuration.subscription(self.tenant, name) is not None

    async def deliveries(
        self, name: str, *, status: str | None = None, limit: int = 50, offset: int = 0
    ) -> tuple[Sequence[WebhookDelivery], int]:
        """What it was told and is to be told, the newest first, and how many that are in all.

        Raises:
            InvalidInput: there is no such endpoint or status.
        """
        self._find(name)
        if status is not None and status not in set(DeliveryStatus):
            raise InvalidInput(f"There is no status {status!r}: use one of {', '.join(DeliveryStatus)}.")
        return await self._outbox.deliveries(self.tenant, name, status=status, limit=limit, offset=offset)

    async def trial(self, name: str) -> str:
        """Tell an endpoint that the way to it is open; returns the event's id.

        Raises:
            InvalidInput: there is no such endpoint, or it is disabled.
        """
        known, now = self._find(name), datetime.now(UTC)
        if (await self.endpoint(name)).status is EndpointStatus.DISABLED:
            raise InvalidInput(f"{name} is disabled: enable it first.")
        event_id = f"evt_{uuid.uuid4().hex}"
        await self._outbox.add(known, event_id, TEST_TYPE, trial_body(known, event_id, now), now)
        await self._wake(self.tenant, name)
        return event_id

    async def replay(self, name: str, *, event_id: str | None = None, since: datetime | None = None) -> int:
        """Send again what was sent or left out, under its own id; returns how many events.

        Raises:
            InvalidInput: there is no such endpoint, or neither event nor moment is given.
        """
        self._find(name)
        if (event_id is None) == (since is None):
            raise InvalidInput("Say either which event is to be sent again, or from when on.")
        count = await self._outbox.replay(self.tenant, name, event_id=event_id, since=since)
        if count:
            await self._wake(self.tenant, name)
        return count

    async def enable(self, name: str) -> None:
        """Tell an endpoint again, first of all what waits for it.

        Raises:
            InvalidInput: there is no such endpoint.
        """
        self._find(name)
        await self._outbox.enable(self.tenant, name)
        await self._wake(self.tenant, name)

    async def disable(self, name: str, *, by: str, why: str = "") -> bool:
        """Tell an endpoint nothing more; what it is not told waits. False when it was disabled before.

        Raises:
            InvalidInput: there is no such endpoint.
        """
        self._find(name)
        why = why or "A person disabled it."
        return await self._outbox.disable(self.tenant, name, by=by, why=why, now=datetime.now(UTC))

    def _find(self, name: str) -> Subscription:
        known = self._configuration.subscription(self.tenant, name)
        if known is None:
            raise InvalidInput(
                f"There is no endpoint {name[:80]!r} in subscriptions.yaml: see `surehand webhook list`."
            )
        return known


def _row(one: Subscription, health: WebhookHealth, counts: dict[tuple[str, str], int]) -> EndpointRow:
    parts = urlsplit(one.url)
    if health.disabled_at is not None:
        status = EndpointStatus.DISABLED
    else:
        status = EndpointStatus.FAILING if health.failing_since is not None else EndpointStatus.WORKING
    return EndpointRow(
        name=one.name,
        host=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
        events=one.events,
        status=status,
        health=health,
        **{known.value: counts.get((one.name, known.value), 0) for known in DeliveryStatus},
    )
