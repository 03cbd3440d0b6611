"""What came back from an MCP server, as an answer or as an error of ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from mcp import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    INTERNAL_ERROR,
    PARSE_ERROR,
    REQUEST_TIMEOUT,
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    InputRequiredResult,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from domain.errors import OutcomeUnknown, VendorError, VendorRefused, VendorThrottled, VendorUnavailable
from domain.model import JsonValue
from domain.tools.tool import Safety, ToolSpec
from integrations.tools.mcp.web import MARK, Fault

_SAID_LIMIT = 1_000
_MOST_ATTACHMENTS = 50
_IN_DOUBT = frozenset({CONNECTION_CLOSED, REQUEST_TIMEOUT, PARSE_ERROR, INTERNAL_ERROR})


def output_of(spec: ToolSpec, result: object) -> JsonValue:
    """What a tool gave: its structured content, else its text with a list of what else came.

    Whether it fits the schema that the server promised is the tool box's to look at.

    Raises:
        VendorRefused: the tool says that it failed, or the server asks us for something.
        OutcomeUnknown: the answer is no result.
    """
    if isinstance(result, InputRequiredResult):
        sentence = f"{spec.vendor} wants to ask back (for a model, a person or files), which is refused."
        raise VendorRefused(spec.vendor, "input_required", sentence)
    if not isinstance(result, CallToolResult):
        raise in_doubt(spec, "unreadable", f"{spec.vendor} answered with something that is no result.")
    text, attachments = _parts(result)
    if result.is_error:
        failed = VendorRefused(spec.vendor, "tool_error", f"The tool {spec.name} says that it failed.")
        failed.data = text[:_SAID_LIMIT]
        raise failed
    if result.structured_content is not None:
        return result.structured_content
    return {"text": text, "attachments": attachments} if attachments else {"text": text}


def _parts(result: CallToolResult) -> tuple[str, list[JsonValue]]:
    """Text joined, and everything else by kind and size: no picture or file enters a case's history."""
    texts: list[str] = []
    attachments: list[JsonValue] = []
    for part in result.content:
        match part:
            case TextContent():
                texts.append(part.text)
            case EmbeddedResource(resource=TextResourceContents() as inner):
                texts.append(inner.text)
            case EmbeddedResource(resource=BlobResourceContents() as blob):
                attachments.append(_attachment("resource", blob.mime_type, len(blob.blob)))
            case ImageContent() | AudioContent():
                attachments.append(_attachment(part.type, part.mime_type, len(part.data)))
            case ResourceLink():
                attachments.append({**_attachment("link", part.mime_type, 0), "uri": str(part.uri)[:500]})
    return "\n".join(texts), attachments[:_MOST_ATTACHMENTS]


def _attachment(kind: str, mime_type: str | None, encoded: int) -> dict[str, JsonValue]:
    return {"type": kind, "mime_type": (mime_type or "")[:100], "size_bytes": encoded * 3 // 4}


def in_doubt(spec: ToolSpec, code: str, sentence: str) -> VendorError:
    """The error for a call that left us: a safe tool may be called again, any other may have acted."""
    if spec.safety is Safety.SAFE:
        return VendorUnavailable(spec.vendor, code, sentence)
    return OutcomeUnknown(spec.vendor, code, sentence)


def call_error(spec: ToolSpec, error: MCPError) -> VendorError:
    """What a failed call means."""
    marked = marked_fault(error)
    if marked is not None:
        return _web_error(spec.vendor, marked, lambda code, text: in_doubt(spec, code, text))
    if error.code in _IN_DOUBT:
        return in_doubt(spec, _code(error), f"{spec.vendor} gave no usable answer to a call of {spec.name}.")
    refused = VendorRefused(spec.vendor, _code(error), f"{spec.vendor} refused a call of {spec.name}.")
    refused.data = error.message[:_SAID_LIMIT]
    return refused


def session_error(vendor: str, error: MCPError) -> VendorError:
    """What it means that a session could not be opened, or the tools not be read: nothing was called."""
    marked = marked_fault(error)
    if marked is not None:
        return _web_error(vendor, marked, lambda code, text: VendorUnavailable(vendor, code, text))
    return VendorUnavailable(vendor, _code(error), f"{vendor} did not open an MCP session: see that it is one.")


def marked_fault(error: MCPError) -> dict[str, Any] | None:
    """What our own HTTP layer says went wrong; None for the server's own words."""
    data = error.data
    return data if isinstance(data, dict) and data.get("mark") == MARK else None


def is_gone(error: MCPError) -> bool:
    """Whether the session is of no more use."""
    marked = marked_fault(error)
    return error.code == CONNECTION_CLOSED or (marked or {}).get("fault") == Fault.SESSION_GONE


def _web_error(vendor: str, marked: dict[str, Any], doubt: Callable[[str, str], VendorError]) -> VendorError:
    fault, status, wait = Fault(marked["fault"]), marked.get("status"), marked.get("wait_seconds")
    code = str(status or fault.value)
    sentence = _SENTENCES.get(fault, "{vendor} failed or broke off and may have acted.").format(vendor=vendor)
    if fault is Fault.THROTTLED:
        return VendorThrottled(vendor, code, sentence, retry_after=timedelta(seconds=wait) if wait else None)
    if fault in (Fault.UNSENT, Fault.SESSION_GONE):
        return VendorUnavailable(vendor, code, sentence)
    if fault in (Fault.NOT_ALLOWED, Fault.REDIRECT, Fault.CREDENTIALS):
        return VendorRefused(vendor, code, sentence, status=status)
    return doubt(code, sentence)


_SENTENCES = {
    Fault.NOT_ALLOWED: "The address of {vendor} is not allowed: correct its url in tools.yaml.",
    Fault.THROTTLED: "{vendor} asked us to slow down.",
    Fault.UNSENT: "{vendor} could not be reached.",
    Fault.SESSION_GONE: "{vendor} has ended the session; the next call opens another.",
    Fault.REDIRECT: "{vendor} redirects elsewhere: correct its url in tools.yaml.",
    Fault.CREDENTIALS: "{vendor} refused our credentials: renew its secret.",
}


def _code(error: MCPError) -> str:
    names = {CONNECTION_CLOSED: "connection", REQUEST_TIMEOUT: "timeout", PARSE_ERROR: "unreadable"}
    return names.get(error.code, str(error.code))
