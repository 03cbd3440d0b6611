"""A request made of a plan and arguments. What the input schema cannot say is refused here, before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from domain.errors import InvalidInput
from domain.model import JsonValue
from integrations.idempotency import key_hash
from integrations.tools.guarded_http import Outgoing, check_headers
from integrations.tools.openapi.operations import BODY, FORM, Body, Plan
from integrations.tools.openapi.parameters import (
    Pairs,
    Parameter,
    cookie_pairs,
    fill_path,
    header_value,
    query_pairs,
)
from integrations.tools.responses import is_json

_KEY_LIMIT = 64
"""Characters of a key that is sent as it is; vendors take 64 to 255."""


def build_request(plan: Plan, server: str, arguments: Mapping[str, JsonValue], headers: Mapping[str, str]) -> Outgoing:
    """The request of one call, without credentials.

    Args:
        plan: the operation.
        server: address that the path is appended to.
        arguments: checked against the plan's input schema.
        headers: of the configuration; a parameter wins over none of them.

    Raises:
        InvalidInput: a value would leave its place. Names the argument and never its value.
    """
    given = [(plan.parameters[name], value) for name, value in arguments.items() if name in plan.parameters]
    path = fill_path(plan.operation.path, {p.name: (p, value) for p, value in given if p.place == "path"})
    query = [pair for p, value in given if p.place == "query" for pair in query_pairs(p, value)]
    sent = {p.name: header_value(p, value) for p, value in given if p.place == "header" and value is not None}
    cookies = [pair for p, value in given if p.place == "cookie" for pair in cookie_pairs(p, value)]
    if cookies:
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies)
    check_headers(sent)
    fixed = {name.lower() for name in headers}
    sent = {**{name: value for name, value in sent.items() if name.lower() not in fixed}, **headers}
    content = None
    if plan.body is not None and arguments.get(BODY) is not None:
        content = _content(plan.body, arguments[BODY])
        sent["Content-Type"] = plan.body.media_type
    elif plan.operation.method in ("post", "put", "patch"):
        content = b""
    url = f"{server.rstrip('/')}{path if path.startswith('/') else '/' + path}"
    return Outgoing(plan.operation.method.upper(), f"{url}?{_joined(query)}" if query else url, sent, content)


def idempotency_value(key: str) -> str:
    """A call's key as a header takes it: as it is when it is short and plain, hashed otherwise."""
    plain = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if plain and len(key) <= _KEY_LIMIT else key_hash(key)


def _joined(pairs: Pairs) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs)


def _content(body: Body, value: JsonValue) -> bytes:
    if body.media_type == FORM:
        if not isinstance(value, dict):
            raise InvalidInput("The body is a form: give it as an object.")
        return _joined([pair for name, item in value.items() for pair in _form_pairs(body, name, item)]).encode()
    try:
        if body.media_type == "text/plain" and isinstance(value, str):
            return value.encode()
        if is_json(body.media_type) or body.media_type == "text/plain":
            return json.dumps(value, allow_nan=False).encode()
    except ValueError:
        raise InvalidInput("The body has a value in it that JSON cannot hold: correct `body`.") from None
    raise InvalidInput("The body cannot be written in the type that the document asks for.")


def _form_pairs(body: Body, name: str, value: JsonValue) -> Pairs:
    """A form's field (OpenAPI 3.1.1, "Encoding Object"): objects are JSON unless the document gives a style."""
    encoding: Any = body.encoding.get(name)
    encoding = encoding if isinstance(encoding, dict) else {}
    styled = bool({"style", "explode"} & set(encoding))
    if not styled and isinstance(value, dict):
        return query_pairs(Parameter(name, "query", as_json=True), value)
    if not styled and isinstance(value, list):
        return [
            pair
            for item in value
            for pair in query_pairs(Parameter(name, "query", as_json=isinstance(item, dict | list)), item)
        ]
    return query_pairs(Parameter.of({"name": name, "in": "query", **encoding, "content": None}), value)
