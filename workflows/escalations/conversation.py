"""The conversation: every message of the customer is re-analysed and answered, forwarded, or acted on; silence too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.triage import AssessInput, TriageActivities
    from domain.cases.escalation import EscalationState
    from domain.cases.timeline import CaseMessage, TimelineKind
    from domain.tickets.ticket import Priority
    from domain.triage.conversation import MessageAssessment

from workflows import options
from workflows.cases.case import Case
from workflows.cases.handoff import Handoff
from workflows.escalations.resolution import Resolution
from workflows.escalations.sla import SlaWatch


class Conversation:
    """Deals with messages one after the other, in the order they came."""

    def __init__(
        self,
        case: Case[EscalationState],
        resolution: Resolution,
        handoff: Handoff[EscalationState],
        sla: SlaWatch,
        *,
        escalate: Callable[[str], None],
        resolve: Callable[[str, str], None],
    ) -> None:
        """Work on a case.

        Args:
            case: the case.
            resolution: writes answers.
            handoff: forwards messages to the people who have the case.
            sla: hears of answers and of changed priorities.
            escalate: hands the case to people, with a reason.
            resolve: resolves the case: how, and who says so.
        """
        self._case = case
        self._resolution = resolution
        self._handoff = handoff
        self._sla = sla
        self._escalate = escalate
        self._resolve = resolve

    @property
    def _state(self) -> EscalationState:
        return self._case.state

    async def answer_messages(self, is_over: Callable[[], bool]) -> None:
        """The lane: deal with each message, and with silence, until the case is resolved."""
        while not is_over():
            message = self._state.next_unhandled()
            if message is None:
                await self._wait_through_silence(is_over)
            elif await self._deal_with(message):
                self._state.handled = max(self._state.handled, message.number + 1)
                await self._resolution.show_approvals()

    # Messages

    async def _deal_with(self, message: CaseMessage) -> bool:
        """True when nothing more is to be done about a message."""
        if message.author != "customer":
            return await self._pass_on_to_customer(message)
        await self.assess(message)
        if self._state.is_resolved:
            return True
        if self._state.people_have_it or self._state.escalate_at is not None:
            return await self._leave_to_people(message)
        return await self._answer(message)

    async def assess(self, message: CaseMessage) -> MessageAssessment | None:
        """Re-analyse a message once and act on what it says. None for the ticket itself, which triage looked at."""
        if message.number < self._state.assessed:
            return None
        assessment = await self._ask_what_it_means(message)
        self._state.assessed = message.number + 1
        if assessment is None:
            return None
        self._state.frustration = assessment.frustration
        self._state.degraded = self._state.degraded or assessment.origin.degraded
        self._state.model_cost += assessment.origin.cost
        reasons = f" ({'; '.join(assessment.reasons)})" if assessment.reasons else ""
        self._case.note(
            TimelineKind.TRIAGE,
            f"New message: {assessment.intent.label}, frustration {assessment.frustration}{reasons}",
        )
        self._raise_priority(assessment.priority)
        if assessment.resolves and not self._state.customer_wrote_after(message.number):
            self._resolve("The customer says it is solved", "customer")
        elif assessment.escalates and not self._state.people_have_it:
            self._escalate("; ".join(assessment.reasons) or "The customer's new message")
        return assessment

    async def _ask_what_it_means(self, message: CaseMessage) -> MessageAssessment | None:
        earlier = tuple(
            m.text for m in self._state.conversation if m.author == "customer" and m.number < message.number
        )
        request = AssessInput(
            tenant=self._state.tenant,
            step=f"assess-{message.number}",
            ticket_subject=self._state.ticket.subject,
            text=message.text,
            history=earlier[-10:],
            frustration=self._state.frustration,
            priority=self._state.priority,
            policy=self._case.policy,
            customer_name=self._state.ticket.customer.name,
        )
        return await self._case.must(
            request.step,
            "Re-analyse a message",
            lambda: self._case.do(
                TriageActivities.assess_message,
                request,
                "Re-analyse the customer's message",
                options.model(self._case.policy.timers),
            ),
            can_skip=True,
        )

    def _raise_priority(self, priority: Priority) -> None:
        classification = self._state.classification
        if classification is None or priority.rank >= classification.priority.rank:
            return
        self._state.classification = classification.model_copy(update={"priority": priority})
        self._case.note(TimelineKind.TRIAGE, f"Priority raised to {priority.value}")
        self._sla.retarget(priority)
        self._case.changed()

    async def _leave_to_people(self, message: CaseMessage) -> bool:
        """People have it, or will: tell the customer once, and show them what came since."""
        if not self._state.escalation_announced:
            self._state.escalation_announced = True
            pending = await self._resolution.draft(message)
            if pending is not None:
                await self._resolution.send(pending)
        if self._state.people_have_it and message.number > 0:
            await self._handoff.forward(message.text, f"forward-{message.number}", frustration=self._state.frustration)
        return True

    async def _answer(self, message: CaseMessage) -> bool:
        pending = await self._resolution.draft(message)
        if pending is None:
            return False

        def overtaken() -> bool:
            return self._state.customer_wrote_after(message.number) or self._state.is_resolved

        if await self._resolution.deliver(pending, lambda: overtaken() or self._people_take_over):
            self._sla.answered(customer_has_the_word=True)
            self._state.outcome.first_response_at = self._state.outcome.first_response_at or self._case.now()
            self._case.changed()
            return True
        # Overtaken: the newer message is answered together with this one. Else it comes round again: written anew with
        # the reason it was turned down for, or left to people.
        return overtaken()

    @property
    def _people_take_over(self) -> bool:
        return self._state.people_have_it or self._state.escalate_at is not None

    async def _pass_on_to_customer(self, message: CaseMessage) -> bool:
        """An agent's words go to the customer as they are."""
        await self._case.mail_customer(
            f"agent-message-{message.number}",
            "mail/reply.txt",
            {
                "case_number": self._state.case_number,
                "subject": self._state.ticket.subject,
                "text": message.text,
                "signature": self._case.policy.reply.signature,
            },
            address=self._state.ticket.customer.email,
            what="an agent's message",
        )
        now = self._case.now()
        self._state.last_word_at = now
        self._state.outcome.first_response_at = self._state.outcome.first_response_at or now
        self._sla.answered(customer_has_the_word=True)
        return True

    # Silence

    async def _wait_through_silence(self, is_over: Callable[[], bool]) -> None:
        """Follow up when it was promised; three days of silence end the conversation."""
        due, summary = self._next_of_silence()
        wrote = await self._case.lanes.wait(
            lambda: is_over() or self._state.next_unhandled() is not None or self._next_of_silence()[0] != due,
            until=due,
            summary=summary,
        )
        if wrote or due is None:
            return
        if self._state.follow_up_at is not None and not self._state.followed_up:
            await self._follow_up()
        else:
            self._resolve("No answer from the customer", "surehand")

    def _next_of_silence(self) -> tuple[datetime | None, str]:
        """When silence wants something done; people who have the case keep their own time."""
        state = self._state
        if self._people_take_over or state.last_word_at is None:
            return None, ""
        if state.follow_up_at is not None and not state.followed_up:
            return state.follow_up_at, "Follow up when the customer stays silent"
        return state.last_word_at + self._patience, "Close when the customer stays silent"

    @property
    def _patience(self) -> timedelta:
        return self._case.policy.timers.close_after_silence

    async def _follow_up(self) -> None:
        self._state.followed_up = True
        await self._case.mail_customer(
            self._state.begin("follow-up"),
            "mail/follow_up.txt",
            {
                "case_number": self._state.case_number,
                "subject": self._state.ticket.subject,
                "signature": self._case.policy.reply.signature,
            },
            address=self._state.ticket.customer.email,
            what="a follow-up, as promised",
        )
