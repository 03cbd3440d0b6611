"""Checks data against the JSON schemas that a playbook carries, in workflow code: pure, and bounded in time.

Regular expressions are left out: Python's cannot be interrupted, and data from outside meets them here.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from domain.model import JsonValue

_NOT_BOUNDED = ("pattern", "patternProperties", "propertyNames", "format")
_MAPS_OF_NAMES = ("properties", "$defs", "definitions", "dependentSchemas")
_DEEPEST = 60


def problem_with(schema: JsonValue, value: JsonValue) -> str | None:
    """What is wrong with a value, naming the place and never the value; None when it fits.

    Args:
        schema: `{format: json, document: {...}}` as the specification has it, or a bare JSON schema; None accepts all.
        value: the data.
    """
    document = schema.get("document") if isinstance(schema, dict) and "document" in schema else schema
    if not isinstance(document, dict):
        return None
    try:
        error = best_match(_validator(json.dumps(document, sort_keys=True)).iter_errors(value))
    except (SchemaError, Unresolvable):
        return "the schema itself cannot be used"
    except RecursionError:
        return "it is nested too deeply"
    return _sentence(error) if error is not None else None


@lru_cache(maxsize=256)
def _validator(document: str) -> Draft202012Validator:
    # No registry to look anything up in: a schema cannot make this process read an address or a file.
    return Draft202012Validator(_bounded(json.loads(document), 0), registry=Registry())


def _bounded(schema: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        return True
    if isinstance(schema, dict):
        return {key: _bounded_part(key, part, depth) for key, part in schema.items() if key not in _NOT_BOUNDED}
    if isinstance(schema, list):
        return [_bounded(part, depth + 1) for part in schema]
    return schema


def _bounded_part(key: str, part: Any, depth: int) -> Any:
    if key in ("const", "enum", "default", "examples"):
        return part
    if key in _MAPS_OF_NAMES and isinstance(part, dict):
        return {name: _bounded(schema, depth + 1) for name, schema in part.items()}
    return _bounded(part, depth + 1)


def _sentence(error: ValidationError) -> str:
    place = "/".join(str(part) for part in error.absolute_path) or "the whole"
    rule = str(error.validator)
    if rule == "required" and isinstance(error.validator_value, list) and isinstance(error.instance, dict):
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{place} lacks {', '.join(missing)}"
    if rule == "additionalProperties" and isinstance(error.instance, dict) and isinstance(error.schema, dict):
        unknown = [name for name in error.instance if name not in error.schema.get("properties", {})]
        return f"{place} has {', '.join(unknown[:5])}, which nobody asked for"
    if rule == "enum":
        return f"{place} is none of {error.validator_value}"
    if rule == "type":
        return f"{place} is not of type {error.validator_value}"
    return f"{place} breaks the rule {rule!r}"
