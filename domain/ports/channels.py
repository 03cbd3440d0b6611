"""The ports of what reaches people: mail, chat, the ticket system, texts from templates."""

from __future__ import annotations

from typing import Protocol

from domain.mail import ChatMessage, ChatReceipt, MailReceipt, OutgoingMail, TicketEscalation, TicketReceipt
from domain.model import JsonValue


class Mailer(Protocol):
    """Sends e-mail."""

    async def send(self, mail: OutgoingMail) -> MailReceipt:
        """Send once per `mail.key`; the Message-ID is made from it.

        Raises:
            VendorRefused: every recipient, the sender or our credentials were refused for good.
            OutcomeUnknown: the connection broke after the message was handed over.
            VendorUnavailable: anything that may pass.
        """
        ...


class TeamChat(Protocol):
    """Talks to teams in chat channels (Slack)."""

    async def post(self, message: ChatMessage) -> ChatReceipt:
        """Post once per `message.key`: look the key up in the channel before a repeated post."""
        ...

    async def update(self, receipt: ChatReceipt, message: ChatMessage) -> ChatReceipt:
        """Replace a message in place; when it is gone, post anew."""
        ...

    async def delete(self, receipt: ChatReceipt) -> None:
        """Delete a message; gone already is fine."""
        ...


class TicketSystem(Protocol):
    """The ticketing system (Zendesk)."""

    async def escalate(self, change: TicketEscalation) -> TicketReceipt:
        """Set priority, group and tags and add an internal note."""
        ...

    async def revert(self, receipt: TicketReceipt, *, key: str, note: str) -> None:
        """Put back what `escalate` changed and note why; a ticket that is gone is fine."""
        ...

    async def add_note(self, external_id: str, *, key: str, note: str, public: bool = False) -> None:
        """Add a comment."""
        ...

    async def set_status(self, external_id: str, status: str, *, key: str) -> str | None:
        """Set `open`, `pending`, `solved` or `closed`; returns what it was before the change with this key."""
        ...

    async def status_of(self, external_id: str) -> str | None:
        """The ticket's status in the vendor's words; None when the ticket is gone."""
        ...


class Renderer(Protocol):
    """Fills templates. Text from outside is data in them and never a template itself."""

    def text(self, template: str, **context: object) -> str:
        """Fill a text template, such as `mail/acknowledgement.txt`."""
        ...

    def mail(self, template: str, **context: object) -> tuple[str, str]:
        """Fill a mail template, such as `mail/acknowledgement.txt`: its subject and its text."""
        ...

    def blocks(self, template: str, **context: object) -> tuple[dict[str, JsonValue], ...]:
        """Fill a Slack Block Kit template (JSON), escaping what Slack would interpret."""
        ...
