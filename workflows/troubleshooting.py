"""The troubleshooting lifecycle: one incident, from its report to a fix that holds and a post-mortem."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from domain.cases.messages import Accepted
    from domain.cases.timeline import TimelineKind
    from domain.identity.people import HOLDERS_OF_INCIDENTS
    from domain.ids import incident_number
    from domain.playbook.messages import HeldPlaybook
    from domain.policies.case_policy import shared
    from domain.troubleshooting.fitting import fit
    from domain.troubleshooting.messages import (
        CloseIncidentInput,
        EvidenceInput,
        IncidentInput,
        IncidentResult,
        QueryInput,
    )
    from domain.troubleshooting.state import IncidentState
    from domain.troubleshooting.telling.takeover import decision_for, urgency_of
    from domain.troubleshooting.terms import TroublePhase

from workflows.cases.approvals import Approvals
from workflows.cases.case import GIVEN_UP, Case
from workflows.cases.claims import Claims
from workflows.cases.handoff import Handoff
from workflows.cases.telling import Telling
from workflows.incidents.changes import (
    LAST_MOMENT,
    PEOPLE_FIRST,
    SHOWN_AT_ONCE,
    THOUGHTS_ARE_ACTIVITIES,
    holds,
    know_at_start,
)
from workflows.incidents.closing import Closing
from workflows.incidents.fresh_evidence import FreshEvidence
from workflows.incidents.informing import OUTCOME, Informing
from workflows.incidents.investigation import Investigation
from workflows.incidents.opened import Opened
from workflows.incidents.record import IncidentRecord, ShownIncident
from workflows.incidents.solving import Solving
from workflows.incidents.ticketed import TicketedLifecycle
from workflows.incidents.words import IncidentWords


@workflow.defn
class TroubleshootingWorkflow(TicketedLifecycle):
    """One incident. Its id is `domain.ids.troubleshooting_workflow_id(tenant, incident id)`."""

    IS_OVER = "this incident is closed"
    INSTEAD = "open a new one"
    THING = "incident"
    NOT_HANDED_OVER = "Nobody was asked to take over this incident yet."
    HOLDERS = HOLDERS_OF_INCIDENTS

    # State

    @workflow.init
    def __init__(self, request: IncidentInput) -> None:
        """Build the state, or take it over from the run before."""
        self._request = request
        self.state = request.state or _first_state(request)
        if self.state.policy is not None:
            self.state.policy = shared(self.state.policy)
        self._shown = ShownIncident()
        self.case: Case[IncidentState] = Case(self.state, self._show)
        self.record = IncidentRecord(self.case)
        self.approvals = Approvals(self.case)
        self.opened = Opened(self.case, request.budget)
        self.investigation = Investigation(self.case, self.opened)
        self.fresh = FreshEvidence(self.case, self.investigation)
        self.solving = Solving(self.case, self.opened, self.investigation, self.approvals, self.fresh)
        self.informing = Informing(self.case, self.approvals)
        self.closing = Closing(self.case, self.approvals, self.informing, self.record)
        self.handoff = Handoff(self.case, IncidentWords(self.case))
        self.claims = Claims(self.case, self.handoff.show_claim)
        self.telling = Telling(
            self.case, lambda: (self.state.priority.value, self.state.claim.claimed_by), self.record.write
        )

    # The business process

    @workflow.run
    async def run(self, request: IncidentInput) -> IncidentResult:
        """Carry an incident through its whole life."""
        know_at_start()
        self.case.thinks_locally = not holds(THOUGHTS_ARE_ACTIVITIES)
        try:
            await self.opened.look_up()
            self.telling.begin()
            await self._live()
        except BaseException as error:
            given_up = isinstance(error, ApplicationError) and error.type == GIVEN_UP
            if not (is_cancelled_exception(error) or given_up):
                raise
            self.telling.end()
            await self._withdraw("a step was given up" if given_up else "the incident was cancelled")
            if is_cancelled_exception(error):
                raise
        await self.telling.stop()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return _result(self.state)

    async def _live(self) -> None:
        """Find the cause, solve it or have people solve it, answer questions meanwhile, and close."""
        await self.investigation.take_in()
        while not self.state.is_resolved:
            came_to_end = await self.case.lanes.run(
                self._find_and_solve(),
                self.informing.answer_questions(lambda: self.state.is_resolved),
                self._keep_claimed(),
                self.fresh.read_meanwhile(),
                self.approvals.keep_shown(lambda: self.state.is_resolved, lambda: holds(SHOWN_AT_ONCE)),
                leave=self._should_continue_as_new,
            )
            if not came_to_end:
                await self._continue_as_new()
        await self._close()

    async def _find_and_solve(self) -> None:
        """The lane of the investigation. What is not solved is handed to people; new evidence starts it anew."""
        while not self.state.is_resolved:
            why = None
            if self.state.monitoring is None or self.state.monitoring.ended_at is not None:
                why = await self.investigation.look()
            if why is None:
                why = await self.solving.solve()
            if self.state.is_resolved:
                return  # a person said so meanwhile
            if why is None:
                self._resolve(_how(self.state), "surehand")
                return
            await self._hand_over(why)
            await self.case.lanes.wait(lambda: self.state.is_resolved or self.fresh.arrived)
            self.fresh.take()

    async def _hand_over(self, why: str) -> None:
        """Have people take over, with everything that is known. A store that is down does not keep it from them."""
        state = self.state
        self.investigation.enter(TroublePhase.ESCALATION, why)
        state.escalated_because = why
        people_first = holds(PEOPLE_FIRST)
        if not people_first:
            await self.record.save("investigated")
        if not state.people_have_it:
            await self.handoff.hand_over(decision_for(state, self.case.policy.immediate_technical_team, why))
        if people_first:
            await self.record.save("investigated")

    async def _keep_claimed(self) -> None:
        state = self.state
        await self.case.lanes.wait(lambda: state.is_resolved or state.people_have_it)
        if state.people_have_it and not state.is_resolved:
            within = self.case.policy.timers.claim_within[urgency_of(state)]
            await self.claims.keep_claimed(within, self._team, lambda: state.is_resolved)

    async def _close(self) -> None:
        """What was carried out stays; tell the customers, write down what was learned, and end."""
        self.investigation.enter(TroublePhase.CASE_CLOSURE, self.state.resolution)
        await self.solving.let_stay()
        await self.closing.close()
        if holds(LAST_MOMENT):
            await self._take_last()

    async def _take_last(self) -> None:
        """Wait for all that is on its way; a ticket that is linked meanwhile is not forgotten.

        After the last look nothing waits any more: what comes later meets a workflow that has ended, and its sender
        is told so. The server completes no workflow whose last messages were not looked at.
        """
        while True:
            await self.telling.stop()
            await workflow.wait_condition(workflow.all_handlers_finished)
            if not self.closing.came_late:
                return
            await self.closing.take_late()

    async def _withdraw(self, why: str) -> None:
        """Undo what a fix did, take back the handoff, and end; shielded from a further cancellation."""
        self.case.lanes.winding_down = True
        await asyncio.shield(asyncio.create_task(self._take_back(why)))

    async def _take_back(self, why: str) -> None:
        state = self.state
        self.case.note(TimelineKind.CASE, f"Withdrawn: {why}")
        state.parked.clear()
        self.approvals.supersede_all("the incident was withdrawn")
        await self.solving.stop()
        if holds(SHOWN_AT_ONCE):
            await self.approvals.show_outcomes()
        if state.policy is not None:
            left = await self.handoff.withdraw()
            if left:
                await self.case.leave_to_person("withdraw", "Take back by hand what was sent", left)
        state.withdrawn = True
        if holds(LAST_MOMENT):
            # Nobody will tell their customers how it ended: another incident may.
            for ticket in state.untold(OUTCOME):
                await self.informing.leave(ticket.ticket_id)
        self.case.changed()
        if state.policy is not None:
            await self.record.save("withdrawn")

    def _resolve(self, how: str, by: str) -> None:
        self.state.resolved_at = workflow.now()
        self.state.resolution, self.state.resolved_by = how, by
        self.case.note(TimelineKind.OUTCOME, "Resolved", by)
        self.case.changed()

    def _team(self) -> str:
        handoff = self.state.handoff
        return handoff.team if handoff is not None else self.case.policy.immediate_technical_team

    def _show(self) -> None:
        self._shown.show(self.state)

    # Continue as new

    def _should_continue_as_new(self) -> bool:
        limit, info = self._request.continue_after_events, workflow.info()
        full = info.is_continue_as_new_suggested() or (limit is not None and info.get_current_history_length() >= limit)
        return full and not self.state.parked and self.solving.run is None and workflow.all_handlers_finished()

    async def _continue_as_new(self) -> None:
        await self.telling.stop()
        await self.record.save("continued")
        self.state.forget_what_is_saved()
        fit(self.state)
        self.state.runs += 1
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(self._request.model_copy(update={"state": self.state}))

    # Queries

    @workflow.query(name="state")
    def query_state(self) -> IncidentState:
        """Everything the incident knows."""
        return self.state

    # Updates and signals

    @workflow.update
    def add_query(self, query: QueryInput) -> Accepted:
        """A follow-up question. A repeat of one is accepted and does nothing."""
        if self.state.ask(query.message_id, query.author, query.text, workflow.now()) is None:
            return self._accepted("This question is in the incident already.")
        self.case.note(TimelineKind.MESSAGE, "New question", query.author)
        return self._accepted("The question is in the incident; its answer is shown there.")

    @add_query.validator
    def _check_query(self, query: QueryInput) -> None:
        self._refuse_when_over()

    @workflow.update
    def add_evidence(self, more: EvidenceInput) -> Accepted:
        """More evidence: the investigation reads it and thinks again."""
        new = self.state.add_evidence(more.evidence)
        if not new:
            return self._accepted("This evidence is in the incident already.")
        names = ", ".join(one.name for one in new)
        self.case.note(TimelineKind.STEP, f"New evidence: {names}", more.person_id)
        self.fresh.arrived = True
        return self._accepted(f"{len(new)} pieces of evidence are in the incident.")

    @add_evidence.validator
    def _check_evidence(self, more: EvidenceInput) -> None:
        self._refuse_when_over()
        if self.state.is_resolved:
            raise ApplicationError(
                "This incident is resolved, and nothing is looked at any more: open a new one with this evidence.",
                non_retryable=True,
            )

    @workflow.update
    def close(self, word: CloseIncidentInput) -> Accepted:
        """A person says that it is over, and may confirm the cause."""
        if word.cause is not None:
            self.state.confirmed_cause = word.cause
        self.approvals.supersede_all("the incident is over")
        self._resolve(word.resolution, word.person_id)
        return self._accepted("The incident is resolved.")

    @close.validator
    def _check_close(self, word: CloseIncidentInput) -> None:
        self._refuse_when_over()
        if self.state.is_resolved:
            raise ApplicationError("This incident is resolved already.", non_retryable=True)
        known = self.state.diagnosis
        if word.cause is not None and (known is None or known.find(word.cause) is None):
            raise ApplicationError("There is no such hypothesis: see `surehand case show`.", non_retryable=True)

    @workflow.signal
    def playbook_held(self, playbook: HeldPlaybook) -> None:
        """A fix is carried out, and waits for whether it helps."""
        self.solving.held(playbook)


def _first_state(request: IncidentInput) -> IncidentState:
    info = workflow.info()
    state = IncidentState.opened(
        request.tenant, incident_number(request.report.incident_id), request.report, info.start_time
    )
    state.note(state.opened_at, TimelineKind.CASE, "Incident reported", request.report.reported_by)
    return state


def _how(state: IncidentState) -> str:
    solution = state.solution
    return f"{solution.title}. {solution.success.sentence}" if solution is not None else "It was solved."


def _result(state: IncidentState) -> IncidentResult:
    cause, execution = state.cause, state.execution
    return IncidentResult(
        incident_id=state.report.incident_id,
        status=state.current_status().value,
        service=cause.service if cause is not None else None,
        fault=cause.fault.value if cause is not None else None,
        change_id=cause.change.change_id if cause is not None and cause.change is not None else None,
        hypothesis_id=cause.hypothesis_id if cause is not None else None,
        confidence=cause.posterior if cause is not None else 0.0,
        solution=state.solution.title if state.solution is not None and execution is not None else None,
        undone=execution is not None and bool(execution.undone),
        escalated=bool(state.escalated_because),
        reopened=state.reopened,
        rounds=state.spent.iterations,
        tool_calls=state.spent.tool_calls,
        linked_tickets=len(state.linked),
        resolution=state.resolution,
    )
