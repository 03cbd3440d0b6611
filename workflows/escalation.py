"""The escalation lifecycle: one ticket, from its arrival to 72 hours after its resolution."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from domain.cases.escalation import EscalationInput, EscalationResult, EscalationState
    from domain.cases.messages import Accepted, EscalateNowInput, ResolveInput
    from domain.cases.timeline import TimelineKind
    from domain.identity.people import HOLDERS_OF_TICKETS
    from domain.ids import case_id
    from domain.knowledge.learning import result_of
    from domain.policies.case_policy import shared
    from domain.sla.clocks import SlaEvent
    from domain.triage.decision import Decision, DecisionKind, Urgency

from workflows.cases.approvals import Approvals
from workflows.cases.case import GIVEN_UP, Case
from workflows.cases.claims import Claims
from workflows.cases.handoff import Handoff
from workflows.cases.status import Shown
from workflows.cases.telling import Telling
from workflows.escalations.conversation import Conversation
from workflows.escalations.incident import IncidentLinks
from workflows.escalations.outcome import Outcome
from workflows.escalations.record import Record
from workflows.escalations.resolution import Resolution
from workflows.escalations.sla import SlaWatch
from workflows.escalations.talked_about import TalkedAboutLifecycle
from workflows.escalations.triage import Triage
from workflows.escalations.withdrawal import Withdrawal
from workflows.escalations.words import EscalationWords


@workflow.defn
class EscalationWorkflow(TalkedAboutLifecycle):
    """One escalation case. Its id is `domain.ids.escalation_workflow_id(tenant, ticket id)`."""

    IS_OVER = "this case is closed"
    INSTEAD = "submit a new ticket"
    THING = "case"
    NOT_HANDED_OVER = "This case is not handed over, so there is nothing to claim."
    HOLDERS = HOLDERS_OF_TICKETS

    # State

    @workflow.init
    def __init__(self, request: EscalationInput) -> None:
        """Build the state, or take it over from the run before."""
        self.state = request.state or self._first_state(request)
        if self.state.policy is not None:
            self.state.policy = shared(self.state.policy)
        self._request = request
        self._shown = Shown()
        self.case: Case[EscalationState] = Case(self.state, self._show)
        self.record = Record(self.case)
        self.approvals = Approvals(self.case)
        self.sla = SlaWatch(self.case, self._team, self._on_breach)
        self.handoff = Handoff(self.case, EscalationWords(self.case))
        self.claims = Claims(self.case, self.handoff.show_claim)
        self.resolution = Resolution(self.case, self.approvals, self._escalate)
        self.conversation = Conversation(
            self.case, self.resolution, self.handoff, self.sla, escalate=self._escalate, resolve=self._resolve
        )
        self.triage = Triage(self.case, self.sla)
        self.links = IncidentLinks(self.case)
        self.outcome = Outcome(self.case, self.conversation, self.sla, self.record)
        self.withdrawal = Withdrawal(self.case, self.approvals, self.handoff, self.record)
        self.telling = Telling(
            self.case, lambda: (self.state.priority.value, self.state.claim.claimed_by), self.record.write
        )

    @staticmethod
    def _first_state(request: EscalationInput) -> EscalationState:
        ticket = request.ticket
        state = EscalationState(
            tenant=request.tenant,
            case_number=case_id(ticket.ticket_id),
            opened_at=workflow.info().start_time,
            ticket=ticket,
        )
        state.hear(state.opened_at, f"ticket/{ticket.ticket_id}", "customer", ticket.text)
        state.note(state.opened_at, TimelineKind.CASE, f"Ticket received by {ticket.channel.value}", "customer")
        return state

    # The business process

    @workflow.run
    async def run(self, request: EscalationInput) -> EscalationResult:
        """Carry a ticket through its whole life."""
        try:
            await self._live()
        except BaseException as error:
            if not (is_cancelled_exception(error) or _was_given_up(error)):
                raise
            self.telling.end()
            await self.withdrawal.withdraw("a step was given up" if _was_given_up(error) else "the case was cancelled")
            if is_cancelled_exception(error):
                raise
        await self.telling.stop()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result_of(self.state)

    async def _live(self) -> None:
        if self.state.decision is None:
            await self.triage.take_in()
        self.telling.begin()
        if self.state.decision is None:
            await self.triage.classify_and_analyse()
            await self.triage.decide(self._escalate)
            await self.links.consider()
        while not self.state.closed:
            await self._work_until_resolved()
            await self._track_outcome()
        self._show()

    async def _acknowledge(self) -> None:
        """The lane of the acknowledgement: a mail server that is down must not keep a case from people."""
        if self.state.acknowledged:
            return
        policy, ticket = self.case.policy, self.state.ticket
        response = policy.sla.targets[self.state.priority].first_response
        await self.case.mail_customer(
            "acknowledge",
            "mail/acknowledgement.txt",
            {
                "case_number": self.state.case_number,
                "subject": ticket.subject,
                "customer_name": ticket.customer.name or "",
                "priority": self.state.priority.value,
                "expected_response_minutes": max(1, round(response.total_seconds() / 60)),
                "articles": [{"title": article.title, "url": article.url or ""} for article in self.state.articles],
                "signature": policy.reply.signature,
            },
            address=ticket.customer.email,
            what="the acknowledgement",
        )
        self.state.acknowledged = True

    async def _work_until_resolved(self) -> None:
        """Answer, hand over, keep claimed, watch the clocks: all side by side, until the case is resolved."""
        if self.state.is_resolved:
            return

        def is_over() -> bool:
            return self.state.is_resolved

        came_to_end = await self.case.lanes.run(
            self._acknowledge(),
            self.conversation.answer_messages(is_over),
            self._hand_over_and_keep_claimed(),
            self._record_handoff(is_over),
            self.sla.watch(is_over),
            leave=self._should_continue_as_new,
        )
        if not came_to_end:
            await self._continue_as_new()

    async def _hand_over_and_keep_claimed(self) -> None:
        def is_over() -> bool:
            return self.state.is_resolved

        while not self.state.people_have_it:
            at = self.state.escalate_at
            moved = await self.case.lanes.wait(
                lambda at=at: is_over() or self.state.escalate_at != at,  # type: ignore[misc]  # a default binds the loop's value
                until=at,
                summary="Escalate when it is due" if at is not None else "",
            )
            if is_over():
                return
            if not moved and self.state.decision is not None:
                await self.handoff.hand_over(self.state.decision)
        urgency = self.state.decision.urgency if self.state.decision is not None else Urgency.STANDARD
        await self.claims.keep_claimed(self.case.policy.timers.claim_within[urgency], self._team, is_over)

    async def _record_handoff(self, is_over: Callable[[], bool]) -> None:
        """The lane that stores the handoff: a store that is down must not keep the claim ladder from climbing."""
        await self.case.lanes.wait(lambda: is_over() or self.state.people_have_it)
        if self.state.people_have_it and not self.state.handoff_recorded:
            self.state.handoff_recorded = True
            await self.record.save("handed-over")

    async def _track_outcome(self) -> None:
        """Follow the resolved case for 72 hours; a reply reopens it."""
        came_to_end = await self.case.lanes.run(self.outcome.track(), leave=self._should_continue_as_new)
        if not came_to_end:
            await self._continue_as_new()
        if self.state.is_resolved:
            self.state.closed = True
            self.state.phase = "closed"
            self.case.note(TimelineKind.CASE, "Closed")
            await self.outcome.learn()

    # Behaviour that several parts share

    def _escalate(self, reason: str) -> None:
        """Hand the case to people now, whatever was decided before."""
        decision = self.state.decision
        if self.state.people_have_it:
            return
        if decision is None:
            self.state.escalation_asked = reason
            return
        self.state.escalate_at = workflow.now()
        if not decision.escalates:
            kind = self.state.classification
            team = self.case.policy.category_team.get(kind.category) if kind is not None else None
            self.state.decision = Decision(
                kind=DecisionKind.SPECIALIST,
                urgency=Urgency.URGENT,
                team=team or self.case.policy.immediate_team,
                reasons=(reason,),
                recommended_actions=decision.recommended_actions,
                proposed=decision.proposed,
                origin=decision.origin,
            )
        self.case.note(TimelineKind.DECISION, f"Escalated now: {reason}")
        self.case.changed()

    def _resolve(self, how: str, by: str) -> None:
        self.state.resolved_at = workflow.now()
        self.state.outcome.resolution = how
        self.state.outcome.resolved_by = by
        self.state.outcome.next_milestone = 0
        self.sla.resolved()
        self.case.note(TimelineKind.OUTCOME, "Resolved", by)
        self.case.enter("outcome")

    def _on_breach(self, event: SlaEvent) -> None:
        self.claims.move_up()

    def _team(self) -> str:
        if self.state.decision is not None:
            return self.state.decision.team
        return self.case.policy.immediate_team

    def _show(self) -> None:
        self._shown.show(self.state, self.sla.due_at() if self.state.policy is not None else None)

    # Continue as new

    def _should_continue_as_new(self) -> bool:
        limit = self._request.continue_after_events
        info = workflow.info()
        full = info.is_continue_as_new_suggested() or (limit is not None and info.get_current_history_length() >= limit)
        # Who waits in a parked step may have marked it as done before; a new run would not come back to it.
        return full and not self.state.parked and workflow.all_handlers_finished()

    async def _continue_as_new(self) -> None:
        await self.telling.stop()
        await self.record.save("continued")
        self.state.forget_what_is_saved()
        self.state.runs += 1
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(
            EscalationInput(
                tenant=self.state.tenant,
                ticket=self.state.ticket,
                state=self.state,
                continue_after_events=self._request.continue_after_events,
            )
        )

    # Queries

    @workflow.query(name="state")
    def query_state(self) -> EscalationState:
        """Everything the case knows."""
        return self.state

    # Updates and signals

    @workflow.update
    def resolve(self, resolution: ResolveInput) -> Accepted:
        """Somebody says that it is solved."""
        self._resolve(resolution.resolution, resolution.person_id)
        self.state.outcome.told_customer = not resolution.tell_customer
        return self._accepted("The case is resolved; a reply of the customer within 72 hours reopens it.")

    @resolve.validator
    def _check_resolve(self, resolution: ResolveInput) -> None:
        self._refuse_when_over()
        if self.state.is_resolved:
            raise ApplicationError("This case is resolved already.", non_retryable=True)
        if self.state.decision is None:
            raise ApplicationError("This case is still in triage: try again in a moment.", non_retryable=True)

    @workflow.signal
    def escalate_now(self, order: EscalateNowInput) -> None:
        """Bring the handoff forward, or hand over a case that was not to be escalated."""
        if not self._is_over and not self.state.is_resolved:
            self._escalate(order.reason or f"asked for by {order.person_id}")


def _was_given_up(error: BaseException) -> bool:
    return isinstance(error, ApplicationError) and error.type == GIVEN_UP
