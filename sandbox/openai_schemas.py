"""JSON schemas as an OpenAI-compatible endpoint sees them: what strict mode refuses, and a plain value that fits."""

from __future__ import annotations

import json
from typing import Any

_NOT_STRICT = {"default", "format", "minLength", "maxLength", "uniqueItems", "allOf", "not", "if", "patternProperties"}
_CALM_WORDS = (
    "no_escalation",
    "medium",
    "neutral",
    "standard",
    "moderate",
    "general_inquiry",
    "paid",
    "question",
    "solution",
)

_BY_NAME = {"confidence": 0.7, "language": "en", "score": 9.0}
"""Fields whose range a strict schema does not tell."""


def strictness_fault(schema: Any) -> str:
    """What strict mode refuses in a schema, by the vendor's guide to structured outputs; empty when nothing."""
    if isinstance(schema, list):
        return _first_fault(schema)
    if not isinstance(schema, dict):
        return ""
    if schema.get("type") == "object":
        return _object_fault(schema)
    unknown = _NOT_STRICT & set(schema)
    if unknown:
        return f"'{min(unknown)}' is not permitted."
    return (
        "$ref cannot have keywords beside it."
        if "$ref" in schema and len(schema) > 1
        else _first_fault(schema.values())
    )


def _object_fault(schema: dict[str, Any]) -> str:
    if schema.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    if sorted(schema.get("required", [])) != sorted(schema.get("properties", {})):
        return "'required' is required to be supplied and to be an array including every key in properties."
    return _first_fault([*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()])


def _first_fault(parts: Any) -> str:
    return next((fault for fault in map(strictness_fault, parts) if fault), "")


def wanted_schema(body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The schema asked for, from the response format or, failing that, from the prompt's text."""
    form = body.get("response_format") or {}
    wanted = form.get("json_schema") or {}
    schema = wanted.get("schema") or form.get("schema")
    if schema:
        return schema, wanted.get("name", "")
    for message in body["messages"]:
        start = message["content"].find('{"type": "object"')
        start = start if start >= 0 else message["content"].find('{"properties"')
        if start >= 0:
            try:
                found, _ = json.JSONDecoder().raw_decode(message["content"], start)
            except ValueError:
                continue
            return found, ""
    return {}, ""


def fitting_value(schema: dict[str, Any], root: dict[str, Any], name: str = "") -> Any:
    """A plain value that fits a schema: the calm word of a list, the middle of a range, nothing in a list."""
    if "$ref" in schema:
        return fitting_value(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "enum" in schema:
        return next((word for word in _CALM_WORDS if word in schema["enum"]), schema["enum"][0])
    if "anyOf" in schema:
        return fitting_value(schema["anyOf"][-1], root)
    if schema.get("type") == "object":
        return {key: fitting_value(part, root, key) for key, part in schema.get("properties", {}).items()}
    if name in _BY_NAME:
        return _BY_NAME[name]
    middle = (schema.get("minimum", 0) + schema.get("maximum", 100)) / 2
    text = "Thank you for your message. We are looking into it."
    plain = {"integer": int(middle), "number": middle, "array": [], "string": text, "boolean": False}
    return plain.get(schema.get("type", ""))
