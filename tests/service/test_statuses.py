"""Every status that the served description names is given by the service: each is provoked, for each operation."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.errors import VendorUnavailable
from domain.identity.principals import Role
from integrations.store.access.requests import RequestKey
from starters.service.access import guarded
from starters.service.access.rates import Rates
from starters.service.access.roles import ACCESS
from starters.service.http import bodies
from starters.service.inbox import asking
from starters.service.routes import health
from tests.service.raw import Client, head
from tests.service.service_world import ServiceWorld
from tests.service.test_access import BODIES, call
from tests.service.test_contract import HARD, ORDER, SIMPLE, incident, ticket, until

Operation = tuple[str, str]
UPLOAD = ("POST", "/api/v1/data/upload")
HEALTH = [("GET", "/health/live"), ("GET", "/health/ready")]
GUARDED = sorted(ACCESS)
POSTS = [one for one in GUARDED if one[0] == "POST"]
WITH_JSON = [one for one in POSTS if one != UPLOAD]
NAMES = {"case_id": "T-none", "query_id": "q", "name": "order-fulfilment", "session_id": "s", "job_id": "j"}
LATER = {"Prefer": "respond-async"}
JSON_TYPE = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Provoked:
    """What was answered, by operation and status."""

    def __init__(self, world: ServiceWorld) -> None:
        self.world = world
        self.answers: dict[tuple[str, str, int], Answer] = {}
        self.http = world.client()

    def note(self, operation: Operation, answer: Any, status: int) -> Any:
        found = answer if isinstance(answer, httpx.Response) else None
        code = found.status_code if found is not None else answer.status
        body = found.content if found is not None else answer.body
        assert code == status, f"{operation}: {code} {body!r}"
        headers = {name.lower(): value for name, value in answer.headers.items()}
        self.answers[(*operation, status)] = Answer(code, headers, body)
        return answer

    def say(self, method: str, path: str, status: int, **options: Any) -> Any:
        """A request of the table's operation `path`, whose names are given as `names`."""
        names = {**NAMES, **options.pop("names", {})}
        url = path.format(**names)
        if method == "POST" and not ({"json", "content", "files"} & options.keys()):
            options["json"] = BODIES[path]
        return self.note((method, path), self.http.request(method, url, **options), status)

    @contextmanager
    def with_(self, target: Any, name: str, value: Any) -> Iterator[None]:
        before = getattr(target, name)
        object.__setattr__(target, name, value)
        try:
            yield
        finally:
            object.__setattr__(target, name, before)


@pytest.fixture(scope="module")
def provoked(world: ServiceWorld) -> Provoked:
    found = Provoked(world)
    with found.http:
        for provoke in (
            refused_at_the_door, failed, broken_off, not_taken, in_flight, not_there, opened, listed, asked, said,
            decided, played, kept,
        ):  # fmt: skip
            provoke(found)
    return found


def documented(world: ServiceWorld) -> dict[tuple[str, str, int], dict[str, Any]]:
    with world.client(None) as http:
        paths = http.get("/openapi.json").json()["paths"]
    return {
        (method.upper(), path, int(status)): answer
        for path, methods in paths.items()
        for method, operation in methods.items()
        for status, answer in operation["responses"].items()
    }


def test_every_documented_status_is_given_and_no_other(world: ServiceWorld, provoked: Provoked) -> None:
    told = documented(world)
    missing = set(told) - set(provoked.answers)
    # These need an endpoint that is told something: `test_subscriptions` has one.
    assert sorted(one for one in missing if not (one[1].startswith("/api/v1/webhooks/") and one[2] == 200)) == []
    assert sorted(set(provoked.answers) - set(told)) == []


def test_every_refusal_has_the_one_shape(provoked: Provoked) -> None:
    refusals = {one: answer for one, answer in provoked.answers.items() if answer.status >= 400}
    assert len(refusals) > 300
    assert [one for one, answer in refusals.items() if not answer.body.startswith(b"{")] == []
    for one, answer in refusals.items():
        body = json.loads(answer.body)
        assert set(body) == {"detail", "error_type", "correlation_id", "timestamp"}, one
        assert body["correlation_id"] == answer.headers["x-correlation-id"], one
        assert answer.headers["content-type"] == "application/json", one
        assert answer.status not in (429, 503) or int(answer.headers["retry-after"]) > 0, one


