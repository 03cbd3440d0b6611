"""Checks a document against the specification's JSON schema, and says what is wrong in words.

The schema tells kinds of things apart by `oneOf`. A validator that tries every branch costs much and says little, so
here the branch that fits best is chosen by what stands in the document, and only that one is checked and reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from domain.model import JsonValue
from domain.playbook.faults import Fault, advice, quoted
from domain.playbook.outline import KINDS, undos_in
from integrations.playbooks.places import pointer_to
from integrations.playbooks.reading import CoreLoader

SCHEMA_FILE = Path(__file__).resolve().parents[2] / "config" / "schemas" / "serverless-workflow-1.0.3.yaml"

Schema = dict[str, Any]
_TYPES: dict[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
}
_WORDS = {
    "object": "a map with keys",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
    "number": "a number",
}
_CLOSED = "unevaluatedProperties"


def schema_faults(document: JsonValue) -> list[Fault]:
    """Everything in which a document differs from the specification's schema, undoing tasks included."""
    whole, task = _validators()
    faults = list(_faults(whole.iter_errors(document), ""))
    for pointer, undo in undos_in(document):
        faults += _faults(task.iter_errors(undo), pointer)
    return faults


def load_schema() -> Schema:
    """The specification's schema as published."""
    # The C parser, because the file is large and our own; with the words of YAML 1.2, because `on` is a key in it.
    schema: Schema = yaml.load(SCHEMA_FILE.read_text("utf-8"), _Loader)  # noqa: S506 - a safe loader
    return schema


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    yaml_implicit_resolvers = CoreLoader.yaml_implicit_resolvers


@cache
def _validators() -> tuple[Any, Any]:
    """For a document, and for a task by itself."""
    schema = load_schema()
    _inline(schema, schema["$defs"])
    keywords = {"oneOf": _one_of, "anyOf": _one_of, _CLOSED: _nothing_else}
    made = extend(Draft202012Validator, keywords)  # type: ignore[no-untyped-call]
    return made(schema), made(schema["$defs"]["task"])


def _inline(schema: Any, definitions: Schema) -> None:
    """Put what a `$ref` names in its place, as the same object: the schema is recursive, and looked through often."""
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for part in list(parts):
        _inline(part, definitions)
    if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        schema.setdefault("allOf", []).append(definitions[schema.pop("$ref").removeprefix("#/$defs/")])


