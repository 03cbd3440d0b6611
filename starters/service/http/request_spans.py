"""One span per request, by OpenTelemetry's semantic conventions for HTTP servers.

The trace begins here. Who calls from outside may send a `traceparent`; it is linked to and not continued, so that
nobody else decides what we record, and a caller cannot put its requests into another one's trace.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from runtime.telemetry import log_fields

_TRACEPARENT = b"traceparent"
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

_tracer = trace.get_tracer("surehand.service")
_propagator = TraceContextTextMapPropagator()


@contextmanager
def request_span(scope: MutableMapping[str, Any], correlation_id: str) -> Iterator[Span]:
    """The block answers one request.

    Args:
        scope: of the request.
        correlation_id: of it.
    """
    # An empty context: a server's task may still hold the span of whoever started the server.
    with _tracer.start_as_current_span(
        _method(scope),
        context=Context(),
        kind=SpanKind.SERVER,
        links=_links(scope),
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        if span.is_recording():
            span.set_attribute("surehand.correlation_id", correlation_id)
            log_fields.bind(trace_id=format_trace_id(span.get_span_context().trace_id))
        yield span


def note_answer(span: Span, scope: MutableMapping[str, Any], status: int) -> None:
    """What became of the request: its route as the program writes it, the status, whose it was."""
    if not span.is_recording():
        return
    route = str(getattr(scope.get("route"), "path", ""))
    span.update_name(f"{_method(scope)} {route}".strip())
    span.set_attributes(
        {
            "http.request.method": _method(scope),
            "http.response.status_code": status,
            "url.scheme": str(scope.get("scheme", "http")),
        }
    )
    if route:
        span.set_attribute("http.route", route)
    principal = (scope.get("state") or {}).get("principal")
    if principal is not None:
        span.set_attribute("surehand.tenant", principal.tenant)
    if status >= 500 or not status:
        span.set_attribute("error.type", str(status or "broken_off"))
        span.set_status(Status(StatusCode.ERROR))


def _method(scope: MutableMapping[str, Any]) -> str:
    method = str(scope["method"])
    return method if method in _METHODS else "HTTP"


def _links(scope: MutableMapping[str, Any]) -> list[Link]:
    given = [bytes(value) for name, value in scope["headers"] if bytes(name).lower() == _TRACEPARENT]
    if len(given) != 1:
        return []
    found = trace.get_current_span(_propagator.extract({"traceparent": given[0].decode("latin-1")}, Context()))
    context = found.get_span_context()
    return [Link(context)] if context.is_valid else []
