"""What an incident answers to about tickets: they are linked and unlinked, by rule and by people."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.cases.messages import Accepted
    from domain.cases.timeline import TimelineKind
    from domain.ids import case_id
    from domain.troubleshooting.linked import BY_RULE
    from domain.troubleshooting.messages import LinkTicketInput, UnlinkTicketInput
    from domain.troubleshooting.state import IncidentState

from workflows.cases.served import ServedLifecycle
from workflows.incidents.changes import LAST_MOMENT, LATE_TICKETS, holds
from workflows.incidents.informing import Informing


class TicketedLifecycle(ServedLifecycle[IncidentState]):
    """The part of an incident that tickets, and people about tickets, speak to."""

    informing: Informing

    @workflow.signal
    async def link_ticket(self, link: LinkTicketInput) -> None:
        """A ticket is about this incident."""
        state = self.state
        if state.is_linked(link.ticket_id):
            return
        if state.withdrawn:
            if holds(LAST_MOMENT):
                await self.informing.leave(link.ticket_id)
            return
        if state.closed and not holds(LATE_TICKETS):
            return
        await self._link(link)

    @workflow.update
    async def add_ticket(self, link: LinkTicketInput) -> Accepted:
        """The same as `link_ticket`, for people: it says what came of it. A repeat does nothing."""
        if self.state.is_linked(link.ticket_id):
            return self._accepted(f"Ticket {link.ticket_id} is linked already.")
        return self._accepted(await self._link(link))

    @add_ticket.validator
    def _check_ticket(self, link: LinkTicketInput) -> None:
        self._refuse_when_over()

    async def _link(self, link: LinkTicketInput) -> str:
        state, ticket = self.state, link.ticket_id
        if link.person_id == BY_RULE and case_id(ticket) in state.unlinked:
            return f"A person said that ticket {ticket} is about something else."
        if not state.link(ticket, link.person_id, workflow.now(), link.customer_id):
            why = f"{len(state.linked)} tickets are, and there is no room for more: tell its customer yourself"
            self.case.note(TimelineKind.STEP, f"Ticket {ticket} is not linked: {why}", link.person_id)
            return f"Ticket {ticket} is not linked: {why}."
        self.case.note(TimelineKind.STEP, f"Ticket {ticket} is linked", link.person_id)
        if not await self.informing.join(ticket):
            return f"Ticket {ticket} is linked; it has no open case, so its customer hears nothing."
        return f"Ticket {ticket} is linked: its customer hears how this ends, once people approved the words."

    @workflow.update
    async def unlink_ticket(self, word: UnlinkTicketInput) -> Accepted:
        """A person says that a ticket is about something else: it is not told, and no rule links it again."""
        state, ticket = self.state, word.ticket_id
        told = next((bool(one.told) for one in state.linked if one.ticket_id == ticket), False)
        if not state.unlink(ticket):
            return self._accepted(f"Ticket {ticket} was unlinked already.")
        self.case.note(TimelineKind.STEP, f"Ticket {ticket} is unlinked", word.person_id)
        await self.informing.leave(ticket)
        after = "; its customer was told already" if told else ""
        return self._accepted(f"Ticket {ticket} is unlinked{after}.")

    @unlink_ticket.validator
    def _check_unlink(self, word: UnlinkTicketInput) -> None:
        self._refuse_when_over()
