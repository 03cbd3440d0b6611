"""From an accepted cause to a fix that holds: propose, have it approved, carry it out, watch it, roll it back."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.incidents import IncidentActivities, RehearsedSolution, RehearseSolutionInput
    from activities.reasoning import ProposeInput, ReasoningActivities
    from domain.approval import ApprovalQuestion, ApprovalState
    from domain.guarding import judge_call
    from domain.ids import effect_key
    from domain.model import JsonValue
    from domain.playbook.messages import HeldPlaybook, PlaybookResult
    from domain.timeline import TimelineKind
    from domain.tool import ToolCall, ToolResult
    from domain.troubleshooting.incident import Solution
    from domain.troubleshooting.records import ExecutionState, MonitoringState, Verdict
    from domain.troubleshooting.state import IncidentState
    from domain.troubleshooting.terms import TroublePhase

from workflows import options
from workflows.cases.approvals import Approvals
from workflows.cases.case import Case
from workflows.cases.child_playbooks import PlaybookRun, start_held_playbook
from workflows.incidents.investigation import Investigation, thinkable
from workflows.incidents.opened import Opened

BAD_LOOKS = 2
"""So many bad looks in a row are a regression: one alone may be noise."""


class Solving:
    """Solves one incident."""

    def __init__(
        self, case: Case[IncidentState], opened: Opened, investigation: Investigation, approvals: Approvals
    ) -> None:
        """Work on an incident."""
        self._case = case
        self._opened = opened
        self._investigation = investigation
        self._approvals = approvals
        self.run: PlaybookRun | None = None
        """The playbook that carries the solution out, until it has ended."""
        self._held = False

    @property
    def _state(self) -> IncidentState:
        return self._case.state

    async def solve(self) -> str | None:
        """Try to solve the incident, from wherever it stands.

        Returns:
            None when a fix was made and held; else why people are needed, in a sentence.
        """
        state = self._state
        while not state.is_resolved:
            if state.monitoring is not None and not state.monitoring.ended_at:
                held = await self._watch(state.monitoring)
                if held is None:
                    continue
                return None if held else "Nobody can tell whether the fix helped: look at it."
            solution = await self._propose()
            if solution is None:
                return "No fix is known for it that was not turned down: decide what to do."
            plan = await self._rehearse(solution)
            refused = await self._review(solution, plan)
            if refused is not None:
                await self._investigation.think()
                if state.cause is None:
                    return f"The proposal was turned down, and no other cause is carried by the evidence: {refused}"
                continue
            if not await self._carry_out(solution, plan):
                await self._investigation.think()
        return None

    # Propose and review

    async def _propose(self) -> Solution | None:
        state = self._state
        cause = state.cause
        if cause is None:
            return None
        known, done = state.solution, state.execution.solution_id if state.execution is not None else None
        if known is not None and known.hypothesis_id == cause.hypothesis_id and known.solution_id != done:
            return known  # it was put forward before this run of the workflow, and not carried out
        schemas = {playbook.name: playbook.input_schema for playbook in self._opened.playbooks}
        solution = await self._case.think(
            ReasoningActivities.propose_solution, ProposeInput(state=thinkable(state), schemas=schemas), "Propose a fix"
        )
        if solution is None:
            return None
        state.propose(solution)
        self._investigation.enter(TroublePhase.PROPOSE_SOLUTION, solution.title)
        return solution

    async def _review(self, solution: Solution, plan: RehearsedSolution) -> str | None:
        """Ask people. Returns why it was turned down, or None."""
        state = self._state
        if plan.problems:
            reason = f"It could not run: {plan.problems[0]}"
            state.reject(solution, reason, "surehand", self._case.now())
            return reason
        self._investigation.enter(TroublePhase.HUMAN_REVIEW, f"People decide: {solution.title}")
        request = await self._approvals.obtain(
            f"solution-{solution.solution_id}",
            self._question(solution, plan),
            superseded=lambda: state.is_resolved,
            ladder="change",
        )
        self._case.changed()
        if request.granted:
            return None
        reason = request.reason or "nobody approved it"
        if not state.is_resolved:
            state.reject(solution, reason, _decider(request), self._case.now())
            self._case.note(TimelineKind.APPROVAL, f"Turned down: {solution.title}. {reason}")
        return reason

    async def _rehearse(self, solution: Solution) -> RehearsedSolution:
        if solution.playbook is None:
            return RehearsedSolution()
        asked = RehearseSolutionInput(
            tenant=self._state.tenant,
            playbook=solution.playbook,
            arguments=solution.arguments,
            customer_id=self._state.report.customer_id,
        )
        return await self._case.do(
            IncidentActivities.rehearse_solution,
            asked,
            f"Rehearse {solution.playbook}",
            options.store(self._case.policy.timers),
        )

    def _question(self, solution: Solution, plan: RehearsedSolution) -> ApprovalQuestion:
        cause = self._state.cause
        calls = [call.model_dump(mode="json", exclude={"digest", "when"}) for call in plan.calls]
        arguments: dict[str, JsonValue] = (
            {"playbook": solution.playbook, "input": solution.arguments, "calls": calls}
            if solution.playbook is not None
            else {"steps": list(solution.steps)}
        )
        weighed = cause.evidence_for[:6] if cause is not None else ()
        return ApprovalQuestion(
            action="incident_solution",
            summary=f"{solution.title} ({self._state.case_number})",
            arguments=arguments,
            evidence=(
                *((cause.sentence,) if cause is not None else ()),
                *(one.text for one in weighed),
                f"Risk: {solution.risk}",
                f"Undo: {solution.undo}",
                f"It worked when: {solution.success.sentence}",
            ),
            requested_by=self._state.report.reported_by,
        )

    # Execute

    async def _carry_out(self, solution: Solution, plan: RehearsedSolution) -> bool:
        """Do what was approved. False when it failed; what it had done is undone then.

        Args:
            solution: what was approved.
            plan: as people saw it. The playbook may change meanwhile: no call that is not in the plan is covered.
        """
        state = self._state
        self._investigation.enter(TroublePhase.EXECUTE_SOLUTION, f"Approved: {solution.title}")
        execution = ExecutionState(solution_id=solution.solution_id, run="", started_at=self._case.now())
        state.execution = execution
        if solution.playbook is None:
            execution.status, execution.sentence = "by_hand", "People do it by hand, as approved."
            execution.ended_at = self._case.now()
        elif not await self._run(solution.playbook, solution, plan, execution):
            state.reject(solution, execution.sentence, "surehand", self._case.now())
            self._investigation.enter(TroublePhase.ERROR_RECOVERY, execution.sentence)
            return False
        now = self._case.now()
        state.monitoring = MonitoringState(
            solution_id=solution.solution_id,
            success=solution.success,
            started_at=now,
            until=now + self._lasting(solution.success.watch_minutes),
        )
        self._investigation.enter(TroublePhase.MONITOR_OUTCOME, solution.success.sentence)
        return True

    async def _run(self, playbook: str, solution: Solution, plan: RehearsedSolution, execution: ExecutionState) -> bool:
        """Start the playbook, and wait until all of it is done or it ends before that."""
        self._held = False
        run = await start_held_playbook(
            self._state,
            playbook,
            f"solution-{solution.solution_id}",
            solution.arguments,
            approved=plan.approved,
            version=plan.version or None,
            customer_id=self._state.report.customer_id,
        )
        self.run, execution.run = run, run.workflow_id
        # No continue-as-new meanwhile: a child does not come along. So this is no wait of the lane.
        await workflow.wait_condition(lambda: self._held or run.is_over)
        if run.is_over:
            self._keep(execution, await run.end())
            return execution.status == "completed"
        execution.status, execution.sentence = "held", "It was carried out."
        self._case.note(TimelineKind.EFFECT, f"Carried out: {solution.title}")
        return True

    def held(self, playbook: HeldPlaybook) -> None:
        """The run says that all is done."""
        self._held = True
        if self._state.execution is not None:
            self._state.execution.done = list(playbook.done)

    async def let_stay(self) -> None:
        """The incident is over, as a person said: what was carried out stays."""
        if self.run is not None and self._state.execution is not None:
            self._keep(self._state.execution, await self.run.release(keep=True))
            self.run = None

    async def stop(self) -> None:
        """The incident ends early: what the run did is undone."""
        if self.run is not None and not self.run.is_over:
            await self.run.cancel()

    def _keep(self, execution: ExecutionState, result: PlaybookResult | None) -> None:
        execution.ended_at = self._case.now()
        if result is None:
            execution.status, execution.sentence = "faulted", "The playbook ended abnormally: see its run."
            return
        execution.status = result.status
        execution.done, execution.undone, execution.left = list(result.done), list(result.undone), list(result.left)
        problem = (result.error.title or result.error.type) if result.error is not None else ""
        execution.sentence = "It was carried out." if result.status == "completed" else f"It failed: {problem}"
        self._case.note(TimelineKind.EFFECT, execution.sentence)

    # Watch

    async def _watch(self, watch: MonitoringState) -> bool | None:
        """Look at the measure that proved the trouble, until the agreed time is over.

        Returns:
            True when it held, None when it regressed and was rolled back, False when it could not be measured.
        """
        state = self._state
        every = self._lasting(max(1, watch.success.check_minutes))
        while self._case.now() < watch.until:
            await self._pause(min(watch.until, self._case.now() + every))
            if state.is_resolved:
                break
            if self.run is not None and self.run.is_over:
                await self._aborted(watch)
                return None
            verdict = await self._look(watch)
            state.judge(verdict)
            if watch.bad_in_a_row >= BAD_LOOKS:
                await self._regressed(watch, verdict)
                return None
        watch.ended_at = self._case.now()
        watch.outcome = "held" if watch.good else "unknown"
        self._case.note(TimelineKind.OUTCOME, f"Watched {watch.looks} times: {watch.outcome}")
        if self.run is not None and state.execution is not None:
            self._keep(state.execution, await self.run.release(keep=True))
            self.run = None
        return bool(watch.good) or state.is_resolved

    def _lasting(self, minutes: int) -> timedelta:
        return self._case.policy.timers.lasting(timedelta(minutes=minutes))

    async def _pause(self, until: datetime) -> None:
        """Wait for the next look; with a run that is held there is no continue-as-new, which would lose it."""
        state, run = self._state, self.run
        if run is None:
            await self._case.lanes.wait(lambda: state.is_resolved, until=until, summary="Look whether the fix holds")
            return
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: state.is_resolved or run.is_over,
                timeout=max(until - self._case.now(), timedelta(0)),
                timeout_summary="Look whether the fix holds",
            )

    async def _aborted(self, watch: MonitoringState) -> None:
        """A person stopped the run while its outcome was watched; it has undone what it did."""
        state = self._state
        assert self.run is not None  # noqa: S101  (the caller saw it)
        watch.ended_at, watch.outcome = self._case.now(), "aborted"
        if state.execution is not None:
            self._keep(state.execution, await self.run.end())
        self.run = None
        solution = next(one for one in state.solutions if one.solution_id == watch.solution_id)
        state.reject(solution, "A person stopped it.", "surehand", self._case.now())
        await self._investigation.think()

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

    async def _regressed(self, watch: MonitoringState, verdict: Verdict) -> None:
        """The trouble is back: take the fix back, and look for the cause anew."""
        state = self._state
        watch.ended_at, watch.outcome = self._case.now(), "regressed"
        state.reopened += 1
        solution = next(one for one in state.solutions if one.solution_id == watch.solution_id)
        self._case.note(TimelineKind.OUTCOME, f"It regressed: {verdict.sentence}")
        self._investigation.enter(TroublePhase.ERROR_RECOVERY, f"Regression after: {solution.title}")
        await self._roll_back(solution, verdict.sentence)
        self.run = None
        state.reject(solution, f"It did not hold: {verdict.sentence}", "surehand", self._case.now(), refutes=True)
        await self._investigation.think()

    async def _roll_back(self, solution: Solution, reason: str) -> None:
        """Have the run undo what it did; what people did by hand they take back by hand."""
        execution = self._state.execution
        if execution is None:
            return
        if self.run is not None:
            self._keep(execution, await self.run.release(keep=False, reason=reason))
            left = execution.left
        else:
            left = [solution.undo]
        if left:
            step = f"undo-{solution.solution_id}"
            await self._case.leave_to_person(step, f"Take back by hand: {solution.title}", left)
        else:
            self._case.note(TimelineKind.EFFECT, f"Rolled back: {', '.join(execution.undone) or solution.title}")


def highest(answer: dict[str, JsonValue] | None) -> float | None:
    """The highest value of a metric's answer."""
    samples = (answer or {}).get("samples")
    values = [one.get("value") for one in samples if isinstance(one, dict)] if isinstance(samples, list) else []
    numbers = [float(value) for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    return max(numbers, default=None)


def _decider(request: ApprovalState) -> str:
    return request.decided_by[-1] if request.decided_by else "nobody"
