"""Checks from `checks.yaml`, made with the real tools: a database, a program, metrics and a probe over HTTP."""

from __future__ import annotations

import itertools
import sqlite3
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from pydantic import SecretStr

from domain.guarding import judge_call
from domain.playbook.schema_check import problem_with
from domain.policies.guardrails import RuleAction
from domain.tools.tool import Safety
from domain.troubleshooting.answers import CheckAnswer, read_answer
from domain.troubleshooting.checking import check_calls
from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.incident import IncidentReport
from domain.troubleshooting.looks import PlannedCall
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.topology import Service, Topology
from integrations.commands import AllowedCommands
from integrations.databases.configuration import DatabaseSources
from integrations.evidence.logs.meaning import sign_of
from integrations.prometheus import PrometheusMetrics
from integrations.tools.addresses import AddressGuard
from integrations.tools.builtin.commands import CommandTools
from integrations.tools.builtin.databases import DatabaseTools
from integrations.tools.builtin.monitoring import MetricTools
from integrations.tools.builtin.probing import ProbeTools
from integrations.tools.builtin.watching import WatchTools
from integrations.tools.guarded_http import GuardedHttp
from integrations.tools.python import PythonTools
from integrations.tools.toolbox import Tools
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG
from tests.postgres import PostgresServer
from tests.tool_world import call_of, run, toolbox
from tests.unit.troubleshooting.incidents import diagnosed, suspect
from tests.vendor_world import Outside, outside

_numbers = itertools.count(1)
SESSIONS = [
    "CREATE TABLE sessions (service text, used int, allowed int)",
    "INSERT INTO sessions VALUES ('orders-db', {}, 20)",
]
DF = "import sys; print('Filesystem Use%'); print('/dev/' + sys.argv[1] + ' 97%')"
CHECKS: dict[str, Any] = {
    "sessions": {
        "title": "Share of the sessions of {service} that are in use",
        "tells": ["connection_pool"],
        "capability": "database.query",
        "arguments": {
            "database": "monitoring",
            "sql": "SELECT used * 1.0 / allowed AS share FROM sessions WHERE service = :service",
            "parameters": {"service": "{service}"},
        },
        "reads": {"column": "share", "bad": ">= 0.95", "sign": "pool_exhausted"},
    },
    "disk-use": {
        "title": "Disk use of {service}",
        "tells": ["disk_full"],
        "capability": "command.run",
        "arguments": {"command": "disk-use", "arguments": {"host": "{service}"}},
        "reads": {"value": '[.output | scan("(\\\\d+)%") | .[0]]', "bad": "> 90", "sign": "disk", "unit": "%"},
    },
    "last-lines": {
        "title": "Last lines that {service} wrote",
        "tells": ["dns_failure"],
        "capability": "command.run",
        "arguments": {"command": "last-lines"},
        "services": ["orders-db"],
        "reads": {"lines": True, "strength": 0.6},
    },
}


def configured(folder: Path) -> Configuration:
    folder.mkdir()
    (folder / "checks.yaml").write_text(yaml.safe_dump({"checks": CHECKS}), "utf-8")
    return Configuration((SHIPPED_CONFIG, SHIPPED_CONFIG / "demo", folder))


def suspected(fault: FaultKind, service: str = "orders-db", health: str | None = None) -> IncidentState:
    state = IncidentState.opened(
        "default", "incident:INC-1", IncidentReport(incident_id="INC-1", title="Slow"), datetime(2026, 3, 1, tzinfo=UTC)
    )
    diagnosed(state, suspect(service, fault, 0.5), accepted=False)
    state.topology = Topology(services=(Service(name=service, health_url=health),))
    return state


async def made(
    box: Tools, configuration: Configuration, state: IncidentState, name: str
) -> tuple[PlannedCall, CheckAnswer | None, Any]:
    """A check as it is planned, made as the broker makes it, and what its answer says."""
    checks = [check for check in configuration.checks_for("default") if check.name == name]
    (planned,) = check_calls(state, checks)
    specs = [spec for spec in await box.specs("default") if planned.capability in spec.capabilities]
    (spec,) = specs
    assert spec.safety is Safety.SAFE
    assert problem_with(spec.input_schema, planned.arguments) is None
    rails = configuration.guardrails_for("default")
    assert judge_call(rails, spec.brief(), planned.arguments, {"tenant": "default"}).action is RuleAction.ALLOW
    result = await run(box, await call_of(box, spec.name, planned.arguments))
    assert result.refusal is None, result.refusal
    if planned.check is None:
        return planned, None, result.output
    return planned, read_answer(planned.check, result.output, sign_of, source=spec.name), result.output


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return configured(tmp_path / "config")


@pytest.mark.parametrize("used", [20, 4])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_database_says_how_many_sessions_are_used(
    kind: str, used: int, configuration: Configuration, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    statements = [statement.format(used) for statement in SESSIONS]
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'm.db'}"
        with sqlite3.connect(tmp_path / "m.db") as connection:
            for statement in statements:
                connection.execute(statement)
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        name = f"monitoring_{next(_numbers)}"
        for database, asked in (("postgres", [f"CREATE DATABASE {name}"]), (name, statements)):
            opened = await asyncpg.connect(server.url(database))
            for statement in asked:
                await opened.execute(statement)
            await opened.close()
        url = server.url(name)
    source = {"monitoring": {"secret": "m", "tenants": ["*"]}}
    box = toolbox(PythonTools(DatabaseTools(DatabaseSources.model_validate(source), {"m": SecretStr(url)})))

    planned, answer, _ = await made(box, configuration, suspected(FaultKind.CONNECTION_POOL), "sessions")

    assert answer is not None
    assert (answer.good, answer.value) == (used < 19, used / 20)
    (said,) = answer.findings.denied if used < 19 else answer.findings.findings
    assert (said.sign, said.service) == (Sign.POOL_EXHAUSTED, "orders-db")
    assert planned.arguments["parameters"] == {"service": "orders-db"}


