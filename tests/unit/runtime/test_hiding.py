"""What logs and spans may not hold, also where an exception brings it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from runtime.settings.environment import LogSettings, load_settings
from runtime.telemetry import log_fields, tracing
from runtime.telemetry.correlation import current, id_in, take, with_id
from runtime.telemetry.hiding import Redactor
from runtime.telemetry.logs import configure_logging

PLANTED = (
    "maria.sentinel@example.org",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "sk_live_51Planted000000000000",
    "AKIAIOSFODNN7EXAMPLE",
    "+49 30 1234567",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream, root = io.StringIO(), logging.getLogger()
    level = root.level
    handler = configure_logging(LogSettings(level="INFO", form="json"), secrets=["own-secret"], stream=stream)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("planted", PLANTED)
def test_personal_data_and_keys_are_in_no_line_whatever_brings_them(lines: io.StringIO, planted: str) -> None:
    try:
        try:
            raise KeyError(planted)
        except KeyError as error:
            raise ValueError(f"no such customer: {planted}") from error
    except ValueError:
        logging.getLogger("x").exception("failed for %s", planted, extra={"about": [{"who": planted}], planted: 1})
    assert planted not in lines.getvalue()
    assert json.loads(lines.getvalue())["message"].startswith("failed for [")


def test_a_cards_number_that_comes_as_a_number_is_hidden_too(lines: io.StringIO) -> None:
    logging.getLogger("x").info("read", extra={"number": 4111111111111111, "count": 12})
    said = json.loads(lines.getvalue())
    assert said["number"] == "[CARD_1]"
    assert said["count"] == 12


def test_words_ids_and_times_of_ours_stay_as_they_are() -> None:
    redact = Redactor([], personal=True)
    for text in (
        "Temporal does not answer at 127.0.0.1:7233: start it.",
        "escalation:default:T-12345",
        "01a1ffe7-6b49-717a-a7d5-e78d5667772e",
        "2026-11-21T20:58:38.401+00:00",
        "an effect could not be recorded; a repeat of its attempt will have to ask a person",
    ):
        assert redact(text) == text


def test_every_line_says_where_it_belongs(lines: io.StringIO) -> None:
    mark = current.set("c-1")
    log_fields.bind(tenant="acme", case_id="escalation:acme:T-1", run_id="r", activity="mail_team", attempt=2)
    logging.getLogger("x").info("sent")
    current.reset(mark)
    said = json.loads(lines.getvalue())
    wanted = {"correlation_id": "c-1", "tenant": "acme", "case_id": "escalation:acme:T-1", "activity": "mail_team"}
    assert said.items() >= {**wanted, "attempt": 2}.items()


def test_what_the_sdk_knows_of_a_line_stands_in_our_fields(lines: io.StringIO) -> None:
    known = {"workflow_id": "playbook:t:p:1", "workflow_run_id": "r", "activity_type": "think", "attempt": 3}
    logging.getLogger("temporalio.activity").info("x", extra={"temporal_activity": {**known, "namespace": "default"}})
    said = json.loads(lines.getvalue())
    assert (said["case_id"], said["run_id"], said["activity"], said["attempt"]) == ("playbook:t:p:1", "r", "think", 3)
    assert "temporal_activity" not in said


def test_an_id_that_does_not_fit_is_not_taken_from_a_header() -> None:
    assert id_in(with_id({}, "fits-1")) == "fits-1"
    assert id_in(with_id({}, "two\nlines")) == ""
    assert id_in({}) == ""
    assert take("two\nlines") != "two\nlines"


def _gate() -> tuple[TracerProvider, InMemorySpanExporter]:
    inner, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(tracing._gated(inner, Redactor(["own-secret"], personal=True))))
    return provider, inner


@pytest.mark.parametrize("planted", [*PLANTED, "own-secret"])
def test_no_span_leaves_with_personal_data_in_any_part_of_it(planted: str) -> None:
    provider, inner = _gate()

    def ask() -> None:
        with provider.get_tracer("t").start_as_current_span(f"ask {planted}") as span:
            span.set_attribute("about", planted)
            span.set_attribute("all", [planted, "other"])
            span.add_event("seen", {"who": planted})
            raise ValueError(f"no such customer: {planted}")

    with pytest.raises(ValueError, match="no such"):
        ask()
    (sent,) = inner.get_finished_spans()
    assert planted not in sent.to_json()
    assert {event.attributes["exception.type"] for event in sent.events if event.attributes} == {"ValueError", ""}


def test_traces_are_off_until_an_address_is_set() -> None:
    assert tracing.start_tracing(load_settings(environ={}), "x") is None
    nothing_kept = {"SUREHAND_TRACING__ENDPOINT": "http://127.0.0.1:4318", "SUREHAND_TRACING__SAMPLE": "0"}
    assert tracing.start_tracing(load_settings(environ=nothing_kept), "x") is None


def test_the_standard_variables_count_where_ours_are_unset() -> None:
    standard = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.25",
    }
    taken = load_settings(environ=standard).tracing
    assert (taken.endpoint, taken.sample) == ("http://collector:4318", 0.25)
    assert tracing.headers_of(taken) == {"x-key": "a b"}
    ours = {**standard, "SUREHAND_TRACING__ENDPOINT": "http://ours:4318", "SUREHAND_TRACING__SAMPLE": "1"}
    assert load_settings(environ=ours).tracing.endpoint == "http://ours:4318"
    for off in ({"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}):
        assert load_settings(environ={**standard, **off}).tracing.endpoint is None
    assert load_settings(environ={**standard, "OTEL_TRACES_SAMPLER": "always_off"}).tracing.sample == 0


def test_a_header_of_the_collector_is_a_secret() -> None:
    settings = load_settings(environ={"SUREHAND_TRACING__HEADERS": "authorization=Bearer%20abcdefgh"})
    assert "authorization=Bearer%20abcdefgh" in settings.secret_values()
