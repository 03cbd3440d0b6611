"""OpenTelemetry traces: from the service through the workflow and its activities to the call of a vendor.

Off unless an endpoint is set; OpenTelemetry's SDK is not even imported then. Spans leave this process through one gate,
which takes out what may hold somebody's data: an exception keeps its type and loses its words.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from opentelemetry import trace
from opentelemetry.propagate import set_global_textmap
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from domain.errors import ConfigurationProblem
from runtime.telemetry.hiding import Redactor

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from temporalio.client import Interceptor

    from runtime.settings.environment import Settings, TracingSettings

TRACES_PATH = "/v1/traces"
_STOPS_WITHIN_SECONDS = 5.0
_IDS = frozenset({
    "temporalWorkflowID", "temporalRunID", "temporalActivityID", "temporalActivityType", "http.route",
    "surehand.case_id", "surehand.correlation_id", "surehand.tenant", "server.address",
})  # fmt: skip
"""Attributes that we make or check ourselves: nothing personal, and a run's id must not be taken for a card's."""


class Tracing:
    """What one process traces with."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider

    @property
    def interceptors(self) -> Sequence[Interceptor]:
        """For the Temporal client; its workers inherit them."""
        return [temporal_interceptor(self._provider)]

    async def close(self) -> None:
        """Send what is left, if the collector takes it in time."""
        closing = asyncio.to_thread(self._provider.shutdown)
        await asyncio.wait({asyncio.ensure_future(closing)}, timeout=_STOPS_WITHIN_SECONDS)


def start_tracing(settings: Settings, service: str) -> Tracing | None:
    """Trace this process, if the settings name a collector; None when they name none.

    Args:
        settings: `tracing` says where to; the secrets are what no span may hold.
        service: name of the process, such as `surehand-worker`.

    Raises:
        ConfigurationProblem: the headers cannot be read.
    """
    wanted = settings.tracing
    if wanted.endpoint is None or wanted.sample == 0:
        return None
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - only where it is used: it takes time to load
    from opentelemetry.sdk.trace import SpanLimits, TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415

    resource = Resource({"service.name": service, "service.instance.id": f"{socket.gethostname()}-{os.getpid()}"})
    provider = TracerProvider(
        resource=resource,
        # A parent is always one of ours: a caller's own trace is only linked to.
        sampler=ParentBasedTraceIdRatio(wanted.sample),
        shutdown_on_exit=False,
        span_limits=SpanLimits(max_span_attributes=64, max_events=16, max_links=16, max_span_attribute_length=1_000),
    )
    redact = Redactor(settings.secret_values(), personal=True)
    provider.add_span_processor(
        BatchSpanProcessor(
            _gated(_exporter(wanted), redact),
            max_queue_size=4_096,
            schedule_delay_millis=2_000,
            max_export_batch_size=512,
            export_timeout_millis=wanted.timeout_seconds * 1_000,
        )
    )
    trace.set_tracer_provider(provider)
    # Libraries would send our trace's ids along to whomever they call (MCP's does, to every server): none of them may.
    set_global_textmap(CompositePropagator([]))
    return Tracing(provider)


def headers_of(wanted: TracingSettings) -> dict[str, str]:
    """`name=value,name=value`, with values as a URL writes them.

    Raises:
        ConfigurationProblem: a part has no `=`.
    """
    text = wanted.headers.get_secret_value() if wanted.headers is not None else ""
    found = {}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise ConfigurationProblem(
                "SUREHAND_TRACING__HEADERS has a header that is not written as name=value: correct it."
            )
        found[name.strip().lower()] = unquote(value.strip())
    return found


def _exporter(wanted: TracingSettings) -> SpanExporter:
    import requests  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http import Compression  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    address = wanted.endpoint or ""
    session = requests.Session()
    session.trust_env = False
    return OTLPSpanExporter(
        endpoint=address if address.endswith(TRACES_PATH) else f"{address}{TRACES_PATH}",
        headers=headers_of(wanted),
        timeout=wanted.timeout_seconds,
        compression=Compression.Gzip,
        session=session,
    )


def _gated(exporter: SpanExporter, redact: Redactor) -> SpanExporter:
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult  # noqa: PLC0415

    class Gate(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return exporter.export([_clean(span, redact) for span in spans])

        def shutdown(self) -> None:
            exporter.shutdown()

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return exporter.force_flush(timeout_millis)

    return Gate()


def _clean(span: ReadableSpan, redact: Redactor) -> ReadableSpan:
    """The span as it may leave: texts redacted, and of an exception and a status only the kind."""
    from opentelemetry.sdk.trace import Event, ReadableSpan  # noqa: PLC0415
    from opentelemetry.trace import Status  # noqa: PLC0415

    events = [
        Event(event.name, {"exception.type": str((event.attributes or {}).get("exception.type", ""))}, event.timestamp)
        for event in span.events
    ]
    return ReadableSpan(
        name=redact(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={
            name: value if name in _IDS else redact.of_value(value) for name, value in (span.attributes or {}).items()
        },
        events=events,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def temporal_interceptor(provider: TracerProvider) -> Interceptor:
    """For Temporal's client and its workers: the SDK's own, with nothing but ids of a trace and a span in headers.

    Spans of workflows are points in time: one that lasted for days could end in another process. They are made when
    something happens for the first time and never by replay; a parent is what the workflow's start carried, so that
    continue-as-new and a worker's death change nothing.
    """
    from temporalio.contrib.opentelemetry import (  # noqa: PLC0415
        TracingInterceptor,
        TracingWorkflowInboundInterceptor,
    )

    propagator = TraceContextTextMapPropagator()

    class InWorkflow(TracingWorkflowInboundInterceptor):
        def __init__(self, next: Any) -> None:  # noqa: A002 - the SDK's name
            super().__init__(next)
            self.text_map_propagator = propagator

    class OnTemporal(TracingInterceptor):
        def __init__(self) -> None:
            super().__init__(provider.get_tracer("surehand.temporal"))
            self.text_map_propagator = propagator

        def workflow_interceptor_class(self, input: Any) -> type[TracingWorkflowInboundInterceptor]:  # noqa: A002
            super().workflow_interceptor_class(input)
            return InWorkflow

    return OnTemporal()
