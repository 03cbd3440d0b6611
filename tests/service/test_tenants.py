"""Made from the table of access: what is another tenant's is nothing, to the last call of Temporal; nor is a 403's."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from temporalio.service import _BridgeServiceClient

from domain.identity.principals import Role
from starters.service.access.roles import ACCESS
from tests.service.service_world import ServiceWorld
from tests.service.test_access import call
from tests.service.test_contract import incident, is_refusal, ticket

ABSENT = {
    "case_id": "incident:INC-{}",
    "query_id": "q-{}",
    "session_id": "{}",
    "job_id": "{}",
    "name": "p-{}",
}
"""Names in paths, and what one looks like that is nobody's. A route with another kind of name must be added here."""
WITH_NAMES = [(method, path) for method, path in sorted(ACCESS) if "{" in path]
SHARED = {"playbooks"}
"""What all tenants have alike, as it is shipped; runs are none of it, and have names of their own."""


@contextmanager
def temporal(world: ServiceWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Counts what the service asks of Temporal for a case, meanwhile."""
    asked: Counter[str] = Counter()
    usual = _BridgeServiceClient._rpc_call

    async def counted(self: Any, rpc: str, *given: Any, **options: Any) -> Any:
        if "health" not in rpc.lower() and self is world.services.client.service_client:
            asked[re.sub(r"_", "", rpc.title())] += 1
        return await usual(self, rpc, *given, **options)

    with monkeypatch.context() as patch:
        patch.setattr(_BridgeServiceClient, "_rpc_call", counted)
        yield asked


@pytest.fixture(scope="module")
def ours(world: ServiceWorld) -> dict[str, str]:
    """What tenant `default` has, by its name in paths."""
    with world.client() as client:
        case_id = client.post("/api/v1/cases", json=incident(title=f"Slow {uuid.uuid4().hex}")).json()["case_id"]
        asked = client.post(f"/api/v1/cases/{case_id}/queries", json={"query": "What is the status?"})
        assert asked.status_code < 300, asked.text
        known = client.get(f"/api/v1/cases/{case_id}/queries").json()["queries"]
        session = client.post("/api/v1/sessions", json={}).json()["session_id"]
        later = client.post("/api/v1/cases", json=incident(), headers={"Prefer": "respond-async"})
        assert later.status_code == 202, later.text
        return {
            "case_id": case_id,
            "query_id": known[0]["query_id"],
            "session_id": session,
            "job_id": later.headers["location"].rpartition("/")[2],
            "name": "order-fulfilment",
        }


def test_every_kind_of_name_in_a_path_is_known_here() -> None:
    names = {name for _, path in ACCESS for name in re.findall(r"{(\w+)", path)}
    assert names == set(ABSENT), "say what a name that is nobody's looks like, and give `ours` one that is ours"


@pytest.mark.parametrize(("method", "path"), WITH_NAMES)
def test_what_another_tenant_has_costs_and_says_what_nothing_does(
    world: ServiceWorld, ours: dict[str, str], monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    if path.split("/")[3] in SHARED:
        pytest.skip("all tenants have the same")
    nobodys = {name: shape.format(uuid.uuid4().hex[: len(ours[name])]) for name, shape in ABSENT.items()}
    answers: list[httpx.Response] = []
    asked: list[Counter[str]] = []
    with world.client("other") as stranger:
        for names in (ours, nobodys):
            with temporal(world, monkeypatch) as calls:
                answers.append(call(stranger, method, path, **names))
            asked.append(calls)
    seen, absent = answers

    is_refusal(seen, absent.status_code, absent.json()["error_type"])
    assert seen.status_code in (404, 409), seen.text
    assert seen.json()["detail"] == absent.json()["detail"]
    headers = [{name for name in answer.headers if name != "date"} for answer in answers]
    assert headers[0] == headers[1]
    assert asked[0] == asked[1]


@pytest.mark.parametrize(("method", "path"), [route for route in sorted(ACCESS) if ACCESS[route] is not Role.VIEWER])
def test_whoever_lacks_the_role_reaches_nothing(
    world: ServiceWorld, ours: dict[str, str], monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    with world.client("viewer") as viewer, temporal(world, monkeypatch) as asked:
        refused = call(viewer, method, path, **ours)
    is_refusal(refused, 403, "FORBIDDEN")
    assert not asked


def test_the_count_of_calls_counts(world: ServiceWorld, ours: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with world.client() as client, temporal(world, monkeypatch) as asked:
        assert client.get(f"/api/v1/cases/{ours['case_id']}").status_code == 200
        assert client.post("/api/v1/tickets", json=ticket(id=f"T-{uuid.uuid4().hex}")).status_code == 201
    assert asked["StartWorkflowExecution"] == 1
    assert asked.total() > 1


def test_a_tenant_that_is_no_longer_configured_gets_nothing_on_any_route(world: ServiceWorld) -> None:
    key = world.do(world.key(Role.ADMIN, tenant="gone"))
    with httpx.Client(base_url=world.url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as former:
        for method, path in sorted(ACCESS):
            is_refusal(call(former, method, path), 403, "FORBIDDEN")
