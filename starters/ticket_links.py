"""Tickets and incidents, from outside: open one from a ticket, join, link, unlink, and what is said when it is over."""

from __future__ import annotations

from datetime import timedelta

from domain.cases.escalation import EscalationState
from domain.cases.messages import Accepted, IncidentNews, JoinIncidentInput, OpenIncidentOrder
from domain.errors import InvalidInput, Refused, UnknownCase
from domain.ids import kind_of, workflow_id_for
from domain.troubleshooting.messages import LinkTicketInput, UnlinkTicketInput
from domain.troubleshooting.state import IncidentState
from starters.answers import CLOSED, INCIDENT_CLOSED, PATIENCE, answered_within
from starters.cases import Cases
from workflows.escalation import EscalationWorkflow
from workflows.troubleshooting import TroubleshootingWorkflow


class TicketLinks:
    """Speaks to tickets' cases about incidents, and to incidents about tickets.

    Each method raises what those of `Cases` raise, and may be repeated.

    Args:
        cases: connected.
        patience: how long one answer may take.
    """

    def __init__(self, cases: Cases, *, patience: timedelta = PATIENCE) -> None:
        self._cases = cases
        self._patience = patience

    async def open(self, tenant: str, case: str, person: str) -> Accepted:
        """Open an incident from a ticket; a second time gives the same one."""
        handle = self._cases.handle(tenant, _ticket(tenant, case))
        async with answered_within(self._patience, changes=True, closed=CLOSED):
            return await handle.execute_update(EscalationWorkflow.open_incident, OpenIncidentOrder(person_id=person))

    async def join(self, tenant: str, case: str, incident: str, person: str) -> Accepted:
        """Say which incident a ticket is about; of one that is over, its customer gets the news if that is true."""
        state = await self._open_incident(tenant, incident)
        if state is not None:
            return await self._late(tenant, state, case)
        handle = self._cases.handle(tenant, _ticket(tenant, case))
        word = JoinIncidentInput(person_id=person, incident=incident)
        async with answered_within(self._patience, changes=True, closed=CLOSED):
            return await handle.execute_update(EscalationWorkflow.join_incident, word)

    async def link(self, tenant: str, incident: str, ticket: str, person: str) -> Accepted:
        """Say at an incident that a ticket is about it; the ticket need not have a case."""
        state = await self._open_incident(tenant, incident)
        if state is not None:
            return await self._late(tenant, state, ticket)
        word = LinkTicketInput(ticket_id=ticket, person_id=person, customer_id=await self._customer(tenant, ticket))
        handle = self._cases.handle(tenant, _incident(tenant, incident))
        async with answered_within(self._patience, changes=True, closed=INCIDENT_CLOSED):
            return await handle.execute_update(TroubleshootingWorkflow.add_ticket, word)

    async def unlink(self, tenant: str, incident: str, ticket: str, person: str) -> Accepted:
        """Say that a ticket is about something else; no rule links it again."""
        handle = self._cases.handle(tenant, _incident(tenant, incident))
        word = UnlinkTicketInput(ticket_id=ticket, person_id=person)
        async with answered_within(self._patience, changes=True, closed=INCIDENT_CLOSED):
            return await handle.execute_update(TroubleshootingWorkflow.unlink_ticket, word)

    async def _open_incident(self, tenant: str, incident: str) -> IncidentState | None:
        """What an incident that is over knows; None for one that takes tickets."""
        name = _incident(tenant, incident)
        if await self._cases.is_running(tenant, name):
            return None
        state = await self._cases.state(tenant, name)
        assert isinstance(state, IncidentState)  # noqa: S101  (by its id)
        return state

    async def _customer(self, tenant: str, ticket: str) -> str | None:
        try:
            return (await self._cases.escalation(tenant, ticket)).ticket.customer.customer_id
        except (UnknownCase, Refused):
            return None

    # After the end

    async def _late(self, tenant: str, incident: IncidentState, case: str) -> Accepted:
        """A ticket is linked to an incident that is over: a clear answer, and the approved news where it is true."""
        handle = self._cases.handle(tenant, _ticket(tenant, case))
        known = await self._cases.escalation(tenant, case)
        why_not = why_no_news(incident, known)
        if why_not is not None:
            raise Refused(why_not)
        number, ticket = incident.case_number, known.ticket.ticket_id
        if known.incidents.get(number):
            return _answer(known, f"The customer of ticket {ticket} was told already how {number} ended.")
        async with answered_within(self._patience, changes=True, closed=CLOSED):
            await handle.signal(EscalationWorkflow.incident_news, IncidentNews(incident=number, text=incident.news))
        return _answer(known, f"{number} is over: the customer of ticket {ticket} is told the approved news.")


def why_no_news(incident: IncidentState, ticket: EscalationState) -> str | None:
    """Why the news of an incident that is over is nothing for a ticket's customer; None when it is true for them."""
    number, instead = incident.case_number, "open a new incident if the trouble goes on"
    if ticket.closed or ticket.withdrawn:
        return f"{number} is over and so is the ticket's case: there is nobody to tell."
    if incident.withdrawn or not incident.closed:
        return f"{number} was withdrawn and solved nothing: {instead}."
    if not incident.news:
        return f"{number} is over, and nobody approved news of it for customers: tell this one yourself, or {instead}."
    if incident.resolved_at is not None and ticket.opened_at > incident.resolved_at:
        return f"{number} was over before this ticket came in, so its news is not true for it: {instead}."
    still_open = [name for name, told in ticket.incidents.items() if not told and name != number]
    if still_open:
        return f"The ticket belongs to {still_open[0]} too, so nothing is solved for its customer: wait for its end."
    return None


def _answer(ticket: EscalationState, text: str) -> Accepted:
    return Accepted(text=text, status=ticket.current_status())


def _incident(tenant: str, name: str) -> str:
    workflow_id = workflow_id_for(tenant, name)
    if kind_of(workflow_id) != "troubleshooting":
        raise InvalidInput("An incident is named incident:ID: give it as `surehand incident open` showed it.")
    return workflow_id


def _ticket(tenant: str, name: str) -> str:
    workflow_id = workflow_id_for(tenant, name)
    if kind_of(workflow_id) != "escalation":
        raise InvalidInput("That is no support case: give a ticket's id or case number.")
    return workflow_id
