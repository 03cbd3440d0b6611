"""E-mails that a mail service hands over: as they travelled (MIME), or as the fields of a form."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Mapping
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

from starlette.formparsers import MultiPartException
from starlette.requests import Request

from domain.model import JsonValue
from starters.service.hooks.mime import LONGEST_HEADER, parsed
from starters.service.hooks.reading import Read
from starters.service.http.bodies import media_type_of
from starters.service.http.errors import invalid

MIME, FORM, MULTIPART = "message/rfc822", "application/x-www-form-urlencoded", "multipart/form-data"
TYPES = (MIME, FORM, MULTIPART)
LIMIT_BYTES = 10_000_000
_MOST_FIELDS = 200
_LONGEST_TEXT = 200_000
_LONGEST_MESSAGE = 20_000
_READ = ("from", "sender", "subject", "message-id", "auto-submitted", "precedence")
_CASE = re.compile(r"\[(?:Case|[^\W\d_][\w '-]{0,39}(?= [^\]]*\d)) ([A-Za-z0-9][A-Za-z0-9._-]{0,63})\]")
_UNKEPT = re.compile("[\x00\ud800-\udfff]")
_RAW = ("body-mime", "email")
"""What mail services call the field that holds the whole e-mail (Mailgun; SendGrid, where `raw` is switched on)."""


async def fields_of(request: Request, raw: bytes) -> dict[str, str]:
    """The fields of a form; files are left out.

    Raises:
        Problem: 422.
    """
    try:
        if media_type_of(request) == FORM:
            return dict(parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        pieces = iter([{"type": "http.request", "body": raw, "more_body": False}])

        async def receive() -> Any:
            return next(pieces)

        inner = Request({"type": "http", "headers": request.scope["headers"]}, receive)
        async with inner.form(max_files=20, max_fields=_MOST_FIELDS, max_part_size=LIMIT_BYTES) as form:
            return {name: value for name, value in form.multi_items() if isinstance(value, str)}
    except (ValueError, LookupError, AssertionError, MultiPartException):
        raise invalid("The form cannot be read: send it as the mail service's own.") from None


def of_mime(raw: bytes, own_address: str | None) -> Read:
    """An e-mail as it travelled.

    Raises:
        Problem: 422.
    """
    try:
        mail = parsed(raw)
        named = {name: _decoded(str(mail[name])) for name in _READ if mail[name] is not None}
        text = _text_of(mail)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # What the parser raises on strange e-mails has no one name.
        raise invalid("The e-mail cannot be read: send it as it came.") from None
    return _read(named, text, own_address, hashlib.sha256(raw).hexdigest())


def _decoded(header: str) -> str:
    return str(make_header(decode_header(header[:LONGEST_HEADER])))


def _text_of(mail: Message) -> str:
    """The text that a person reads: plain where there is one, else what the HTML says."""
    found: dict[str, str] = {}
    for part in mail.walk():
        kind = part.get_content_type()
        if kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            content = part.get_payload(decode=True)
            charset = part.get_content_charset("utf-8")
            if isinstance(content, bytes):
                found.setdefault(kind, content.decode(_known(charset), "replace"))
    return found.get("text/plain", "").strip() or _plain(found.get("text/html", ""))


def _known(charset: str) -> str:
    try:
        codecs.lookup(charset)
    except (LookupError, ValueError):
        return "latin-1"
    return charset


def of_form(fields: Mapping[str, str], own_address: str | None) -> Read:
    """An e-mail as the fields of a form, under the names that Mailgun and SendGrid give them.

    Raises:
        Problem: 422.
    """
    whole = next((fields[name] for name in _RAW if "\n" in fields.get(name, "")), None)
    if whole is not None:
        return of_mime(whole.encode("utf-8", "surrogateescape"), own_address)
    named = {name.lower(): value for name, value in fields.items()}
    for line in named.get("headers", "").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            named.setdefault(name.strip().lower(), value.strip())
    text = named.get("stripped-text") or named.get("body-plain") or named.get("text") or ""
    text = text or _plain(named.get("body-html") or named.get("html") or "")
    content = "\x00".join(f"{name}={fields[name]}" for name in sorted(fields))
    return _read(named, text, own_address, hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest())


def _read(headers: Mapping[str, str], text: str, own_address: str | None, digest: str) -> Read:
    name, address = _sender(headers.get("from") or headers.get("sender") or "")
    identity = _made_of(headers["message-id"].strip()) if headers.get("message-id", "").strip() else digest[:40]
    if "@" not in address:
        raise invalid("The e-mail names no sender: nobody could be answered.")
    if _is_automatic(headers) or (own_address is not None and address.casefold() == own_address.casefold()):
        return Read(delivery_id=identity)  # answering a machine, or ourselves, would never end
    subject, words = _clean(headers.get("subject", "")).strip(), _clean(text).strip()[:_LONGEST_TEXT]
    ticket: dict[str, JsonValue] = {
        "id": f"MAIL-{identity[:16]}",
        "subject": subject or "(no subject)",
        "description": words,
        "channel": "email",
        "customerEmail": address,
        **({"customerName": name} if name.strip() else {}),
    }
    case = _CASE.search(subject)
    if case is None or not words:
        return Read(delivery_id=identity, kind="hook_ticket", body={"ticket": ticket})
    said: dict[str, JsonValue] = {
        "case": case[1],
        "text": words[:_LONGEST_MESSAGE],
        "message_id": f"mail/{identity}",
        "sender": address,
        "ticket": ticket,
    }
    return Read(delivery_id=identity, kind="hook_message", body=said)


def _sender(header: str) -> tuple[str, str]:
    try:
        return parseaddr(_clean(header)[:LONGEST_HEADER])
    except RecursionError:  # comments in comments in comments
        return "", ""


def _is_automatic(headers: Mapping[str, str]) -> bool:
    """Whether a machine wrote it (RFC 3834)."""
    submitted = headers.get("auto-submitted", "no").partition(";")[0].strip().lower()
    precedence = headers.get("precedence", "").strip().lower()
    return submitted not in ("", "no") or precedence in ("bulk", "junk", "list", "auto_reply")


def _plain(html: str) -> str:
    """What HTML says, without its tags. Looks at each letter a fixed number of times, whatever somebody sends."""
    html, parts, at = html[: 5 * _LONGEST_TEXT], [], 0
    small = html.lower()
    while (start := html.find("<", at)) >= 0 and (end := html.find(">", start)) >= 0:
        parts.append(html[at:start])
        at = end + 1
        for hidden in ("script", "style"):
            if small.startswith(hidden, start + 1):
                closing = small.find(f"</{hidden}", at)
                at = closing if closing >= 0 else len(html)
    return unescape(" ".join([*parts, html[at:]]))


def _clean(text: str) -> str:
    return _UNKEPT.sub("\ufffd", text)


def _made_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]
