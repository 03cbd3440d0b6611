"""Who may do what, made from the table of access: no key, a forged token, a missing role, another tenant."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi.routing import APIRoute

from domain.identity.principals import Role
from starters.service import app
from starters.service.access import keys
from starters.service.access.roles import ACCESS, PUBLIC
from tests.service.service_world import AUDIENCE, ISSUER, LEAD, ServiceWorld
from tests.service.test_contract import ORDER, incident, is_refusal, ticket, until

EVERY = sorted(ACCESS)
NAMED = [(method, path) for method, path in EVERY if "{case_id}" in path]
DIGEST = "0" * 64
BODIES: dict[str, Any] = {
    "/api/v1/cases": incident(),
    "/api/v1/cases/{case_id}/queries": {"query": "What is the status?"},
    "/api/v1/cases/{case_id}/messages": {"text": "Hello?"},
    "/api/v1/cases/{case_id}/claim": {},
    "/api/v1/cases/{case_id}/reassign": {"to": "p-omar", "note": "You know this customer."},
    "/api/v1/cases/{case_id}/resolve": {"resolution": "Done."},
    "/api/v1/cases/{case_id}/feedback": {"rating": 5},
    "/api/v1/cases/{case_id}/unpark": {"step": "x", "action": "retry"},
    "/api/v1/tickets": ticket(),
    "/api/v1/incidents": {"title": "x"},
    "/api/v1/incidents/{case_id}/evidence": {"evidence": [{"reference": f"sha256:{DIGEST}", "name": "x"}]},
    "/api/v1/incidents/{case_id}/tickets": {"ticket_id": "T-1"},
    "/api/v1/approvals/decisions": {"case_id": "T-1", "request_id": "r", "digest": DIGEST, "decision": "approve"},
    "/api/v1/playbooks/{name}/dry-run": {"input": ORDER},
    "/api/v1/playbooks/{name}/runs": {"input": ORDER},
    "/api/v1/events": {"specversion": "1.0", "id": "e", "source": "s", "type": "t"},
    "/api/v1/sessions": {},
    "/api/v1/knowledge/search": {"query": "disk"},
    "/api/v1/webhooks/{name}/test": {},
    "/api/v1/webhooks/{name}/replay": {"event_id": "evt_none"},
    "/api/v1/webhooks/{name}/enable": {},
    "/api/v1/webhooks/{name}/disable": {"reason": "They move."},
}


def call(client: httpx.Client, method: str, path: str, **names: str) -> httpx.Response:
    """A request that would be good, were it allowed."""
    filled = {
        "case_id": "T-none",
        "query_id": "q",
        "name": "order-fulfilment",
        "session_id": "s",
        "job_id": "j",
        **names,
    }
    url = path.format(**filled)
    if path == "/api/v1/data/upload":
        return client.post(url, files={"file": ("x.log", b"line\n", "text/plain")})
    if method == "POST":
        return client.post(url, json=BODIES[path])
    return client.request(method, url)


@pytest.fixture(scope="module")
def cases(world: ServiceWorld) -> Iterator[dict[str, str]]:
    """An open case of each kind, of tenant `default`."""
    with world.client() as client:
        incident_id = client.post("/api/v1/cases", json=incident()).json()["case_id"]
        ticket_id = client.post("/api/v1/tickets", json=ticket()).json()["case_id"]
        named = {"input": ORDER, "key": f"A-{uuid.uuid4().hex[:6]}"}
        run_id = client.post("/api/v1/playbooks/order-fulfilment/runs", json=named).json()["case_id"]
        yield {"incident": incident_id, "ticket": ticket_id, "run": run_id}


def test_the_table_and_the_application_name_the_same_routes() -> None:
    routes = {
        (method, route.path)
        for router in app._ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert routes | {("GET", "/openapi.json")} == set(ACCESS) | PUBLIC
    assert {path for method, path in ACCESS if method == "POST"} - set(BODIES) == {"/api/v1/data/upload"}


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_nobody_without_a_key_gets_anywhere(world: ServiceWorld, method: str, path: str) -> None:
    with world.client(None) as nobody:
        refused = call(nobody, method, path)
        is_refusal(refused, 401, "UNAUTHENTICATED")
        assert refused.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_a_role_that_is_not_enough_is_refused(world: ServiceWorld, method: str, path: str) -> None:
    needed = ACCESS[method, path]
    for role in Role:
        with world.client(role.value) as client:
            answer = call(client, method, path)
            if role in (needed, Role.ADMIN) or needed is Role.VIEWER:
                assert answer.status_code not in (401, 500, 503), answer.text
                assert answer.status_code != 403 or answer.json()["error_type"] == "NO_PERSON"
            else:
                is_refusal(answer, 403, "FORBIDDEN")


@pytest.mark.parametrize(("method", "path"), NAMED)
def test_another_tenants_case_looks_like_none(
    world: ServiceWorld, cases: dict[str, str], method: str, path: str
) -> None:
    with world.client("other") as stranger:
        for kind, case_id in cases.items():
            workflow_id = {
                "incident": f"troubleshooting:default:{case_id.removeprefix('incident:')}",
                "ticket": f"escalation:default:{case_id}",
                "run": f"playbook:default:{case_id}",
            }[kind]
            absent = case_id[:-1] + ("0" if case_id[-1] != "0" else "1")
            of_none = call(stranger, method, path, case_id=absent)
            for name in (case_id, workflow_id):
                seen = call(stranger, method, path, case_id=name)
                assert seen.status_code in (404, 409), seen.text
                hidden = seen if name == case_id else call(stranger, method, path, case_id=workflow_id[:-1] + "~")
                assert (seen.status_code, seen.json()["error_type"]) == (
                    hidden.status_code,
                    hidden.json()["error_type"],
                )
                assert seen.json()["detail"] == (of_none if name == case_id else hidden).json()["detail"]


def test_another_tenant_lists_and_decides_nothing_of_ours(world: ServiceWorld, cases: dict[str, str]) -> None:
    with world.client() as ours, world.client("other") as theirs:
        until(lambda: ours.get("/api/v1/cases").json()["total"] >= 2)
        for path in ("cases", "tickets", "incidents", "approvals", "sessions"):
            page = theirs.get(f"/api/v1/{path}").json()
            assert not {row.get("case_id") for row in page.get("cases", [])} & set(cases.values())
        assert theirs.get("/api/v1/approvals").json()["approvals"] == []
        kept = ours.post("/api/v1/data/upload", files={"file": ("x.log", b"ours alone\n", "text/plain")}).json()
        stolen = {"title": "x", "evidence": [{"reference": kept["reference"], "name": "x.log"}]}
        is_refusal(theirs.post("/api/v1/incidents", json=stolen), 404, "NOT_FOUND")


def test_whoever_decides_is_the_person_of_the_key_whatever_the_body_says(world: ServiceWorld) -> None:
    with world.client() as client:
        vip = ticket(customer={"tier": "vip", "email": "vip@example.com"}, channel="email", id="TICK-" + DIGEST[:5])
        case_id = client.post("/api/v1/tickets", json=vip).json()["case_id"]
        until(lambda: client.get(f"/api/v1/cases/{case_id}").json()["approvals"])
        open_ = next(one for one in client.get("/api/v1/approvals").json()["approvals"] if one["case"] == case_id)
        word = {"case_id": case_id, "request_id": open_["request"], "digest": open_["digest"], "decision": "approve"}
        named = client.post("/api/v1/approvals/decisions", json={**word, "person_id": "p-omar"})
        is_refusal(named, 422, "VALIDATION_ERROR")
        is_refusal(client.post("/api/v1/approvals/decisions", json={**word, "digest": DIGEST}), 409, "CONFLICT")
        with world.client("approver") as program:
            is_refusal(program.post("/api/v1/approvals/decisions", json=word), 403, "NO_PERSON")
        bystander = world.do(world.key(Role.APPROVER, person="p-bert"))
        with httpx.Client(base_url=world.url, headers={"X-API-Key": bystander}, timeout=60) as other:
            # Who left acts no more, whatever key is in their name.
            is_refusal(other.post("/api/v1/approvals/decisions", json=word), 403, "NO_PERSON")
        mine = client.get("/api/v1/approvals", params={"mine": True}).json()["approvals"]
        assert open_["request"] in {one["request"] for one in mine}
        decided = client.post("/api/v1/approvals/decisions", json={**word, "reason": "Reads well."})
        assert decided.status_code == 200, decided.text
        assert decided.json()["decided_by"] == LEAD


# Keys


def test_a_revoked_a_run_out_and_a_changed_key_open_nothing(world: ServiceWorld) -> None:
    now = datetime.now(UTC)

    async def made(lives: timedelta | None) -> tuple[str, str]:
        key, text = await keys.make(
            world.services.store.keys, tenant="default", name="x", roles=[Role.VIEWER], now=now, lives=lives
        )
        return key.key_id, text

    def status(text: str, header: str = "Authorization") -> int:
        value = f"Bearer {text}" if header == "Authorization" else text
        return httpx.get(f"{world.url}/api/v1/cases", headers={header: value}, timeout=60).status_code

    key_id, text = world.do(made(None))
    assert status(text) == status(text, "X-API-Key") == 200
    assert status(text[:-1] + ("A" if text[-1] != "A" else "B")) == 401
    assert status(text.replace(key_id, "0" * 16)) == 401
    assert world.do(world.services.store.keys.revoke(key_id, now))
    assert status(text) == 401
    assert status(world.do(made(timedelta(seconds=-1)))[1]) == 401
    both = {"Authorization": f"Bearer {world.keys['admin']}", "X-API-Key": world.keys["viewer"]}
    assert httpx.get(f"{world.url}/api/v1/cases", headers=both, timeout=60).status_code == 401
    for odd in ("", "Basic YWRtaW46YWRtaW4=", "Bearer", "Bearer é".encode(), "Bearer " + "x" * 20_000):
        answer = httpx.get(f"{world.url}/api/v1/cases", headers={"Authorization": odd}, timeout=60)
        assert answer.status_code in (401, 400, 431)
    in_url = httpx.get(f"{world.url}/api/v1/cases", params={"api_key": world.keys["admin"]}, timeout=60)
    assert in_url.status_code == 401


def test_no_secret_is_kept_or_logged(world: ServiceWorld) -> None:
    secret = world.keys["admin"].split("_", 2)[2]
    assert secret.encode() not in (world.folder / "surehand.db").read_bytes()


# Tokens


def claims(**other: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": LEAD, "exp": now + 300, "tenant": "default", "roles": ["agent"]}
    return {name: value for name, value in {**said, **other}.items() if value is not None}


def with_token(world: ServiceWorld, token: str) -> httpx.Response:
    return httpx.get(f"{world.url}/api/v1/cases", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def test_a_good_token_opens_its_tenant_with_its_roles_as_its_person(world: ServiceWorld) -> None:
    token = jwt.encode(claims(), world.private_key, "RS256")
    assert with_token(world, token).status_code == 200
    with httpx.Client(base_url=world.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        opened = client.post("/api/v1/cases", json=incident()).json()["case_id"]
        first = client.get(f"/api/v1/cases/{opened}/timeline").json()["entries"][0]
        assert first["actor"] == LEAD
        is_refusal(client.get("/metrics"), 403, "FORBIDDEN")
    assert with_token(world, jwt.encode(claims(roles=[]), world.private_key, "RS256")).status_code == 403
    assert with_token(world, jwt.encode(claims(roles=["root"]), world.private_key, "RS256")).status_code == 403
    assert with_token(world, jwt.encode(claims(tenant="nobody"), world.private_key, "RS256")).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [{"iss": "https://evil.example.com"}, {"aud": "another"}, {"exp": 1}, {"exp": None}, {"iss": None}, {"aud": None},
     {"sub": None}, {"tenant": None}, {"tenant": ["default"]}, {"nbf": 32503680000}, {"sub": 7}],
    ids=str,
)  # fmt: skip
def test_a_token_that_is_not_for_us_now_is_refused(world: ServiceWorld, wrong: dict[str, Any]) -> None:
    payload = json.dumps(claims(**wrong)).encode()
    token = jwt.PyJWS().encode(payload, world.private_key, "RS256")
    is_refusal(with_token(world, token), 401, "UNAUTHENTICATED")


def test_a_forged_token_is_refused(world: ServiceWorld) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    curve = ec.generate_private_key(ec.SECP256R1())

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    good = jwt.encode(claims(), world.private_key, "RS256")
    head, body, signature = good.split(".")
    import hashlib
    import hmac

    signed = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims(roles=['admin']))}"
    mac = hmac.new(world.public_pem, signed.encode(), hashlib.sha256).digest()
    pem = stranger.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    forged = [
        jwt.encode(claims(), stranger, "RS256"),
        jwt.encode(claims(), world.private_key, "RS512"),
        jwt.encode(claims(), curve, "ES256"),
        f"{part({'alg': 'none'})}.{part(claims())}.",
        f"{part({'alg': 'None'})}.{part(claims())}.",
        f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}",
        f"{head}.{part(claims(roles=['admin']))}.{signature}",
        f"{head}.{body}.",
        f"{part({'alg': 'RS256', 'jwk': {'kty': 'oct'}, 'x5c': [pem.decode()], 'kid': '../../etc/passwd'})}.{body}.x",
        "a.b.c",
        "..",
    ]
    for token in forged:
        is_refusal(with_token(world, token), 401, "UNAUTHENTICATED")


def test_keys_of_a_provider_are_fetched_and_renewed() -> None:
    from tests.service.provider import with_provider

    with_provider()


def test_the_refusal_of_a_key_says_nothing_of_the_key(world: ServiceWorld) -> None:
    text = world.keys["viewer"]
    answer = httpx.get(f"{world.url}/metrics", headers={"Authorization": f"Bearer {text}"}, timeout=60)
    assert answer.status_code == 403
    assert not re.search(r"shk_|key:", answer.text)