async def test_a_program_says_how_full_a_disk_is_and_what_its_last_lines_mean(configuration: Configuration) -> None:
    commands = {
        "disk-use": {
            "program": [sys.executable, "-I", "-c", DF, "{host}"],
            "arguments": {"host": {"pattern": "[a-z0-9-]{1,40}"}},
            "tenants": ["*"],
            "changes": False,
        },
        "last-lines": {
            "program": [sys.executable, "-I", "-c", "print('all fine\\nlookup payments.internal: no such host')"],
            "tenants": ["*"],
            "changes": False,
        },
    }
    box = toolbox(PythonTools(CommandTools(AllowedCommands.model_validate(commands), {})))
    state = suspected(FaultKind.DISK_FULL)
    (call,) = [one for one in await box.specs("default") if "command.look" in one.capabilities]
    assert call.name == "command.look"
    _, full, _ = await made(box, configuration, state, "disk-use")
    assert full is not None
    assert (full.good, full.value, full.sentence) == (False, 97, "Disk use of orders-db: 97 % (bad when > 90)")
    _, lines, _ = await made(box, configuration, suspected(FaultKind.DNS_FAILURE), "last-lines")
    assert lines is not None
    assert [finding.sign for finding in lines.findings.findings] == [Sign.DNS]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Outside]:
    async with outside(tmp_path / "sandbox") as running:
        yield running


async def test_the_shops_metrics_server_answers_the_demos_checks(world: Outside, configuration: Configuration) -> None:
    shares = [{"version": "v1", "track": "stable", "percent": 100}]
    history = "/api/objects/deployments/history/checkout"
    await world.ask("PATCH", history, json={"states": [{"at": 0, "shares": shares}]})
    box = toolbox(PythonTools(MetricTools(PrometheusMetrics(base_url=world.url("metrics"), timeout_seconds=3))))
    state = suspected(FaultKind.MEMORY_LEAK, "checkout")
    _, well, _ = await made(box, configuration, state, "memory-use")
    assert well is not None
    assert (well.good, well.value) == (True, 0.42)
    leak = {"service": "checkout", "memory": 0.97}
    await world.ask("PATCH", "/api/objects/deployments/trouble/leak", json=leak)
    _, leaking, _ = await made(box, configuration, state, "memory-use")
    assert leaking is not None
    assert [(one.sign, one.strength) for one in leaking.findings.findings] == [(Sign.MEMORY, 0.9)]


async def test_what_a_probe_finds_itself_is_heard_too(configuration: Configuration) -> None:
    async def nowhere(host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    guard = AddressGuard(internal=("shop.example.com:443",), resolve=nowhere)
    box = toolbox(PythonTools(ProbeTools(GuardedHttp(guard, timeout_seconds=2))))
    state = suspected(FaultKind.CERTIFICATE, health="https://shop.example.com/health")
    planned, answer, output = await made(box, configuration, state, "certificate-days")
    assert planned.arguments == {"url": "https://shop.example.com/", "service": "orders-db"}
    assert answer is not None
    assert answer.good is None
    assert answer.problem == ""
    assert [finding.sign for finding in answer.findings.findings] == [Sign.UNREACHABLE]
    assert output["healthy"] is False


async def test_a_measure_that_did_not_move_denies_what_would_have_moved_it(world: Outside) -> None:
    now = datetime(2026, 3, 1, 14, tzinfo=UTC)
    shares = [{"version": "v1", "track": "stable", "percent": 100}]
    history = "/api/objects/deployments/history/checkout"
    await world.ask("PATCH", history, json={"states": [{"at": 0, "shares": shares}]})
    metrics = PrometheusMetrics(base_url=world.url("metrics"), timeout_seconds=3)
    box = toolbox(PythonTools(WatchTools(metrics, now=lambda: now)))

    async def watch(**more: Any) -> Any:
        asked = {"service": "checkout", "metric": "memory", **more}
        return (await run(box, await call_of(box, "metrics.watch", asked))).output

    span = {"start": (now - timedelta(hours=2)).isoformat(), "end": now.isoformat()}
    (denied,) = (await watch(**span))["denied"]
    assert (denied["sign"], denied["service"]) == ("memory", "checkout")
    assert "stayed between 0.42 and 0.42" in denied["text"]
    assert (await watch())["denied"] == []
    assert (await watch(**span, metric="pool_in_use"))["denied"] == []
    leak = {"service": "checkout", "memory": 0.97, "since": (now - timedelta(hours=1)).timestamp()}
    await world.ask("PATCH", "/api/objects/deployments/trouble/leak", json=leak)
    moved = await watch(**span)
    assert moved["denied"] == []
    (found,) = moved["findings"]
    assert found["query"] == '{__name__="service:memory:utilisation",service="checkout"}'
    assert found["metric"] == "service:memory:utilisation"
