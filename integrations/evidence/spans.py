"""Reads spans from OpenTelemetry's JSON (one document or lines), Jaeger's and Zipkin's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.evidence.answers import name_of
from integrations.evidence.documents import Unreadable, values_of

MOST_SPANS = 400_000
_PEERS = (
    "peer.service",
    "server.address",
    "net.peer.name",
    "rpc.service",
    "db.name",
    "messaging.destination.name",
    "db.system",
    "messaging.system",
    "http.host",
)
_WORDS = (
    "exception.message",
    "error.message",
    "exception.type",
    "error.type",
    "message",
    "event",
    "db.statement.error",
)
_KINDS = {"2": "server", "3": "client", "4": "producer", "5": "consumer"}


@dataclass(frozen=True)
class Span:
    """One piece of work of one service."""

    trace: str
    span: str
    parent: str | None
    service: str
    name: str
    kind: str
    """`server`, `client`, `producer`, `consumer` or `internal`."""
    start: float
    """Seconds since 1970."""
    seconds: float
    error: bool
    message: str
    peer: str | None
    """Whom a client span says it calls."""


def read_spans(text: str, *, service: str | None) -> tuple[list[Span], bool]:
    """Every span of a file, and whether there were more than are read.

    Args:
        text: the file's content.
        service: whose spans they are, where they do not say.

    Raises:
        Unreadable: there is no span in it.
    """
    if text.lstrip()[:1] not in ("{", "["):
        raise Unreadable("It is no JSON of traces: export them as OpenTelemetry JSON.")
    found: list[Span] = []
    for value in values_of(text):
        for span in _spans(value, service or "unknown", 0):
            if len(found) >= MOST_SPANS:
                return found, True
            found.append(span)
    if not found:
        raise Unreadable("There is no span in it: export traces as OpenTelemetry JSON (resourceSpans) or Jaeger JSON.")
    return found, False


def _spans(value: Any, service: str, depth: int) -> Iterator[Span]:
    if isinstance(value, list) and depth < 4:
        for one in value:
            yield from _spans(one, service, depth + 1)
    elif isinstance(value, dict):
        if isinstance(value.get("resourceSpans"), list):
            for resource in _maps(value["resourceSpans"]):
                yield from _opentelemetry(resource, service)
        elif isinstance(value.get("data"), list | dict) and depth < 4:
            yield from _spans(value["data"], service, depth + 1)
        elif isinstance(value.get("spans"), list) and isinstance(value.get("processes"), dict):
            yield from _jaeger(value, service)
        elif "traceId" in value and "localEndpoint" in value:
            yield from _zipkin(value, service)


def _maps(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in (value if isinstance(value, list) else ()) if isinstance(one, dict))


def _opentelemetry(resource: Mapping[str, Any], service: str) -> Iterator[Span]:
    about = resource.get("resource")
    whose = name_of(_attributes(about.get("attributes") if isinstance(about, dict) else None).get("service.name"))
    for word in ("scopeSpans", "instrumentationLibrarySpans"):
        for scope in _maps(resource.get(word)):
            for span in _maps(scope.get("spans")):
                start, end = _number(span.get("startTimeUnixNano")), _number(span.get("endTimeUnixNano"))
                if start is None or end is None or not span.get("spanId"):
                    continue
                attributes = _attributes(span.get("attributes"))
                status = span.get("status")
                code, said = (
                    (str(status.get("code", "")), str(status.get("message", "")))
                    if isinstance(status, dict)
                    else ("", "")
                )
                events = [_attributes(event.get("attributes")) for event in _maps(span.get("events"))]
                kind = str(span.get("kind", "")).rsplit("_", 1)[-1].lower()
                yield Span(
                    str(span.get("traceId", ""))[:64],
                    str(span["spanId"])[:64],
                    str(span.get("parentSpanId") or "")[:64] or None,
                    whose or service,
                    str(span.get("name", ""))[:200],
                    _KINDS.get(kind, kind or "internal"),
                    start / 1e9,
                    max(0.0, (end - start) / 1e9),
                    code in ("2", "STATUS_CODE_ERROR") or (code not in ("1", "STATUS_CODE_OK") and _failed(attributes)),
                    said or _first(events, _WORDS) or _first([attributes], _WORDS),
                    _peer(attributes),
                )


def _jaeger(trace: Mapping[str, Any], service: str) -> Iterator[Span]:
    owners = {key: name_of(one.get("serviceName")) for key, one in trace["processes"].items() if isinstance(one, dict)}
    for span in _maps(trace["spans"]):
        start, took = _number(span.get("startTime")), _number(span.get("duration"))
        if start is None or took is None or not span.get("spanID"):
            continue
        tags = _tags(span.get("tags"))
        logs = [_tags(one.get("fields")) for one in _maps(span.get("logs"))]
        parents = [one.get("spanID") for one in _maps(span.get("references")) if one.get("refType") == "CHILD_OF"]
        parent = parents[0] if parents else span.get("parentSpanID")
        yield Span(
            str(span.get("traceID", ""))[:64],
            str(span["spanID"])[:64],
            str(parent)[:64] if parent else None,
            owners.get(str(span.get("processID"))) or service,
            str(span.get("operationName", ""))[:200],
            tags.get("span.kind", "internal").lower(),
            start / 1e6,
            max(0.0, took / 1e6),
            tags.get("error", "").lower() == "true" or tags.get("otel.status_code") == "ERROR" or _failed(tags),
            tags.get("otel.status_description") or _first(logs, _WORDS) or _first([tags], _WORDS),
            _peer(tags),
        )


def _zipkin(span: Mapping[str, Any], service: str) -> Iterator[Span]:
    start, took = _number(span.get("timestamp")), _number(span.get("duration", 0))
    if start is None or took is None:
        return
    tags = (
        {str(key): str(one)[:2_000] for key, one in (span.get("tags") or {}).items()}
        if isinstance(span.get("tags"), dict)
        else {}
    )
    ends = [
        one.get("serviceName") if isinstance(one := span.get(word), dict) else None
        for word in ("localEndpoint", "remoteEndpoint")
    ]
    yield Span(
        str(span.get("traceId", ""))[:64],
        str(span.get("id", ""))[:64],
        str(span.get("parentId") or "")[:64] or None,
        name_of(ends[0]) or service,
        str(span.get("name", ""))[:200],
        str(span.get("kind", "internal")).lower(),
        start / 1e6,
        max(0.0, took / 1e6),
        "error" in tags or _failed(tags),
        tags.get("error", ""),
        name_of(ends[1]) or _peer(tags),
    )


def _attributes(value: Any) -> dict[str, str]:
    """OpenTelemetry's attributes as text: `[{"key": "a", "value": {"stringValue": "b"}}]`, or a plain map."""
    if isinstance(value, dict):
        return {str(key): str(one)[:2_000] for key, one in value.items()}
    found = {}
    for one in _maps(value):
        inner = one.get("value")
        plain = next(iter(inner.values()), "") if isinstance(inner, dict) else inner
        found[str(one.get("key", ""))] = str(plain)[:2_000]
    return found


def _tags(value: Any) -> dict[str, str]:
    return {str(one.get("key", "")): str(one.get("value", ""))[:2_000] for one in _maps(value)}


def _failed(attributes: Mapping[str, str]) -> bool:
    code = attributes.get("http.response.status_code") or attributes.get("http.status_code") or ""
    return code.isdigit() and len(code) == 3 and code >= "500"


def _first(places: list[dict[str, str]], words: tuple[str, ...]) -> str:
    return next((one[word] for word in words for one in places if one.get(word)), "")


def _peer(attributes: Mapping[str, str]) -> str | None:
    return next((name_of(attributes[word]) for word in _PEERS if attributes.get(word)), None)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < 1e20 else None
