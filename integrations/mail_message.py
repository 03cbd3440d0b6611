"""Builds e-mails: text part first, checked addresses and headers, the same Message-ID for the same key."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from domain.errors import VendorRefused
from domain.mail import Attachment, OutgoingMail
from integrations.idempotency import key_hash

VENDOR = "mail"
_POLICY = SMTP.clone(cte_type="7bit")
"""Seven bits, so that a server without 8BITMIME takes it too."""
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}\Z")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\Z")
_HEADER_NAME = re.compile(r"[!-9;-~]+\Z")
_OWN_HEADERS = frozenset({
    "from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "in-reply-to", "references", "reply-to",
    "return-path", "mime-version", "content-type", "content-transfer-encoding", "auto-submitted",
})  # fmt: skip
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}@[^<>\s]{1,250}>\Z")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+\Z")
LINE_LIMIT = 900
"""Characters of a subject; a line of e-mail ends at 998 (RFC 5322, section 2.1.1)."""


def message_id(key: str, domain: str) -> str:
    """The Message-ID of a key: the same on every attempt, so that servers and readers can drop a repeat."""
    return f"<{key_hash(key)}@{domain}>"


def check_address(address: str) -> str:
    """Return an address that may stand in an envelope; a domain in other scripts becomes its ASCII form.

    Raises:
        VendorRefused: when it is no plain `name@domain`.
    """
    local, at, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii") if at else ""
    except UnicodeError:
        ascii_domain = ""
    if (
        not _LOCAL.match(local)
        or ".." in local
        or local[0] == "."
        or local[-1] == "."
        or not _DOMAIN.match(ascii_domain)
    ):
        raise VendorRefused(VENDOR, "address", "An e-mail address is not usable: correct it to the form name@domain.")
    return f"{local}@{ascii_domain}"


def mask(address: str) -> str:
    """An address as records may show it: `l***@example.com`."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


def build(
    mail: OutgoingMail, *, sender: str, sender_name: str, domain: str, now: datetime | None = None
) -> EmailMessage:
    """The e-mail to send.

    Raises:
        VendorRefused: when an address, a header or an attachment cannot stand in an e-mail.
    """
    message = EmailMessage(policy=_POLICY)
    try:
        message["From"] = Address(_printable(sender_name), addr_spec=check_address(sender))
        message["To"] = tuple(Address(addr_spec=check_address(to)) for to in mail.to)
        if mail.cc:
            message["Cc"] = tuple(Address(addr_spec=check_address(to)) for to in mail.cc)
        message["Subject"] = _printable(mail.subject)[:LINE_LIMIT]
        message["Date"] = format_datetime(now or datetime.now(UTC))
        message["Message-ID"] = message_id(mail.key, domain)
        message["Auto-Submitted"] = "auto-generated"
        _thread(message, mail.in_reply_to)
        for name, value in mail.headers.items():
            message[_own_header(name)] = value
        message.set_content(_encodable(mail.text))
        if mail.html is not None:
            message.add_alternative(_encodable(mail.html), subtype="html")
        for attachment in mail.attachments:
            _attach(message, attachment)
    except (ValueError, HeaderParseError):
        # The library refuses line breaks in headers; its own text quotes the value.
        raise VendorRefused(VENDOR, "header", "A header of the e-mail holds what none may hold: correct it.") from None
    return message


def _thread(message: EmailMessage, in_reply_to: str | None) -> None:
    if in_reply_to is not None and _MESSAGE_ID.match(in_reply_to):
        message["In-Reply-To"] = in_reply_to
        message["References"] = in_reply_to


def _own_header(name: str) -> str:
    if not _HEADER_NAME.match(name) or name.lower() in _OWN_HEADERS:
        raise VendorRefused(VENDOR, "header", "An additional header has a name that is not free: leave it out.")
    return name


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    if not _MEDIA_TYPE.match(attachment.media_type):
        raise VendorRefused(VENDOR, "attachment", "An attachment has no media type such as text/plain: correct it.")
    main, sub = attachment.media_type.split("/")
    name = re.sub(r"[^\w.() -]", "_", attachment.name).strip(". ")[:100] or "attachment"
    message.add_attachment(_encodable(attachment.content).encode(), maintype=main, subtype=sub, filename=name)


def _printable(text: str) -> str:
    if "\r" in text or "\n" in text:
        raise ValueError("line break")
    return "".join(letter for letter in _encodable(text) if letter.isprintable())


def _encodable(text: str) -> str:
    """Lone surrogates have no bytes; they become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
