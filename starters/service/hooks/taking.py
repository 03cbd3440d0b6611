"""The door that everything from other systems comes in by: looked at, written down, and then delivered."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.cases.deliveries import Delivery
from domain.tickets.intake import read_ticket
from starters.playbooks import read_event
from starters.service.hooks.reading import Read
from starters.service.http import correlation
from starters.service.inbox.delivering import received
from starters.service.services import Services

MAIL = "email"
"""The source of every e-mail, by webhook or from a mailbox: one that comes both ways is one."""


async def take(services: Services, tenant: str, source: str, read: Read, *, once: str | None = None) -> bool:
    """Take what a sender says; False when it came before.

    Args:
        services: of the application.
        tenant: whose endpoint or mailbox it came to.
        source: the endpoint, or `MAIL`.
        read: from the sender's own form.
        once: what the sender's signature counts once under, whatever comes with it.

    Raises:
        Problem: 422, it could not be done later.
        NotReachable: the store does not answer, so nothing was taken.
    """
    if "ticket" in read.body:
        read_ticket(read.body["ticket"], require_address=False)
    if "event" in read.body:
        read_event(read.body["event"])
    delivery = Delivery(
        tenant=tenant,
        source=source,
        delivery_id=read.delivery_id,
        kind=read.kind or "nothing",
        body=read.body,
        correlation_id=correlation.current.get(),
        received_at=datetime.now(UTC),
    )
    done = None if read.kind else "nothing to do"
    return await received(services, delivery, done=done, once=once)
