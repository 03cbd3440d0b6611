"""Both lifecycles with an incompatible change, for the tests that show that replay notices one."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.ticketing import TicketingActivities
    from domain.cases.escalation import EscalationInput, EscalationResult
    from domain.playbook.messages import PlaybookInput, PlaybookResult

from workflows import options
from workflows.escalation import EscalationWorkflow
from workflows.playbook import PlaybookWorkflow
from workflows.playbooks.data import Running
from workflows.playbooks.interpreter import Interpreter, Outcome


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


@workflow.defn(name="PlaybookWorkflow")
class ChangedPlaybookWorkflow(PlaybookWorkflow):
    """Takes a breath before every call, without `workflow.patched`."""

    @workflow.init
    def __init__(self, request: PlaybookInput) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: PlaybookInput) -> PlaybookResult:
        return await super().run(request)

    def _interpreter(self) -> Interpreter:
        interpreter = super()._interpreter()
        as_before = interpreter.kinds["call"]

        async def call(running: Running) -> Outcome:
            await workflow.sleep(1)
            return await as_before(running)

        interpreter.kinds["call"] = call
        return interpreter
