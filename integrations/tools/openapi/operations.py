"""Operations of a document: found and named at once, understood one by one when they are needed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.model import JsonValue
from integrations.tools.methods import METHODS
from integrations.tools.openapi.parameters import Parameter
from integrations.tools.openapi.reading import Document, Unsupported
from integrations.tools.openapi.schemas import SchemaBuilder
from integrations.tools.openapi.swagger import modern, servers_of
from integrations.tools.responses import is_json

FORM = "application/x-www-form-urlencoded"
BODY = "body"
_NAME_LIMIT = 110
_PLACES = ("path", "query", "header", "cookie")
_NOT_OURS = frozenset({"accept", "content-type", "authorization"})
"""Headers that a parameter cannot set (OpenAPI 3.1.1, "Parameter Object")."""
_DESCRIPTION_LIMIT = 2_000


@dataclass(frozen=True)
class Operation:
    """One operation, as the document has it."""

    operation_id: str
    """The document's own, or one made of method and path."""
    name: str
    """Of the tool, after the provider's name and a dot."""
    method: str
    path: str
    item: dict[str, Any] = field(repr=False)
    raw: dict[str, Any] = field(repr=False)

    @property
    def title(self) -> str:
        """What it does, in a line."""
        text = self.raw.get("summary") or self.raw.get("description") or f"{self.method.upper()} {self.path}"
        return re.sub(r"\s+", " ", str(text)).strip()[:150]

    @property
    def description(self) -> str:
        """What it does, at length."""
        return str(self.raw.get("description") or self.raw.get("summary") or "")[:_DESCRIPTION_LIMIT]


@dataclass(frozen=True)
class Body:
    """What an operation takes as its body."""

    media_type: str
    schema: JsonValue
    encoding: Mapping[str, Any]
    required: bool


@dataclass(frozen=True)
class Plan:
    """An operation understood: how a request is made of arguments, and what comes back."""

    operation: Operation
    parameters: Mapping[str, Parameter]
    """By name of the argument."""
    body: Body | None
    input_schema: dict[str, JsonValue]
    servers: tuple[dict[str, JsonValue], ...]
    responses: Mapping[str, Any]


def find_operations(document: Document) -> list[Operation]:
    """Every operation with a name of its own, in the document's order."""
    taken: set[str] = set()
    found: list[Operation] = []
    for path, item in document.data["paths"].items():
        try:
            resolved = document.resolved(item)
        except Unsupported:
            continue
        for method in METHODS:
            raw = resolved.get(method)
            if isinstance(raw, dict):
                given = raw.get("operationId")
                own = given.strip() if isinstance(given, str) and given.strip() else _made_id(method, path)
                name = _tool_name(own, taken)
                taken.add(name)
                found.append(Operation(own, name, method, str(path), resolved, raw))
    return found


def _made_id(method: str, path: str) -> str:
    return f"{method}_" + re.sub(r"\{([^}]*)\}", r"by_\1", path.strip("/")) if path.strip("/") else f"{method}_root"


def _tool_name(operation_id: str, taken: set[str]) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", operation_id).strip("_") or "operation"
    if len(plain) > _NAME_LIMIT - 30:
        plain = f"{plain[: _NAME_LIMIT - 40]}_{hashlib.sha256(operation_id.encode('utf-8', 'replace')).hexdigest()[:8]}"
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain}_{number}"
    return name


def understand(document: Document, operation: Operation, omit: Iterable[str] = ()) -> Plan:
    """Read one operation.

    Args:
        document: where it stands.
        operation: the operation.
        omit: names of parameters that the configuration supplies or that are never sent; in lower case.

    Raises:
        Unsupported: it cannot become a tool.
    """
    item, raw = operation.item, operation.raw
    if document.is_swagger:
        raw = modern(document, item, raw)
        item = {key: value for key, value in item.items() if key != "parameters"}
    parameters = _parameters(document, operation, item, raw, frozenset(omit))
    body = _body(document, raw.get("requestBody"))
    named = _argument_names(parameters, body is not None)
    servers = raw.get("servers") or item.get("servers") or document.data.get("servers") or []
    if document.is_swagger:
        servers = servers_of(document.data)
    return Plan(
        operation=operation,
        parameters=named,
        body=body,
        input_schema=_input_schema(document, named, body),
        servers=tuple(server for server in servers if isinstance(server, dict)),
        responses=_mapped(raw.get("responses")),
    )


