"""Names of the variables behind the settings model, and what is wrong with them in sentences for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

PREFIX = "SUREHAND_"
DELIMITER = "__"


@dataclass(frozen=True)
class Variable:
    """One environment variable."""

    name: str
    meaning: str
    default: str | None
    """What holds when it is unset; none when its group is off without it or nothing holds."""
    required: bool
    """Whether its group needs it."""
    secret: bool


def variables(model: type[BaseModel], prefix: str = PREFIX) -> Iterator[Variable]:
    """Every variable of a settings model, groups followed down, in the order they are declared."""
    for name, field in model.model_fields.items():
        group = _model_in(field.annotation)
        if group is not None:
            yield from variables(group, f"{prefix}{name.upper()}{DELIMITER}")
            continue
        default = None if field.is_required() or field.default is None else field.get_default(call_default_factory=True)
        yield Variable(
            # A table has one variable per entry.
            name=f"{prefix}{name.upper()}" + (f"{DELIMITER}NAME" if get_origin(field.annotation) is dict else ""),
            meaning=field.description or "",
            default=_as_written(default),
            required=field.is_required(),
            secret=SecretStr in (field.annotation, *get_args(field.annotation)),
        )


def _as_written(default: object) -> str | None:
    if default is None or default in ((), {}):
        return None
    return str(default).lower() if isinstance(default, bool) else str(default)


def unknown_names(model: type[BaseModel], given: Iterable[str], *, also_known: tuple[str, ...] = ()) -> list[str]:
    """One sentence per variable that no setting answers to, with the nearest right name."""
    known = [*(variable.name for variable in variables(model)), *also_known]
    tables = tuple(f"{prefix}{DELIMITER}" for prefix in _tables(model))
    sentences = []
    for name in sorted(given):
        if name.upper() in known or name.upper().startswith(tables):
            continue
        near = get_close_matches(name.upper(), known, n=1, cutoff=0.6)
        advice = f"did you mean {near[0]}?" if near else "remove it; .env.example lists every variable."
        sentences.append(f"{name} is not a setting of Surehand: {advice}")
    return sentences


def _tables(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if get_origin(field.annotation) is dict:
            yield f"{PREFIX}{name.upper()}"


def explain(model: type[BaseModel], error: ValidationError) -> list[str]:
    """One sentence per fault of a refused settings model. Values are never repeated: they may be secret."""
    return [_sentence(model, fault) for fault in error.errors(include_url=False, include_input=False)]


def _sentence(model: type[BaseModel], fault: ErrorDetails) -> str:
    location = [part for part in fault["loc"] if isinstance(part, str)]
    field, group = _field_at(model, location)
    name = PREFIX + DELIMITER.join(location).upper()
    context: Mapping[str, Any] = fault.get("ctx", {})
    kind = fault["type"]
    if kind == "missing":
        meaning = f" ({field.description})" if field is not None and field.description else ""
        return f"{name} is missing while other variables of its group are set: set it{meaning}, or unset the others."
    if kind == "value_error":
        return f"{name} {context['error']}." if not group else f"{name}{DELIMITER}* {context['error']}."
    return f"{name} {_what_to_do(kind, context)}."


def _what_to_do(kind: str, context: Mapping[str, Any]) -> str:
    sentences = {
        "int_parsing": "is not a whole number: write one, such as 25",
        "float_parsing": "is not a number: write one, such as 2.5",
        "bool_parsing": "is neither true nor false: write one of the two",
        "string_too_short": "is empty: give it a value or unset it",
        "literal_error": f"is not one of its words: write {context.get('expected')}",
        "greater_than": f"is too small: make it more than {context.get('gt')}",
        "greater_than_equal": f"is too small: make it {context.get('ge')} or more",
        "less_than": f"is too large: make it less than {context.get('lt')}",
        "less_than_equal": f"is too large: make it {context.get('le')} or less",
        "model_type": "is a group and takes no value itself: set its variables, named in .env.example",
    }
    return sentences.get(kind, "has a value that cannot be used: see its meaning in .env.example")


def _field_at(model: type[BaseModel], location: list[str]) -> tuple[FieldInfo | None, bool]:
    """The field that a fault is about, and whether it is a whole group."""
    field: FieldInfo | None = None
    current: type[BaseModel] | None = model
    for part in location:
        field = None if current is None else current.model_fields.get(part)
        current = None if field is None else _model_in(field.annotation)
    return field, current is not None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    candidates = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
