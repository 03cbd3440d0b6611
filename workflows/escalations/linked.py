"""What a support case answers to about incidents."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.cases.escalation import EscalationState
    from domain.cases.messages import Accepted, IncidentNews, JoinIncidentInput, OpenIncidentOrder
    from domain.errors import InvalidInput
    from domain.ids import incident_number, kind_of, workflow_id_for

from workflows.cases.served import ServedLifecycle
from workflows.escalations.incident import IncidentLinks


class LinkedLifecycle(ServedLifecycle[EscalationState]):
    """The part of a support case that incidents, and people about incidents, speak to."""

    links: IncidentLinks

    @workflow.update
    async def open_incident(self, order: OpenIncidentOrder) -> Accepted:
        """A person opens an incident from this ticket. A second time gives the same one."""
        name = await self.links.open(order.person_id)
        if name is None:
            raise ApplicationError(
                "The incident of this ticket has ended: open another with `surehand incident open`.", non_retryable=True
            )
        return self._accepted(f"{name} is open, and this ticket is linked to it.")

    @open_incident.validator
    def _check_open(self, order: OpenIncidentOrder) -> None:
        self._refuse_early_and_late()

    @workflow.update
    async def join_incident(self, word: JoinIncidentInput) -> Accepted:
        """A person says which incident this ticket is about. A repeat does nothing."""
        name = self._incident(word.incident)
        if not await self.links.join(name, word.person_id):
            see = "see `surehand case list --kind troubleshooting`"
            raise ApplicationError(f"{name} is not open: {see}.", non_retryable=True)
        return self._accepted(f"This ticket belongs to {name}.")

    @join_incident.validator
    def _check_join(self, word: JoinIncidentInput) -> None:
        self._refuse_early_and_late()
        self._incident(word.incident)

    def _refuse_early_and_late(self) -> None:
        self._refuse_when_over()
        if self.state.decision is None:
            raise ApplicationError("This case is still in triage: try again in a moment.", non_retryable=True)

    def _incident(self, name: str) -> str:
        """What people call it, from whatever somebody wrote."""
        try:
            workflow_id = workflow_id_for(self.state.tenant, name)
        except InvalidInput as problem:
            raise ApplicationError(str(problem), non_retryable=True) from None
        if kind_of(workflow_id) != "troubleshooting":
            raise ApplicationError("An incident is named incident:ID: correct it.", non_retryable=True)
        return incident_number(workflow_id.split(":", 2)[2])

    @workflow.signal
    def incident_linked(self, news: IncidentNews) -> None:
        """The ticket belongs to an incident."""
        self.links.linked(news.incident)

    @workflow.signal
    def incident_unlinked(self, news: IncidentNews) -> None:
        """A person said at the incident that the ticket is not about it."""
        self.links.unlinked(news.incident)

    @workflow.signal
    async def incident_news(self, news: IncidentNews) -> None:
        """How an incident ended, in words that a person approved: the customer is told once."""
        if not self._is_over:
            await self.links.tell(news)
