"""What is put forward against an accepted cause, and what people say about it."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.incidents import IncidentActivities, RehearsedSolution, RehearseSolutionInput
    from activities.reasoning import ProposeInput, ReasoningActivities
    from domain.cases.approval import ApprovalQuestion, ApprovalState
    from domain.cases.timeline import TimelineKind
    from domain.model import JsonValue
    from domain.troubleshooting.incident import Solution
    from domain.troubleshooting.state import IncidentState
    from domain.troubleshooting.terms import TroublePhase

from workflows import options
from workflows.cases.approvals import Approvals
from workflows.cases.case import Case
from workflows.incidents.fresh_evidence import FreshEvidence
from workflows.incidents.investigation import Investigation, thinkable
from workflows.incidents.opened import Opened

OF_A_SOLUTION = "solution-"
"""How the ids of approvals begin that are about a fix."""


class Reviewing:
    """Proposes fixes of one incident, and has people decide about them."""

    def __init__(
        self,
        case: Case[IncidentState],
        opened: Opened,
        investigation: Investigation,
        approvals: Approvals,
        fresh: FreshEvidence,
    ) -> None:
        """Work on an incident."""
        self._case = case
        self._opened = opened
        self._investigation = investigation
        self._approvals = approvals
        self._fresh = fresh

    @property
    def _state(self) -> IncidentState:
        return self._case.state

    async def propose(self) -> Solution | None:
        """The best fix for the cause; None when there is none that was not turned down."""
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

    async def review(self, solution: Solution, plan: RehearsedSolution) -> str | None:
        """Ask people.

        Returns:
            Why it was turned down, or None. A solution that new evidence spoke against is no longer among the state's.
        """
        state = self._state
        if plan.problems:
            reason = f"It could not run: {plan.problems[0]}"
            state.reject(solution, reason, "surehand", self._case.now())
            return reason
        self._investigation.enter(TroublePhase.HUMAN_REVIEW, f"People decide: {solution.title}")
        outdated = self._fresh.speaks_against(solution.hypothesis_id)
        request_id = f"{OF_A_SOLUTION}{solution.solution_id}"
        if request_id not in state.approvals:
            # One that was open before this run of the workflow, when something else was thought.
            self._approvals.supersede_all("another fix is proposed", below=OF_A_SOLUTION)
        with self._fresh.may_be_read(TroublePhase.HUMAN_REVIEW):
            request = await self._approvals.obtain(
                request_id,
                self._question(solution, plan),
                superseded=lambda: state.is_resolved or outdated(),
                ladder="change",
            )
        await self._fresh.until_read()
        self._case.changed()
        if outdated() and not state.is_resolved:
            return self._withdraw(solution, request)
        if request.granted:
            return None
        reason = request.reason or "nobody approved it"
        if not state.is_resolved:
            state.reject(solution, reason, _decider(request), self._case.now())
            self._case.note(TimelineKind.APPROVAL, f"Turned down: {solution.title}. {reason}")
        return reason

    def _withdraw(self, solution: Solution, request: ApprovalState) -> str:
        """New evidence speaks against the cause: what was proposed for it is not done, approved or not."""
        said = " It was approved, and is not carried out." if request.granted else ""
        self._state.take_back(solution)
        self._case.note(TimelineKind.APPROVAL, f"No longer proposed: {solution.title}.{said}")
        return "New evidence speaks against the cause."

    async def rehearse(self, solution: Solution) -> RehearsedSolution:
        """What carrying it out would do; this is what people see."""
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


def _decider(request: ApprovalState) -> str:
    return request.decided_by[-1] if request.decided_by else "nobody"
