"""What holds for values: kinds, numbers, the order of everything, and how they are written."""

from __future__ import annotations

import math
from json.encoder import encode_basestring
from typing import Any

from domain.expressions.budget import DEEPEST_VALUE, NODE, Meter
from domain.expressions.errors import ExpressionFault, Raised
from domain.model import JsonValue

EXACT = 2**53
"""Whole numbers up to here are exact as doubles, which is what a jq number is."""
LARGEST = 1.7976931348623157e308
_WHOLE_UP_TO = 1e17
"""Up to here a double without a fraction is handed out as an integer."""
_KINDS: dict[type, int] = {type(None): 0, bool: 1, int: 3, float: 3, str: 4, list: 5, dict: 6}
_NAMES: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def kind(value: JsonValue) -> str:
    """The value's type as jq names it.

    Raises:
        ExpressionFault: it is no JSON value.
    """
    name = _NAMES.get(type(value))
    if name is None:
        raise ExpressionFault(f"The expression met a {type(value).__name__}, which is no JSON value: convert it first.")
    return name


def is_number(value: JsonValue) -> bool:
    """Whether it is a number; true and false are none."""
    found = type(value)
    return found is int or found is float


def is_nan(value: JsonValue) -> bool:
    """Whether it is the number that is not a number; any value may be asked about."""
    return type(value) is float and value != value  # noqa: PLR0124 - the one number that differs from itself


def as_double(number: int | float) -> float:
    """The number as a double; too large becomes infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def settle(number: float) -> int | float:
    """A double, as an integer where it is one exactly."""
    if -EXACT <= number <= EXACT and number == int(number):
        return int(number)
    return number


def whole(number: int | float) -> int:
    """A number without its fraction, kept within 64 bits; not a number is 0."""
    if type(number) is int:
        return max(-(2**63), min(2**63 - 1, number))
    if math.isnan(number):
        return 0
    return int(max(-9.2e18, min(9.2e18, number)))


def compare_arrays(meter: Meter, left: list[Any], right: list[Any], depth: int) -> int:
    """Element by element, then by length."""
    meter.grow(NODE * min(len(left), len(right)) + NODE)
    for one, other in zip(left, right, strict=False):
        order = compare(meter, one, other, depth + 1)
        if order:
            return order
    return (len(left) > len(right)) - (len(left) < len(right))


def compare_objects(meter: Meter, left: dict[str, Any], right: dict[str, Any], depth: int) -> int:
    """By the sorted keys, then value by value."""
    meter.grow(NODE * (len(left) + len(right)) + NODE)
    names, others = sorted(left), sorted(right)
    if names != others:
        return -1 if names < others else 1
    for name in names:
        order = compare(meter, left[name], right[name], depth + 1)
        if order:
            return order
    return 0


def compare(  # noqa: PLR0911 - one for each kind of value
    meter: Meter, left: JsonValue, right: JsonValue, depth: int = 0
) -> int:
    """jq's order of all values: null, false, true, numbers, texts, arrays, objects. Below 0, 0 or above 0."""
    first, second = type(left), type(right)
    if first is str and second is str:
        meter.steps -= min(len(left), len(right)) >> 13  # long texts take their time; the next step looks
        return int(left > right) - int(left < right)
    if first in _KINDS and second in _KINDS:
        rank, other = _KINDS[first], _KINDS[second]
        if rank != other:
            return -1 if rank < other else 1
    else:
        kind(left)
        kind(right)
    if depth > DEEPEST_VALUE:
        meter.too_deep()
    if first is list:
        return compare_arrays(meter, left, right, depth)
    if first is dict:
        return compare_objects(meter, left, right, depth)
    if left is None:
        return 0
    if is_nan(left):  # not a number is below every number, itself included
        return -1
    return int(left > right) - int(left < right)


def truth(value: JsonValue) -> bool:
    """Everything but false and null."""
    return value is not None and value is not False


def number_text(number: int | float) -> str:  # noqa: PLR0911 - one for each way of writing
    """A number as jq writes it."""
    if type(number) is int:
        if -EXACT <= number <= EXACT:
            return str(number)
        number = as_double(number)
    if is_nan(number):
        return "null"
    number = max(-LARGEST, min(LARGEST, number))
    if number == int(number) and abs(number) < EXACT:
        return "-0" if number == 0 and math.copysign(1, number) < 0 else str(int(number))
    sign, text = ("-", repr(-number)) if number < 0 else ("", repr(number))
    mantissa, _, exponent = text.partition("e")
    before, _, after = mantissa.partition(".")
    digits = (before + after).lstrip("0")
    point = len(before) + int(exponent or 0) - (len(before + after) - len(digits))
    digits = digits.rstrip("0") or "0"
    if point <= -4 or point > len(digits) + 15:
        rest = "." + digits[1:] if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{rest}e{point - 1:+03d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return sign + digits + "0" * (point - len(digits))
    return f"{sign}{digits[:point]}.{digits[point:]}"


def json_text(meter: Meter, value: JsonValue) -> str:
    """A value as JSON on one line, as jq's `tojson` writes it."""
    parts: list[str] = []
    _write(meter, value, parts.append, 0)
    return "".join(parts)


def _write(meter: Meter, value: JsonValue, put: Any, depth: int) -> None:
    found = type(value)
    if found is str:
        meter.grow(len(value) + NODE)
        put(encode_basestring(value).replace("\x7f", "\\u007f"))
    elif found is list:
        meter.grow(NODE * len(value) + NODE)
        if depth > DEEPEST_VALUE:
            meter.too_deep()
        put("[")
        for position, part in enumerate(value):
            if position:
                put(",")
            _write(meter, part, put, depth + 1)
        put("]")
    elif found is dict:
        meter.grow(2 * NODE * len(value) + NODE)
        if depth > DEEPEST_VALUE:
            meter.too_deep()
        put("{")
        for position, (name, part) in enumerate(value.items()):
            if position:
                put(",")
            _write(meter, name, put, depth)
            put(":")
            _write(meter, part, put, depth + 1)
        put("}")
    elif found is int or found is float:
        text = number_text(value)
        meter.grow(len(text))
        put(text)
    else:
        put({"null": "null", "boolean": "true" if value else "false"}[kind(value)])


def plain_text(meter: Meter, value: JsonValue) -> str:
    """`tostring`: a text as it is, everything else as JSON."""
    return value if type(value) is str else json_text(meter, value)


def finished(  # noqa: PLR0911 - one for each kind of value
    meter: Meter, value: JsonValue, depth: int = 0
) -> JsonValue:
    """A result as it is handed out: a fresh copy, with numbers that JSON has and whole ones as integers."""
    found = type(value)
    if found is str:
        meter.grow(len(value) + NODE)
        return value
    if found is list or found is dict:
        if depth > DEEPEST_VALUE:
            meter.too_deep()
        meter.grow(NODE * len(value) + NODE)
        if found is list:
            return [finished(meter, part, depth + 1) for part in value]
        for name in value:
            if type(name) is not str:
                raise ExpressionFault("The expression met an object whose keys are not texts: convert it first.")
        return {name: finished(meter, part, depth + 1) for name, part in value.items()}
    if found is float:
        if is_nan(value):
            return None
        if -_WHOLE_UP_TO < value < _WHOLE_UP_TO:
            return int(value) if value == int(value) else value
        return max(-LARGEST, min(LARGEST, value))
    if found is not int and value is not None and found is not bool:
        kind(value)
    return value


def unfit(value: JsonValue, what: str) -> Raised:
    """A type error; names the type, never the value."""
    return Raised(f"{kind(value)} {what}")
