"""The JSON schema of an answer: a portable one for strict structured output, one with bounds for all the rest."""

from __future__ import annotations

from pydantic import BaseModel

from domain.model import JsonValue, Value

_SHAPE = (
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "description",
    "enum",
    "items",
    "properties",
    "required",
    "type",
)
"""Keywords that every endpoint with strict mode takes."""
_BOUNDS = ("maxItems", "maximum", "minimum", "pattern")
"""Keywords that some of them refuse. They keep a model that is bound by a grammar from rambling. Not among them is
`maxLength`: with it, llama-cpp-python had no answer after 300 s where it needs 32 s without."""


class AnswerSchema(Value):
    """One answer type, twice."""

    portable: dict[str, JsonValue]
    """Every object closed, every property required, no bounds: what strict mode takes everywhere."""
    bounded: dict[str, JsonValue]
    """The same with bounds on lists and numbers."""


def answer_schema(answer_type: type[BaseModel]) -> AnswerSchema:
    """The schemas of a type.

    Defaults fall away: a model that must fill every field says `[]` or `null` instead of leaving it out.
    """
    source = answer_type.model_json_schema()
    return AnswerSchema(portable=_reduced(source, _SHAPE), bounded=_reduced(source, _SHAPE + _BOUNDS))


def _reduced(source: dict[str, JsonValue], keywords: tuple[str, ...]) -> dict[str, JsonValue]:
    schema: dict[str, JsonValue] = _closed(source, keywords)
    definitions = {name: _closed(part, keywords) for name, part in source.get("$defs", {}).items()}
    return {**schema, "$defs": definitions} if definitions else schema


def _closed(schema: JsonValue, keywords: tuple[str, ...]) -> JsonValue:
    kept = {word: schema[word] for word in keywords if word in schema}
    if "$ref" in kept:
        # Strict mode takes nothing beside a reference.
        return {"$ref": kept["$ref"]}
    if "properties" in kept:
        kept["properties"] = {name: _closed(part, keywords) for name, part in kept["properties"].items()}
        kept["required"] = list(kept["properties"])
        kept["additionalProperties"] = False
    if isinstance(kept.get("items"), dict):
        kept["items"] = _closed(kept["items"], keywords)
    if "anyOf" in kept:
        kept["anyOf"] = [_closed(part, keywords) for part in kept["anyOf"]]
    # Descriptions come from docstrings and speak to programmers; those of fields speak to the model.
    if "properties" in kept or "enum" in kept:
        kept.pop("description", None)
    return kept


def is_closed(schema: JsonValue) -> bool:
    """Whether strict mode takes the schema: every object names its properties and allows no others."""
    if isinstance(schema, list):
        return all(is_closed(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    if "properties" in schema and not all(_says_something(part) for part in schema["properties"].values()):
        return False
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False or "properties" not in schema
    ):
        return False
    if "items" in schema and not schema["items"]:
        return False
    return all(is_closed(part) for part in schema.values())


def _says_something(schema: JsonValue) -> bool:
    """Whether a property's schema has what strict mode wants to see; an empty one takes anything."""
    return not isinstance(schema, dict) or bool({"type", "anyOf", "$ref", "enum", "const"} & set(schema))