def _one_of(validator: Any, branches: list[Schema], instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if schema.get("title") == "Task" and isinstance(instance, dict) and not any(kind in instance for kind in KINDS):
        yield ValidationError(f"This task does nothing: give it one of {', '.join(KINDS)}.", validator="kind")
        return
    scored = sorted(
        ((_misfit(branch, instance), _is_far(branch, instance), place) for place, branch in enumerate(branches))
    )
    if len(scored) > 1 and scored[1][0] == 0 and isinstance(instance, dict) and "oneOf" in schema:
        yield ValidationError("Two of its keys exclude each other: keep one.", validator="exclusive")
        return
    yield from validator.descend(instance, branches[scored[0][2]])


def _is_far(branch: Schema, instance: Any) -> bool:
    """Of two branches that fit alike, a text that is not written as an expression was not meant as one."""
    wants_expression = any(part.get("title") == "RuntimeExpression" for part in _parts(branch))
    return wants_expression and not (isinstance(instance, str) and instance.lstrip().startswith("${"))


def _misfit(schema: Schema, instance: Any) -> int:
    """How badly a branch fits: 0 when nothing at this level speaks against it."""
    worst = 0
    for part in _parts(schema):
        if "type" in part and not _TYPES[part["type"]](instance):
            worst += 1000
        if isinstance(instance, dict):
            worst += 10 * sum(name not in instance for name in part.get("required", ()))
            worst += sum(_contradicts(value, instance.get(name)) for name, value in part.get("properties", {}).items())
        if isinstance(instance, str) and instance not in part.get("enum", (instance,)):
            worst += 10
        if isinstance(instance, str) and "pattern" in part:
            worst += 0 if _matches(part["pattern"], instance) else 10
        for choice in ("oneOf", "anyOf"):
            if choice in part:
                worst += min(_misfit(branch, instance) for branch in part[choice])
    if isinstance(instance, dict) and worst < 1000:
        known = _known(schema, instance)
        worst += 0 if known is None else sum(name not in known for name in instance)
    return worst


def _matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def _contradicts(schema: Schema | bool, value: Any) -> int:
    if not isinstance(schema, dict) or value is None:
        return 0
    if "const" in schema:
        return 0 if value == schema["const"] else 100
    return 100 if value in schema.get("not", {}).get("enum", ()) else 0


def _parts(schema: Schema) -> Iterator[Schema]:
    """A schema and all that is added to it."""
    yield schema
    for part in schema.get("allOf", ()):
        yield from _parts(part)


def _known(schema: Schema, instance: Any) -> set[str] | None:
    """The keys that a schema knows for a map; None when it takes any."""
    known: set[str] = set()
    for part in _parts(schema):
        if part.get("additionalProperties") not in (None, False):
            return None
        known |= set(part.get("properties", {}))
        for choice in ("oneOf", "anyOf"):
            if choice in part:
                best = min(part[choice], key=lambda branch: _misfit(branch, instance))
                inner = _known(best, instance)
                if inner is None:
                    return None
                known |= inner
    return known


def _nothing_else(validator: Any, closed: Any, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if closed is not False or not isinstance(instance, dict) or schema.get("title") == "Task":
        return
    known = _known(schema, instance)
    for name in instance if known is not None else ():
        if known is not None and name not in known:
            yield ValidationError(name, validator=_CLOSED, validator_value=sorted(known), instance=instance)


def _faults(errors: Iterable[ValidationError], below: str) -> Iterator[Fault]:
    for error in errors:
        pointer = below
        for step in error.absolute_path:
            pointer = pointer_to(pointer, step)
        if error.validator == _CLOSED:
            yield Fault(pointer=pointer_to(pointer, error.message), sentence=_unknown(error), on_key=True)
        else:
            yield Fault(pointer=pointer, sentence=_sentence(error), on_key=error.validator in ("required", "kind"))


def _unknown(error: ValidationError) -> str:
    takes: Any = error.validator_value
    instance: Any = error.instance
    known = [name for name in takes if name not in instance]
    otherwise = f"it takes {', '.join(takes)}." if len(known) <= 8 else "remove it or correct it."
    return f"{quoted(error.message)} does not belong here: {advice(error.message, known, otherwise)}"


def _sentence(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    sentences: dict[str, Callable[[], str]] = {
        "kind": lambda: error.message,
        "exclusive": lambda: error.message,
        "type": lambda: f"This must be {_WORDS.get(str(wanted), str(wanted))}: correct it.",
        "required": lambda: _missing(error),
        "enum": lambda: _not_one_of(error, wanted),
        "const": lambda: _not_one_of(error, [wanted]),
        "pattern": lambda: _pattern_sentence(error),
        "minProperties": lambda: _wrong_size(error),
        "maxProperties": lambda: _wrong_size(error),
        "minItems": lambda: "This list is empty: fill it.",
    }
    return sentences.get(str(error.validator), lambda: "This does not fit the specification: correct it.")()


def _missing(error: ValidationError) -> str:
    required: Any = error.validator_value
    instance: Any = error.instance
    missing = [name for name in required if name not in instance]
    # jsonschema reports each missing key by itself, and names it first.
    name = next((name for name in missing if error.message.startswith(repr(name))), missing[0])
    return f"{quoted(name)} is missing here: add it."


def _not_one_of(error: ValidationError, values: list[JsonValue]) -> str:
    return f"{quoted(error.instance)} is not possible here: use {' or '.join(quoted(value) for value in values)}."


def _wrong_size(error: ValidationError) -> str:
    if _title(error) in ("TaskItem", "SwitchItem", "ExtensionItem"):
        return "Each entry of this list has exactly one name: put a dash before each."
    return "This is empty: fill it."


def _title(error: ValidationError) -> str:
    return str(error.schema.get("title", "")) if isinstance(error.schema, dict) else ""


def _pattern_sentence(error: ValidationError) -> str:
    title = _title(error)
    shown = quoted(error.instance)
    if title in ("WorkflowVersion", "WorkflowDSL"):
        return f"{shown} is no semantic version: write one like '1.0.0', in quotes."
    if title in ("WorkflowName", "WorkflowNamespace"):
        return f"{shown} is no name: use letters, digits and dashes, at most 63."
    if title.startswith("Duration"):
        return f"{shown} is no duration: write a map like {{minutes: 30}} or a text like PT30M."
    if "Uri" in title:
        return f"{shown} is no address: begin it with https://."
    if title == "RuntimeExpression":
        return f"{shown} is no expression: write it as ${{ ... }}."
    return f"{shown} has not the form that is wanted here: correct it."
