"""What is accepted before it is done, how often one may ask, and what other origins and other methods get."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.identity.principals import Principal, Role
from integrations.store.access.allowed_requests import SqlAllowedRequests
from integrations.store.store import SqlStore
from runtime.settings.environment import load_settings
from runtime.temporal.dev_server import free_port
from starters.service.access import keys
from starters.service.access.rates import Rates
from starters.service.app import build
from starters.service.http.errors import Problem
from starters.service.inbox import asking
from starters.service.services import open_services
from tests.service.raw import Client, head
from tests.service.service_world import ServiceWorld
from tests.service.test_contract import SIMPLE, incident, is_refusal, ticket, until

LATER = {"Prefer": "respond-async"}
DESK = "https://desk.example.com"


def test_an_accepted_case_is_followed_to_where_it_is_open(http: httpx.Client) -> None:
    named = ticket(id=f"TICK-{uuid.uuid4().hex[:8]}")
    taken = http.post("/api/v1/tickets", json=named, headers={**LATER, "X-Correlation-ID": "desk-7"})
    assert taken.status_code == 202, taken.text
    assert taken.json()["status"] == "pending"
    assert int(taken.headers["retry-after"]) > 0
    location = taken.headers["location"]
    until(lambda: http.get(location).status_code == 303)
    case = http.get(location).headers["location"]
    until(lambda: http.get(case).status_code == 200)
    assert http.get(case).json()["title"] == named["subject"]
    assert http.post("/api/v1/tickets", json=named).json()["outcome"] == "known"


def test_a_repeat_of_an_accepted_case_gets_the_same_answer_and_opens_nothing_more(http: httpx.Client) -> None:
    again = {**LATER, "Idempotency-Key": uuid.uuid4().hex}
    body = incident(title="Accepted once")
    first, second = (http.post("/api/v1/cases", json=body, headers=again) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.content == second.content
    assert first.headers["location"] == second.headers["location"]
    assert second.headers["idempotent-replayed"] == "true"
    is_refusal(http.post("/api/v1/cases", json=incident(), headers=again), 422, "IDEMPOTENCY_KEY_REUSED")


def test_what_is_wrong_with_a_case_is_said_before_it_is_accepted(http: httpx.Client) -> None:
    unknown = {"reference": f"sha256:{'0' * 64}", "name": "x.log"}
    is_refusal(http.post("/api/v1/incidents", json={"title": "x", "evidence": [unknown]}, headers=LATER), 404)
    is_refusal(http.post("/api/v1/tickets", json={"subject": " "}, headers=LATER), 422)
    is_refusal(
        http.post("/api/v1/incidents", json={"description": "Help!"}, headers=LATER), 422, "INSUFFICIENT_CONTEXT"
    )


async def test_a_case_is_accepted_while_temporal_is_away_and_may_be_taken_back(tmp_path: Path) -> None:
    variables = {"SUREHAND_TEMPORAL__ADDRESS": f"127.0.0.1:{free_port()}", "SUREHAND_DATA_DIR": str(tmp_path)}
    async with open_services(load_settings(environ=variables)) as services:
        _, key = await keys.make(
            services.store.keys, tenant="default", name="x", roles=[Role.ADMIN], now=datetime.now(UTC)
        )
        inside = httpx.ASGITransport(app=build(services))
        known = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(transport=inside, base_url="http://service", headers=known, timeout=60) as http:
            taken = await http.post("/api/v1/cases", json=incident(), headers=LATER)
            assert taken.status_code == 202, taken.text
            location = taken.headers["location"]
            assert (await http.get(location)).json()["status"] == "pending"
            assert await services.store.inbox.waiting() == 1
            assert (await http.delete(location)).status_code == 204
            assert (await http.delete(location)).status_code == 204
            assert (await http.get(location)).json()["status"] == "cancelled"
            assert await services.store.inbox.waiting() == 0


def test_a_title_that_is_missing_is_made_of_the_description(http: httpx.Client) -> None:
    told = "Hi team, checkout answers with errors since the deployment. Please look."
    opened = http.post("/api/v1/incidents", json={"description": told})
    assert opened.status_code == 201, opened.text
    shown = http.get(opened.headers["location"]).json()
    assert shown["title"] == "checkout answers with errors since the deployment"
    is_refusal(http.post("/api/v1/tickets", json={"description": "Hello!"}), 422, "INSUFFICIENT_CONTEXT")


def test_a_withdrawn_question_is_cancelled_and_its_answer_is_shown_to_nobody(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = http.post("/api/v1/cases", json=incident()).json()["case_id"]
    asked = http.post(f"/api/v1/cases/{case}/queries", json={"query": SIMPLE}).headers["location"]
    is_refusal(http.delete(asked), 409, "CONFLICT")
    known = asking._known_to

    async def unanswered(*given: Any) -> Any:
        return [asking.replace(one, status="processing", answer=None) for one in await known(*given)]

    with monkeypatch.context() as patched:
        patched.setattr(asking, "_known_to", unanswered)
        assert http.delete(asked).status_code == 204
    looked = http.get(asked)
    assert (looked.status_code, looked.json()["status"]) == (200, "cancelled")
    is_refusal(http.get(f"{asked}/result"), 409, "NOT_COMPLETED")
    listed = http.get(f"/api/v1/cases/{case}/queries").json()["queries"]
    assert [one["status"] for one in listed] == ["cancelled"]
    assert http.delete(asked).status_code == 204


# How often


async def admitted(rates: Rates, who: Principal, times: int) -> int:
    found: list[Problem | dict[str, str]] = []
    for _ in range(times):
        try:
            found.append(await rates.admit(who))
        except Problem as problem:
            found.append(problem)
    refused = [one for one in found if isinstance(one, Problem)]
    assert all(one.status == 429 and int(one.headers["Retry-After"]) > 0 for one in refused)
    return len(found) - len(refused)


async def test_replicas_together_let_through_what_is_allowed_and_no_more(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path}/s.db")
    replicas = [Rates(SqlAllowedRequests(store.database), 60) for _ in range(3)]
    one, other = (Principal(principal_id=name, tenant="default") for name in ("key:a", "key:b"))
    let_through = await asyncio.gather(*(admitted(rates, one, 40) for rates in replicas))
    assert sum(let_through) == 60
    assert await admitted(replicas[0], other, 5) == 5
    await store.close()


async def test_a_new_minute_begins_anew(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path}/s.db")
    now, lasts = datetime.now(UTC), timedelta(minutes=1)

    async def take(at: datetime, wanted: int) -> int:
        given = await store.allowed_requests.take("t", "p", limit=10, wanted=wanted, lasts=lasts, now=at)
        return given.given

    assert [await take(now, 4) for _ in range(4)] == [4, 4, 2, 0]
    assert await take(now + lasts, 4) == 4
    assert await store.allowed_requests.forget_before(now + lasts * 3) == 1
    await store.close()


def test_answers_say_how_many_requests_are_left(http: httpx.Client) -> None:
    first, second = (http.get("/api/v1/sessions").headers for _ in range(2))
    assert first["ratelimit-policy"] == '"principal";q=6000;w=60'
    left = [int(one["ratelimit"].split("r=")[1].split(";")[0]) for one in (first, second)]
    assert left[1] < left[0] or left[1] > 5_000


# Other origins and other methods


def preflight(http: httpx.Client, origin: str) -> httpx.Response:
    asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return http.request("OPTIONS", "/api/v1/cases", headers=asks)


async def test_only_listed_origins_may_ask_from_a_page(tmp_path: Path) -> None:
    variables = {
        "SUREHAND_TEMPORAL__ADDRESS": f"127.0.0.1:{free_port()}",
        "SUREHAND_DATA_DIR": str(tmp_path),
        "SUREHAND_SERVICE__CORS_ORIGINS": f"{DESK}, chrome-extension://abcdef",
    }
    async with open_services(load_settings(environ=variables)) as services:
        inside = httpx.ASGITransport(app=build(services))
        async with httpx.AsyncClient(transport=inside, base_url="http://service") as http:
            for origin, allowed in ((DESK, DESK), ("https://evil.example", None), ("null", None)):
                asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
                asked = await http.request("OPTIONS", "/api/v1/cases", headers=asks)
                assert asked.status_code == (204 if allowed else 405)
                refused = await http.get("/api/v1/cases", headers={"Origin": origin})
                for answer in (asked, refused):
                    assert answer.headers.get("access-control-allow-origin") == allowed
                    assert "access-control-allow-credentials" not in answer.headers
                    assert "Origin" in answer.headers["vary"]
                is_refusal(refused, 401, "UNAUTHENTICATED")


def test_no_origin_is_listed_at_first(http: httpx.Client) -> None:
    asked = preflight(http, DESK)
    is_refusal(asked, 405, "METHOD_NOT_ALLOWED")
    assert not [name for name in asked.headers if name.startswith("access-control")]


def test_head_is_answered_as_get_is_without_the_body(http: httpx.Client) -> None:
    for path in ("/health/live", "/api/v1/sessions", "/openapi.json", "/api/v1/cases/T-none"):
        asked, got = http.head(path), http.get(path)
        assert asked.status_code == got.status_code
        assert asked.content == b""
        assert asked.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_a_method_that_a_path_does_not_take_is_refused_in_shape(http: httpx.Client, method: str) -> None:
    for path, allowed in (("/api/v1/cases", "GET, HEAD, POST"), ("/api/v1/data/upload", "POST")):
        answer = http.request(method, path)
        is_refusal(answer, 405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"] == allowed


async def test_what_is_no_request_at_all_is_refused_in_shape(world: ServiceWorld) -> None:
    many = [(f"X-{number}", "v" * 50) for number in range(3_000)]
    for sent in (b"nonsense\r\n\r\n", head("GET", "/health/live", [("Content-Length", "-1")]), head("GET", "/", many)):
        async with Client(world.url) as client:
            said = await client.say(sent)
        answer = httpx.Response(said.status, headers=said.headers, content=said.body)
        is_refusal(answer, 400, "BAD_REQUEST")
        assert answer.headers["x-content-type-options"] == "nosniff"
