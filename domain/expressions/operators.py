"""Arithmetic and comparison."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from domain.expressions.budget import DEEPEST_VALUE, Meter
from domain.expressions.errors import Raised
from domain.expressions.paths import NUMBERS
from domain.expressions.values import EXACT, as_double, compare, is_nan, kind, whole
from domain.model import JsonValue

Operator = Callable[[Meter, JsonValue, JsonValue], JsonValue]


def _refuse(left: JsonValue, right: JsonValue, what: str) -> Raised:
    return Raised(f"{kind(left)} and {kind(right)} {what}")


def add(meter: Meter, left: JsonValue, right: JsonValue) -> JsonValue:
    """`+`."""
    first, second = type(left), type(right)
    if first is int and second is int:
        total = left + right
        return total if -EXACT <= total <= EXACT else as_double(left) + as_double(right)
    if left is None:
        kind(right)
        return right
    if right is None:
        kind(left)
        return left
    if first in NUMBERS and second in NUMBERS:
        return as_double(left) + as_double(right)
    if first is second and first in (str, list):
        meter.grow(len(left) + len(right))
        return left + right
    if first is dict and second is dict:
        meter.grow(len(left) + len(right))
        return {**left, **right}
    raise _refuse(left, right, "cannot be added")


def subtract(meter: Meter, left: JsonValue, right: JsonValue) -> JsonValue:
    """`-`."""
    first, second = type(left), type(right)
    if first is int and second is int:
        difference = left - right
        return difference if -EXACT <= difference <= EXACT else as_double(left) - as_double(right)
    if first in NUMBERS and second in NUMBERS:
        return as_double(left) - as_double(right)
    if first is list and second is list:
        return [part for part in left if not _among(meter, part, right)]
    raise _refuse(left, right, "cannot be subtracted")


def _among(meter: Meter, part: JsonValue, others: list[Any]) -> bool:
    for other in others:
        meter.step()
        if compare(meter, part, other) == 0:
            return True
    return False


def multiply(meter: Meter, left: JsonValue, right: JsonValue) -> JsonValue:
    """`*`: numbers, repetition of a text, objects merged at all levels."""
    first, second = type(left), type(right)
    if first in NUMBERS and second in NUMBERS:
        if first is int and second is int and -EXACT <= (product := left * right) <= EXACT:
            return product
        return as_double(left) * as_double(right)
    if first is str and second in NUMBERS:
        return _repeat(meter, left, right)
    if second is str and first in NUMBERS:
        return _repeat(meter, right, left)
    if first is dict and second is dict:
        return _merge(meter, left, right, 0)
    raise _refuse(left, right, "cannot be multiplied")


def _repeat(meter: Meter, text: str, times: int | float) -> str | None:
    if is_nan(times) or times < 0:
        return None
    count = whole(times)
    meter.grow(len(text) * count + 1)
    return text * count


def _merge(meter: Meter, left: dict[str, Any], right: dict[str, Any], depth: int) -> dict[str, Any]:
    if depth > DEEPEST_VALUE:
        meter.too_deep()
    meter.grow(len(left) + len(right))
    meter.step(len(right))
    merged = dict(left)
    for name, value in right.items():
        old: Any = merged.get(name)
        both = type(old) is dict and type(value) is dict
        merged[name] = _merge(meter, old, value, depth + 1) if both else value
    return merged


def divide(meter: Meter, left: JsonValue, right: JsonValue) -> JsonValue:
    """`/`: numbers, or a text split by another."""
    first, second = type(left), type(right)
    if first in NUMBERS and second in NUMBERS:
        if right == 0:
            raise _refuse(left, right, "cannot be divided because the divisor is zero")
        if first is int and second is int and -EXACT <= left <= EXACT and left % right == 0:
            return left // right
        return as_double(left) / as_double(right)
    if first is str and second is str:
        return split(meter, left, right)
    raise _refuse(left, right, "cannot be divided")


def split(meter: Meter, text: str, separator: str) -> list[str]:
    """A text cut at each separator; an empty separator cuts between characters."""
    meter.grow(2 * len(text) + 1)
    if not text:
        return []
    return text.split(separator) if separator else list(text)


def remainder(_meter: Meter, left: JsonValue, right: JsonValue) -> JsonValue:
    """`%`: of whole numbers, with the sign of the left one."""
    if type(left) not in NUMBERS or type(right) not in NUMBERS:
        raise _refuse(left, right, "cannot be divided")
    if is_nan(left) or is_nan(right):
        return math.nan
    dividend, divisor = whole(left), abs(whole(right))
    if divisor == 0:
        raise _refuse(left, right, "cannot be divided because the divisor is zero")
    rest = abs(dividend) % divisor
    return -rest if dividend < 0 else rest


def equal(meter: Meter, left: JsonValue, right: JsonValue) -> bool:
    """`==`."""
    return compare(meter, left, right) == 0


def unequal(meter: Meter, left: JsonValue, right: JsonValue) -> bool:
    """`!=`."""
    return not equal(meter, left, right)


def below(meter: Meter, left: JsonValue, right: JsonValue) -> bool:
    """`<`."""
    return compare(meter, left, right) < 0


def at_most(meter: Meter, left: JsonValue, right: JsonValue) -> bool:
    """`<=`."""
    return compare(meter, left, right) <= 0


def above(meter: Meter, left: JsonValue, right: JsonValue) -> bool:
    """`>`."""
    return compare(meter, left, right) > 0


def at_least(meter: Meter, left: JsonValue, right: JsonValue) -> bool:
    """`>=`."""
    return compare(meter, left, right) >= 0


def negate(value: JsonValue) -> JsonValue:
    """`-e`."""
    if type(value) not in NUMBERS:
        raise Raised(f"{kind(value)} cannot be negated")
    return -value


OPERATORS: dict[str, Operator] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
    "==": equal,
    "!=": unequal,
    "<": below,
    "<=": at_most,
    ">": above,
    ">=": at_least,
}