def test_every_documented_header_of_its_own_is_there(world: ServiceWorld, provoked: Provoked) -> None:
    sometimes = {"Idempotent-Replayed", "Deprecation", "RateLimit", "RateLimit-Policy", "Retry-After"}
    for one, answer in documented(world).items():
        if one not in provoked.answers:
            continue  # told by the first test
        named = {name.lower() for name in set(answer.get("headers", {})) - sometimes}
        assert named <= set(provoked.answers[one].headers), one
        if one[2] == 202 and "Retry-After" in answer["headers"]:
            assert int(provoked.answers[one].headers["retry-after"]) > 0


# What every operation shares


def refused_at_the_door(to: Provoked) -> None:
    with to.world.client(None) as nobody:
        for operation in GUARDED:
            to.note(operation, call(nobody, *operation), 401)
    stranger = to.world.do(to.world.key(Role.ADMIN, tenant="nowhere"))
    with to.world.client(None, Authorization=f"Bearer {stranger}") as http:
        for operation in GUARDED:
            to.note(operation, call(http, *operation), 403)
    for method, path in GUARDED:
        options = {"files": {"file": ("x", b"x")}} if (method, path) == UPLOAD else {}
        to.say(method, path, 422, params={"unheard-of": "1"}, **options)
    with to.with_(to.world.services, "rates", Rates(to.world.services.store.allowed_requests, 1)):
        hasty = to.world.do(to.world.key(Role.ADMIN))
        with to.world.client(None, Authorization=f"Bearer {hasty}") as http:
            assert http.get("/api/v1/sessions").status_code == 200
            for operation in GUARDED:
                to.note(operation, call(http, *operation), 429)


def failed(to: Provoked) -> None:
    async def away(*_: Any) -> Any:
        raise VendorUnavailable("store", "connection", "The store does not answer: check that its database runs.")

    async def fault(*_: Any) -> Any:
        raise ZeroDivisionError

    with to.with_(to.world.services.store.keys, "find", away):
        for operation in GUARDED:
            to.note(operation, call(to.http, *operation), 503)
    with to.with_(guarded, "authenticated", fault):
        for operation in GUARDED:
            to.note(operation, call(to.http, *operation), 500)
    with to.with_(health, "_store", away):
        to.say(*HEALTH[1], 503)


def broken_off(to: Provoked) -> None:
    known = [("Authorization", f"Bearer {to.world.keys['person']}"), ("Content-Type", "application/json")]
    form = [known[0], ("Content-Type", "multipart/form-data; boundary=b")]

    async def stall(operation: Operation) -> Any:
        async with Client(to.world.url) as client:
            headers = [*(form if operation == UPLOAD else known), ("Content-Length", "100")]
            return await client.say(head("POST", operation[1].format(**NAMES), headers), b"--b")

    async def stammer(operation: Operation) -> Any:
        async with Client(to.world.url) as client:
            return await client.say(head("POST", operation[1].format(**NAMES), [*known, ("Content-Length", "many")]))

    async def all_at_once(work: Callable[[Operation], Any]) -> list[Any]:
        return await asyncio.gather(*(work(one) for one in POSTS))

    with to.with_(bodies.pieces_of, "__defaults__", (0.05,)):
        for operation, answer in zip(POSTS, asyncio.run(all_at_once(stall)), strict=True):
            to.note(operation, answer, 408)
    for operation, answer in zip(POSTS, asyncio.run(all_at_once(stammer)), strict=True):
        to.note(operation, answer, 400)


def not_taken(to: Provoked) -> None:
    large = b'{"x": "' + b"x" * to.world.settings.service.json_limit_bytes + b'"}'
    for method, path in WITH_JSON:
        to.say(method, path, 413, content=large, headers=JSON_TYPE)
        to.say(method, path, 415, content=b"x", headers={"Content-Type": "text/plain"})
    line = b"2026-11-20 ERROR x\n"
    to.say(*UPLOAD, 413, files={"file": ("x.log", line * 200_000, "text/plain")})
    to.say(*UPLOAD, 415, json={})


