"""`@base64`, `@csv` and the others: a value as text of some form."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from domain.expressions.budget import NODE, Meter
from domain.expressions.errors import ExpressionSyntax, Raised
from domain.expressions.evaluation import Code, Env
from domain.expressions.values import is_nan, json_text, kind, number_text, plain_text
from domain.model import JsonValue

Form = Callable[[Meter, JsonValue], str]

_HTML = str.maketrans({"<": "&lt;", ">": "&gt;", "&": "&amp;", "'": "&#39;", '"': "&quot;"})
_TSV = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


def _row(meter: Meter, value: JsonValue, name: str, quote: Callable[[str], str], separator: str) -> str:
    if type(value) is not list:
        raise Raised(f"{kind(value)} cannot be {name}-formatted, only an array can be")
    meter.grow(NODE * len(value))
    cells = []
    for cell in value:
        if type(cell) is str:
            meter.grow(2 * len(cell))
            cells.append(quote(cell))
        elif type(cell) is bool:
            cells.append("true" if cell else "false")
        elif cell is None:
            cells.append("")
        elif type(cell) is list or type(cell) is dict:
            raise Raised(f"{kind(cell)} is not valid in a {name} row")
        else:
            cells.append("" if is_nan(cell) else number_text(cell))
    return separator.join(cells)


def _csv(meter: Meter, value: JsonValue) -> str:
    return _row(meter, value, "csv", lambda cell: '"' + cell.replace('"', '""') + '"', ",")


def _tsv(meter: Meter, value: JsonValue) -> str:
    return _row(meter, value, "tsv", lambda cell: cell.translate(_TSV), "\t")


def _html(meter: Meter, value: JsonValue) -> str:
    text = plain_text(meter, value)
    meter.grow(6 * len(text))
    return text.translate(_HTML)


def _uri(meter: Meter, value: JsonValue) -> str:
    text = plain_text(meter, value)
    meter.grow(20 * len(text))
    return "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in text.encode())


def _urid(meter: Meter, value: JsonValue) -> str:
    text = plain_text(meter, value)
    meter.grow(20 * len(text))
    data = text.encode()
    found, position = bytearray(), 0
    while position < len(data):
        digits = data[position + 1 : position + 3]
        if data[position] != 0x25:
            found.append(data[position])
            position += 1
            continue
        if len(digits) < 2 or not all(chr(digit) in "0123456789abcdefABCDEF" for digit in digits):
            raise Raised("string is not a valid uri encoding")
        found.append(int(digits, 16))
        position += 3
    return found.decode(errors="replace")


def _sh(meter: Meter, value: JsonValue) -> str:
    parts = value if type(value) is list else [value]
    meter.grow(NODE * len(parts))
    words = []
    for part in parts:
        if type(part) is list or type(part) is dict:
            raise Raised(f"{kind(part)} can not be escaped for shell")
        if type(part) is str:
            meter.grow(4 * len(part))
            words.append("'" + part.replace("'", "'\\''") + "'")
        else:
            words.append(json_text(meter, part))
    return " ".join(words)


def _base64(meter: Meter, value: JsonValue) -> str:
    text = plain_text(meter, value)
    meter.grow(2 * len(text))
    return base64.b64encode(text.encode()).decode()


def _base64d(meter: Meter, value: JsonValue) -> str:
    text = plain_text(meter, value)
    meter.grow(len(text))
    body = text.rstrip("=")
    try:
        if len(body) % 4 == 1:
            body = body[:-1]
        data = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Raised("string is not valid base64 data") from None
    if body == "" and text.strip("="):
        raise Raised("string trailing base64 data cannot be decoded")
    return data.decode(errors="replace")


def _base32(meter: Meter, value: JsonValue) -> str:
    text = plain_text(meter, value)
    meter.grow(2 * len(text))
    return base64.b32encode(text.encode()).decode()


def _base32d(meter: Meter, value: JsonValue) -> str:
    text = plain_text(meter, value).rstrip("=")
    meter.grow(len(text))
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8)).decode(errors="replace")
    except (binascii.Error, ValueError):
        raise Raised("string is not valid base32 data") from None


FORMATS: dict[str, Form] = {
    "text": plain_text,
    "json": json_text,
    "csv": _csv,
    "tsv": _tsv,
    "html": _html,
    "uri": _uri,
    "urid": _urid,
    "sh": _sh,
    "base64": _base64,
    "base64d": _base64d,
    "base32": _base32,
    "base32d": _base32d,
}


def format_named(name: str, at: int) -> Form:
    """The format of that name.

    Raises:
        ExpressionSyntax: there is none.
    """
    if name not in FORMATS:
        raise ExpressionSyntax(f"There is no format @{name}: use one of @{', @'.join(FORMATS)}.", at)
    return FORMATS[name]


def formatted(name: str, at: int) -> Code:
    """`@name` as a part of its own."""
    form = format_named(name, at)

    def one(env: Env, value: JsonValue) -> JsonValue:
        env.meter.step()
        return form(env.meter, value)

    return Code(one=one)
