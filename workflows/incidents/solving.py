"""From an accepted cause to a fix that holds: have it approved, carry it out, watch it, roll it back."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.incidents import RehearsedSolution
    from domain.cases.timeline import TimelineKind
    from domain.playbook.messages import HeldPlaybook, PlaybookResult
    from domain.troubleshooting.incident import Solution
    from domain.troubleshooting.records import ExecutionState, MonitoringState
    from domain.troubleshooting.state import IncidentState
    from domain.troubleshooting.terms import TroublePhase

from workflows.cases.approvals import Approvals
from workflows.cases.case import Case
from workflows.cases.child_playbooks import PlaybookRun, start_held_playbook
from workflows.incidents.changes import LEFT_ONCE, LOOKS_AGAIN, RUN_IS_FORGOTTEN, STOPPED_AT_THE_END, holds
from workflows.incidents.fresh_evidence import FreshEvidence
from workflows.incidents.investigation import Investigation
from workflows.incidents.opened import Opened
from workflows.incidents.reviewing import Reviewing
from workflows.incidents.watching import Watched, Watching


class Solving:
    """Solves one incident."""

    def __init__(
        self,
        case: Case[IncidentState],
        opened: Opened,
        investigation: Investigation,
        approvals: Approvals,
        fresh: FreshEvidence,
    ) -> None:
        """Work on an incident."""
        self._fresh = fresh
        self._case = case
        self._investigation = investigation
        self._reviewing = Reviewing(case, opened, investigation, approvals, fresh)
        self._watching = Watching(case, opened)
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
            solution = await self._reviewing.propose()
            if solution is None:
                return _why_nothing(state)
            plan = await self._reviewing.rehearse(solution)
            refused = await self._reviewing.review(solution, plan)
            if solution not in state.solutions:
                continue  # new evidence spoke against it
            if refused is not None:
                await self._investigation.think()
                if state.cause is None:
                    return f"The proposal was turned down, and no other cause is carried by the evidence: {refused}"
                continue
            if not await self._carry_out(solution, plan):
                await self._investigation.think()
        return None

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
            until=now + self._watching.lasting(solution.success.watch_minutes),
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
            if holds(RUN_IS_FORGOTTEN):
                self.run = None
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
        if self.run is None or self.run.is_over:
            return
        await self.run.cancel()
        execution = self._state.execution
        if execution is not None:
            done = tuple(execution.done)
            # A run that is cancelled gives no result; it ends once nothing is left that a person did not deal with.
            self._keep(execution, PlaybookResult(status="cancelled", done=done, undone=done), taken_back=True)

    def _keep(self, execution: ExecutionState, result: PlaybookResult | None, *, taken_back: bool = False) -> None:
        execution.ended_at = self._case.now()
        if result is None:
            execution.status, execution.sentence = "faulted", "The playbook ended abnormally: see its run."
            return
        execution.status = result.status
        execution.done, execution.undone, execution.left = list(result.done), list(result.undone), list(result.left)
        execution.sentence = _outcome_of(result, taken_back=taken_back)
        self._case.note(TimelineKind.EFFECT, execution.sentence)

    # Watch

    async def _watch(self, watch: MonitoringState) -> bool | None:
        """Look at the measure that proved the trouble, until the agreed time is over.

        Returns:
            True when it held, None when it did not or was stopped, and was taken back; False when nobody can tell.
        """
        state = self._state
        with self._fresh.may_be_read(TroublePhase.MONITOR_OUTCOME):
            ended = await self._watching.until_over(watch, self.run)
        await self._fresh.until_read()
        if ended is Watched.RUN_ENDED:
            await self._stopped(watch)
            return None
        if ended is Watched.REGRESSED:
            await self._regressed(watch)
            return None
        if self.run is not None and state.execution is not None:
            self._keep(state.execution, await self.run.release(keep=True))
            if state.execution.status == "cancelled" and holds(STOPPED_AT_THE_END):
                await self._stopped(watch)
                return None
            self.run = None
        watch.ended_at = self._case.now()
        watch.outcome = "held" if watch.good else "unknown"
        self._case.note(TimelineKind.OUTCOME, f"Watched {watch.looks} times: {watch.outcome}")
        return bool(watch.good) or state.is_resolved

    async def _stopped(self, watch: MonitoringState) -> None:
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

    async def _regressed(self, watch: MonitoringState) -> None:
        """The trouble is back: take the fix back, and look for the cause anew."""
        state = self._state
        seen = watch.verdicts[-1].sentence
        watch.ended_at, watch.outcome = self._case.now(), "regressed"
        state.reopened += 1
        solution = next(one for one in state.solutions if one.solution_id == watch.solution_id)
        self._case.note(TimelineKind.OUTCOME, f"It regressed: {seen}")
        self._investigation.enter(TroublePhase.ERROR_RECOVERY, f"Regression after: {solution.title}")
        await self._roll_back(solution, seen)
        self.run = None
        state.reject(solution, f"It did not hold: {seen}", "surehand", self._case.now(), refutes=True)
        planned = await self._investigation.think()
        if planned and state.cause is None and not state.is_resolved and holds(LOOKS_AGAIN):
            await self._investigation.look()

    async def _roll_back(self, solution: Solution, reason: str) -> None:
        """Have the run undo what it did; what people did by hand they take back by hand."""
        execution = self._state.execution
        if execution is None:
            return
        by_hand = self.run is None
        if self.run is not None:
            self._keep(execution, await self.run.release(keep=False, reason=reason), taken_back=True)
        left = [solution.undo] if by_hand else execution.left
        if not left:
            self._case.note(TimelineKind.EFFECT, f"Rolled back: {', '.join(execution.undone) or solution.title}")
        elif by_hand or not holds(LEFT_ONCE):
            step = f"undo-{solution.solution_id}"
            await self._case.leave_to_person(step, f"Take back by hand: {solution.title}", left)
        else:
            # The run asked a person, and went on at their word.
            self._case.note(TimelineKind.EFFECT, f"Left to people to take back: {', '.join(left)}")


def _why_nothing(state: IncidentState) -> str:
    """Why people are needed, where nothing can be proposed."""
    if state.cause is not None:
        return "No fix is known for it that was not turned down: decide what to do."
    if state.monitoring is not None and state.monitoring.outcome == "regressed":
        return "The fix did not hold, and the evidence carries no other cause: look for it."
    return "The evidence carries no cause any more: look for it."


def _outcome_of(result: PlaybookResult, *, taken_back: bool) -> str:
    """What became of a run, for people."""
    if result.status == "completed":
        return "It was carried out."
    if result.status == "cancelled" and result.left:
        return f"It was taken back but for what was left to people: {', '.join(result.left)}."
    if result.status == "cancelled":
        return "It was taken back." if taken_back else "A person stopped it, and what it had done was taken back."
    problem = (result.error.title or result.error.type) if result.error is not None else "see its run"
    return f"It failed: {problem}"
