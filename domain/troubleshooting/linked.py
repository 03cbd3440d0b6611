"""The tickets that are about an incident, and what their customers were told. Part of an incident's state."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.cases.state import ServedCaseState
from domain.ids import case_id
from domain.troubleshooting.incident import MOST_TICKETS
from domain.troubleshooting.records import LinkedTicket

BY_RULE = "surehand"
"""Who links where no person does."""
LINKED_BYTES = 52_000
"""What all linked tickets may take together, as JSON: about 500 of them with ids as systems make them."""
_KEPT_UNLINKED = 50


class TicketsState(ServedCaseState):
    """An incident, as far as tickets are linked to it."""

    linked: list[LinkedTicket] = Field(default_factory=list)
    customers: dict[str, str] = Field(default_factory=dict)
    """Linked ticket -> its customer's id in the CRM, where it is known; what may hold an address is hashed."""
    unlinked: list[str] = Field(default_factory=list)
    """Case ids of tickets that a person said it is not about: no rule links them again."""
    news: str = ""
    """What people approved for the customers; empty while nothing was approved."""
    news_refused: bool = False
    """People were asked about the news and did not approve it."""

    def link(self, ticket_id: str, by: str, now: datetime, customer: str | None = None) -> bool:
        """Link a ticket; False when it is linked already, there are too many, or a person unlinked it before.

        Args:
            ticket_id: as the outside names it.
            by: a person id, or `BY_RULE`. A person may link again what a person unlinked.
            now: the workflow's time.
            customer: the customer's id in the CRM.
        """
        reference = case_id(customer) if customer else ""
        if self.is_linked(ticket_id) or not self.has_room_for(ticket_id, by, reference):
            return False
        if case_id(ticket_id) in self.unlinked:
            if by == BY_RULE:
                return False
            self.unlinked = [one for one in self.unlinked if one != case_id(ticket_id)]
        self.linked.append(LinkedTicket(ticket_id=ticket_id, linked_at=now, linked_by=by))
        if reference:
            self.customers[ticket_id] = reference
        return True

    def is_linked(self, ticket_id: str) -> bool:
        """Whether a ticket is linked."""
        return any(one.ticket_id == ticket_id for one in self.linked)

    def has_room_for(self, ticket_id: str, by: str, customer: str = "") -> bool:
        """Whether one more ticket can be linked."""
        used = sum(_room_of(one.ticket_id, one.linked_by, self.customers.get(one.ticket_id, "")) for one in self.linked)
        return len(self.linked) < MOST_TICKETS and used + _room_of(ticket_id, by, customer) <= LINKED_BYTES

    def unlink(self, ticket_id: str) -> bool:
        """A person says that a ticket is about something else; False when that was said before."""
        name = case_id(ticket_id)
        if name in self.unlinked:
            return False
        self.linked = [one for one in self.linked if one.ticket_id != ticket_id]
        self.customers.pop(ticket_id, None)
        self.unlinked = [*self.unlinked[-(_KEPT_UNLINKED - 1) :], name]
        return True

    def untold(self, what: str) -> list[LinkedTicket]:
        """Linked tickets whose cases were not told something yet, such as `outcome`."""
        return [one for one in self.linked if what not in one.told]


def _room_of(ticket_id: str, by: str, customer: str) -> int:
    """Bytes of one linked ticket: its words, and the rest, which is the same for each."""
    name = len(ticket_id.encode("utf-8", "replace"))
    return name + len(by.encode("utf-8", "replace")) + 84 + (name + len(customer) + 6 if customer else 0)
