"""What an MCP server says of its tools, as tools of ours. Everything it says is a claim from outside.

A claim may tighten a tool's safety and never loosen it. Names are made to fit, and whatever an approver or a model was
shown (title, description, schemas, annotations) goes into the digest, so that a tool which changes its words after it
was approved is a changed tool.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from mcp_types import Tool

from domain.tools.tool import Safety, ToolCategory, ToolSpec, canonical
from integrations.tools.mcp.configuration import McpServer

PROVIDER = "mcp"
_FITS = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")
_ODD = re.compile(r"[^A-Za-z0-9_-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
_LONGEST_NAME = 70
_LONGEST_TITLE = 80
_LONGEST_TARGET = 300
_LONGEST_DESCRIPTION = 2_000
_LARGEST_SCHEMA = 64_000
_DEEPEST_SCHEMA = 40
SEAL = "$comment"
"""Where the digest of the server's own words stands in a tool's input schema: a keyword that checks nothing."""


def tool_name(server: str, tool: str) -> str:
    """Our name of a server's tool. A name that does not fit keeps a hash, so that no two tools share one."""
    if _FITS.match(tool) and len(tool) <= _LONGEST_NAME:
        return f"{server}.{tool}"
    hashed = hashlib.sha256(tool.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{server}.{_ODD.sub('_', tool)[:_LONGEST_NAME]}-{hashed}"


def safety_of(tool: Tool, configured: Safety | None) -> Safety:
    """The safety level: as configured, or that a person confirms it; stricter where the server itself says so."""
    levels = [configured or Safety.CONFIRM]
    claims = tool.annotations
    if claims is not None and claims.destructive_hint is True:
        levels.append(Safety.DANGEROUS)
    if claims is not None and claims.read_only_hint is False:
        levels.append(Safety.CONFIRM)
    return max(levels, key=lambda level: level.rank)


def seal(tool: Tool) -> str:
    """SHA-256 of everything the server says of a tool."""
    said = tool.model_dump(by_alias=True, mode="json", exclude_none=True, exclude={"meta", "icons"})
    return hashlib.sha256(canonical(said).encode("utf-8", "surrogatepass")).hexdigest()


def spec_of(name: str, server: McpServer, tool: Tool) -> ToolSpec | None:
    """A tool of ours; None for one that cannot be offered because its schemas cannot be used."""
    schema: Any = tool.input_schema
    if not _usable(schema) or schema.get("type", "object") != "object":
        return None
    output = tool.output_schema if _usable(tool.output_schema) else None
    title = tool.title or (tool.annotations.title if tool.annotations is not None else None) or tool.name
    return ToolSpec(
        name=tool_name(name, tool.name),
        title=plain(title, _LONGEST_TITLE),
        vendor=name,
        category=ToolCategory.EXECUTION,
        capabilities=server.capabilities.get(tool.name, ()),
        safety=safety_of(tool, server.safety.get(tool.name)),
        idempotent=tool.name in server.idempotent,
        timeout=timedelta(seconds=server.timeout_seconds),
        undo=server.undo.get(tool.name),
        description=plain(tool.description or "", _LONGEST_DESCRIPTION),
        provider=PROVIDER,
        source=name,
        target=f"{server.url or 'process ' + name} {plain(tool.name, _LONGEST_TARGET)}",
        input_schema={**schema, "type": "object", SEAL: seal(tool)},
        output_schema=output,
        result_limit_bytes=server.result_limit_bytes,
    )


def catalogue(name: str, server: McpServer, tools: Iterable[Tool]) -> dict[str, tuple[ToolSpec, str]]:
    """Tools by our name, each with the server's own name. Of two that the server calls alike none is offered."""
    seen: dict[str, int] = {}
    found: dict[str, tuple[ToolSpec, str]] = {}
    for tool in tools:
        seen[tool.name] = seen.get(tool.name, 0) + 1
        if not server.offers(tool.name):
            continue
        spec = spec_of(name, server, tool)
        if spec is not None:
            found[spec.name] = (spec, tool.name)
    return {ours: (spec, theirs) for ours, (spec, theirs) in found.items() if seen[theirs] == 1}


def plain(text: str, longest: int) -> str:
    """One line for a person, without characters that hide or reorder what follows."""
    line = " ".join(_CONTROL.sub(" ", text.encode("utf-8", "replace").decode()).split())
    return line if len(line) <= longest else line[: longest - 3] + "..."


def _usable(schema: Any) -> bool:
    """Whether a schema is small and shallow and refers to nothing outside itself."""
    if not isinstance(schema, Mapping):
        return False
    open_parts: list[tuple[Any, int]] = [(schema, 0)]
    size = 0
    while open_parts:
        part, depth = open_parts.pop()
        if depth > _DEEPEST_SCHEMA:
            return False
        if isinstance(part, Mapping):
            reference = part.get("$ref", part.get("$dynamicRef", "#"))
            if isinstance(reference, str) and not reference.startswith("#"):
                return False
            size += sum(len(key) for key in part)
            open_parts += [(each, depth + 1) for each in part.values()]
        elif isinstance(part, list):
            open_parts += [(each, depth + 1) for each in part]
        else:
            size += len(str(part))
        if size > _LARGEST_SCHEMA:
            return False
    return True
