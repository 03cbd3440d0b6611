"""Requests with an `Idempotency-Key`: one of many is carried out, all get its answer; on both databases."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from domain.identity.principals import Answered
from integrations.store.access.requests import RequestKey
from starters.service.contract import idempotency
from tests.postgres import PostgresServer
from tests.service.raw import Client, Said, head
from tests.service.service_world import ServiceWorld
from tests.service.test_contract import incident, is_refusal, until

MANY = 1_000
FEWER = 250
"""On the second database: what decides there is the same unique index."""
CONNECTIONS = 50
LEASE = timedelta(seconds=60)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceWorld]:
    """A service without a worker, on either database."""
    if request.param == "sqlite":
        with ServiceWorld(tmp_path_factory.mktemp("repeats"), with_worker=False) as world:
            yield world
        return
    with (
        PostgresServer() as server,
        ServiceWorld(tmp_path_factory.mktemp("repeats"), store_url=server.url(), with_worker=False) as world,
    ):
        yield world


async def test_a_thousand_posts_with_one_key_open_one_case_and_get_one_answer(either: ServiceWorld) -> None:
    body = json.dumps(incident(title="A thousand times")).encode()
    request = head(
        "POST",
        "/api/v1/cases",
        [
            ("Authorization", f"Bearer {either.keys['person']}"),
            ("Idempotency-Key", f"key-{uuid.uuid4()}"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
        ],
    )
    many = MANY if either.services.store.database.is_sqlite else FEWER

    async def post(times: int) -> list[Said]:
        """All of them are on their way before the first answer is read."""
        answers: list[Said] = []
        async with Client(either.url) as client:
            while len(answers) < times:
                left = times - len(answers)
                await client.send((request + body) * left)
                heard = [await client.hear() for _ in range(left)]
                answers += [answer for answer in heard if answer.status != 409]
                early = [answer for answer in heard if answer.status == 409]
                assert {json.loads(answer.body)["error_type"] for answer in early} <= {"REQUEST_IN_FLIGHT"}
                if early:
                    await asyncio.sleep(int(early[0].headers["retry-after"]))
        return answers

    shares = await asyncio.gather(*(post(many // CONNECTIONS) for _ in range(CONNECTIONS)))
    answers = [answer for share in shares for answer in share]
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert Counter(answer.headers.get("idempotent-replayed") for answer in answers) == {None: 1, "true": many - 1}
    until(lambda: opened_in(either) > 0)
    assert opened_in(either) == 1


def opened_in(world: ServiceWorld) -> int:
    async def count() -> int:
        return (await world.services.client.count_workflows("SurehandKind = 'troubleshooting'")).count

    return world.do(count())


def test_another_body_under_the_same_key_is_refused(either: ServiceWorld) -> None:
    with either.client(**{"Idempotency-Key": f"key-{uuid.uuid4()}"}) as http:
        first = http.post("/api/v1/sessions", json={})
        assert first.status_code == 201
        assert http.post("/api/v1/sessions", json={}).headers["location"] == first.headers["location"]
        is_refusal(http.post("/api/v1/cases", json={}), 422, "IDEMPOTENCY_KEY_REUSED")
        other = http.post("/api/v1/sessions", json={"session_type": "support"})
        is_refusal(other, 422, "IDEMPOTENCY_KEY_REUSED")
        is_refusal(http.post("/api/v1/cases", json=incident()), 422, "IDEMPOTENCY_KEY_REUSED")


def test_another_principal_has_keys_of_its_own(either: ServiceWorld) -> None:
    key = {"Idempotency-Key": "the-same-for-both"}
    with (
        either.client("person", **key) as one,
        either.client("agent", **key) as two,
        either.client("other", **key) as x,
    ):
        made = {client.post("/api/v1/sessions", json={}).json()["session_id"] for client in (one, two, x)}
    assert len(made) == 3


def test_a_refusal_is_given_again_like_any_answer(either: ServiceWorld) -> None:
    with either.client(**{"Idempotency-Key": f"key-{uuid.uuid4()}"}) as http:
        first = http.post("/api/v1/cases", json=incident(priority="soon"))
        is_refusal(first, 422, "VALIDATION_ERROR")
        again = http.post("/api/v1/cases", json=incident(priority="soon"))
        assert again.content == first.content
        assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é".encode()], ids=["empty", "space", "long", "odd"])
def test_a_key_that_cannot_be_used_is_refused(either: ServiceWorld, key: str | bytes) -> None:
    with either.client() as http:
        answer = http.post("/api/v1/sessions", json={}, headers={"Idempotency-Key": key})
        is_refusal(answer, 422, "VALIDATION_ERROR")


async def test_a_first_request_that_died_does_not_keep_the_key(either: ServiceWorld) -> None:
    key, body = f"key-{uuid.uuid4()}", b'{"session_type":"support"}'
    principal = f"key:{either.keys['person'].split('_')[1]}"
    request = httpx.Request("POST", f"{either.url}/api/v1/sessions", content=body)
    digest = _digest(request)
    row = RequestKey("default", principal, key)
    requests = either.services.store.requests
    dead = either.do(requests.claim(row, digest, timedelta(seconds=2)))
    assert dead.mark is not None
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    with either.client() as http:
        early = http.post("/api/v1/sessions", content=body, headers=headers)
        is_refusal(early, 409, "REQUEST_IN_FLIGHT")
        deadline = datetime.now(UTC) + timedelta(seconds=20)
        while (late := http.post("/api/v1/sessions", content=body, headers=headers)).status_code == 409:
            assert datetime.now(UTC) < deadline
            await asyncio.sleep(0.2)
        assert late.status_code == 201
        # The dead one comes back to life: its answer counts no more.
        assert not either.do(requests.record(row, dead.mark, Answered(status=201, headers={}, body=b"late")))
        assert http.post("/api/v1/sessions", content=body, headers=headers).content == late.content


def _digest(request: httpx.Request) -> str:
    class Url:
        path, query = request.url.path, ""

    class Seen:
        method, url = request.method, Url

    return idempotency._digest(Seen, request.content)  # type: ignore[arg-type]


def test_what_could_not_be_done_is_tried_anew(either: ServiceWorld) -> None:
    """There is no worker here, so a question finds nobody: the key stays free."""
    with either.client() as http:
        opened = http.post("/api/v1/cases", json=incident()).json()["case_id"]
        either.services.cases._patience = either.services.incidents._patience = timedelta(seconds=0.3)
        for _ in range(2):
            asked = http.post(
                f"/api/v1/cases/{opened}/queries", json={"query": "Is it over?"}, headers={"Idempotency-Key": "again"}
            )
            is_refusal(asked, 503, "UNAVAILABLE")
            assert int(asked.headers["retry-after"]) > 0
            assert "idempotent-replayed" not in asked.headers


async def test_old_answers_are_forgotten(either: ServiceWorld) -> None:
    store = either.services.store
    row = RequestKey("default", "key:x", "old")
    claimed = either.do(store.requests.claim(row, "d", LEASE))
    assert claimed.mark is not None
    assert either.do(store.requests.record(row, claimed.mark, Answered(status=200, headers={}, body=b"x")))
    either.do(idempotency.forget_old(store.requests, 1))
    assert either.do(store.requests.claim(row, "d", LEASE)).answered is not None
    either.do(store.requests.forget_before(datetime.now(UTC) + timedelta(seconds=1)))
    assert either.do(store.requests.claim(row, "d", LEASE)).mark is not None
