"""Values as they stand in a path, a query, a header, a cookie or a form.

Source: OpenAPI 3.1.1, "Style Values" and "Style Examples"; OpenAPI 2.0, `collectionFormat`. Reserved characters are
always percent-encoded (`allowReserved` is not followed), so no value leaves the place it was written for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from domain.errors import InvalidInput
from domain.model import JsonValue

Pairs = list[tuple[str, str]]
_SEPARATOR = {"form": ",", "simple": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C", "tabDelimited": "%09"}
_DEFAULT_STYLE = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}
_STYLES = {
    "path": frozenset({"simple", "label", "matrix"}),
    "header": frozenset({"simple"}),
    "query": frozenset({"form", "spaceDelimited", "pipeDelimited", "tabDelimited", "deepObject"}),
    "cookie": frozenset({"form"}),
}
_UNQUOTED_AT_MOST = 5
_DEPTH_LIMIT = 20


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation."""

    name: str
    place: str
    """`path`, `query`, `header` or `cookie`."""
    required: bool = False
    style: str = ""
    explode: bool = False
    schema: JsonValue = field(default_factory=dict, repr=False)
    as_json: bool = False
    """Declared with `content` instead of `schema`: one JSON text."""
    description: str = ""

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Parameter:
        """Read a parameter of OpenAPI 3; an unknown style is the default one."""
        place = str(raw.get("in"))
        style = raw.get("style")
        style = style if isinstance(style, str) and style in _STYLES[place] else _DEFAULT_STYLE[place]
        explode = raw.get("explode")
        content = raw.get("content")
        inner: Any = next(iter(content.values()), {}) if isinstance(content, dict) else {}
        return cls(
            name=str(raw.get("name")),
            place=place,
            required=raw.get("required") is True or place == "path",
            style=style,
            explode=explode if isinstance(explode, bool) else style in ("form", "deepObject"),
            schema=inner.get("schema") if isinstance(inner, dict) and inner else raw.get("schema") or {},
            as_json=bool(content),
            description=str(raw.get("description") or ""),
        )


