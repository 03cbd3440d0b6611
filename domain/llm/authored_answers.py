"""Answers of language models in a shape that a playbook's author gives as a JSON schema."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, ClassVar

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import BaseModel, ConfigDict, model_validator

from domain.errors import InvalidInput
from domain.model import JsonValue
from domain.playbook.schema_check import problem_with

_DEEPEST = 40


class AuthoredAnswer(BaseModel):
    """One answer. Each schema has a subclass of its own, made by `answer_type_for`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    author_schema: ClassVar[dict[str, JsonValue]] = {}
    answer: Any

    @model_validator(mode="before")
    @classmethod
    def _fits(cls, said: object) -> object:
        if not isinstance(said, dict) or set(said) != {"answer"}:
            raise ValueError("the object must have one field, answer")
        value = said["answer"]
        problem = problem_with(cls.author_schema, value)
        if problem is not None:
            # Models that must fill every field say null where the author lets a field be missing.
            value = _without_empty(value, cls.author_schema, 0)
            problem = problem_with(cls.author_schema, value)
        if problem is not None:
            raise ValueError(f"in answer, {problem}")
        return {"answer": value}

    @classmethod
    def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
        """The author's schema as that of the field `answer`; its definitions go to the top, where references look."""
        schema = _nullable(cls.author_schema, 0)
        definitions = schema.pop("$defs", None)
        wrapped: dict[str, Any] = {"type": "object", "properties": {"answer": schema}, "required": ["answer"]}
        return {**wrapped, "$defs": definitions} if isinstance(definitions, dict) else wrapped


def answer_type_for(schema: dict[str, JsonValue] | None) -> type[AuthoredAnswer]:
    """The answer type for an author's JSON schema; a text when there is none.

    Raises:
        InvalidInput: the schema cannot be used.
    """
    return _made(json.dumps(schema if schema is not None else {"type": "string"}, sort_keys=True))


@lru_cache(maxsize=256)
def _made(text: str) -> type[AuthoredAnswer]:
    schema = json.loads(text.replace('"#/definitions/', '"#/$defs/'))
    if isinstance(schema, dict) and "definitions" in schema:
        schema["$defs"] = {**schema.get("$defs", {}), **schema.pop("definitions")}
    if not isinstance(schema, dict) or not _is_usable(schema):
        raise InvalidInput("The answer's JSON schema cannot be used: correct `answer` of the task.")
    return type("PlaybookAnswer", (AuthoredAnswer,), {"author_schema": schema, "__module__": __name__})


def _is_usable(schema: dict[str, JsonValue]) -> bool:
    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError):
        return False
    # A reference that leads nowhere shows only when something is looked at.
    return problem_with(schema, None) != "the schema itself cannot be used"


def _nullable(schema: JsonValue, depth: int) -> JsonValue:
    """The schema with null for every field that may be missing: endpoints want each field named in an answer."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return schema
    changed = {
        name: _nullable(part, depth + 1) if name in ("items", "additionalProperties") else part
        for name, part in schema.items()
    }
    for name in ("properties", "$defs"):
        if isinstance(schema.get(name), dict):
            changed[name] = {key: _nullable(part, depth + 1) for key, part in schema[name].items()}
    for name in set(changed.get("properties", {})) - set(schema.get("required", ())):
        changed["properties"][name] = {"anyOf": [changed["properties"][name], {"type": "null"}]}
    return changed


def _without_empty(value: JsonValue, schema: JsonValue, depth: int) -> JsonValue:
    """The value without fields that are null and need not be there."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return value
    if isinstance(value, dict):
        parts, required = schema.get("properties", {}), schema.get("required", ())
        return {
            name: _without_empty(inner, parts.get(name), depth + 1)
            for name, inner in value.items()
            if inner is not None or name in required or name not in parts
        }
    if isinstance(value, list):
        return [_without_empty(inner, schema.get("items"), depth + 1) for inner in value]
    return value
