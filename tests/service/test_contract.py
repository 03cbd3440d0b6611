"""The contract: every way a case, a question and its answer can go, with status, headers and shape."""

from __future__ import annotations

import dataclasses
import json
import re
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from starters.service.contract.paging import numbers
from starters.service.inbox import asking
from starters.service.services import Services
from tests.service.service_world import LEAD, ServiceWorld

SIMPLE = "What is the status?"
HARD = (
    "Several services fail together since the deployment: checkout times out against payments, payments runs out of "
    "connections to its database, and the cluster loses nodes. What is the root cause of this cascading failure?"
)


ORDER = json.loads((Path(__file__).parents[2] / "starters/samples/playbooks/order.json").read_text("utf-8"))


def incident(**more: Any) -> dict[str, Any]:
    return {"kind": "incident", "title": "Checkout answers with errors", **more}


def ticket(**more: Any) -> dict[str, Any]:
    return {"subject": "My export is empty", "description": "Since Monday the CSV has no rows.", **more}


@pytest.fixture(scope="session")
def case(world: ServiceWorld) -> str:
    """An open incident."""
    with world.client() as client:
        opened = client.post("/api/v1/cases", json=incident())
        assert opened.status_code == 201, opened.text
        case_id: str = opened.json()["case_id"]
        return case_id


def is_refusal(answer: httpx.Response, status: int, error_type: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"detail", "error_type", "correlation_id", "timestamp"}
    assert body["correlation_id"] == answer.headers["x-correlation-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", body["timestamp"])
    assert isinstance(body["detail"], str)
    assert body["detail"]
    if error_type is not None:
        assert body["error_type"] == error_type


def eventually(http: httpx.Client, location: str, within_seconds: float = 30) -> httpx.Response:
    deadline = time.monotonic() + within_seconds
    while True:
        answer = http.get(location)
        if answer.status_code == 303 or time.monotonic() > deadline:
            return answer
        assert answer.status_code == 200, answer.text
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["status"] in ("pending", "processing")
        time.sleep(0.1)


# Opening


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "The request cannot be used: body.kind: it is needed."),
        ({"kind": "sk-secret"}, "The request cannot be used: body.kind: use one of ticket, incident."),
        ({"kind": 7}, "The request cannot be used: body.kind: use one of ticket, incident."),
    ],
)
def test_a_body_that_names_no_kind_is_told_so_and_its_words_are_not_repeated(
    http: httpx.Client, body: dict[str, Any], says: str
) -> None:
    answer = http.post("/api/v1/cases", json=body)
    is_refusal(answer, 422, "VALIDATION_ERROR")
    assert answer.json()["detail"] == says


def test_a_case_is_opened_by_the_kind_that_its_body_names(http: httpx.Client) -> None:
    for body, prefix in ((incident(), "incident:INC-"), ({"kind": "ticket", **ticket(subject=uuid.uuid4().hex)}, "T-")):
        opened = http.post("/api/v1/cases", json=body)
        assert opened.status_code == 201, opened.text
        case_id = opened.json()["case_id"]
        assert case_id.startswith(prefix)
        assert opened.headers["location"] == f"/api/v1/cases/{case_id}"
        shown = http.get(opened.headers["location"])
        assert shown.status_code == 200
        assert shown.json()["case_id"] == case_id
        assert shown.json()["kind"] == body["kind"]


def test_opening_a_ticket_again_joins_its_case(http: httpx.Client) -> None:
    named = ticket(id=f"TICK-{uuid.uuid4().hex[:8]}")
    assert http.post("/api/v1/tickets", json=named).status_code == 201
    again = http.post("/api/v1/tickets", json=named)
    assert again.status_code == 200
    assert again.json()["outcome"] == "known"
    joined = http.post("/api/v1/tickets", json={**named, "description": "And now the PDF is empty, too."})
    assert joined.json()["outcome"] == "joined"


def test_an_incident_takes_evidence_that_was_uploaded_before(http: httpx.Client) -> None:
    log = b"2026-11-20T14:02:00Z checkout ERROR connection refused to payments:443\n" * 50
    kept = http.post("/api/v1/data/upload", files={"file": ("checkout.log", log, "text/plain")})
    assert kept.status_code == 201, kept.text
    assert kept.json()["kind"] == "logs"
    evidence = {"reference": kept.json()["reference"], "name": "checkout.log"}
    opened = http.post("/api/v1/incidents", json={"title": "Checkout is down", "evidence": [evidence]})
    assert opened.status_code == 201, opened.text
    given = {"evidence": [{**evidence, "service": "checkout"}]}
    added = http.post(f"/api/v1/incidents/{opened.json()['case_id']}/evidence", json=given)
    assert added.status_code == 200, added.text


