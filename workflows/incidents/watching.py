"""Watching whether a fix holds: the measure that proved the trouble is looked at until the agreed time is over."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum, auto

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.guarding import judge_call
    from domain.ids import effect_key
    from domain.model import JsonValue
    from domain.tool import ToolCall, ToolResult
    from domain.troubleshooting.records import MonitoringState, Verdict
    from domain.troubleshooting.state import IncidentState

from workflows import options
from workflows.cases.case import Case
from workflows.cases.child_playbooks import PlaybookRun
from workflows.incidents.opened import Opened

BAD_LOOKS = 2
"""So many bad looks in a row are a regression: one alone may be noise."""
BY_HAND_TAKES_TIME = "by-hand-takes-time"


class Watched(Enum):
    """Why a watch ended."""

    TIME_IS_OVER = auto()
    REGRESSED = auto()
    RUN_ENDED = auto()
    """A person stopped the playbook, which has undone what it did."""
    CLOSED = auto()
    """A person said that the incident is over."""


class Watching:
    """Watches the outcome of one incident's fix."""

    def __init__(self, case: Case[IncidentState], opened: Opened) -> None:
        """Work on an incident."""
        self._case = case
        self._opened = opened

    @property
    def _state(self) -> IncidentState:
        return self._case.state

    async def until_over(self, watch: MonitoringState, run: PlaybookRun | None) -> Watched:
        """Look again and again.

        Args:
            watch: what is looked at, and until when; takes the verdicts.
            run: that made the fix and holds on to it; None where people made it.
        """
        state = self._state
        every = self.lasting(max(1, watch.success.check_minutes))
        while self._case.now() < watch.until:
            await self._pause(min(watch.until, self._case.now() + every), run)
            if state.is_resolved:
                return Watched.CLOSED
            if run is not None and run.is_over:
                return Watched.RUN_ENDED
            state.judge(await self._look(watch))
            if watch.bad_in_a_row >= BAD_LOOKS and not self._people_are_still_at_it(watch, run):
                return Watched.REGRESSED
        if run is None and watch.bad_in_a_row >= BAD_LOOKS:
            return Watched.REGRESSED  # people had all of the time, and it did not get better
        return Watched.TIME_IS_OVER

    def _people_are_still_at_it(self, watch: MonitoringState, run: PlaybookRun | None) -> bool:
        """Whether it was never well since people were told to fix it by hand: their work takes its time."""
        return run is None and not watch.good and workflow.patched(BY_HAND_TAKES_TIME)

    def lasting(self, minutes: int) -> timedelta:
        """How long agreed minutes last."""
        return self._case.policy.timers.lasting(timedelta(minutes=minutes))

    async def _pause(self, until: datetime, run: PlaybookRun | None) -> None:
        """Wait for the next look; with a run that is held there is no continue-as-new, which would lose it."""
        state = self._state
        if run is None:
            await self._case.lanes.wait(lambda: state.is_resolved, until=until, summary="Look whether the fix holds")
            return
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: state.is_resolved or run.is_over,
                timeout=max(until - self._case.now(), timedelta(0)),
                timeout_summary="Look whether the fix holds",
            )

    async def _look(self, watch: MonitoringState) -> Verdict:
        success, now = watch.success, self._case.now()
        if success.health_url is not None:
            answer = await self._ask("health.probe", {"url": success.health_url})
            if answer is not None and isinstance(answer.get("healthy"), bool):
                good = answer["healthy"]
                return Verdict(at=now, good=good, sentence=str(answer.get("reason") or "")[:200], source="health.probe")
        if success.query and success.threshold is not None:
            answer = await self._ask("metrics.query", {"query": success.query})
            value = highest(answer)
            if value is not None:
                good = success.is_met(value)
                return Verdict(
                    at=now, value=value, good=good, sentence=f"{success.measure}: {value:g}", source="metrics"
                )
        return Verdict(at=now, sentence="It could not be measured.")

    async def _ask(self, capability: str, arguments: dict[str, JsonValue]) -> dict[str, JsonValue] | None:
        state = self._state
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

            async def once(brief: object = brief, call: ToolCall = call) -> ToolResult:
                config: workflow.ActivityConfig = {
                    **options.tool(brief, self._case.policy.timers),  # type: ignore[arg-type]  # a default binds the loop's value
                    "summary": "Look whether the fix holds",
                }
                result: ToolResult = await workflow.execute_activity(call.tool, call, result_type=ToolResult, **config)
                return result

            result = await self._case.attempt("Look whether the fix holds", once)
            if result is not None and result.refusal is None and isinstance(result.output, dict):
                return result.output
        return None


def highest(answer: dict[str, JsonValue] | None) -> float | None:
    """The highest value of a metric's answer."""
    samples = (answer or {}).get("samples")
    values = [one.get("value") for one in samples if isinstance(one, dict)] if isinstance(samples, list) else []
    numbers = [float(value) for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    return max(numbers, default=None)
