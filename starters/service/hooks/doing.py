"""What is done because of a webhook, through the same doors as everything else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from domain.cases.deliveries import Delivery
from domain.cases.messages import MessageInput
from domain.errors import InvalidInput, Refused, UnknownCase
from domain.ids import case_id
from domain.tickets.intake import read_ticket
from domain.tickets.ticket import Priority
from domain.troubleshooting.evidence import EvidenceRef
from domain.troubleshooting.messages import EvidenceInput, IncidentReport
from integrations.evidence.kinds import kind_of
from starters.answers import INCIDENT_CLOSED
from starters.playbooks import read_event
from starters.service.inbox.delivering import Done, Handler, may_pass, temporal_answers
from starters.service.routes.events import to_all
from starters.service.services import Services

_MOST_LIVES = 200
"""How often one group of alerts may become an incident anew."""


async def ticket(services: Services, delivery: Delivery) -> Done:
    """Open the ticket's case, or join the one that it has."""
    await temporal_answers(services)
    try:
        read = read_ticket(delivery.body.get("ticket"), require_address=False)
        done = await services.submitter.submit(delivery.tenant, read, correlation_id=delivery.correlation_id or None)
    except (Refused, InvalidInput) as refused:
        return _refused(refused)
    return Done(done.outcome.value)


async def message(services: Services, delivery: Delivery) -> Done:
    """Add a message to its case; what belongs to none that is open becomes a ticket, where it can."""
    await temporal_answers(services)
    case, sender = _text(delivery, "case"), _text(delivery, "sender")
    said = MessageInput(message_id=_text(delivery, "message_id"), text=_text(delivery, "text"))
    try:
        if sender:
            # Anybody may write a case's number into a subject; only its customer speaks in it.
            customer = (await services.cases.escalation(delivery.tenant, case)).ticket.customer
            if (customer.email or "").casefold() != sender.casefold():
                return await ticket(services, delivery)
        await services.cases.message(delivery.tenant, case, said)
    except (Refused, UnknownCase, InvalidInput) as refused:
        if may_pass(refused):
            raise
        return await ticket(services, delivery) if "ticket" in delivery.body else Done("no open case")
    return Done("added")


async def incident(services: Services, delivery: Delivery) -> Done:
    """Open the incident, or give what is new to the one that is open. One that has ended begins a new one."""
    await temporal_answers(services)
    urgency = _text(delivery, "urgency")
    for name in _lives(_text(delivery, "incident")):
        report = IncidentReport(
            incident_id=name,
            title=_text(delivery, "title")[:300],
            description=_text(delivery, "description")[:16_000],
            reported_by=_text(delivery, "by"),
            service=_text(delivery, "service")[:200] or None,
            urgency=Priority(urgency) if urgency else None,
            evidence=(await _note(services, delivery),),
        )
        try:
            return Done((await services.incidents.open(delivery.tenant, report)).outcome.value)
        except Refused as refused:
            if str(refused) != INCIDENT_CLOSED:
                return _refused(refused)
    return Done("too many incidents")


async def resolved(services: Services, delivery: Delivery) -> Done:
    """Tell the open incident that the sender says it is over. Whether it is, the incident finds out itself."""
    await temporal_answers(services)
    evidence = EvidenceInput(evidence=(await _note(services, delivery),), person_id=_text(delivery, "by"))
    for name in _lives(_text(delivery, "incident")):
        try:
            await services.incidents.add_evidence(delivery.tenant, f"incident:{case_id(name)}", evidence)
        except UnknownCase:
            break
        except Refused as refused:
            if str(refused) != INCIDENT_CLOSED:
                return _refused(refused)
        else:
            return Done("noted")
    return Done("no open incident")


async def event(services: Services, delivery: Delivery) -> Done:
    """Bring the event to every run of the tenant that waits for one."""
    await temporal_answers(services)
    runs = await to_all(services, delivery.tenant, read_event(delivery.body.get("event")))
    return Done(f"brought to {len(runs)}")


HANDLERS: Mapping[str, Handler] = {
    "hook_ticket": ticket,
    "hook_message": message,
    "hook_incident": incident,
    "hook_resolved": resolved,
    "hook_event": event,
}


async def _note(services: Services, delivery: Delivery) -> EvidenceRef:
    content = _text(delivery, "note").encode("utf-8", "replace") + b"\n"

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    name = f"{_text(delivery, 'by')}.log"
    reference, size = await services.evidence.put(delivery.tenant, name, pieces())
    return EvidenceRef(reference=reference, name=name, kind=kind_of(name, content), size_bytes=size)


def _lives(name: str) -> list[str]:
    """The ids that one thing may have had: an incident that has ended is never opened again."""
    return [name, *(f"{name}-{number}" for number in range(2, _MOST_LIVES))]


def _refused(error: Exception) -> Done:
    if may_pass(error):
        raise error
    return Done("refused")


def _text(delivery: Delivery, name: str) -> str:
    return str(delivery.body.get(name) or "")
