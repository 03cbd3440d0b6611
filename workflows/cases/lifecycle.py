"""What every kind of case answers to: its timeline, its open requests, and a person's word on one."""

from __future__ import annotations

from typing import ClassVar, Generic

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.cases.approval import ApprovalDecision, ApprovalReceipt, ApprovalState
    from domain.cases.messages import Accepted, TimelineView

from workflows.cases.approvals import Approvals
from workflows.cases.case import StateT


class Lifecycle(Generic[StateT]):
    """The part that the workflows of all kinds of cases have in common; each of them sets the attributes."""

    state: StateT
    approvals: Approvals

    IS_OVER: ClassVar[str]
    """Why nothing is taken any more, in a few words."""
    INSTEAD: ClassVar[str]
    """What to do when it is over; ends the sentence that begins with `IS_OVER`."""

    @workflow.query
    def timeline(self) -> TimelineView:
        """The recent timeline; the store has all of it."""
        return TimelineView(entries=tuple(self.state.timeline), total=self.state.timeline_count)

    @workflow.query
    def pending_approvals(self) -> list[ApprovalState]:
        """Requests that wait for a decision."""
        return self.state.pending_approvals

    @workflow.update
    def decide_approval(self, decision: ApprovalDecision) -> ApprovalReceipt:
        """A person's word on an open request."""
        return self.approvals.record(decision)

    @decide_approval.validator
    def _check_decision(self, decision: ApprovalDecision) -> None:
        self._refuse_when_over()
        why = self.approvals.refusal(decision)
        if why is not None:
            raise ApplicationError(why, non_retryable=True)

    @workflow.signal
    def approval_decision(self, decision: ApprovalDecision) -> None:
        """The same as `decide_approval`, for scripts; what cannot be taken is put on the timeline."""
        why = self.IS_OVER if self._is_over else self.approvals.refusal(decision)
        if why is None:
            self.approvals.record(decision)
        else:
            self.approvals.record_refusal(decision, why)

    @property
    def _is_over(self) -> bool:
        return self.state.closed

    def _refuse_when_over(self) -> None:
        if self._is_over:
            sentence = f"{self.IS_OVER}: {self.INSTEAD}."
            raise ApplicationError(sentence[0].upper() + sentence[1:], non_retryable=True)

    def _accepted(self, text: str) -> Accepted:
        return Accepted(text=text, status=self.state.current_status())
