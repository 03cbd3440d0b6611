"""Checks the JSON schemas that a playbook carries for its data."""

from __future__ import annotations

from collections.abc import Iterator

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from domain.model import JsonValue
from domain.playbook.faults import Fault, quoted, warning
from domain.playbook.outline import Spot, listing, mapping, under

_UNCHECKED = ("pattern", "patternProperties", "format")
"""Left out at run time: they would let data from outside hold up a worker."""


def schema_part_faults(root: dict[str, JsonValue], found: list[Spot]) -> Iterator[Fault]:
    """Faults of every `schema` of an input, an output or an export, and of the answers that models are asked for."""
    for section in ("input", "output"):
        yield from _of_section(root.get(section), under("", section))
    for spot in found:
        for section in ("input", "output", "export"):
            yield from _of_section(spot.task.get(section), under(spot.pointer, section))
        foreach = mapping(spot.task.get("foreach"))
        for section in ("output", "export"):
            yield from _of_section(foreach.get(section), under(spot.pointer, "foreach", section))
        answer = mapping(spot.task.get("with")).get("answer")
        if spot.task.get("call") == "ask_model" and isinstance(answer, dict):
            yield from _of_document(answer, under(spot.pointer, "with", "answer"))


def _of_section(section: JsonValue, pointer: str) -> Iterator[Fault]:
    schema, here = mapping(mapping(section).get("schema")), under(pointer, "schema")
    if "resource" in schema:
        sentence = "A schema is not fetched from elsewhere: write it here, as `document`."
        yield Fault(pointer=under(here, "resource"), sentence=sentence, on_key=True)
    form = schema.get("format")
    if isinstance(form, str) and form.partition(":")[0] != "json":
        sentence = f"A schema of the format {quoted(form)} is not read here: write a JSON schema."
        yield Fault(pointer=under(here, "format"), sentence=sentence)
    elif "document" in schema:
        yield from _of_document(schema["document"], under(here, "document"))


def _of_document(document: JsonValue, pointer: str) -> Iterator[Fault]:
    if not isinstance(document, dict):
        yield Fault(pointer=pointer, sentence="A JSON schema is a map, such as {type: object}: correct it.")
        return
    try:
        Draft202012Validator.check_schema(document)
    except SchemaError as error:
        sentence = "This is no JSON schema: correct it."
        yield Fault(pointer=under(pointer, *error.absolute_path), sentence=sentence)
        return
    except RecursionError:
        yield Fault(pointer=pointer, sentence="This schema is nested too deeply: flatten it.")
        return
    yield from _unchecked(document, pointer)


def _unchecked(schema: JsonValue, pointer: str) -> Iterator[Fault]:
    for name, part in mapping(schema).items():
        if name in _UNCHECKED and not isinstance(part, dict if name != "patternProperties" else list):
            yield warning(under(pointer, name), f"`{name}` is not checked when the playbook runs: check it in a task.")
        elif name not in ("const", "enum", "default", "examples"):
            yield from _unchecked(part, under(pointer, name))
    for index, part in enumerate(listing(schema)):
        yield from _unchecked(part, under(pointer, index))
