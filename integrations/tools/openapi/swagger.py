"""Operations of OpenAPI 2.0 ("Swagger") in the shape of OpenAPI 3, one at a time.

Source: OpenAPI 2.0, "Parameter Object", "Response Object"; the collection formats as the styles that they became.
"""

from __future__ import annotations

from typing import Any

from domain.model import JsonValue
from integrations.tools.openapi.reading import Document, Unsupported

_FORM = "application/x-www-form-urlencoded"
_ABOUT = frozenset({"name", "in", "description", "required", "collectionFormat", "allowEmptyValue", "schema"})
_FORMATS: dict[str, dict[str, JsonValue]] = {
    "csv": {"explode": False},
    "ssv": {"style": "spaceDelimited", "explode": False},
    "tsv": {"style": "tabDelimited", "explode": False},
    "pipes": {"style": "pipeDelimited", "explode": False},
    "multi": {"style": "form", "explode": True},
}


def servers_of(data: dict[str, Any]) -> list[dict[str, JsonValue]]:
    """`schemes`, `host` and `basePath` as servers; https first."""
    host, base = data.get("host"), str(data.get("basePath") or "")
    if not isinstance(host, str) or not host:
        return [{"url": base}] if base else []
    schemes = [scheme for scheme in data.get("schemes") or ["https"] if scheme in ("https", "http")]
    return [{"url": f"{scheme}://{host}{base}"} for scheme in sorted(schemes, reverse=True)]


def modern(document: Document, item: dict[str, Any], operation: dict[str, Any]) -> dict[str, JsonValue]:
    """An operation as OpenAPI 3 would write it, with the path's own parameters.

    Raises:
        Unsupported: a parameter's reference leads nowhere, or it takes a file.
    """
    parameters = [
        document.resolved(raw) for raw in [*(item.get("parameters") or []), *(operation.get("parameters") or [])]
    ]
    consumes = _media_types(document, operation, "consumes")
    result = {key: value for key, value in operation.items() if key not in ("parameters", "responses")}
    result["parameters"] = [_parameter(raw) for raw in parameters if raw.get("in") not in ("body", "formData")]
    form = [raw for raw in parameters if raw.get("in") == "formData"]
    body = next((raw for raw in parameters if raw.get("in") == "body"), None)
    if body is not None:
        media_type = next((one for one in consumes if "json" in one), consumes[0] if consumes else "application/json")
        result["requestBody"] = {
            "required": body.get("required") is True,
            "description": body.get("description"),
            "content": {media_type: {"schema": body.get("schema") or {}}},
        }
    elif form:
        result["requestBody"] = _form_body(form, consumes)
    produces = _media_types(document, operation, "produces")
    result["responses"] = {
        status: _response(document.resolved(raw), produces)
        for status, raw in (operation.get("responses") or {}).items()
    }
    return result


def _media_types(document: Document, operation: dict[str, Any], key: str) -> list[str]:
    found = operation.get(key) or document.data.get(key)
    return [str(one) for one in found] if isinstance(found, list) else []


def _parameter(raw: dict[str, Any]) -> dict[str, JsonValue]:
    kept = {key: value for key, value in raw.items() if key in ("name", "in", "description", "required")}
    styled = _FORMATS.get(str(raw.get("collectionFormat") or "csv"), {}) if raw.get("type") == "array" else {}
    if raw.get("in") != "query":
        styled = {key: value for key, value in styled.items() if key == "explode"}
    return {**kept, **styled, "schema": _schema(raw)}


def _schema(raw: dict[str, Any]) -> dict[str, JsonValue]:
    return {key: value for key, value in raw.items() if key not in _ABOUT} | (raw.get("schema") or {})


def _form_body(form: list[dict[str, Any]], consumes: list[str]) -> dict[str, JsonValue]:
    if any(raw.get("type") == "file" for raw in form):
        raise Unsupported("it takes a file")
    if consumes and _FORM not in consumes and not any("json" in one for one in consumes):
        return {"required": True, "content": {consumes[0]: {}}}
    properties = {
        str(raw.get("name")): {**_schema(raw), "description": str(raw.get("description") or "")} for raw in form
    }
    needed = [str(raw.get("name")) for raw in form if raw.get("required") is True]
    encoding = {
        str(raw.get("name")): {"style": "form", **_FORMATS.get(str(raw.get("collectionFormat") or "csv"), {})}
        for raw in form
        if raw.get("type") == "array"
    }
    schema: dict[str, JsonValue] = {"type": "object", "properties": properties, "required": needed}
    media_type = _FORM if not consumes or _FORM in consumes else next(one for one in consumes if "json" in one)
    return {"required": bool(needed), "content": {media_type: {"schema": schema, "encoding": encoding}}}


def _response(raw: dict[str, Any], produces: list[str]) -> dict[str, JsonValue]:
    if not isinstance(raw.get("schema"), dict):
        return {}
    return {"content": {media_type: {"schema": raw["schema"]} for media_type in produces or ["application/json"]}}
