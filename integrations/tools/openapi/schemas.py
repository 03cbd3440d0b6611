"""Schemas of OpenAPI 2.0, 3.0 and 3.1 as JSON Schema 2020-12, each complete in itself.

References become local `$defs`, so cycles stay cycles and nothing is copied twice. What is invalid is left out: a
weaker schema lets a good call through, a broken one stops every call.
"""

from __future__ import annotations

import json
import re
from typing import Any

from domain.model import JsonValue
from integrations.tools.openapi.reading import Document, Unsupported

NODE_LIMIT = 4_000
"""Schemas within one operation's schema; what lies beyond is anything at all."""
DEPTH_LIMIT = 40
_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_MEANT = {"int": "integer", "long": "integer", "float": "number", "double": "number", "bool": "boolean",
          "str": "string", "date": "string", "datetime": "string", "dict": "object", "list": "array"}  # fmt: skip
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SCHEMA_MAPS = ("patternProperties", "dependentSchemas")
_SCHEMAS = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else",
            "unevaluatedItems", "unevaluatedProperties")  # fmt: skip
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains",
           "maxContains")  # fmt: skip
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_TEXTS = ("title", "description", "format")
_FLAGS = ("uniqueItems", "deprecated")
_TEXT_LIMIT = 1_000
_EXAMPLE_LIMIT = 200