def fill_path(template: str, values: Mapping[str, tuple[Parameter, JsonValue]]) -> str:
    """A path with its parameters filled in.

    Raises:
        InvalidInput: a value is missing, or would change which path it is. Names the parameter, never its value.
    """

    def put(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise InvalidInput(f"The path needs {name}: give it a value.")
        return _in_path(*values[name])

    # The template's own text is the document's: it is encoded, and slashes stay.
    parts = re.split(r"(\{[^{}/]+\})", template)
    filled = "".join(
        re.sub(r"\{([^{}/]+)\}", put, part) if part.startswith("{") else quote(part, safe="/:@!$&'()*+,;=~%")
        for part in parts
    )
    if any(set(unquote(segment)) == {"."} and len(unquote(segment)) <= 2 for segment in filled.split("/")):
        raise InvalidInput("A parameter would lead to another path: give it a value other than `.` and `..`.")
    return filled


def _in_path(parameter: Parameter, value: JsonValue) -> str:
    name = parameter.name
    for text in _texts(value):
        _check_segment(name, text)
    if parameter.as_json:
        return _quoted(_json(value))
    if parameter.style == "label":
        return "." + _joined(parameter, value, "." if parameter.explode else ",")
    if parameter.style == "matrix":
        return _matrix(parameter, value)
    text = _joined(parameter, value, ",")
    if not text:
        raise InvalidInput(f"The path needs {name}: give it a value that is not empty.")
    return text


def _check_segment(name: str, text: str) -> None:
    """Refuse what some server between us and the vendor could decode once more and take for another path."""
    plain = text
    for _ in range(_UNQUOTED_AT_MOST):
        decoded = unquote(plain)
        if decoded == plain:
            break
        plain = decoded
    if any(ord(char) < 32 or ord(char) == 127 for char in text + plain):
        raise InvalidInput(f"The value of {name} has a line break or another control character: take it out.")
    if any(part in (".", "..") for part in re.split(r"[/\\]", plain)):
        raise InvalidInput(f"The value of {name} would lead to another path: write it without `.` and `..`.")


def _matrix(parameter: Parameter, value: JsonValue) -> str:
    name = _quoted(parameter.name)
    if isinstance(value, dict) and parameter.explode:
        return "".join(f";{_quoted(key)}={_scalar(parameter.name, item)}" for key, item in value.items())
    if isinstance(value, list) and parameter.explode:
        return "".join(f";{name}={_scalar(parameter.name, item)}" for item in value)
    return f";{name}={_joined(parameter, value, ',')}"


def _joined(parameter: Parameter, value: JsonValue, separator: str) -> str:
    """An array or an object in one piece of text."""
    name = parameter.name
    if isinstance(value, dict):
        if parameter.explode:
            return separator.join(f"{_quoted(key)}={_scalar(name, item)}" for key, item in value.items())
        return separator.join(part for key, item in value.items() for part in (_quoted(key), _scalar(name, item)))
    return separator.join(_scalar(name, item) for item in (value if isinstance(value, list) else [value]))


def query_pairs(parameter: Parameter, value: JsonValue) -> Pairs:
    """A query or form parameter as encoded pairs; none for null and for an empty list.

    Raises:
        InvalidInput: the value is nested where its style cannot say so.
    """
    name = _quoted(parameter.name)
    if value is None or value in ([], {}):
        return []
    if parameter.as_json:
        return [(name, _quoted(_json(value)))]
    if parameter.style == "deepObject" and isinstance(value, dict | list):
        return list(_deep(name, value, 0))
    if isinstance(value, dict) and parameter.explode:
        return [(_quoted(key), _scalar(parameter.name, item)) for key, item in value.items() if item is not None]
    if isinstance(value, list) and parameter.explode:
        return [(name, _scalar(parameter.name, item)) for item in value]
    return [(name, _joined(parameter, value, _SEPARATOR.get(parameter.style, ",")))]


def _deep(name: str, value: JsonValue, depth: int) -> Iterator[tuple[str, str]]:
    """`name[a][0]=...`, as Stripe and others read it; the specification says no more than one level."""
    if depth > _DEPTH_LIMIT:
        raise InvalidInput("A parameter is nested too deeply: flatten it.")
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        inner = f"{name}%5B{_quoted(str(key))}%5D"
        if isinstance(item, dict | list):
            yield from _deep(inner, item, depth + 1)
        elif item is not None:
            yield inner, _quoted(_text(item))


def header_value(parameter: Parameter, value: JsonValue) -> str:
    """A header's value, which is not percent-encoded; line breaks are refused where headers are checked."""
    if parameter.as_json:
        return _json(value)
    return ",".join(_plain_parts(parameter, value))


def cookie_pairs(parameter: Parameter, value: JsonValue) -> Pairs:
    """A cookie, percent-encoded, so that no value begins another cookie."""
    return query_pairs(parameter, value)


def _plain_parts(parameter: Parameter, value: JsonValue) -> list[str]:
    if isinstance(value, dict):
        pairs = [(str(key), _flat(parameter.name, item)) for key, item in value.items()]
        return [f"{k}={v}" for k, v in pairs] if parameter.explode else [part for pair in pairs for part in pair]
    return [_flat(parameter.name, item) for item in (value if isinstance(value, list) else [value])]


def _scalar(name: str, value: JsonValue) -> str:
    return _quoted(_flat(name, value))


def _flat(name: str, value: JsonValue) -> str:
    if isinstance(value, dict | list):
        raise InvalidInput(f"The value of {name} is nested deeper than its style can say: flatten it.")
    return _text(value)


def _text(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else json.dumps(value)


def _json(value: JsonValue) -> str:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError):
        raise InvalidInput("A parameter has a value in it that JSON cannot hold: correct it.") from None


def _quoted(text: str) -> str:
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise InvalidInput("A parameter has half a character in it: correct it.") from None


def _texts(value: JsonValue) -> Iterator[str]:
    """Every text within a value, names included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    else:
        yield _text(value)
