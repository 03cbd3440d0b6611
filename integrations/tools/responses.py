"""What a response says, as the JSON value that a playbook sees."""

from __future__ import annotations

import base64
import hashlib
import re

from domain.model import JsonValue
from integrations.http import read_reply, unreadable
from integrations.tools.guarded_http import Incoming

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TEXT = re.compile(r"(text/.*|application/(xml|x-www-form-urlencoded|javascript|yaml|x-ndjson)|.*\+(xml|yaml))\Z")


def is_json(media_type: str) -> bool:
    """Whether a media type is JSON (RFC 6839, section 3.1)."""
    return media_type in ("application/json", "text/json") or media_type.endswith("+json")


def content_of(vendor: str, incoming: Incoming) -> JsonValue:
    """The body: parsed when it is JSON, text when it is text, nothing when it is empty, else a summary.

    A body without a type is read as JSON when it is JSON, and as text when it is text.

    Raises:
        VendorError: it claims to be JSON and is not.
    """
    content, media_type = incoming.content.removeprefix(_BYTE_ORDER_MARK), incoming.media_type
    if not content.strip():
        return None
    if is_json(media_type) or not media_type:
        reply = read_reply(incoming.status, incoming.headers, content)
        if reply.readable:
            return reply.body
        if media_type:
            raise unreadable(vendor, write=incoming.request.write)
    if _TEXT.match(media_type) or not media_type:
        text = _text(content, incoming.headers.get("content-type", ""))
        if text is not None:
            return text
    return summary(incoming)


def summary(incoming: Incoming) -> JsonValue:
    """What there is to say of bytes that are neither JSON nor text."""
    return {
        "media_type": incoming.media_type or "application/octet-stream",
        "size_bytes": len(incoming.content),
        "sha256": hashlib.sha256(incoming.content).hexdigest(),
    }


def raw_of(incoming: Incoming) -> str:
    """The body in base64."""
    return base64.b64encode(incoming.content).decode("ascii")


def response_of(vendor: str, incoming: Incoming) -> JsonValue:
    """Request and response without credentials (Serverless Workflow DSL 1.0.3, "HTTP Response")."""
    request = incoming.request
    return {
        "request": {
            "method": request.method.lower(),
            "uri": request.shown_address(),
            "headers": request.shown_headers(),
        },
        "statusCode": incoming.status,
        "headers": incoming.shown_headers(),
        "content": content_of(vendor, incoming),
    }


def _text(content: bytes, content_type: str) -> str | None:
    named = re.search(r"charset=\"?([A-Za-z0-9_-]{1,40})", content_type)
    charset = named.group(1).lower() if named else "utf-8"
    if charset not in ("utf-8", "utf8", "us-ascii", "iso-8859-1", "latin-1", "windows-1252"):
        return None
    try:
        return content.decode(charset)
    except UnicodeDecodeError:
        return None
