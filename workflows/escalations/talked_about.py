"""What a support case hears: messages in its conversation, and how people judge it."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.cases.messages import Accepted, FeedbackInput, MessageInput
    from domain.cases.timeline import TimelineKind

from workflows.escalations.linked import LinkedLifecycle
from workflows.escalations.sla import SlaWatch


class TalkedAboutLifecycle(LinkedLifecycle):
    """The part of a support case that customers and agents speak to."""

    sla: SlaWatch

    @workflow.update
    def add_message(self, message: MessageInput) -> Accepted:
        """A message of the customer, or of the agent who has the case. A repeat of one is accepted and does nothing."""
        heard = self.state.hear(workflow.now(), message.message_id, message.author, message.text)
        if heard is None:
            return self._accepted("This message is in the case already.")
        self.case.note(TimelineKind.MESSAGE, "New message", message.author)
        if message.author != "customer":
            self.claims.touch(message.author)
        elif self.state.clocks and not self.state.is_resolved:
            self.sla.customer_wrote(self.state.priority)
        return self._accepted("The message is in the case.")

    @add_message.validator
    def _check_message(self, message: MessageInput) -> None:
        self._refuse_when_over()
        if not message.text.strip():
            raise ApplicationError("The message is empty: write something.", non_retryable=True)
        if message.author != "customer" and not self.state.people_have_it:
            raise ApplicationError("The case was not handed over: escalate it first, then write.", non_retryable=True)

    @workflow.update
    def record_feedback(self, feedback: FeedbackInput) -> Accepted:
        """The customer's or an agent's judgement."""
        outcome = self.state.outcome
        if feedback.rating is not None:
            outcome.ratings.append(feedback.rating)
        if feedback.comment:
            outcome.comments.append(feedback.comment)
        if feedback.escalation_was_right is not None:
            outcome.escalation_was_right = feedback.escalation_was_right
        rating = f": {feedback.rating} of 5" if feedback.rating is not None else ""
        self.case.note(TimelineKind.OUTCOME, f"Feedback{rating}", feedback.author)
        return self._accepted("Thank you, it is recorded.")

    @record_feedback.validator
    def _check_feedback(self, feedback: FeedbackInput) -> None:
        self._refuse_when_over()
        if feedback.rating is None and not feedback.comment and feedback.escalation_was_right is None:
            raise ApplicationError("The feedback is empty: give a rating or a comment.", non_retryable=True)