class SchemaBuilder:
    """Converts the schemas of one operation; `$defs` gather what they refer to."""

    def __init__(self, document: Document, *, request: bool, node_limit: int = NODE_LIMIT) -> None:
        """Begin a schema of its own.

        Args:
            document: where references lead.
            request: whether values are sent (`readOnly` properties are refused) or received (nothing is required
                that is `writeOnly`, and no pattern runs over a vendor's words).
            node_limit: schemas within it, at most.
        """
        self._document = document
        self._request = request
        self._names: dict[str, str] = {}
        self._left = node_limit
        self.defs: dict[str, JsonValue] = {}

    def complete(self, schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """A converted schema with the definitions that it needs."""
        return {**schema, "$defs": self.defs} if self.defs else schema

    def convert(self, schema: JsonValue, depth: int = 0) -> JsonValue:
        """One schema. Anything at all where it cannot be understood."""
        self._left -= 1
        if self._left < 0 or depth > DEPTH_LIMIT or not isinstance(schema, dict):
            return schema if isinstance(schema, bool) else {}
        if isinstance(schema.get("$ref"), str):
            return self._reference(schema, depth)
        return self._nullable(schema, self._plain(schema, depth))

    def _reference(self, schema: dict[str, Any], depth: int) -> JsonValue:
        reference = schema["$ref"]
        name = self._names.get(reference)
        if name is None:
            try:
                target = self._document.target(reference)
            except Unsupported:
                return {}
            name = self._names[reference] = self._free_name(reference)
            self.defs[name] = {}
            self.defs[name] = self.convert(target, depth + 1)
        pointer: dict[str, JsonValue] = {"$ref": f"#/$defs/{name}"}
        beside = (
            {} if self._document.dialect_30 else self._plain({k: v for k, v in schema.items() if k != "$ref"}, depth)
        )
        if schema.get("nullable") is True:
            return {"anyOf": [pointer, {"type": "null"}]}
        return {**pointer, **beside, **self._words(schema)}

    def _free_name(self, reference: str) -> str:
        plain = re.sub(r"[^A-Za-z0-9_.-]", "_", reference.rpartition("/")[2])[:80] or "schema"
        taken, number, name = set(self._names.values()), 1, plain
        while name in taken:
            number += 1
            name = f"{plain}_{number}"
        return name

    def _words(self, schema: dict[str, Any]) -> dict[str, JsonValue]:
        return {key: schema[key][:_TEXT_LIMIT] for key in _TEXTS if isinstance(schema.get(key), str)}

    def _plain(self, schema: dict[str, Any], depth: int) -> dict[str, JsonValue]:
        result: dict[str, JsonValue] = self._words(schema) | self._limits(schema) | self._values(schema)
        for key in _SCHEMAS:
            if isinstance(schema.get(key), dict | bool):
                result[key] = self.convert(schema[key], depth + 1)
        if isinstance(schema.get("items"), list):
            result["prefixItems"] = [self.convert(item, depth + 1) for item in schema["items"]]
        for key in _SCHEMA_LISTS:
            members = [m for m in schema.get(key) or [] if isinstance(m, dict | bool)] if _is_list(schema, key) else []
            if members:
                result[key] = [self.convert(member, depth + 1) for member in members]
        for key in _SCHEMA_MAPS:
            if isinstance(schema.get(key), dict) and (self._request or key != "patternProperties"):
                result[key] = {
                    name: self.convert(value, depth + 1) for name, value in schema[key].items() if _is_pattern(name)
                }
        return result | self._object(schema, depth)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, JsonValue]:
        properties = schema.get("properties")
        required = [name for name in schema.get("required") or [] if isinstance(name, str)] if _is_list(
            schema, "required") else []  # fmt: skip
        result: dict[str, JsonValue] = {}
        hidden = set()
        if isinstance(properties, dict):
            hidden = {name for name, value in properties.items() if self._is_hidden(value)}
            result["properties"] = {
                name: False if self._request and name in hidden else self.convert(value, depth + 1)
                for name, value in properties.items()
            }
        needed = [name for name in dict.fromkeys(required) if name not in hidden]
        return {**result, "required": needed} if needed else result

    def _is_hidden(self, schema: JsonValue) -> bool:
        try:
            target = self._document.resolved(schema)
        except Unsupported:
            return False
        mark = "readOnly" if self._request else "writeOnly"
        return target.get(mark) is True or (isinstance(schema, dict) and schema.get(mark) is True)

    def _limits(self, schema: dict[str, Any]) -> dict[str, JsonValue]:
        result: dict[str, JsonValue] = {k: schema[k] for k in _COUNTS if _is_number(schema.get(k)) and schema[k] >= 0}
        result |= {key: schema[key] for key in _NUMBERS if _is_number(schema.get(key))}
        result |= {key: schema[key] for key in _FLAGS if isinstance(schema.get(key), bool)}
        if not result.get("multipleOf", 1) > 0:
            del result["multipleOf"]
        for side, key in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if schema.get(key) is True and side in result:
                result[key] = result.pop(side)
        pattern = schema.get("pattern")
        if self._request and isinstance(pattern, str) and _is_pattern(pattern):
            result["pattern"] = pattern
        return result

    def _values(self, schema: dict[str, Any]) -> dict[str, JsonValue]:
        result: dict[str, JsonValue] = {}
        types = [_MEANT.get(str(one), one) for one in _as_list(schema.get("type"))]
        known = list(dict.fromkeys(one for one in types if one in _TYPES))
        if "file" in types:
            raise Unsupported("it takes or gives a file")
        if known:
            result["type"] = known[0] if len(known) == 1 else known
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            result["enum"] = schema["enum"]
        if "const" in schema:
            result["const"] = schema["const"]
        if "default" in schema and _is_short(schema["default"]):
            result["default"] = schema["default"]
        example = schema.get("examples") if isinstance(schema.get("examples"), list) else [schema.get("example")]
        if "example" in schema or schema.get("examples"):
            shown = [one for one in example or [] if one is not None and _is_short(one)]
            result |= {"examples": shown[:3]} if shown else {}
        if isinstance(schema.get("dependentRequired"), dict):
            result["dependentRequired"] = schema["dependentRequired"]
        return result

    @staticmethod
    def _nullable(schema: dict[str, Any], result: dict[str, JsonValue]) -> JsonValue:
        """`nullable: true`, which 3.0 has instead of the type null; `x-nullable` in 2.0."""
        if schema.get("nullable") is not True and schema.get("x-nullable") is not True:
            return result
        if "enum" in result and None not in result["enum"]:
            result["enum"] = [*result["enum"], None]
        if "type" in result:
            types = _as_list(result["type"])
            result["type"] = types if "null" in types else [*types, "null"]
        if any(key in result for key in ("allOf", "anyOf", "oneOf")):
            return {"anyOf": [result, {"type": "null"}]}
        return result


def _is_list(schema: dict[str, Any], key: str) -> bool:
    return isinstance(schema.get(key), list)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_short(value: JsonValue) -> bool:
    return len(json.dumps(value, default=str)) <= _EXAMPLE_LIMIT


def _as_list(value: JsonValue) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _is_pattern(pattern: str) -> bool:
    """Whether a pattern, written for JavaScript, is one here too."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True
