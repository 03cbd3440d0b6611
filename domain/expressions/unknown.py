"""Values that nobody knows yet, inside of values that are known."""

from __future__ import annotations

from dataclasses import dataclass

from domain.model import JsonValue


@dataclass(frozen=True)
class Unknown:
    """A value that is known only later. Expressions cannot read it, so nothing is guessed from it."""

    text: str
    """Where it will come from, such as an expression."""


def has_unknown(value: JsonValue) -> bool:
    """Whether anything in a value is unknown."""
    if isinstance(value, dict):
        return any(has_unknown(part) for part in value.values())
    if isinstance(value, list):
        return any(has_unknown(part) for part in value)
    return isinstance(value, Unknown)


def with_unknown_as(stand_in: JsonValue, value: JsonValue) -> JsonValue:
    """The value with something else in place of what is unknown."""
    if isinstance(value, dict):
        return {name: with_unknown_as(stand_in, part) for name, part in value.items()}
    if isinstance(value, list):
        return [with_unknown_as(stand_in, part) for part in value]
    return stand_in if isinstance(value, Unknown) else value


def merged(one: JsonValue, other: JsonValue, text: str = "depends on the way taken") -> JsonValue:
    """What is known when either of two values holds."""
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return one if isinstance(one, Unknown) else other
    if isinstance(one, dict) and isinstance(other, dict) and set(one) == set(other):
        return {name: merged(one[name], other[name], text) for name in one}
    return one if type(one) is type(other) and one == other else Unknown(text)
