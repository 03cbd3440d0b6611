"""What goes out: e-mails and chat messages, as the ports take them."""

from __future__ import annotations

from pydantic import Field

from domain.model import JsonValue, Value


class Attachment(Value):
    """A file in an e-mail."""

    name: str
    media_type: str
    content: str


class OutgoingMail(Value):
    """One e-mail. `key` makes the Message-ID, so a repeat is the same message."""

    key: str
    to: tuple[str, ...] = Field(min_length=1)
    cc: tuple[str, ...] = ()
    subject: str
    text: str
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    in_reply_to: str | None = None
    """Message-ID this answers, to keep one thread in the reader's mail program."""
    headers: dict[str, str] = Field(default_factory=dict)


class MailReceipt(Value):
    """What the mail server said."""

    message_id: str
    repeated: bool = False
    """True when an earlier attempt may already have been accepted (SMTP cannot tell); same Message-ID both times."""
    refused: tuple[str, ...] = ()
    """Recipients that were refused while others were accepted; masked."""


class ChatMessage(Value):
    """One message to a chat channel. `key` travels in its metadata, so a repeat finds the first."""

    key: str
    channel: str
    text: str
    """Plain text for notifications, and for readers of no blocks."""
    blocks: tuple[dict[str, JsonValue], ...] = ()
    thread: str | None = None


class ChatReceipt(Value):
    """Where a chat message stands."""

    channel: str
    """The channel's id, as the vendor returned it."""
    ts: str
    repeated: bool = False
    """True when an earlier attempt may have posted too and nobody could look it up."""


class TicketEscalation(Value):
    """The change that a handoff makes in the ticketing system."""

    key: str
    external_id: str
    priority: str
    """Our priority; the client maps it to the vendor's words."""
    group: str | None = None
    tags: tuple[str, ...] = ()
    note: str
    """Internal note, never public."""


class TicketReceipt(Value):
    """What to know to undo the change."""

    external_id: str
    previous_status: str | None = None
    previous_priority: str | None = None
    previous_group: str | None = None
    added_tags: tuple[str, ...] = ()
    set_priority: str | None = None
    """What the change set, in the vendor's words: it is put back only where nobody has changed it since."""
    set_group: str | None = None
    created: bool = False
    """True when the vendor had no such ticket and the handoff made one."""
    repeated: bool = False
