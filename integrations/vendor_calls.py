"""Every call of a vendor passes here: it becomes a span of the trace, and whoever listens hears how it went.

A span says where a call went and never what it carried: no path, no query and no body, because those hold ids,
addresses and words of customers. Nothing of the trace goes to the vendor: its `traceparent` would tell a stranger which
of our calls belong together, and the spans of a stranger could not be joined with ours anyway.

Names and attributes: OpenTelemetry semantic conventions for HTTP client spans and for generative AI.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

OK = "ok"
BY_ADDRESS = "web"
"""Stands for all hosts that a playbook calls by address: as labels of a metric they would have no bound."""
_NAME = re.compile(r"[a-z0-9_-]{1,40}\Z")

Listener = Callable[[str, str, float], None]
"""Vendor, `ok` or the kind of its error, seconds."""

_tracer = trace.get_tracer("surehand.vendors")
_listeners: list[Listener] = []


def listen(listener: Listener) -> Callable[[], None]:
    """Hear of every call of this process from here on; what is returned ends that."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


@contextmanager
def vendor_call(vendor: str, name: str, address: str = "", **attributes: str) -> Iterator[Span]:
    """The block is one call of a vendor.

    Args:
        vendor: its short name.
        name: of the span: HTTP's method, or what is done in one or two words.
        address: of the vendor; only its host and port are kept.
        attributes: of the span, by OpenTelemetry's names with `__` for `.`.
    """
    began = time.perf_counter()
    outcome = OK
    with _tracer.start_as_current_span(
        name, kind=SpanKind.CLIENT, record_exception=False, set_status_on_exception=False
    ) as span:
        if span.is_recording():
            span.set_attributes(_place(vendor, address) | {key.replace("__", "."): v for key, v in attributes.items()})
        try:
            yield span
        except BaseException as error:
            outcome = type(error).__name__
            span.set_attribute("error.type", outcome)
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            _tell(vendor if _NAME.match(vendor) else BY_ADDRESS, outcome, time.perf_counter() - began)


def answered(span: Span, status: int) -> None:
    """Note the status of the answer."""
    span.set_attribute("http.response.status_code", status)


def _tell(vendor: str, outcome: str, seconds: float) -> None:
    for listener in _listeners:
        listener(vendor, outcome, seconds)


def _place(vendor: str, address: str) -> dict[str, str | int]:
    found: dict[str, str | int] = {"peer.service": vendor}
    try:
        parts = urlsplit(address)
        if parts.hostname:
            found["server.address"] = parts.hostname
        if parts.port:
            found["server.port"] = parts.port
    except ValueError:  # an address that cannot be read is refused by whoever makes the call
        pass
    return found
