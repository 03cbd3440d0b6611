"""A ticket and the incidents it is about: found by rules after triage, or opened and joined by people."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError, is_cancelled_exception
from temporalio.workflow import ChildWorkflowCancellationType, ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.linking import FindIncidentInput, LinkingActivities
    from domain.cases.escalation import EscalationState
    from domain.cases.messages import IncidentNews
    from domain.cases.timeline import TimelineKind
    from domain.ids import incident_number, troubleshooting_workflow_id, workflow_id_for
    from domain.troubleshooting.linked import BY_RULE
    from domain.troubleshooting.linking import IncidentAdvice, LinkKind, incident_id_of_ticket, report_of_ticket
    from domain.troubleshooting.messages import IncidentInput, IncidentResult, LinkTicketInput

from workflows import options, search_attributes, sharing
from workflows.cases.case import Case

_CHANGE = "incidents-of-tickets"
_MOST_LOOKS = 3


class IncidentLinks:
    """The incidents of one support case."""

    def __init__(self, case: Case[EscalationState]) -> None:
        """Work on a case."""
        self._case = case

    @property
    def _state(self) -> EscalationState:
        return self._case.state

    # By rule

    async def consider(self) -> None:
        """Look for the incident that explains a disruption. Other tickets cost nothing; a failure holds up nobody."""
        disruption, policy = self._state.disruption, self._case.policy.incidents
        # The disruption stands in the history, so cases that were triaged before there was one do not come here.
        if disruption is None or policy.is_off or not workflow.patched(_CHANGE):
            return
        asked = FindIncidentInput(
            tenant=self._state.tenant,
            ticket=self._state.ticket,
            disruption=disruption,
            policy=policy,
            now=self._case.now(),
        )
        for _ in range(_MOST_LOOKS):
            advice = await self._look(asked)
            if advice is None or await self._follow(advice):
                return
            asked = asked.model_copy(update={"ended": (*asked.ended, advice.incident)})

    async def _look(self, asked: FindIncidentInput) -> IncidentAdvice | None:
        return await self._case.attempt(
            "The look for an incident",
            lambda: self._case.do(
                LinkingActivities.find_incident,
                asked,
                "Look for the incident that it belongs to",
                options.looking(self._case.policy.timers),
            ),
        )

    async def _follow(self, advice: IncidentAdvice) -> bool:
        """Do as the rules say; False when the incident to join has ended, so that another look is needed."""
        self._state.incident_advice = advice
        followed = True
        if advice.kind is LinkKind.OPEN:
            await self.open(BY_RULE)
        elif advice.kind is LinkKind.JOIN and advice.incident is not None:
            followed = await self.join(advice.incident, BY_RULE)
            if not followed:
                # It ended a moment ago, or by force, so that the store never heard of it.
                self._state.incident_advice = None
                self._case.note(TimelineKind.CASE, f"{advice.incident} fits and has ended")
        else:
            for line in self._state.incident_lines:
                self._case.note(TimelineKind.CASE, line)
        self._case.changed()
        return followed

    # By people and by rule

    async def open(self, by: str) -> str | None:
        """Open the incident of this ticket; one ticket opens one incident, however often it is asked to.

        Args:
            by: a person id, or `BY_RULE`.

        Returns:
            What people call it; None when it was opened before and has ended.
        """
        state = self._state
        name = incident_number(incident_id_of_ticket(state.ticket.ticket_id))
        if name in state.incidents:
            return name
        reporter = workflow.info().workflow_id if by == BY_RULE else by
        report = report_of_ticket(state.ticket, state.disruption, by=reporter, priority=state.priority)
        try:
            handle = await workflow.start_child_workflow(
                "TroubleshootingWorkflow",
                IncidentInput(tenant=state.tenant, report=report),
                id=troubleshooting_workflow_id(state.tenant, report.incident_id),
                result_type=IncidentResult,
                # It has a life of its own: neither the end nor the withdrawal of a ticket ends an incident.
                cancellation_type=ChildWorkflowCancellationType.ABANDON,
                parent_close_policy=ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=search_attributes.at_incident_start(state.tenant),
                static_summary="Incident",
                static_details=f"Incident **{name}** of tenant {state.tenant}, opened from ticket {state.case_number}.",
                priority=sharing.as_urgent_as(report.urgency or state.priority),
            )
        except WorkflowAlreadyStartedError:
            return name if await self.join(name, by) else None
        handle.add_done_callback(_heard)
        self._belongs(name, f"Opened {name}", by)
        self._case.changed()
        return name

    async def join(self, name: str, by: str) -> bool:
        """Link this ticket to an incident; False when there is no such incident, or it has ended."""
        state = self._state
        if name in state.incidents:
            return True
        handle = workflow.get_external_workflow_handle(workflow_id_for(state.tenant, name))
        link = LinkTicketInput(
            ticket_id=state.ticket.ticket_id, person_id=by, customer_id=state.ticket.customer.customer_id
        )
        try:
            await handle.signal("link_ticket", link)
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            return False
        self._belongs(name, f"Belongs to {name}", by)
        self._case.changed()
        return True

    def _belongs(self, name: str, what: str, by: str) -> None:
        state = self._state
        if name in state.incidents:
            return  # the incident's own word was faster
        state.incidents[name] = ""
        state.not_incidents = [one for one in state.not_incidents if one != name]
        advice = state.incident_advice
        why = f": {'; '.join(advice.reasons)}" if by == BY_RULE and advice is not None and advice.reasons else ""
        self._case.note(TimelineKind.CASE, f"{what}{why}", by)

    # What incidents say

    def linked(self, name: str) -> None:
        """An incident has this ticket."""
        self._belongs(name, f"Belongs to {name}", BY_RULE)

    def unlinked(self, name: str) -> None:
        """A person said that this ticket is not about it. What the customer was told stays told."""
        state = self._state
        if name in state.not_incidents:
            return
        state.not_incidents = [*state.not_incidents, name]
        if not state.incidents.get(name):
            state.incidents.pop(name, None)
        self._case.note(TimelineKind.CASE, f"Does not belong to {name}")
        self._case.changed()

    async def tell(self, news: IncidentNews) -> None:
        """How an incident ended, in words that a person approved: the customer is told once."""
        state = self._state
        if state.incidents.get(news.incident) or news.incident in state.not_incidents:
            return
        state.incidents[news.incident] = news.text
        await workflow.wait_condition(lambda: state.policy is not None)
        customer = state.ticket.customer
        await self._case.mail_customer(
            state.begin("incident-news"),
            "mail/incident_news.txt",
            {
                "case_number": state.case_number,
                "subject": state.ticket.subject,
                "customer_name": customer.name or "",
                "text": news.text,
                "signature": self._case.policy.reply.signature,
            },
            address=customer.email,
            what=f"news of {news.incident}",
        )


def _heard(ended: asyncio.Future[IncidentResult]) -> None:
    """How the incident ends is no matter of the ticket; what is never looked at would be logged as lost."""
    if not ended.cancelled():
        ended.exception()
