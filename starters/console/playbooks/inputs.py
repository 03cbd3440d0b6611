"""A form made from the schema of a playbook's input, and what somebody filled in read back as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.errors import InvalidInput
from domain.model import JsonValue
from starters.console.cases.fields import data_of
from starters.console.web.pages import shown

PREFIX = "in."
"""Before the names of a form's fields that come from the schema."""
WHOLE = "input"
"""The field that takes everything as JSON, where the schema says nothing of its parts."""
_DEEPEST = 4
_MOST = 60
_LONG = 300


@dataclass(frozen=True)
class Input:
    """One field."""

    path: tuple[str, ...]
    kind: str
    """`text`, `long`, `number`, `integer`, `boolean`, `choice` or `json`."""
    required: bool
    hint: str = ""
    choices: tuple[str, ...] = ()
    longest: int = 20_000

    @property
    def name(self) -> str:
        """In the form."""
        return PREFIX + ".".join(self.path)

    @property
    def label(self) -> str:
        """For people."""
        return " ".join(self.path).replace("_", " ")


def inputs_of(schema: JsonValue) -> tuple[Input, ...]:
    """The fields; none where the schema does not say which parts there are.

    Args:
        schema: JSON Schema, as in a playbook's `input.schema`.
    """
    document = schema.get("document", schema) if isinstance(schema, dict) else None
    found = tuple(_below(document, (), required=True)) if isinstance(document, dict) else ()
    plain = all("." not in part for one in found for part in one.path)
    return found if plain and len(found) <= _MOST and (len(found) > 1 or (found and found[0].path)) else ()


def _below(schema: dict[str, JsonValue], path: tuple[str, ...], *, required: bool) -> Iterator[Input]:
    properties = schema.get("properties")
    if isinstance(properties, dict) and properties and len(path) < _DEEPEST:
        needed = schema.get("required")
        for name, part in properties.items():
            inner = part if isinstance(part, dict) else {}
            is_needed = required and isinstance(needed, list) and name in needed
            yield from _below(inner, (*path, name), required=is_needed)
        return
    yield _leaf(schema, path, required=required)


def _leaf(schema: dict[str, JsonValue], path: tuple[str, ...], *, required: bool) -> Input:
    described, longest = schema.get("description"), schema.get("maxLength")
    hint = described if isinstance(described, str) else ""
    most = longest if isinstance(longest, int) and not isinstance(longest, bool) else 20_000
    choices = schema.get("enum")
    if isinstance(choices, list) and choices and all(isinstance(one, str) for one in choices):
        return Input(path, "choice", required, hint, tuple(str(one) for one in choices))
    kind = {"string": "text", "number": "number", "integer": "integer", "boolean": "boolean"}.get(
        str(schema.get("type")), "json"
    )
    if kind == "text" and most > _LONG and longest is not None:
        kind = "long"
    return Input(path, kind, required, hint, longest=most)


def values_of(inputs: tuple[Input, ...], data: JsonValue) -> dict[str, str]:
    """What stands in the fields for data, such as what was filled in before."""
    found: dict[str, str] = {}
    for one in inputs:
        value: JsonValue = data
        for part in one.path:
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            found[one.name] = shown(value) if not isinstance(value, bool) else str(value).lower()
    return found


def data_from(inputs: tuple[Input, ...], given: Mapping[str, str]) -> JsonValue:
    """The data that somebody filled in. Empty fields are left out; the schema says what is missing.

    Raises:
        InvalidInput: a number is none.
        Problem: JSON is none.
    """
    if not inputs:
        return data_of(given.get(WHOLE, ""), "The input")
    data: dict[str, JsonValue] = {}
    for one in inputs:
        text = given.get(one.name, "")
        if text == "":
            continue
        inside = data
        for part in one.path[:-1]:
            inner = inside.setdefault(part, {})
            assert isinstance(inner, dict)  # noqa: S101 - a path never ends within another
            inside = inner
        inside[one.path[-1]] = _value(one, text)
    return data


def _value(one: Input, text: str) -> JsonValue:
    if one.kind in ("text", "long", "choice"):
        return text
    if one.kind == "boolean":
        return text == "true"
    if one.kind == "json":
        return data_of(text, f"The field {one.label}")
    try:
        return int(text) if one.kind == "integer" or text.strip().lstrip("+-").isdecimal() else float(text)
    except ValueError:
        raise InvalidInput(f"The field {one.label} is no number: correct it.") from None
