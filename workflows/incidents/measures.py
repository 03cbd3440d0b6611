"""Looking at the measure of success once: a metric, a check, the health address; by whichever tool answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.reasoning import ReadCheckInput, ReasoningActivities
    from domain.guarding import judge_call
    from domain.ids import effect_key
    from domain.model import JsonValue
    from domain.tools.tool import ToolBrief, ToolCall, ToolResult
    from domain.troubleshooting.incident import MeasureKind, Success
    from domain.troubleshooting.records import Verdict
    from domain.troubleshooting.state import IncidentState

from workflows import options
from workflows.cases.case import Case
from workflows.incidents.opened import Opened

Answer = tuple[str, dict[str, JsonValue]]
"""The tool that answered, and what it gave."""


class Measures:
    """Measures the outcome of one incident's fix."""

    def __init__(self, case: Case[IncidentState], opened: Opened) -> None:
        """Work on an incident."""
        self._case = case
        self._opened = opened

    async def look(self, success: Success) -> Verdict:
        """Ask for the measure that was agreed on; where it does not answer, for the next best.

        Args:
            success: as people approved it. What was proposed before there was a choice is asked as it was then.
        """
        health, metric, check = self._health, self._metric, self._check
        asked: dict[MeasureKind, tuple[Callable[[Success], Awaitable[Verdict | None]], ...]] = {
            MeasureKind.METRIC: (metric, health),
            MeasureKind.CHECK: (check, health),
        }
        for ask in asked.get(success.kind, (health, metric)) if success.kind is not None else (health, metric):
            verdict = await ask(success)
            if verdict is not None:
                return verdict
        return Verdict(at=self._case.now(), sentence="It could not be measured.")

    async def _health(self, success: Success) -> Verdict | None:
        if success.health_url is None:
            return None
        at = self._case.now()
        found = await self._ask("health.probe", {"url": success.health_url})
        good = found[1].get("healthy") if found is not None else None
        if found is None or not isinstance(good, bool):
            return None
        return Verdict(at=at, good=good, sentence=str(found[1].get("reason") or "")[:200], source="health.probe")

    async def _metric(self, success: Success) -> Verdict | None:
        if not success.query or success.threshold is None:
            return None
        at = self._case.now()
        found = await self._ask("metrics.query", {"query": success.query})
        value = worst(found[1] if found is not None else None, at_most=success.at_most)
        if value is None:
            return None
        good = success.is_met(value)
        return Verdict(at=at, value=value, good=good, sentence=f"{success.measure}: {value:g}", source="metrics")

    async def _check(self, success: Success) -> Verdict | None:
        check, at = success.check, self._case.now()
        if check is None:
            return None
        found = await self._ask(check.capability, check.arguments)
        if found is None:
            return None
        read = ReadCheckInput(asked=check.asked, output=found[1], tool=found[0])
        answer = await self._case.think(ReasoningActivities.read_check, read, "Read the answer")
        if answer.good is None:
            return None
        source = f"check:{check.asked.name}"
        return Verdict(at=at, value=answer.value, good=answer.good, sentence=answer.sentence[:200], source=source)

    async def _ask(self, capability: str, arguments: dict[str, JsonValue]) -> Answer | None:
        state = self._case.state
        for brief in self._opened.tools_for(capability):
            facts: dict[str, JsonValue] = {"tenant": state.tenant, "undoing": False, "totals": {}}
            if judge_call(self._opened.guardrails, brief, arguments, facts).action.value not in ("allow", "log"):
                continue
            call = ToolCall(
                tool=brief.name,
                arguments=arguments,
                key=effect_key(workflow.info().workflow_id, state.begin(f"watch/{capability}")),
                tenant=state.tenant,
                digest=brief.digest,
            )

            async def once(brief: ToolBrief = brief, call: ToolCall = call) -> ToolResult:
                config = self._case.shown_as(
                    "Look whether the fix holds", options.tool(brief, self._case.policy.timers)
                )
                result: ToolResult = await workflow.execute_activity(call.tool, call, result_type=ToolResult, **config)
                return result

            result = await self._case.attempt("Look whether the fix holds", once)
            if result is not None and result.refusal is None and isinstance(result.output, dict):
                return brief.name, result.output
        return None


def worst(answer: dict[str, JsonValue] | None, *, at_most: bool) -> float | None:
    """The value of a metric's answer that is furthest from good: the highest, or the lowest where more is better."""
    samples = (answer or {}).get("samples")
    values = [one.get("value") for one in samples if isinstance(one, dict)] if isinstance(samples, list) else []
    numbers = [float(value) for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    return (max if at_most else min)(numbers, default=None)
