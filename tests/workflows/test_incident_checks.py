"""What engineers look at by hand, looked at by incidents: to tell causes apart, to refute, and to measure success."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from domain.errors import VendorUnavailable
from domain.model import JsonValue
from domain.policies.guardrails import GuardPoint, GuardrailRule, Guardrails, RuleAction, RuleCategory
from domain.tools.tool import Safety, ToolSpec
from domain.troubleshooting.evidence import Finding, Findings, Sign
from domain.troubleshooting.incident import MeasureKind
from domain.troubleshooting.state import IncidentState
from runtime.configuration.policies import Configuration
from tests.workflows.checked_world import BLAMED, LOCKS, POOL, SESSIONS, can_check, check, rows
from tests.workflows.incident_world import ONSET, Incident, IncidentWorld, finding, looking
from tests.workflows.playbook_world import a_tool
from workflows.troubleshooting import TroubleshootingWorkflow


@pytest.fixture
def world(environment: WorkflowEnvironment, configuration: Configuration) -> IncidentWorld:
    made = IncidentWorld(environment, configuration)
    can_check(made)
    return made


def asked(world: IncidentWorld) -> list[JsonValue]:
    return [call.arguments for call in world.tools.calls_of("database.query")]


async def watched(world: IncidentWorld, incident: Incident, minutes: int = 3) -> IncidentState:
    await world.when(incident, lambda s: s.monitoring is not None)
    await world.pass_time(timedelta(minutes=minutes))
    return await world.when(incident, lambda s: s.monitoring is not None and s.monitoring.looks > 0)


async def test_a_check_decides_between_two_causes_that_fit_equally_well(world: IncidentWorld) -> None:
    rows(world, sessions=20, locks=0)
    async with world.worker():
        incident = await world.report()
        state = await world.when(incident, lambda s: s.cause is not None)
        assert state.cause.hypothesis_id == "orders-db/connection_pool"
        made = [call for call in state.calls if call.capability == "database.query"]
        assert {call.why for call in made} == {
            "Sessions of orders-db (check sessions)",
            "Locks of orders-db (check locks)",
        }
        assert {call.tells_apart for call in made} == {("orders-db/connection_pool",), ("orders-db/data",)}
        assert any(call.outcome == "Sessions of orders-db: 20 (bad when >= 20)." for call in made)
        assert {"service": "orders-db"} in [one["parameters"] for one in asked(world)]  # type: ignore[call-overload,index]
        denied = state.diagnosis.find("orders-db/data")
        assert any("Locks of orders-db: 0" in one.text and one.weight < -2 for one in denied.evidence_against)
        await world.cancel(incident)


async def test_without_checks_the_same_evidence_carries_no_cause(world: IncidentWorld) -> None:
    world.checks = ()
    async with world.worker():
        incident = await world.report()
        state = await world.when(incident, lambda s: s.people_have_it)
        assert state.cause is None
        assert asked(world) == []
        await world.cancel(incident)


async def test_a_check_refutes_what_led_and_each_is_made_once(world: IncidentWorld) -> None:
    world.finds(
        (finding("orders-db", Sign.POOL_EXHAUSTED, "Waits for a connection rose", strength=0.85), LOCKS, *BLAMED)
    )
    rows(world, sessions=3, locks=40)
    async with world.worker():
        incident = await world.report()
        state = await world.when(incident, lambda s: bool(s.pending_approvals))
        assert state.cause.hypothesis_id == "orders-db/data"
        assert [one.hypothesis_id for one in state.solutions] == ["orders-db/data"]
        led = state.diagnosis.find("orders-db/connection_pool")
        assert led is not None
        assert led.posterior < 0.1
        assert any(one.source == "check:sessions database.query" for one in led.evidence_against)
        assert len(asked(world)) == 2
        await world.cancel(incident)


async def test_what_no_tool_can_look_at_falls_back_to_the_next_and_then_to_a_person(world: IncidentWorld) -> None:
    world.tools.add(a_tool("mirror.query", Safety.SAFE, capabilities=("database.query",)))
    world.tools.on("database.query", VendorUnavailable("database", "down", "It is down."))
    world.tools.on("mirror.query", {"rows": [{"n": 20}]})
    world.checks = (SESSIONS, check("disk", "data", "data", capability="volume.usage", by_hand="run df on its host."))
    async with world.worker():
        incident = await world.report()
        state = await world.when(incident, lambda s: s.cause is not None)
        assert state.cause.hypothesis_id == "orders-db/connection_pool"
        by_capability = {call.capability: call for call in state.calls}
        assert by_capability["database.query"].tool == "mirror.query"
        assert by_capability["database.query"].level.value == "alternative"
        missing = by_capability["volume.usage"]
        assert (missing.ok, missing.level.value) == (False, "manual_instructions")
        assert missing.outcome.endswith("By hand: run df on its host.")
        await world.cancel(incident)


async def test_a_call_that_needs_an_approval_is_not_made_and_the_next_tool_is_asked(world: IncidentWorld) -> None:
    world.tools.add(a_tool("mirror.query", Safety.SAFE, capabilities=("database.query",)))
    world.tools.on("mirror.query", {"rows": [{"n": 20}]})
    world.checks = (SESSIONS,)
    rule = GuardrailRule(
        name="nobody asks the live database",
        at=(GuardPoint.TOOL_CALL,),
        category=RuleCategory.SYSTEM_SAFETY,
        when='.tool.name == "database.query"',
        action=RuleAction.REQUIRE_APPROVAL,
        reason="The live database is asked by people only.",
    )
    world.guardrails.guardrails = Guardrails(rules=(rule,))
    async with world.worker():
        incident = await world.report()
        state = await world.when(incident, lambda s: s.cause is not None)
        assert not world.tools.calls_of("database.query")
        made = next(call for call in state.calls if call.capability == "database.query")
        assert (made.tool, made.level.value) == ("mirror.query", "alternative")
        assert any(rule.reason in use.why for use in state.fallbacks)
        await world.cancel(incident)


async def test_a_tool_that_may_change_something_is_never_used_for_a_check(world: IncidentWorld) -> None:
    world.tools.add(a_tool("fleet.poke", Safety.CONFIRM, capabilities=("fleet.poke",)))
    world.checks = (check("poke", "connection_pool", "pool_exhausted", capability="fleet.poke"),)
    async with world.worker():
        incident = await world.report()
        state = await world.when(incident, lambda s: s.people_have_it)
        assert not world.tools.calls_of("fleet.poke")
        assert any(call.capability == "fleet.poke" and not call.ok for call in state.calls)
        await world.cancel(incident)


async def test_the_check_that_showed_the_fault_measures_the_fix_and_its_return_rolls_back(world: IncidentWorld) -> None:
    world.checks = (SESSIONS,)
    rows(world, sessions=20)
    async with world.worker():
        incident = await world.report()
        decided = await world.answer(incident)
        (request,) = decided.pending_approvals
        assert (
            "It worked when: Sessions of orders-db: it is no longer >= 20 and stays so for 60 minutes (during the "
            "incident: 20); it is the check sessions, which showed the fault."
        ) in request.question.evidence
        rows(world, sessions=4)
        state = await watched(world, incident)
        assert state.monitoring.success.kind is MeasureKind.CHECK
        verdict = state.monitoring.verdicts[0]
        assert (verdict.good, verdict.value, verdict.source) == (True, 4.0, "check:sessions")
        rows(world, sessions=20)
        for _ in range(10):
            await world.pass_time(timedelta(minutes=3))
            if (await incident.query(TroubleshootingWorkflow.query_state)).reopened:
                break
        state = await world.when(incident, lambda s: s.execution is not None and bool(s.execution.undone))
        assert "orders-db/connection_pool" in state.refuted
        await world.cancel(incident)


WATCHED: dict[str, Any] = {
    "metric": "db_pool_in_use",
    "query": '{__name__="db_pool_in_use",service="orders-db"}',
    "numbers": {"before": 4.0, "after": 20.0, "ratio": 5.0},
}


def watching(found: Finding) -> tuple[ToolSpec, JsonValue]:
    answer = Findings(findings=(found,), services=("orders-db",), summary="Looked.").model_dump(mode="json")
    return looking("metrics.watch"), answer


async def test_the_metric_that_proved_the_trouble_is_watched_at_its_own_level(world: IncidentWorld) -> None:
    world.checks = ()
    world.finds((POOL, LOCKS.model_copy(update={"strength": 0.6}), *BLAMED))
    seen = finding("orders-db", Sign.POOL_EXHAUSTED, "Pool in use rose from 4 to 20", strength=0.92, **WATCHED)
    tool, answer = watching(seen.model_copy(update={"source": "metrics.watch prometheus db_pool_in_use"}))
    world.tools.add(tool)
    world.tools.on("metrics.watch", answer)
    values: dict[str, JsonValue] = {"samples": [{"labels": {}, "value": 4.5}, {"labels": {}, "value": 7.1}]}
    world.tools.on("metrics.query", values)
    async with world.worker():
        incident = await world.report()
        decided = await world.answer(incident)
        success = decided.solution.success
        assert (success.kind, success.query) == (MeasureKind.METRIC, WATCHED["query"])
        assert success.threshold == pytest.approx(7.2)
        assert "at most 7.2" in success.sentence
        assert "(before: 4, during the incident: 20)" in success.sentence
        state = await watched(world, incident)
        assert state.monitoring.verdicts[0].good is True
        assert state.monitoring.verdicts[0].value == 7.1
        assert {call.arguments["query"] for call in world.tools.calls_of("metrics.query")} == {WATCHED["query"]}
        await world.cancel(incident)


async def test_the_metric_of_an_uploaded_file_is_watched_where_the_server_has_it(world: IncidentWorld) -> None:
    world.checks = ()
    uploaded = finding(
        "orders-db", Sign.POOL_EXHAUSTED, "Pool in use rose from 4 to 20", strength=0.95, metric="db_pool_in_use"
    )
    world.finds((uploaded, *BLAMED))
    on_server = uploaded.model_copy(update={**WATCHED, "source": "metrics.watch prometheus db_pool_in_use"})
    tool, answer = watching(on_server)
    world.tools.add(tool)
    world.tools.on("metrics.watch", answer)
    async with world.worker():
        incident = await world.report()
        decided = await world.answer(incident)
        (looked,) = [call.arguments for call in world.tools.calls_of("metrics.watch")]
        assert (looked["service"], looked["metric"]) == ("orders-db", "db_pool_in_use")
        assert looked["start"] == (ONSET - timedelta(hours=1)).isoformat()
        assert decided.solution.success.query == WATCHED["query"]
        await world.cancel(incident)
