"""What is planned is what the shipped tools take: a plan that every tool refuses learns nothing."""

from __future__ import annotations

from typing import Any

from domain.playbook.schema_check import problem_with
from domain.tools.tool import Safety, ToolSpec
from domain.troubleshooting.evidence import EvidenceKind, EvidenceRef, Findings
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.looks import REFUTING_METRICS, PlannedCall
from domain.troubleshooting.planning import next_calls
from integrations.evidence.metrics.meaning import meaning_of
from integrations.tools.builtin.evidence import EvidenceTools
from integrations.tools.builtin.knowledge import KnowledgeTools
from integrations.tools.builtin.logs import LogTools
from integrations.tools.builtin.probing import ProbeTools
from integrations.tools.builtin.watching import WatchTools
from integrations.tools.python import PythonTools
from tests.unit.troubleshooting.incidents import NOW, diagnosed, errors, found, incident, suspect

NOBODY: Any = None
LOOKING = {
    "topology.read",
    "changes.read",
    "traces.analyse",
    "kubernetes.analyse",
    "logs.analyse",
    "metrics.analyse",
    "knowledge.search",
    "health.probe",
    "metrics.watch",
}


async def _tools() -> dict[str, ToolSpec]:
    """By capability; nothing is called, so they need no clients."""
    owners = [owner(NOBODY) for owner in (EvidenceTools, KnowledgeTools, LogTools, ProbeTools, WatchTools)]
    provider = PythonTools(*owners)
    return {capability: spec for spec in await provider.specs() for capability in spec.capabilities}


def _plan() -> list[PlannedCall]:
    evidence = tuple(
        EvidenceRef(reference=f"sha256:{number:064x}", name=f"{kind}.txt", kind=kind, size_bytes=9, service="checkout")
        for number, kind in enumerate(EvidenceKind)
    )
    state = incident(evidence=evidence, description="x" * 5_000)
    found(diagnosed(state, suspect(fault=FaultKind.MEMORY_LEAK), accepted=False), errors())
    calls = []
    for _ in range(9):
        for call in next_calls(state):
            record = state.record_call(call.capability, call.arguments, NOW, why=call.why, outcome="o")
            state.observe(record, Findings(services=("checkout", "db")), reads=call.reads)
            calls.append(call)
    return calls


async def test_a_planned_call_is_taken_by_the_tool_that_has_the_capability() -> None:
    tools = await _tools()
    calls = _plan()

    assert {call.capability for call in calls} == LOOKING
    for call in calls:
        spec = tools[call.capability]
        assert spec.safety is Safety.SAFE
        assert problem_with(spec.input_schema, call.arguments) is None, call


def test_every_metric_that_would_refute_a_fault_is_understood_by_the_tool_that_watches_it() -> None:
    assert [metric for metric in REFUTING_METRICS.values() if meaning_of(metric) is None] == []
