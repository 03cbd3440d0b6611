"""Reads what a JSON body holds, field by field, and refuses as a vendor would: a missing, odd or unknown field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_REQUIRED = object()


class Refused(Exception):
    """A refusal in the words that the plain JSON vendors share."""

    def __init__(self, status: int, code: str, message: str, **details: Any) -> None:
        super().__init__(code)
        self.status = status
        self.body = error_body(status, code, message, **details)


def error_body(status: int, code: str, message: str = "", **details: Any) -> dict[str, Any]:
    """What a refusal looks like."""
    return {"error": {"code": code, "message": message or f"Sandbox answer {status}", **details}}


def invalid(field: str, message: str) -> Refused:
    """A field that does not hold what it should."""
    return Refused(422, "invalid_field", f"{field} {message}", field=field)


@dataclass(frozen=True)
class Field:
    """One field: how its value is read, and what stands for it when it is left out or null."""

    read: Callable[[str, Any], Any]
    default: Any = _REQUIRED


def text(default: Any = _REQUIRED, *, longest: int = 200, pattern: str = r".*") -> Field:
    """A text that is not empty."""

    def read(name: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > longest:
            raise invalid(name, f"is a text of 1 to {longest} characters.")
        if not re.fullmatch(pattern, value, re.DOTALL):
            raise invalid(name, "does not have the right form.")
        return value

    return Field(read, default)


def whole(least: int = 0, most: int = 1_000_000_000, *, default: Any = _REQUIRED) -> Field:
    """A whole number."""

    def read(name: str, value: Any) -> int:
        # A whole number that was computed may arrive as 3.0, which JSON does not tell apart.
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise invalid(name, "is a whole number.")
        if not least <= value <= most:
            raise invalid(name, f"is a number from {least} to {most}.")
        return int(value)

    return Field(read, default)


def number(least: float, most: float, *, default: Any = _REQUIRED) -> Field:
    """Any number."""

    def read(name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise invalid(name, f"is a number from {least} to {most}.")
        return float(value)

    return Field(read, default)


def flag(default: Any = _REQUIRED) -> Field:
    """True or false."""

    def read(name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise invalid(name, "is true or false.")
        return value

    return Field(read, default)


def one_of(*words: str, default: Any = _REQUIRED) -> Field:
    """One of some words."""

    def read(name: str, value: Any) -> str:
        if value not in words:
            raise invalid(name, f"is one of {', '.join(words)}.")
        return str(value)

    return Field(read, default)


def part(fields: Mapping[str, Field], default: Any = _REQUIRED) -> Field:
    """An object with fields of its own."""
    return Field(lambda name, value: take(value, fields, name), default)


def anything(default: Any = _REQUIRED) -> Field:
    """An object with whatever in it."""

    def read(name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid(name, "is an object.")
        return value

    return Field(read, default)


def rows(field: Field, *, least: int = 1, most: int = 1_000, default: Any = _REQUIRED) -> Field:
    """A list of fields."""

    def read(name: str, value: Any) -> list[Any]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise invalid(name, f"is a list of {least} to {most}.")
        return [field.read(f"{name}[{place}]", row) for place, row in enumerate(value)]

    return Field(read, default)


def take(body: Any, fields: Mapping[str, Field], where: str = "") -> dict[str, Any]:
    """The fields of an object.

    Raises:
        Refused: one is missing, odd or unknown.
    """
    if not isinstance(body, dict):
        raise invalid(where or "body", "is an object.")
    for name in body:
        if name not in fields:
            raise invalid(f"{where}.{name}".lstrip("."), "is not a field here.")
    found = {}
    for name, field in fields.items():
        value = body.get(name)
        if value is None:
            if field.default is _REQUIRED:
                raise invalid(f"{where}.{name}".lstrip("."), "is required.")
            found[name] = field.default
        else:
            found[name] = field.read(f"{where}.{name}".lstrip("."), value)
    return found