def _parameters(
    document: Document, operation: Operation, item: dict[str, Any], raw: dict[str, Any], omit: frozenset[str]
) -> list[Parameter]:
    """Those of the path, replaced by those of the operation, in the order path, query, header, cookie."""
    found: dict[tuple[str, str], Parameter] = {}
    for one in [*_listed(item.get("parameters")), *_listed(raw.get("parameters"))]:
        resolved = document.resolved(one)
        name, place = resolved.get("name"), resolved.get("in")
        if not isinstance(name, str) or not name or place not in _PLACES:
            continue
        if name.lower() in omit or (place == "header" and name.lower() in _NOT_OURS):
            continue
        found[(name, place)] = Parameter.of(resolved)
    wanted = re.findall(r"\{([^{}/]+)\}", operation.path)
    for name in wanted:
        found.setdefault((name, "path"), Parameter.of({"name": name, "in": "path", "schema": {"type": "string"}}))
    kept = [parameter for parameter in found.values() if parameter.place != "path" or parameter.name in wanted]
    return sorted(kept, key=lambda parameter: _PLACES.index(parameter.place))


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapped(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _argument_names(parameters: list[Parameter], has_body: bool) -> dict[str, Parameter]:
    """Names of arguments: the parameter's own; with its place where two would be the same."""
    named: dict[str, Parameter] = {}
    for parameter in parameters:
        name = parameter.name
        if name in named or (has_body and name == BODY):
            name = f"{parameter.name}_{parameter.place}"
        while name in named:
            name += "_"
        named[name] = parameter
    return named


def _body(document: Document, raw: JsonValue) -> Body | None:
    body = document.resolved(raw)
    content = body.get("content")
    if not isinstance(content, dict) or not content:
        return None
    choices = sorted(content, key=_preference)
    media_type = choices[0].partition(";")[0].strip().lower()
    if _preference(choices[0]) > 3:
        if body.get("required") is True:
            raise Unsupported(f"it takes a body of type {media_type[:60]}")
        return None
    inner = content[choices[0]] if isinstance(content[choices[0]], dict) else {}
    return Body(
        media_type="application/json" if "*" in media_type else media_type,
        schema=inner.get("schema") or {},
        encoding=_mapped(inner.get("encoding")),
        required=body.get("required") is True,
    )


def _preference(media_type: str) -> int:
    plain = media_type.partition(";")[0].strip().lower()
    if plain == "application/json":
        return 0
    if is_json(plain):
        return 1
    if plain == FORM:
        return 2
    return 3 if plain in ("*/*", "application/*", "text/plain") else 4


def _one_or_many(schema: JsonValue) -> JsonValue:
    """A list of one value may be given as that value: over the wire the two are the same."""
    if not isinstance(schema, dict) or schema.get("type") != "array" or not isinstance(schema.get("items"), dict):
        return schema
    return {"anyOf": [schema, schema["items"]]}


def _input_schema(document: Document, parameters: Mapping[str, Parameter], body: Body | None) -> dict[str, JsonValue]:
    builder = SchemaBuilder(document, request=True)
    properties: dict[str, JsonValue] = {}
    for name, parameter in parameters.items():
        schema = _one_or_many(builder.convert(parameter.schema))
        if parameter.description and isinstance(schema, dict):
            schema = {**schema, "description": parameter.description[:_DESCRIPTION_LIMIT]}
        properties[name] = schema
    required = [name for name, parameter in parameters.items() if parameter.required]
    if body is not None:
        properties[BODY] = builder.convert(body.schema)
        required += [BODY] if body.required else []
    return builder.complete(
        {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    )
