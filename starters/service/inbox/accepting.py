"""Questions that are written down before they are acknowledged (202), and then brought to their case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from domain.cases.deliveries import Delivery
from domain.errors import InvalidInput, NotReachable, Refused, UnknownCase
from domain.ids import kind_of, workflow_id_for
from starters.answers import CLOSED, INCIDENT_CLOSED
from starters.service.http import correlation
from starters.service.http.errors import unfitting
from starters.service.inbox import asking
from starters.service.inbox.delivering import Done, Handler, may_pass, received, temporal_answers
from starters.service.services import Services

_KIND = "api_ask"
_CLOSED = {"escalation": CLOSED, "troubleshooting": INCIDENT_CLOSED}


async def accept(
    services: Services, tenant: str, case: str, query_id: str, *, author: str, text: str
) -> asking.Question:
    """Write a question down, so that it is asked whoever is down meanwhile; the same id once more writes nothing.

    Raises:
        UnknownCase: there is no such case.
        Problem: 409, the case takes no questions, or is over.
        NotReachable: Temporal or the store does not answer; nothing was taken.
    """
    workflow_id = workflow_id_for(tenant, case)
    if kind_of(workflow_id) not in _CLOSED:
        raise unfitting(asking.TAKES_NONE)
    source = asking.source_of(tenant, case)
    if not await services.store.inbox.find(tenant, source, query_id):
        if not await services.cases.is_running(tenant, workflow_id):
            raise Refused(_CLOSED[kind_of(workflow_id)])
        delivery = Delivery(
            tenant=tenant,
            source=source,
            delivery_id=query_id,
            kind=_KIND,
            body={"workflow": workflow_id, "author": author, "text": text},
            correlation_id=correlation.current.get(),
            received_at=datetime.now(UTC),
        )
        await received(services, delivery)
    kept = await asking.accepted(services, tenant, case, query_id)
    if kept is None:
        raise NotReachable("The store has lost the question: ask again.")
    return kept


async def deliver(services: Services, delivery: Delivery) -> Done:
    """Bring a question to its case."""
    await temporal_answers(services)
    case, author, text = (str(delivery.body.get(name) or "") for name in ("workflow", "author", "text"))
    try:
        await asking.ask(services, delivery.tenant, case, delivery.delivery_id, author=author, text=text)
    except (Refused, UnknownCase, InvalidInput) as refused:
        if may_pass(refused):
            raise
        return Done("refused")
    return Done("asked")


HANDLERS: Mapping[str, Handler] = {_KIND: deliver}