def in_flight(to: Provoked) -> None:
    requests = to.world.services.store.requests
    principal = f"key:{to.world.keys['person'].split('_')[1]}"
    digests: list[str] = []
    claim = requests.claim

    async def claimed_by_another(key: RequestKey, digest: str, lease: timedelta) -> Any:
        digests.append(digest)
        await claim(RequestKey("default", principal, key.key), digest, lease)
        return await claim(key, digest, lease)

    with to.with_(requests, "claim", claimed_by_another):
        for method, path in WITH_JSON:
            to.say(method, path, 409, headers={"Idempotency-Key": uuid.uuid4().hex})
    assert len(digests) == len(WITH_JSON)


def not_there(to: Provoked) -> None:
    nothing = {"names": {"name": "no-such", "case_id": "T-none"}}
    for method, path in GUARDED:
        if "{" in path:
            to.say(method, path, 404, **nothing)
    gone = {"session_id": "no-such"}
    to.say("POST", "/api/v1/cases", 404, json=incident(**gone))
    to.say("POST", "/api/v1/tickets", 404, json=ticket(**gone))
    to.say("POST", "/api/v1/incidents", 404, json={"title": "x", **gone})
    to.say("POST", "/api/v1/approvals/decisions", 404)
    event = {**BODIES["/api/v1/events"], "surehandrun": "no-such:run"}
    to.say("POST", "/api/v1/events", 404, json=event)
    to.say(*UPLOAD, 404, files={"file": ("x.log", b"line\n", "text/plain")}, data={"case_id": "T-none"})


# Each operation's own


def opened(to: Provoked) -> None:
    for path, body in (
        ("/api/v1/cases", {**incident(), "id": f"I-{uuid.uuid4().hex[:8]}"}),
        ("/api/v1/tickets", ticket(id=f"T-{uuid.uuid4().hex[:8]}")),
        ("/api/v1/incidents", {"title": "x", "id": f"I-{uuid.uuid4().hex[:8]}"}),
    ):
        to.say("POST", path, 201, json=body)
        to.say("POST", path, 200, json=body)
        later = to.say("POST", path, 202, json={**body, "id": uuid.uuid4().hex[:8]}, headers=LATER)
        until(lambda at=later.headers["location"]: to.http.get(at).status_code == 303)
    job = {"job_id": later.json()["job_id"]}
    to.say("GET", "/api/v1/jobs/{job_id}", 303, names=job)
    to.say("DELETE", "/api/v1/jobs/{job_id}", 409, names=job)
    with to.with_(to.world.services.store.inbox, "claim", nothing_to_do):
        waits = to.say("POST", "/api/v1/tickets", 202, json=ticket(id=uuid.uuid4().hex), headers=LATER).json()
        job = {"job_id": waits["job_id"]}
        to.say("GET", "/api/v1/jobs/{job_id}", 200, names=job)
        to.say("DELETE", "/api/v1/jobs/{job_id}", 204, names=job)


async def nothing_to_do(*_: Any) -> list[Any]:
    return []


def listed(to: Provoked) -> None:
    for method, path in GUARDED:
        if method == "GET" and "{" not in path:
            to.say(method, path, 200)
    for method, path in HEALTH:
        to.say(method, path, 200)
    case = {"case_id": to.http.post("/api/v1/cases", json=incident()).json()["case_id"]}
    for method, path in GUARDED:
        if method == "GET" and path.endswith(("{case_id}", "timeline", "conversation", "{case_id}/queries")):
            to.say(method, path, 200, names=case)
    to.say("GET", "/api/v1/playbooks/{name}", 200)


def asked(to: Provoked) -> None:
    queries = "/api/v1/cases/{case_id}/queries"
    one, result = f"{queries}/{{query_id}}", f"{queries}/{{query_id}}/result"
    case = to.http.post("/api/v1/cases", json=incident()).json()["case_id"]
    known = {"case_id": case}
    to.say("POST", queries, 201, names=known, json={"query": SIMPLE})
    taken = to.say("POST", queries, 202, names=known, json={"query": HARD})
    names = {**known, "query_id": taken.json()["query_id"]}
    until(lambda: to.http.get(one.format(**names)).status_code == 303)
    to.say("GET", one, 303, names=names)
    to.say("GET", result, 200, names=names)
    to.say("DELETE", one, 409, names=names)
    find = asking.find

    async def forgotten(*given: Any) -> Any:
        return asking.replace(await find(*given), answer=None)

    async def under_way(*given: Any) -> Any:
        return asking.replace(await find(*given), status="processing", answer=None)

    with to.with_(asking, "find", forgotten):
        to.say("GET", result, 410, names=names)
    with to.with_(asking, "find", under_way):
        to.say("GET", one, 200, names=names)
        to.say("GET", result, 409, names=names)
        to.say("DELETE", one, 204, names=names)


