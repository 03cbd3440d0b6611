"""The served description is true: what it declares is taken, what it does not is refused, and nothing else is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx

from starters.service.access import ACCESS, PUBLIC
from starters.service.app import application
from starters.service.openapi import page
from tests.service.service_world import ServiceWorld

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXAMPLES = "3"
"""For each operation. All that schemathesis has takes minutes: `--phases coverage,fuzzing --max-examples 100`."""


def test_requests_made_from_the_description_find_nothing_that_it_does_not_say(world: ServiceWorld) -> None:
    found = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(HERE / "schemathesis.toml")),
            *("run", f"{world.url}/openapi.json", "--header", f"Authorization: Bearer {world.keys['person']}"),
            *("--phases", "fuzzing", "--max-examples", EXAMPLES, "--seed", "1", "--continue-on-failure"),
            *("--generation-deterministic", "--generation-with-security-parameters", "false", "--no-color"),
            *("--generation-allow-x00", "false", "--workers", "2"),
        ],
        cwd=world.folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.service.schemathesis_hooks", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
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
