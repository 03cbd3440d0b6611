"""Activities on the ticketing system, the CRM and billing: one change each."""

from __future__ import annotations

from temporalio import activity

from domain.errors import VendorRefused
from domain.ids import effect_key
from domain.mail import TicketEscalation, TicketReceipt
from domain.model import Value
from domain.ports.channels import TicketSystem
from domain.ports.customers import Billing, CustomerRecords


class EscalateTicketInput(Value):
    """The change a handoff makes."""

    step: str
    external_id: str
    priority: str
    group: str | None
    tags: tuple[str, ...]
    note: str


class RevertTicketInput(Value):
    """Puts a handoff's change back."""

    step: str
    receipt: TicketReceipt
    note: str


class TicketNoteInput(Value):
    """A comment; internal unless `public`."""

    step: str
    external_id: str
    note: str
    public: bool = False


class TicketStatusInput(Value):
    """A change of status."""

    step: str
    external_id: str
    status: str


class ProfileInput(Value):
    """What the CRM learns about a customer."""

    step: str
    customer_id: str
    properties: dict[str, str]


class MoneyInput(Value):
    """A refund or a credit, with the exact arguments that were approved."""

    step: str
    customer_id: str
    amount: float
    currency: str


class UndoMoneyInput(Value):
    """Takes a refund or a credit back."""

    step: str
    customer_id: str
    reference: str


def _key(step: str) -> str:
    return effect_key(activity.info().workflow_id or "", step)


class TicketingActivities:
    """Receives the ticketing system, if there is one."""

    def __init__(self, tickets: TicketSystem | None) -> None:
        """`tickets` is None when none is configured."""
        self._configured = tickets

    @property
    def _tickets(self) -> TicketSystem:
        if self._configured is None:
            raise VendorRefused("zendesk", "not_configured", "No ticketing system is configured.")
        return self._configured

    @activity.defn
    async def escalate_ticket(self, change: EscalateTicketInput) -> TicketReceipt:
        """Set priority, group and tags, and add an internal note."""
        return await self._tickets.escalate(
            TicketEscalation(
                key=_key(change.step),
                external_id=change.external_id,
                priority=change.priority,
                group=change.group,
                tags=change.tags,
                note=change.note,
            )
        )

    @activity.defn
    async def revert_ticket(self, change: RevertTicketInput) -> None:
        """Put back what `escalate_ticket` changed."""
        await self._tickets.revert(change.receipt, key=_key(change.step), note=change.note)

    @activity.defn
    async def add_ticket_note(self, note: TicketNoteInput) -> None:
        """Add a comment."""
        await self._tickets.add_note(note.external_id, key=_key(note.step), note=note.note, public=note.public)

    @activity.defn
    async def set_ticket_status(self, change: TicketStatusInput) -> None:
        """Set the status."""
        await self._tickets.set_status(change.external_id, change.status, key=_key(change.step))

    @activity.defn
    async def read_ticket_status(self, external_id: str) -> str | None:
        """The status now; None when the ticket is gone."""
        return await self._tickets.status_of(external_id)


class CustomerActivities:
    """Receives the CRM and billing, if there are any."""

    def __init__(self, records: CustomerRecords | None, billing: Billing | None) -> None:
        """Each is None when not configured."""
        self._records = records
        self._configured_billing = billing

    @property
    def _billing(self) -> Billing:
        if self._configured_billing is None:
            raise VendorRefused("stripe", "not_configured", "No billing system is configured.")
        return self._configured_billing

    @activity.defn
    async def update_customer_profile(self, profile: ProfileInput) -> bool:
        """Write to the customer's profile. False when the CRM does not know the customer."""
        if self._records is None:
            raise VendorRefused("hubspot", "not_configured", "No CRM is configured.")
        return await self._records.update_profile(profile.customer_id, profile.properties, key=_key(profile.step))

    @activity.defn
    async def refund_customer(self, money: MoneyInput) -> str:
        """Refund; returns the reference that undoes it."""
        return await self._billing.refund(money.customer_id, money.amount, money.currency, key=_key(money.step))

    @activity.defn
    async def cancel_refund(self, undo: UndoMoneyInput) -> None:
        """Undo a refund."""
        await self._billing.cancel_refund(undo.reference, key=_key(undo.step))

    @activity.defn
    async def credit_customer(self, money: MoneyInput) -> str:
        """Credit the balance; returns the reference that undoes it."""
        return await self._billing.credit(money.customer_id, money.amount, money.currency, key=_key(money.step))

    @activity.defn
    async def reverse_credit(self, undo: UndoMoneyInput) -> None:
        """Undo a credit."""
        await self._billing.reverse_credit(undo.customer_id, undo.reference, key=_key(undo.step))