def test_evidence_of_nobody_is_refused(http: httpx.Client) -> None:
    unknown = {"reference": f"sha256:{'0' * 64}", "name": "x.log"}
    is_refusal(http.post("/api/v1/incidents", json={"title": "x", "evidence": [unknown]}), 404, "NOT_FOUND")


# Questions


def test_a_simple_question_is_answered_at_once(http: httpx.Client, case: str) -> None:
    answer = http.post(f"/api/v1/cases/{case}/queries", json={"query": SIMPLE, "priority": "high"})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["schema_version"] == "3.1.0"
    assert body["response_type"] == "ANSWER"
    assert body["content"]
    assert answer.headers["location"] == f"/api/v1/cases/{case}/queries/{body['query_id']}"
    looked = http.get(answer.headers["location"])
    assert looked.status_code == 303
    assert looked.headers["location"] == f"{answer.headers['location']}/result"
    assert http.get(looked.headers["location"]).json() == body


@pytest.fixture
def slow_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question is seen as under way at the first two looks: by rules, answers come within the same moment."""
    looked: dict[str, int] = {}
    find = asking.find

    async def late(services: Services, tenant: str, case: str, query_id: str) -> asking.Question:
        found = await find(services, tenant, case, query_id)
        looked[query_id] = looked.get(query_id, 0) + 1
        return dataclasses.replace(found, status="processing", answer=None) if looked[query_id] < 3 else found

    monkeypatch.setattr(asking, "find", late)


@pytest.mark.usefixtures("slow_answers")
def test_a_short_answer_that_is_not_there_yet_is_at_its_address(http: httpx.Client, case: str) -> None:
    asked = http.post(f"/api/v1/cases/{case}/queries", json={"query": SIMPLE}, headers={"Prefer": "wait=0"})
    assert (asked.status_code, asked.content) == (201, b"")
    location = asked.headers["location"]
    looked = http.get(location)
    assert (looked.status_code, looked.json()["status"]) == (200, "processing")
    assert looked.json()["progress_percentage"] == 50
    found = eventually(http, location)
    assert (found.status_code, found.content) == (303, b"")
    assert found.headers["location"] == f"{location}/result"
    assert http.get(found.headers["location"]).json()["content"]


@pytest.mark.usefixtures("slow_answers")
def test_the_result_of_a_question_under_way_is_not_there(http: httpx.Client, case: str) -> None:
    asked = http.post(f"/api/v1/cases/{case}/queries", json={"query": HARD})
    assert (asked.status_code, asked.json()["status"]) == (202, "pending")
    answer = http.get(f"{asked.headers['location']}/result")
    is_refusal(answer, 409, "NOT_COMPLETED")
    assert int(answer.headers["retry-after"]) > 0


def test_a_hard_question_is_taken_and_polled_to_its_result(http: httpx.Client, case: str) -> None:
    taken = http.post(f"/api/v1/cases/{case}/queries", json={"query": HARD})
    assert taken.status_code == 202, taken.text
    assert int(taken.headers["retry-after"]) > 0
    body = taken.json()
    assert set(body) >= {"query_id", "status", "progress_percentage", "last_updated_at"}
    assert taken.headers["location"] == f"/api/v1/cases/{case}/queries/{body['query_id']}"
    assert body["last_updated_at"].endswith("Z")
    found = eventually(http, taken.headers["location"])
    assert found.status_code == 303
    assert found.headers["location"] == f"{taken.headers['location']}/result"
    result = http.get(found.headers["location"])
    assert result.status_code == 200
    assert result.json()["content"]


def test_a_client_that_wants_no_waiting_is_not_kept(http: httpx.Client, case: str) -> None:
    taken = http.post(
        f"/api/v1/cases/{case}/queries", json={"query": "Is it over?"}, headers={"Prefer": "respond-async"}
    )
    assert taken.status_code == 202


def test_a_question_about_a_ticket_waits_for_people_and_is_answered_by_them(world: ServiceWorld) -> None:
    with world.client() as http:
        angry = ticket(
            subject="URGENT: production is down for everybody",
            description="Our whole production is down, we lose money every minute. We will sue you.",
            priority="critical",
            customer={"tier": "vip", "email": "vip@example.com"},
            channel="email",
        )
        opened = http.post("/api/v1/tickets", json=angry).json()["case_id"]
        path = f"/api/v1/cases/{opened}"
        until(lambda: http.get(path).json()["status"] == "waiting_claim")
        asked = http.post(f"{path}/queries", json={"query": SIMPLE}, headers={"Prefer": "wait=0"})
        assert asked.status_code == 202, asked.text
        location = asked.headers["location"]
        until(lambda: http.get(location).json()["status"] == "processing")
        is_refusal(http.get(f"{location}/result"), 409, "NOT_COMPLETED")
        assert http.post(f"{path}/claim", json={}).status_code == 200
        said = http.post(f"{path}/messages", json={"text": "It is up again.", "author": "me"})
        assert said.status_code == 200, said.text
        assert eventually(http, location).status_code == 303
        answer = http.get(f"{location}/result").json()
        assert (answer["content"], answer["answered_by"]) == ("It is up again.", LEAD)


def until(holds: Any, within_seconds: float = 120) -> None:
    deadline = time.monotonic() + within_seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_questions_are_listed_newest_first(http: httpx.Client, case: str) -> None:
    http.post(f"/api/v1/cases/{case}/queries", json={"query": SIMPLE})
    page = http.get(f"/api/v1/cases/{case}/queries", params={"limit": 1}).json()
    assert len(page["queries"]) == 1
    assert page["total"] >= 1
    assert page["has_more"] is (page["total"] > 1)


def test_nobody_knows_a_question_that_was_not_asked(http: httpx.Client, case: str) -> None:
    for path in (f"{case}/queries/{uuid.uuid4()}", f"{case}/queries/x/result", "TICK-none/queries/x", "a:b/queries/x"):
        is_refusal(http.get(f"/api/v1/cases/{path}"), 404, "NOT_FOUND")


def test_a_run_of_a_playbook_takes_no_questions(http: httpx.Client) -> None:
    run = http.post(
        "/api/v1/playbooks/order-fulfilment/runs", json={"input": ORDER, "key": f"R-{uuid.uuid4().hex[:6]}"}
    )
    assert run.status_code == 201, run.text
    is_refusal(http.post(f"/api/v1/cases/{run.json()['case_id']}/queries", json={"query": SIMPLE}), 409, "WRONG_KIND")


# Conversation


def test_the_conversation_has_the_canonical_shape(http: httpx.Client, case: str) -> None:
    http.post(f"/api/v1/cases/{case}/queries", json={"query": SIMPLE})
    page = http.get(f"/api/v1/cases/{case}/conversation")
    assert page.status_code == 200
    messages = page.json()["messages"]
    assert {message["role"] for message in messages} == {"user", "assistant"}
    for message in messages:
        assert set(message) == {"message_id", "role", "content", "created_at"}
        uuid.UUID(message["message_id"])
        assert message["created_at"].endswith("Z")
    times = [datetime.fromisoformat(message["created_at"]) for message in messages]
    assert times == sorted(times)
    assert [message["message_id"] for message in http.get(f"/api/v1/cases/{case}/conversation").json()["messages"]] == [
        message["message_id"] for message in messages
    ]


def test_a_conversation_comes_in_pages(http: httpx.Client, case: str) -> None:
    whole = http.get(f"/api/v1/cases/{case}/conversation").json()
    first = http.get(f"/api/v1/cases/{case}/conversation", params={"limit": 1}).json()
    second = http.get(f"/api/v1/cases/{case}/conversation", params={"limit": 1, "offset": 1}).json()
    assert first["messages"] + second["messages"] == whole["messages"][:2]
    assert first["has_more"]


# Priority


@pytest.mark.parametrize("priority", ["low", "medium", "high", "critical"])
def test_the_four_priorities_are_taken(http: httpx.Client, priority: str) -> None:
    opened = http.post("/api/v1/cases", json=incident(priority=priority))
    assert opened.status_code == 201
    assert "deprecation" not in opened.headers


def test_normal_is_taken_as_medium_and_called_out(http: httpx.Client) -> None:
    opened = http.post("/api/v1/cases", json=incident(priority="normal"))
    assert opened.status_code == 201
    assert opened.headers["deprecation"] == "true"
    assert http.get(opened.headers["location"]).json()["priority"] in ("medium", "high", "critical")


@pytest.mark.parametrize("priority", ["urgent", "NORMAL", "", 1, None.__class__.__name__, ["low"]])
def test_any_other_priority_is_refused(http: httpx.Client, priority: Any) -> None:
    answer = http.post("/api/v1/cases", json=incident(priority=priority))
    is_refusal(answer, 422, "VALIDATION_ERROR")
    assert "Invalid priority value" in answer.json()["detail"]


# Lists


def test_cases_come_in_pages_and_in_order(http: httpx.Client) -> None:
    for _ in range(3):
        http.post("/api/v1/cases", json=incident())
    until(lambda: http.get("/api/v1/cases").json()["total"] >= 3)
    page = http.get("/api/v1/cases", params={"limit": 2}).json()
    assert len(page["cases"]) == 2
    assert (page["limit"], page["offset"], page["has_more"]) == (2, 0, True)
    oldest_first = http.get("/api/v1/cases", params={"sort_order": "asc", "limit": 200}).json()["cases"]
    times = [row["created_at"] for row in oldest_first]
    assert times == sorted(times)
    everything, offset = [], 0
    while True:
        part = http.get("/api/v1/cases", params={"limit": 7, "offset": offset}).json()
        everything += [row["case_id"] for row in part["cases"]]
        offset += 7
        if not part["has_more"]:
            break
    assert len(everything) == len(set(everything)) == part["total"]


def test_a_page_that_ends_with_the_list_has_no_more_behind_it() -> None:
    assert [numbers(5, 2, offset, 2)["has_more"] for offset in (0, 2, 3)] == [True, True, False]


def test_a_list_is_sorted_by_priority_as_the_words_mean_it(http: httpx.Client) -> None:
    for priority in ("high", "critical", "high"):
        http.post("/api/v1/cases", json=incident(priority=priority))
    rank = {None: 0, "low": 1, "medium": 2, "high": 3, "urgent": 4, "critical": 5}

    def ranks() -> list[int]:
        page = http.get("/api/v1/incidents", params={"sort_by": "priority", "limit": 200}).json()
        return [rank[row["priority"]] for row in page["cases"]]

    until(lambda: {3, 5} <= set(ranks()))
    seen = ranks()
    assert seen == sorted(seen, reverse=True)


def test_a_list_of_one_kind_holds_no_other(http: httpx.Client) -> None:
    http.post("/api/v1/tickets", json=ticket())
    until(lambda: http.get("/api/v1/tickets").json()["total"] > 0)
    assert {row["kind"] for row in http.get("/api/v1/tickets").json()["cases"]} == {"ticket"}
    assert {row["kind"] for row in http.get("/api/v1/incidents").json()["cases"]} == {"incident"}
    assert {row["kind"] for row in http.get("/api/v1/cases", params={"kind": "incident"}).json()["cases"]} == {
        "incident"
    }


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "offset=-1", "sort_by=tenant", "sort_order=up", "statu=closed",
     "limit=1&limit=2", "status=x%27%20OR%20WorkflowId%20STARTS_WITH%20%27e"],
)  # fmt: skip
def test_a_list_that_is_asked_for_wrongly_is_refused(http: httpx.Client, query: str) -> None:
    is_refusal(http.get(f"/api/v1/cases?{query}"), 422, "VALIDATION_ERROR")


# What people do


def test_a_handed_over_incident_is_claimed_and_closed_by_the_person_of_the_key(http: httpx.Client) -> None:
    opened = http.post("/api/v1/cases", json=incident()).json()["case_id"]
    path = f"/api/v1/cases/{opened}"
    until(lambda: http.get(path).json()["status"] == "waiting_claim")
    claimed = http.post(f"{path}/claim", json={})
    assert claimed.status_code == 200, claimed.text
    assert http.get(path).json()["claimed_by"] == LEAD
    closed = http.post(f"{path}/resolve", json={"resolution": "A node was full; it has room again."})
    assert closed.status_code == 200, closed.text
    until(lambda: http.get(path).json()["status"] == "closed")
    late = http.post(f"{path}/queries", json={"query": SIMPLE})
    is_refusal(late, 409, "CONFLICT")
    assert http.get(f"{path}/timeline").json()["entries"][0]["text"] == "Incident reported"


def test_a_customers_message_and_judgement_reach_the_ticket(http: httpx.Client) -> None:
    opened = http.post("/api/v1/tickets", json=ticket(id=f"TICK-{uuid.uuid4().hex[:8]}")).json()["case_id"]
    path = f"/api/v1/cases/{opened}"
    said = http.post(f"{path}/messages", json={"text": "It is still empty.", "message_id": "m-1"})
    assert said.status_code == 200, said.text
    again = http.post(f"{path}/messages", json={"text": "It is still empty.", "message_id": "m-1"})
    assert again.json() == said.json()
    assert http.post(f"{path}/feedback", json={"rating": 4}).status_code == 200
    is_refusal(http.post(f"{path}/feedback", json={}), 409, "CONFLICT")
    is_refusal(http.post(f"{path}/feedback", json={"rating": 6}), 422)
    words = [one["content"] for one in http.get(f"{path}/conversation").json()["messages"]]
    assert words.count("It is still empty.") == 1


def test_playbooks_are_listed_shown_and_rehearsed(http: httpx.Client) -> None:
    page = http.get("/api/v1/playbooks", params={"limit": 200}).json()
    names = {row["name"] for row in page["playbooks"]}
    assert "order-fulfilment" in names
    shown = http.get("/api/v1/playbooks/order-fulfilment").json()
    assert shown["definition"]["document"]["name"] == "order-fulfilment"
    plan = http.post("/api/v1/playbooks/order-fulfilment/dry-run", json={"input": ORDER})
    assert plan.status_code == 200, plan.text
    assert plan.json()["steps"]
    is_refusal(http.get("/api/v1/playbooks/no-such"), 404)
    is_refusal(http.get("/api/v1/playbooks/order-fulfilment", params={"version": "99"}), 404)


def test_knowledge_is_searched(http: httpx.Client) -> None:
    found = http.post("/api/v1/knowledge/search", json={"query": "no space left on device", "limit": 3})
    assert found.status_code == 200
    assert found.json()["results"][0]["reference"] == "signature:disk-full"


def test_a_session_is_its_own_keys_and_ends(world: ServiceWorld, http: httpx.Client) -> None:
    begun = http.post("/api/v1/sessions", json={})
    assert begun.status_code == 201
    path = begun.headers["location"]
    assert http.get(path).json()["session_id"] == begun.json()["session_id"]
    with world.client("agent") as stranger:
        is_refusal(stranger.get(path), 404)
        with_it = incident(session_id=begun.json()["session_id"])
        is_refusal(stranger.post("/api/v1/cases", json=with_it), 404)
    assert http.post("/api/v1/cases", json=with_it).status_code == 201
    assert http.get("/api/v1/sessions").json()["total"] >= 1
    assert http.delete(path).status_code == 204
    is_refusal(http.get(path), 404)


# Health, headers, description


def test_health_says_whether_it_lives_and_whether_it_can_work(world: ServiceWorld) -> None:
    with world.client(None) as nobody:
        assert nobody.get("/health/live").json()["status"] == "ok"
        assert nobody.get("/health/ready").json()["checks"] == {"temporal": "ok", "store": "ok"}


def test_metrics_count_requests_by_route(world: ServiceWorld, http: httpx.Client) -> None:
    http.get("/api/v1/cases/no-such-case")
    text = http.get("/metrics").text
    assert 'surehand_http_requests_total{method="GET",route="/api/v1/cases/{case_id}",status="404"}' in text
    assert "no-such-case" not in text


def test_the_correlation_id_is_taken_or_made_and_kept_in_the_workflow(world: ServiceWorld, http: httpx.Client) -> None:
    opened = http.post("/api/v1/cases", json=incident(), headers={"X-Correlation-ID": "deploy-42.a_b"})
    assert opened.headers["x-correlation-id"] == "deploy-42.a_b"

    async def memo() -> Any:
        return await (await world.services.cases.handle("default", opened.json()["case_id"]).describe()).memo()

    assert world.do(memo())["correlation_id"] == "deploy-42.a_b"
    for odd in ("a b", "x" * 129, "<script>", ""):
        made = http.get("/health/live", headers={"X-Correlation-ID": odd}).headers["x-correlation-id"]
        assert uuid.UUID(made)


def test_every_answer_carries_security_headers(world: ServiceWorld, http: httpx.Client) -> None:
    for path in ("/health/live", "/api/v1/cases", "/nothing", "/openapi.json", "/docs"):
        headers = http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


def test_what_is_not_there_is_refused_in_shape(http: httpx.Client) -> None:
    is_refusal(http.get("/nothing"), 404, "NOT_FOUND")
    is_refusal(http.get("/docs"), 404)
    is_refusal(http.get("/api/v1/cases/"), 404)
    answer = http.put("/api/v1/cases")
    is_refusal(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD, POST"
