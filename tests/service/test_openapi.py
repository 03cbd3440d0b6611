"""The served description is true: what it declares is taken, what it does not is refused, and nothing else is said."""

from __future__ import annotations

import httpx

from starters.service.access.roles import ACCESS, PUBLIC
from starters.service.app import application
from starters.service.contract.openapi import page
from tests.service.deep_contract import schemathesis
from tests.service.service_world import ServiceWorld

EXAMPLES = "2"
"""For each operation. `make contract` asks for all that schemathesis has, which takes minutes."""


def test_requests_made_from_the_description_find_nothing_that_it_does_not_say(world: ServiceWorld) -> None:
    phases = ("--phases", "fuzzing", "--max-examples", EXAMPLES, "--seed", "1", "--generation-deterministic")
    found = schemathesis(world, *phases)
    assert found.returncode == 0, found.stdout[-6_000:] + found.stderr[-2_000:]


def test_every_route_of_the_table_is_described_with_its_role(http: httpx.Client) -> None:
    served = http.get("/openapi.json").json()
    described = {(method.upper(), path) for path, methods in served["paths"].items() for method in methods}
    assert described == set(ACCESS) | PUBLIC - {("GET", "/openapi.json")}
    for (method, path), role in ACCESS.items():
        operation = served["paths"][path][method.lower()]
        assert operation["x-role"] == role.value
        assert operation["security"] == [{"key": []}, {"bearer": []}]
        assert {"401", "403"} <= set(operation["responses"])
        for status, answer in operation["responses"].items():
            assert "X-Correlation-ID" in answer["headers"]
            if status >= "400":
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorBody"}
    error = served["components"]["schemas"]["ErrorBody"]
    assert set(error["properties"]) == set(error["required"]) == {
        "detail", "error_type", "correlation_id", "timestamp"
    }  # fmt: skip


def test_the_page_for_people_names_every_path_and_runs_nothing(world: ServiceWorld) -> None:
    shown = page(application(world.services))
    assert all(path in shown for _, path in ACCESS)
    assert "<script" not in shown


def test_the_alias_of_a_priority_is_no_part_of_the_description(http: httpx.Client) -> None:
    served = http.get("/openapi.json").json()["components"]["schemas"]
    priority = served["IncidentIn"]["properties"]["priority"]
    assert {"enum": ["low", "medium", "high", "critical"], "type": "string"} in priority["anyOf"]
