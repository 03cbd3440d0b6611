"""A cancelled or given-up case takes back what it sent, and tells the team and the customer."""

from __future__ import annotations

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.notices import MailInput
    from domain.cases.escalation import EscalationState
    from domain.cases.timeline import TimelineKind

from workflows.cases.approvals import Approvals
from workflows.cases.case import Case
from workflows.cases.handoff import Handoff
from workflows.escalations.record import Record


class Withdrawal:
    """The end of a case that does not come to its end."""

    def __init__(
        self, case: Case[EscalationState], approvals: Approvals, handoff: Handoff[EscalationState], record: Record
    ) -> None:
        """Work on a case."""
        self._case = case
        self._approvals = approvals
        self._handoff = handoff
        self._record = record

    async def withdraw(self, why: str) -> None:
        """Take back what was sent, shielded from a further cancellation.

        What cannot be taken back parks the case with a list, so that a person takes it back by hand.
        """
        self._case.lanes.winding_down = True
        await asyncio.shield(asyncio.create_task(self._withdraw(why)))

    async def _withdraw(self, why: str) -> None:
        state = self._case.state
        self._case.note(TimelineKind.CASE, f"Withdrawn: {why}")
        state.parked.clear()
        self._approvals.supersede_all("the case was withdrawn")
        state.phase = "withdrawal"
        if state.policy is not None:
            left = await self._handoff.withdraw()
            if left:
                await self._case.leave_to_person("withdraw", "Take back by hand what was sent", left)
            await self._tell()
        state.withdrawn = True
        state.phase = "withdrawn"
        self._case.changed()
        if state.policy is not None:
            await self._record.save("withdrawn")

    async def _tell(self) -> None:
        state, policy = self._case.state, self._case.policy
        if any(sent.to == "customer" for sent in state.sent):
            await self._case.mail_customer(
                "withdrawn/customer",
                "mail/withdrawn_customer.txt",
                {
                    "case_number": state.case_number,
                    "subject": state.ticket.subject,
                    "signature": policy.reply.signature,
                },
                address=state.ticket.customer.email,
                what="that the case was withdrawn",
            )
        if state.handoff is None or not state.channels.mail:
            return
        team = policy.team(state.handoff.team)
        mail = MailInput(
            tenant=state.tenant,
            step="withdrawn/team",
            template="mail/withdrawn_team.txt",
            context={
                "case_number": state.case_number,
                "workflow_id": workflow.info().workflow_id,
                "subject": state.ticket.subject,
                "left_undone": list(state.handoff.left_undone),
            },
            to=(team.email,),
        )
        await self._case.attempt("Tell the team", lambda: self._case.mail_team(mail, "The case was withdrawn"))
