"""Where traces fail and wait, from three formats."""

# ruff: noqa: E501 - spans stand here as exporters write them

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from integrations.evidence.documents import Unreadable
from integrations.evidence.spans import read_spans
from integrations.evidence.traces import analyse_spans
from tests.unit.evidence.shelf import Shelf

START = 1_790_000_000
SERVICES = ("web", "orders", "payments")


def spans(
    traces: int = 120, *, broken_from: int = 10**9, slow_from: int = 10**9, seed: int = 1
) -> list[dict[str, Any]]:
    """web calls orders, orders calls payments, payments calls a database that sends no spans."""
    rng, made = random.Random(seed), []
    for at in range(traces):
        begin, own = START + 10 * at, rng.uniform(0.02, 0.03)
        waits = rng.uniform(0.01, 0.015) * (20 if at >= slow_from else 1)
        failed, parent, seconds = at >= broken_from, None, own * 4 + waits
        for depth, service in enumerate(SERVICES):
            made.append({"trace": f"t{at}", "id": f"{at}-{depth}", "parent": parent, "service": service, "kind": "server",
                         "start": begin + depth * own, "seconds": seconds - depth * own, "error": failed, "message": ""})  # fmt: skip
            parent = f"{at}-{depth}"
        made.append({"trace": f"t{at}", "id": f"{at}-db", "parent": parent, "service": "payments", "kind": "client",
                     "start": begin + 3 * own, "seconds": waits, "error": failed, "peer": "ledger-db",
                     "message": f"connection refused by 10.1.2.{at % 200}:5432" if failed else ""})  # fmt: skip
    return made


def opentelemetry(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": one["service"]}}]},
            "scopeSpans": [{"spans": [{
                "traceId": one["trace"], "spanId": one["id"], "parentSpanId": one["parent"] or "", "name": "call",
                "kind": 3 if one["kind"] == "client" else "SPAN_KIND_SERVER",
                "startTimeUnixNano": str(int(one["start"] * 1e9)), "endTimeUnixNano": str(int((one["start"] + one["seconds"]) * 1e9)),
                "status": {"code": 2 if one["error"] else 0, "message": one["message"]},
                "attributes": [{"key": "server.address", "value": {"stringValue": one["peer"]}}] if "peer" in one else [],
            }]}],
        }]}
        for one in made
    ]  # fmt: skip


def jaeger(made: list[dict[str, Any]]) -> dict[str, Any]:
    def tags(one: dict[str, Any]) -> list[dict[str, Any]]:
        given = {"error": one["error"], "span.kind": one["kind"], "otel.status_description": one["message"]}
        return [{"key": key, "value": value} for key, value in {**given, "peer.service": one.get("peer", "")}.items()]

    return {"data": [{
        "traceID": "t", "processes": {name: {"serviceName": name} for name in SERVICES},
        "spans": [{"traceID": one["trace"], "spanID": one["id"], "operationName": "call", "processID": one["service"],
                   "references": [{"refType": "CHILD_OF", "spanID": one["parent"]}] if one["parent"] else [],
                   "startTime": one["start"] * 1e6, "duration": one["seconds"] * 1e6, "tags": tags(one)} for one in made],
    }]}  # fmt: skip


def zipkin(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"traceId": one["trace"], "id": one["id"], "parentId": one["parent"], "name": "call", "kind": one["kind"].upper(),
         "timestamp": one["start"] * 1e6, "duration": one["seconds"] * 1e6, "localEndpoint": {"serviceName": one["service"]},
         "remoteEndpoint": {"serviceName": one.get("peer")}, "tags": {"error": one["message"] or "failed"} if one["error"] else {}}
        for one in made
    ]  # fmt: skip


def judged(text: str) -> Any:
    return analyse_spans([("traces.json", read_spans(text, service=None)[0])])


def in_every_format(made: list[dict[str, Any]]) -> list[str]:
    lines = opentelemetry(made)
    return [
        json.dumps({"resourceSpans": [part for one in lines for part in one["resourceSpans"]]}),
        "\n".join(json.dumps(one) for one in lines),
        json.dumps(jaeger(made)),
        json.dumps(zipkin(made)),
    ]


def test_an_error_is_told_where_it_begins_and_whom_it_reaches() -> None:
    for text in in_every_format(spans(broken_from=80)):
        found = judged(text)
        (error,) = found.findings
        assert (error.sign, error.service, error.about) == ("unreachable", "payments", "ledger-db")
        assert "orders" in error.text
        assert "web" in error.text
        assert "10.1.2." not in error.text
        assert error.at is not None
        assert abs(error.at.timestamp() - START - 800) < 1
        assert error.numbers["count"] == 40
        assert set(found.calls) == {("web", "orders"), ("orders", "payments"), ("payments", "ledger-db")}


def test_waiting_for_one_who_sends_no_spans_blames_him_and_not_those_above() -> None:
    for text in in_every_format(spans(slow_from=70)):
        (slow,) = judged(text).findings
        assert (slow.sign, slow.service, slow.about) == ("latency", "payments", "ledger-db")
        assert slow.at is not None
        assert abs(slow.at.timestamp() - START - 700) <= 30
        assert 10 < slow.numbers["ratio"] < 30


def test_traces_that_are_well_give_the_calls_and_no_finding() -> None:
    found = judged(in_every_format(spans())[0])
    assert found.findings == ()
    assert "became slower" in found.summary
    assert set(found.services) == set(SERVICES)


def test_a_circle_of_parents_and_spans_from_the_far_future_end() -> None:
    made = spans(30, broken_from=0)
    made[0]["parent"] = made[2]["id"]
    made[5]["start"] = 9e9
    assert judged(json.dumps(zipkin(made))).findings


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "{}",
        "[]",
        '{"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}',
        "[" * 90_000,
        '{"data": [[[[[[1]]]]]]}',
    ],
)
def test_what_holds_no_spans_is_refused_in_one_sentence(text: str) -> None:  # fmt: skip
    with pytest.raises(Unreadable, match=r"\.$"):
        read_spans(text, service=None)


async def test_the_tool_gives_findings_and_calls(shelf: Shelf) -> None:
    output = await shelf.ask(
        "traces.analyse", shelf.put(in_every_format(spans(broken_from=80))[0], "t.json"), shelf.put("x", "x")
    )
    assert output["findings"][0]["about"] == "ledger-db"
    assert ["orders", "payments"] in output["calls"]
    assert "x: It is no JSON" in output["summary"]
