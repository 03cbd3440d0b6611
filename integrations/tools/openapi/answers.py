"""What an operation says that it answers, as one schema for all its successes."""

from __future__ import annotations

from typing import Any

from domain.model import JsonValue
from integrations.tools.openapi.operations import Plan
from integrations.tools.openapi.reading import Document, Unsupported
from integrations.tools.openapi.schemas import SchemaBuilder
from integrations.tools.responses import is_json

RESPONSE_NODE_LIMIT = 400
"""Schemas within an answer's schema; what lies beyond is anything at all."""


def output_schema(document: Document, plan: Plan) -> dict[str, JsonValue] | None:
    """The schema of what a success gives; None when the document says nothing that can be checked."""
    statuses = [
        status for status in plan.responses if status.upper() == "2XX" or (len(status) == 3 and status[0] == "2")
    ]
    if not statuses and "default" in plan.responses:
        statuses = ["default"]
    builder = SchemaBuilder(document, request=False, node_limit=RESPONSE_NODE_LIMIT)
    ways: list[JsonValue] = []
    for status in statuses:
        try:
            schema = _json_schema(document.resolved(plan.responses[status]))
            way = {"type": "null"} if schema is None else builder.convert(schema)
        except Unsupported:
            return None
        if way in ({}, True):
            return None
        ways.append(way)
    if not ways or ways == [{"type": "null"}]:
        # Nothing is promised, so anything may come.
        return None
    return builder.complete(ways[0] if len(ways) == 1 and isinstance(ways[0], dict) else {"anyOf": ways})


def _json_schema(response: dict[str, Any]) -> JsonValue:
    """The schema of the JSON in a response; None when it has no content."""
    content = response.get("content")
    if not isinstance(content, dict) or not content:
        return None
    for media_type, inner in content.items():
        plain = str(media_type).partition(";")[0].strip().lower()
        if (is_json(plain) or plain == "*/*") and isinstance(inner, dict) and inner.get("schema"):
            return inner["schema"]
    raise Unsupported("its answer is not JSON")
