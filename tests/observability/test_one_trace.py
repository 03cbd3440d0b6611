"""One ticket over HTTP: one trace and one correlation id up to the vendors, and nothing personal in any of it."""

from __future__ import annotations

import re

from tests.observability.observed_ticket import CALLER, CASE, CORRELATION_ID, PERSONAL, REQUEST, VENDORS
from tests.observability.observed_world import ObservedWorld, Span

SERVER, CLIENT = 2, 3


def _request(spans: list[Span]) -> Span:
    (request,) = [span for span in spans if span.name == REQUEST]
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
        assert names == ["RunActivity", "StartActivity", "StartWorkflow", REQUEST], way
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
