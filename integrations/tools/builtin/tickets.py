"""The ticketing system: notes, status, escalation and its revocation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from domain.mail import TicketEscalation, TicketReceipt
from domain.model import Value
from domain.ports.channels import TicketSystem
from domain.tickets.ticket import Priority
from domain.tools.tool import Safety, ToolCategory, ToolUndo
from integrations.tools.provider import CallContext
from integrations.tools.python import tool

_VENDOR = "zendesk"
Status = Literal["new", "open", "pending", "hold", "solved", "closed"]


class TicketNote(Value):
    """What to write on which ticket."""

    ticket: str = Field(min_length=1, max_length=255, description="the ticket's id there, or ours")
    note: str = Field(min_length=1, max_length=60_000)
    public: bool = Field(False, description="whether the customer sees it")


class Noted(Value):
    """It stands there."""

    ticket: str


class StatusChange(Value):
    """Which status to set."""

    ticket: str = Field(min_length=1, max_length=255)
    status: Status
    only_from: Status | None = Field(None, description="change it only while it is this")


class StatusChanged(Value):
    """What it was and is."""

    ticket: str
    status: str | None
    previous: str | None
    """Before this tool changed it; the same as `status` when it changed nothing."""


class WhichTicket(Value):
    """One ticket."""

    ticket: str = Field(min_length=1, max_length=255)


class TicketStatus(Value):
    """Its status in the vendor's words; null when it is gone."""

    status: str | None


class Escalation(Value):
    """What an escalation changes."""

    ticket: str = Field(min_length=1, max_length=255)
    priority: Priority = Field(strict=False)
    note: str = Field(min_length=1, max_length=60_000, description="internal, never public")
    group: str | None = Field(None, description="name or number of the group that gets it")
    tags: tuple[str, ...] = Field((), max_length=20)


class Reversal(Value):
    """Which escalation to take back."""

    receipt: TicketReceipt | None = Field(description="what tickets.escalate gave; null when it never happened")
    note: str = Field("The escalation was taken back.", max_length=60_000)


class Reverted(Value):
    """Whether there was anything to take back."""

    reverted: bool


class TicketTools:
    """Tools on the port `TicketSystem`."""

    def __init__(self, tickets: TicketSystem) -> None:
        """Act on one ticketing system."""
        self._tickets = tickets

    @tool(
        name="tickets.add_note",
        title="Add a note to a ticket",
        vendor=_VENDOR,
        category=ToolCategory.COMMUNICATION,
        capabilities=("ticket.note",),
        safety=Safety.CONFIRM,
        idempotent=True,
    )
    async def add_note(self, arguments: TicketNote, context: CallContext) -> Noted:
        """Add a comment, internal unless it says public."""
        await self._tickets.add_note(arguments.ticket, key=context.key, note=arguments.note, public=arguments.public)
        return Noted(ticket=arguments.ticket)

    @tool(
        name="tickets.set_status",
        title="Set a ticket's status",
        vendor=_VENDOR,
        capabilities=("ticket.status",),
        safety=Safety.CONFIRM,
        idempotent=True,
        undo=ToolUndo(
            tool="tickets.set_status",
            arguments={
                "ticket": "${ $arguments.ticket }",
                "status": "${ $output.previous }",
                "only_from": "${ $arguments.status }",
            },
        ),
    )
    async def set_status(self, arguments: StatusChange, context: CallContext) -> StatusChanged:
        """Set the status. With `only_from`, what somebody else changed meanwhile stays."""
        if arguments.only_from is not None:
            now = await self._tickets.status_of(arguments.ticket)
            if now not in (arguments.only_from, arguments.status):
                return StatusChanged(ticket=arguments.ticket, status=now, previous=now)
        previous = await self._tickets.set_status(arguments.ticket, arguments.status, key=context.key)
        return StatusChanged(ticket=arguments.ticket, status=arguments.status, previous=previous)

    @tool(
        name="tickets.read_status",
        title="Read a ticket's status",
        vendor=_VENDOR,
        category=ToolCategory.SEARCH,
        capabilities=("ticket.read",),
        safety=Safety.SAFE,
        idempotent=True,
    )
    async def read_status(self, arguments: WhichTicket, context: CallContext) -> TicketStatus:
        """The status in the vendor's words."""
        return TicketStatus(status=await self._tickets.status_of(arguments.ticket))

    @tool(
        name="tickets.escalate",
        title="Escalate a ticket",
        vendor=_VENDOR,
        capabilities=("ticket.escalate",),
        safety=Safety.CONFIRM,
        idempotent=True,
        undo=ToolUndo(tool="tickets.revert", arguments={"receipt": "${ $output }"}),
    )
    async def escalate(self, arguments: Escalation, context: CallContext) -> TicketReceipt:
        """Raise priority, set group and tags, add an internal note; a ticket unknown there is created."""
        change = TicketEscalation(
            key=context.key,
            external_id=arguments.ticket,
            priority=arguments.priority.value,
            group=arguments.group,
            tags=arguments.tags,
            note=arguments.note,
        )
        return await self._tickets.escalate(change)

    @tool(
        name="tickets.revert",
        title="Take an escalation back",
        vendor=_VENDOR,
        safety=Safety.CONFIRM,
        idempotent=True,
    )
    async def revert(self, arguments: Reversal, context: CallContext) -> Reverted:
        """Put back what an escalation changed, and say why. What an agent changed since stays."""
        if arguments.receipt is not None:
            await self._tickets.revert(arguments.receipt, key=context.key, note=arguments.note)
        return Reverted(reverted=arguments.receipt is not None)
