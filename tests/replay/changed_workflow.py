"""The escalation with an incompatible change, for the test that shows that replay notices one."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.ticketing import TicketingActivities
    from domain.escalation import EscalationInput, EscalationResult

from workflows import options
from workflows.escalation import EscalationWorkflow


@workflow.defn(name="EscalationWorkflow")
class ChangedWorkflow(EscalationWorkflow):
    """Asks the ticketing system before it opens the case, without `workflow.patched`."""

    @workflow.init
    def __init__(self, request: EscalationInput) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: EscalationInput) -> EscalationResult:
        await self.case.do(
            TicketingActivities.read_ticket_status, request.ticket.ticket_id, "Look first", options.opening()
        )
        return await super().run(request)
