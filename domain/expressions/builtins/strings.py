"""Built-in functions over texts, and between texts and values."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from domain.expressions.budget import DEEPEST_VALUE, Meter
from domain.expressions.builtins.registry import Builder, value_function
from domain.expressions.errors import Raised
from domain.expressions.formats import FORMATS
from domain.expressions.operators import split
from domain.expressions.paths import NUMBERS
from domain.expressions.values import is_nan, json_text, kind, plain_text
from domain.model import JsonValue

_SPACE = " \t\n\r\f\v"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z", re.ASCII)
_UPPER = {code: code - 32 for code in range(97, 123)}
_LOWER = {code: code + 32 for code in range(65, 91)}
_LONGEST_NUMBER = 1000


def text(value: JsonValue, what: str) -> str:
    """The value, which must be a text."""
    if type(value) is not str:
        raise Raised(f"{kind(value)} cannot be {what}, as it is not a string")
    return value


def _starts(_meter: Meter, value: JsonValue, start: JsonValue) -> JsonValue:
    if type(value) is not str or type(start) is not str:
        raise Raised("startswith() requires string inputs")
    return value.startswith(start)


def _ends(_meter: Meter, value: JsonValue, end: JsonValue) -> JsonValue:
    if type(value) is not str or type(end) is not str:
        raise Raised("endswith() requires string inputs")
    return value.endswith(end)


def _without_start(meter: Meter, value: JsonValue, start: JsonValue) -> JsonValue:
    if type(value) is not str or type(start) is not str:
        return value
    meter.grow(len(value))
    return value.removeprefix(start)


def _without_end(meter: Meter, value: JsonValue, end: JsonValue) -> JsonValue:
    if type(value) is not str or type(end) is not str:
        return value
    meter.grow(len(value))
    return value.removesuffix(end)


def _without_both(meter: Meter, value: JsonValue, part: JsonValue) -> JsonValue:
    return _without_end(meter, _without_start(meter, value, part), part)


def _trim(meter: Meter, value: JsonValue) -> JsonValue:
    meter.grow(len(text(value, "trimmed")))
    return value.strip(_SPACE)


def _ltrim(meter: Meter, value: JsonValue) -> JsonValue:
    meter.grow(len(text(value, "trimmed")))
    return value.lstrip(_SPACE)


def _rtrim(meter: Meter, value: JsonValue) -> JsonValue:
    meter.grow(len(text(value, "trimmed")))
    return value.rstrip(_SPACE)


def _explode(meter: Meter, value: JsonValue) -> JsonValue:
    meter.grow(4 * len(text(value, "exploded")))
    return [ord(character) for character in value]


def _implode(meter: Meter, value: JsonValue) -> JsonValue:
    if type(value) is not list:
        raise Raised(f"{kind(value)} cannot be imploded, it must be an array of codepoints")
    meter.grow(8 * len(value))
    pieces = []
    for code in value:
        if type(code) not in NUMBERS or is_nan(code):
            raise Raised("Unicode codepoint must be numeric")
        valid = 0 <= code <= 0x10FFFF and not 0xD800 <= code < 0xE000
        pieces.append(chr(int(code)) if valid else "\ufffd")
    return "".join(pieces)


def _split(meter: Meter, value: JsonValue, separator: JsonValue) -> JsonValue:
    if type(value) is not str or type(separator) is not str:
        raise Raised("split input and separator must be strings")
    return split(meter, value, separator)


def _downcase(meter: Meter, value: JsonValue) -> JsonValue:
    meter.grow(2 * len(text(value, "changed in case")))
    return value.translate(_LOWER)


def _upcase(meter: Meter, value: JsonValue) -> JsonValue:
    meter.grow(2 * len(text(value, "changed in case")))
    return value.translate(_UPPER)


def _bytes(meter: Meter, value: JsonValue) -> JsonValue:
    meter.grow(len(text(value, "counted in bytes")))
    return len(value.encode(errors="replace"))


def _tonumber(_meter: Meter, value: JsonValue) -> JsonValue:
    if type(value) in NUMBERS:
        return value
    if type(value) is str and value in ("nan", "-nan"):
        return math.nan
    if type(value) is not str or len(value) > _LONGEST_NUMBER or not _NUMBER.match(value):
        raise Raised(f"{kind(value)} cannot be parsed as a number")
    return int(value) if value.lstrip("+-").isdigit() and len(value) <= 17 else float(value)


def _toboolean(_meter: Meter, value: JsonValue) -> JsonValue:
    if type(value) is bool:
        return value
    if type(value) is str and value in ("true", "false"):
        return value == "true"
    raise Raised(f"{kind(value)} cannot be parsed as a boolean")


def _fromjson(meter: Meter, value: JsonValue) -> JsonValue:
    meter.grow(4 * len(text(value, "parsed as JSON")))
    _check_nesting(meter, value)
    try:
        return json.loads(value, parse_constant=_constant, parse_int=_integer)
    except (ValueError, RecursionError):
        if value.strip(_SPACE) == "nan":
            return math.nan
        raise Raised("string is not valid JSON") from None


def _check_nesting(meter: Meter, value: str) -> None:
    """A bound on the nesting, as the parser takes frames for it; brackets within texts count too."""
    if value.count("[") + value.count("{") <= DEEPEST_VALUE:
        return
    depth = 0
    for character in re.sub(r'"(?:[^"\\]|\\.)*"', "", value):
        depth += (character in "[{") - (character in "]}")
        if depth > DEEPEST_VALUE:
            meter.too_deep()


def _constant(name: str) -> float:
    if name == "NaN":
        return math.nan
    raise ValueError(name)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= 17 else float(digits)


def _type(_meter: Meter, value: JsonValue) -> JsonValue:
    return kind(value)


def _format(meter: Meter, value: JsonValue, name: JsonValue) -> JsonValue:
    form = FORMATS.get(name) if type(name) is str else None
    if form is None:
        raise Raised("this is not a valid format")
    return form(meter, value)


def _not(_meter: Meter, value: Any) -> JsonValue:
    return value is None or value is False


STRINGS: dict[str, Builder] = {
    "startswith/1": value_function(_starts, 1),
    "endswith/1": value_function(_ends, 1),
    "ltrimstr/1": value_function(_without_start, 1),
    "rtrimstr/1": value_function(_without_end, 1),
    "trimstr/1": value_function(_without_both, 1),
    "trim/0": value_function(_trim),
    "ltrim/0": value_function(_ltrim),
    "rtrim/0": value_function(_rtrim),
    "explode/0": value_function(_explode),
    "implode/0": value_function(_implode),
    "split/1": value_function(_split, 1),
    "ascii_downcase/0": value_function(_downcase),
    "ascii_upcase/0": value_function(_upcase),
    "utf8bytelength/0": value_function(_bytes),
    "tonumber/0": value_function(_tonumber),
    "tostring/0": value_function(plain_text),
    "tojson/0": value_function(json_text),
    "fromjson/0": value_function(_fromjson),
    "toboolean/0": value_function(_toboolean),
    "type/0": value_function(_type),
    "format/1": value_function(_format, 1),
    "not/0": value_function(_not),
}