def said(to: Provoked) -> None:
    case = "/api/v1/cases/{case_id}"
    names = {"case_id": to.http.post("/api/v1/tickets", json=ticket(id=uuid.uuid4().hex)).json()["case_id"]}
    to.say("POST", f"{case}/messages", 200, names=names)
    to.say("POST", f"{case}/feedback", 200, names=names)
    names = {"case_id": to.http.post("/api/v1/cases", json=incident()).json()["case_id"]}
    reference = to.http.post("/api/v1/data/upload", files={"file": ("x.log", b"a line\n" * 9)}).json()["reference"]
    given = {"evidence": [{"reference": reference, "name": "x.log"}]}
    to.say("POST", "/api/v1/incidents/{case_id}/evidence", 200, names=names, json=given)
    to.say("POST", "/api/v1/incidents/{case_id}/tickets", 200, names=names)
    names = {"case_id": to.http.post("/api/v1/cases", json=incident()).json()["case_id"]}
    until(lambda: to.http.get(case.format(**names)).json()["status"] == "waiting_claim")
    to.say("POST", f"{case}/claim", 200, names=names)
    to.say("POST", f"{case}/reassign", 200, names=names)
    to.say("POST", f"{case}/resolve", 200, names=names)
    until(lambda: to.http.get(case.format(**names)).json()["status"] == "closed")
    line = {"file": ("x.log", b"another line\n" * 9)}
    to.say(*UPLOAD, 409, files=line, data={"case_id": names["case_id"]})


def decided(to: Provoked) -> None:
    asks = ticket(customer={"tier": "vip", "email": "vip@example.com"}, channel="email", id=uuid.uuid4().hex)
    case = to.http.post("/api/v1/tickets", json=asks).json()["case_id"]
    until(lambda: to.http.get(f"/api/v1/cases/{case}").json()["approvals"])
    every = to.http.get("/api/v1/approvals", params={"limit": 200}).json()["approvals"]
    open_ = next(one for one in every if one["case"] == case)
    word = {"case_id": case, "request_id": open_["request"], "digest": open_["digest"], "decision": "approve"}
    to.say("POST", "/api/v1/approvals/decisions", 200, json=word)


def played(to: Provoked) -> None:
    book = "/api/v1/playbooks/{name}"
    to.say("POST", f"{book}/dry-run", 200)
    run = {"input": ORDER, "key": f"S-{uuid.uuid4().hex[:6]}"}
    to.say("POST", f"{book}/runs", 201, json=run)
    to.say("POST", f"{book}/runs", 200, json=run)
    parked = to.http.post("/api/v1/playbooks/parks/runs", json={"key": uuid.uuid4().hex[:8]}).json()["case_id"]
    until(lambda: to.http.get(f"/api/v1/cases/{parked}").json()["parked"])
    step = to.http.get(f"/api/v1/cases/{parked}").json()["parked"][0]["step"]
    word = {"step": step, "action": "skip", "reason": "Nobody needs it."}
    taken = to.say("POST", "/api/v1/cases/{case_id}/unpark", 200, names={"case_id": parked}, json=word)
    assert taken.json()["taken"]
    until(lambda: not to.http.get(f"/api/v1/cases/{parked}").json()["parked"])


def kept(to: Provoked) -> None:
    to.say("POST", "/api/v1/events", 202)
    to.say("POST", "/api/v1/knowledge/search", 200)
    to.say(*UPLOAD, 201, files={"file": ("x.log", b"2026-11-20 ERROR x\n" * 9, "text/plain")})
    begun = to.say("POST", "/api/v1/sessions", 201)
    names = {"session_id": begun.json()["session_id"]}
    to.say("GET", "/api/v1/sessions/{session_id}", 200, names=names)
    to.say("DELETE", "/api/v1/sessions/{session_id}", 204, names=names)
