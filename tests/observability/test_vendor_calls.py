"""Calls of vendors as spans and counts: where they went and how they ended, nothing of what they carried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.propagate import inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from domain.errors import VendorUnavailable
from integrations import vendor_calls
from integrations.http import Reply, VendorHttp, status_error
from integrations.tools.addresses import AddressGuard
from integrations.tools.guarded_http import GuardedHttp, Outgoing
from tests.loopback import Answer, loopback

SECRET_PATH = "/customers/maria@example.org"


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(vendor_calls, "_tracer", provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


@pytest.fixture
def heard() -> Iterator[list[tuple[str, str]]]:
    calls: list[tuple[str, str]] = []
    stop = vendor_calls.listen(lambda vendor, outcome, seconds: calls.append((vendor, outcome)))
    yield calls
    stop()


def shop(url: str) -> VendorHttp:
    def translate(reply: Reply, write: bool) -> Exception:
        return status_error("shop", reply, write=write)

    return VendorHttp("shop", url, timeout_seconds=20, translate=translate)


async def test_a_vendor_gets_nothing_of_the_trace(exported: InMemorySpanExporter) -> None:
    async with loopback() as vendor:
        with vendor_calls.vendor_call("outer", "outer"):
            sent: dict[str, str] = {}
            inject(sent)
            assert "traceparent" in sent, "there is a trace that could have been sent"
            await shop(vendor.url).get("/x")
            guard = AddressGuard().only(vendor.url)
            await GuardedHttp(guard).exchange("shop", Outgoing("GET", f"{vendor.url}/x"))
        assert len(vendor.received) == 2
        for request in vendor.received:
            assert not {"traceparent", "tracestate", "baggage"} & request.headers.keys()


async def test_a_span_says_where_a_call_went_and_not_what_it_carried(exported: InMemorySpanExporter) -> None:
    async with loopback() as vendor:
        await shop(vendor.url).get(SECRET_PATH, email="maria@example.org")
    (span,) = exported.get_finished_spans()
    assert span.name == "GET"
    assert span.attributes == {
        "peer.service": "shop",
        "server.address": "127.0.0.1",
        "server.port": vendor.port,
        "http.request.method": "GET",
        "http.response.status_code": 200,
    }


async def test_a_failed_call_says_its_kind_and_keeps_its_words_to_itself(
    exported: InMemorySpanExporter, heard: list[tuple[str, str]]
) -> None:
    async with loopback() as vendor:
        vendor.handler = lambda request: Answer(503, {"error": "maria@example.org is unknown"})
        with pytest.raises(VendorUnavailable):
            await shop(vendor.url).get(SECRET_PATH)
    (span,) = exported.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "VendorUnavailable"
    assert "maria" not in span.to_json()
    assert heard == [("shop", "VendorUnavailable")]


async def test_hosts_that_are_called_by_address_are_counted_together(heard: list[tuple[str, str]]) -> None:
    for host in ("a.example.org", "b.example.org", "127.0.0.1:80"):
        with vendor_calls.vendor_call(host, "GET"):
            pass
    assert heard == [("web", "ok")] * 3
