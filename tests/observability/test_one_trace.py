"""One ticket over HTTP: one trace and one correlation id up to the vendors, and nothing personal in any of it."""

from __future__ import annotations

import re

import pytest

from tests.observability.observed_world import ObservedWorld, Span, eventually

CORRELATION_ID = "observed-1"
CALLER = "0af7651916cd43dd8448eb211c80319c"
"""The trace of whoever calls."""
PERSONAL = (
    "maria.sentinel@example.org", "Sentinel", "4111 1111 1111 1111", "4111111111111111", "sk_live_51Planted000000000000"
)  # fmt: skip
TICKET = {
    "id": "T-OBSERVED",
    "subject": f"Charged twice on {PERSONAL[2]}",
    "description": f"I am Maria {PERSONAL[1]} ({PERSONAL[0]}), my key is {PERSONAL[4]}. I was charged twice. This is "
    "urgent, I want to speak to a manager, or my lawyer calls.",
    "customer": {"email": PERSONAL[0], "name": f"Maria {PERSONAL[1]}"},
}
CASE = "escalation:default:T-OBSERVED"
VENDORS = {"mail", "model_primary", "slack", "zendesk"}
SERVER, CLIENT = 2, 3


@pytest.fixture(scope="session")
def spans(world: ObservedWorld) -> list[Span]:
    """Those of one ticket, after its case has called vendors."""
    headers = {"X-Correlation-ID": CORRELATION_ID, "traceparent": f"00-{CALLER}-b7ad6b7169203331-01"}
    with world.client(**headers) as client:
        opened = client.post("/api/v1/tickets", json=TICKET)
    assert opened.status_code == 201, opened.text
    names = eventually(lambda: _vendors(world.spans()) >= VENDORS and _has_request(world.spans()))
    assert names
    return world.spans()


def _vendors(spans: list[Span]) -> set[str]:
    return {str(span.attributes.get("peer.service")) for span in spans}


def _has_request(spans: list[Span]) -> bool:
    return any(span.name == "POST /api/v1/tickets" for span in spans)


def _request(spans: list[Span]) -> Span:
    (request,) = [span for span in spans if span.name == "POST /api/v1/tickets"]
    return request


def test_one_trace_leads_from_the_request_to_every_vendor(spans: list[Span]) -> None:
    request = _request(spans)
    by_id = {span.span_id: span for span in spans}
    for vendor in VENDORS:
        call = next(span for span in spans if span.attributes.get("peer.service") == vendor)
        way = [call]
        while way[-1].parent_id in by_id:
            way.append(by_id[way[-1].parent_id])
        names = [span.name.split(":")[0] for span in way[1:]]
        assert names == ["RunActivity", "StartActivity", "StartWorkflow", "POST /api/v1/tickets"], way
        assert {span.trace_id for span in way} == {request.trace_id}
        assert [span.service for span in way] == ["surehand-worker"] * 3 + ["surehand-service"] * 2


def test_a_strangers_trace_is_linked_to_and_not_continued(spans: list[Span]) -> None:
    request = _request(spans)
    assert request.links == [CALLER]
    assert request.parent_id == ""
    assert CALLER not in {span.trace_id for span in spans}


def test_spans_have_the_names_and_attributes_of_the_conventions(spans: list[Span]) -> None:
    request = _request(spans)
    assert request.kind == SERVER
    wanted = {"http.request.method": "POST", "http.route": "/api/v1/tickets", "http.response.status_code": 201}
    assert request.attributes.items() >= {**wanted, "surehand.correlation_id": CORRELATION_ID}.items()
    call = next(span for span in spans if span.attributes.get("peer.service") == "zendesk")
    assert call.kind == CLIENT
    assert call.name == call.attributes["http.request.method"]
    assert call.attributes["server.address"] == "127.0.0.1"
    assert call.attributes["http.response.status_code"] == 200
    asked = next(span for span in spans if span.attributes.get("peer.service") == "model_primary")
    assert (asked.name, asked.attributes["gen_ai.operation.name"]) == ("chat sandbox", "chat")


def test_spans_of_workflows_are_points_in_time_however_long_a_case_lives(spans: list[Span]) -> None:
    points = [span for span in spans if span.name.startswith(("RunWorkflow", "StartActivity", "CompleteWorkflow"))]
    assert len(points) > 5
    assert {span.seconds for span in points} == {0}


def test_every_activity_says_whose_it_is(spans: list[Span]) -> None:
    activities = [span for span in spans if span.name.startswith("RunActivity:")]
    assert activities
    for span in activities:
        said = {"surehand.case_id": CASE, "surehand.tenant": "default", "surehand.correlation_id": CORRELATION_ID}
        assert span.attributes.items() >= said.items()


def test_both_processes_log_the_same_correlation_id_with_the_case(world: ObservedWorld, spans: list[Span]) -> None:
    answered = [line for line in world.log("service") if line.get("correlation_id") == CORRELATION_ID]
    assert [line["route"] for line in answered] == ["/api/v1/tickets"]
    assert answered[0]["trace_id"] == _request(spans).trace_id
    of_case = [line for line in world.log("worker") if line.get("case_id") == CASE]
    assert of_case
    assert {line["correlation_id"] for line in of_case} == {CORRELATION_ID}
    assert {line["tenant"] for line in of_case} == {"default"}
    begins = [line for line in of_case if line["message"] == "a case begins"]
    assert len(begins) == 1
    assert re.fullmatch(r"[0-9a-f-]{36}", begins[0]["run_id"])


def test_nothing_personal_is_in_a_log_a_span_or_a_metric(world: ObservedWorld, spans: list[Span]) -> None:
    said = {
        "spans": " ".join(map(repr, world.spans())) + " ".join(str(span.links) for span in spans),
        "bytes of spans": world.bytes_of_spans(),
        "service's log": world.log_text("service"),
        "worker's log": world.log_text("worker"),
        "service's metrics": world.metrics("service"),
        "worker's metrics": world.metrics("worker"),
    }
    for where, text in said.items():
        assert len(text) > 200, where
        assert [secret for secret in PERSONAL if secret in text] == [], where
