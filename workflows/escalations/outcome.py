"""After the resolution: is it still resolved, how satisfied was the customer, was it decided right. A reply reopens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.cases import CaseActivities, RecordOutcomeInput
    from activities.notices import MailInput
    from activities.ticketing import CustomerActivities, ProfileInput, TicketingActivities, TicketStatusInput
    from domain.cases.escalation import EscalationState
    from domain.cases.timeline import TimelineKind
    from domain.knowledge.learning import customer_profile, learned_article, outcome_record, report_of

from workflows import options
from workflows.cases.case import Case
from workflows.escalations.conversation import Conversation
from workflows.escalations.record import Record
from workflows.escalations.sla import SlaWatch

REOPENED_THERE = ("new", "open")
"""Words of the ticketing system for a ticket that somebody reopened there."""


class Outcome:
    """Follows a resolved case for 72 hours and records what it taught."""

    def __init__(self, case: Case[EscalationState], conversation: Conversation, sla: SlaWatch, record: Record) -> None:
        """Work on a case."""
        self._case = case
        self._conversation = conversation
        self._sla = sla
        self._record = record

    @property
    def _state(self) -> EscalationState:
        return self._case.state

    async def track(self) -> None:
        """The lane: each milestone at its time, until the last one or until the customer's reply reopens the case."""
        await self._announce()
        milestones = self._milestones()
        while self._state.is_resolved and self._state.outcome.next_milestone < len(milestones):
            after, name = milestones[self._state.outcome.next_milestone]
            resolved_at = self._state.resolved_at or self._case.now()
            heard = await self._case.lanes.wait(
                lambda: self._state.next_unhandled() is not None or not self._state.is_resolved,
                until=resolved_at + after,
                summary=f"After the resolution: {name}",
            )
            if heard:
                await self._listen()
            else:
                self._state.outcome.next_milestone += 1
                await self._reach(name)

    def _milestones(self) -> tuple[tuple[timedelta, str], ...]:
        timers = self._case.policy.timers
        later = ((timers.survey_after, "survey"), (timers.final_analysis_after, "final analysis"))
        handoff = self._state.handoff
        if handoff is None or handoff.ticketing is None:
            # Nothing outside could tell that it is open again; the customer's reply reopens it at any time.
            return later
        return ((timers.resolution_check_after, "resolution check"), *later)

    async def _reach(self, name: str) -> None:
        if name == "resolution check":
            await self._check_resolution()
        elif name == "survey":
            await self._send_survey()
        else:
            self._case.note(TimelineKind.OUTCOME, "72 hours after the resolution: still resolved")

    # At the resolution

    async def _announce(self) -> None:
        """Tell the customer and the ticketing system once that it is resolved."""
        if self._state.outcome.told_customer:
            return
        self._state.outcome.told_customer = True
        ways: list[Awaitable[object]] = []
        if self._customer_should_hear:
            ways.append(
                self._case.mail_customer(
                    self._state.begin("resolved"),
                    "mail/closed.txt",
                    {
                        "case_number": self._state.case_number,
                        "subject": self._state.ticket.subject,
                        "resolution": self._state.outcome.resolution,
                        "signature": self._case.policy.reply.signature,
                    },
                    address=self._state.ticket.customer.email,
                    what="the resolution",
                )
            )
        if self._state.handoff is not None and self._state.handoff.ticketing is not None:
            ways.append(self._set_ticket_status("solved"))
        await asyncio.gather(*ways)

    @property
    def _customer_should_hear(self) -> bool:
        """Not who said so themselves, nor who stayed silent after a follow-up that announced it."""
        by = self._state.outcome.resolved_by
        return by != "customer" and not (by == "surehand" and self._state.followed_up)

    async def _set_ticket_status(self, status: str) -> None:
        change = TicketStatusInput(
            step=self._state.begin(f"ticket-{status}"),
            external_id=self._state.ticket.external_id or self._state.ticket.ticket_id,
            status=status,
        )
        await self._case.attempt(
            f"Set the ticket {status}",
            lambda: self._case.do(
                TicketingActivities.set_ticket_status,
                change,
                f"Set the ticket {status}",
                options.vendor(self._case.policy.timers),
            ),
        )

    # Milestones

    async def _check_resolution(self) -> None:
        """Two hours later: has somebody reopened it in the ticketing system?"""
        handoff = self._state.handoff
        if handoff is not None and handoff.ticketing is not None:
            external_id = handoff.ticketing.external_id
            status = await self._case.attempt(
                "Read the ticket's status",
                lambda: self._case.do(
                    TicketingActivities.read_ticket_status,
                    external_id,
                    "Is it still resolved?",
                    options.vendor(self._case.policy.timers),
                ),
            )
            if status in REOPENED_THERE:
                self.reopen("The ticket was reopened in the ticketing system")
                return
        self._case.note(TimelineKind.OUTCOME, "Two hours after the resolution: still resolved there")

    async def _send_survey(self) -> None:
        self._state.outcome.survey_sent = True
        await self._case.mail_customer(
            self._state.begin("survey"),
            "mail/survey.txt",
            {
                "case_number": self._state.case_number,
                "subject": self._state.ticket.subject,
                "escalated": self._state.people_have_it,
                "signature": self._case.policy.reply.signature,
            },
            address=self._state.ticket.customer.email,
            what="the satisfaction survey",
        )

    # A reply

    async def _listen(self) -> None:
        message = self._state.next_unhandled()
        if message is None:
            return
        if message.author == "customer":
            assessment = await self._conversation.assess(message)
            if assessment is not None and assessment.resolves:
                self._state.handled = message.number + 1
                return
        self.reopen("The customer replied" if message.author == "customer" else "An agent wrote again")

    def reopen(self, why: str) -> None:
        """Take the work up again."""
        state = self._state
        if not state.is_resolved:
            return
        state.resolved_at = None
        state.outcome.reopened += 1
        state.outcome.next_milestone = 0
        state.outcome.told_customer = False
        state.outcome.resolution = ""
        state.claim.rung = 0
        state.claim.rung_since = self._case.now()
        state.claim.last_activity_at = self._case.now()
        self._sla.reopened()
        self._case.note(TimelineKind.OUTCOME, f"Reopened: {why}")
        self._case.enter("conversation")

    # The end

    async def learn(self) -> None:
        """Record the outcome, tell the CRM, report. Each is worth trying; none keeps the case open."""
        ways: list[Awaitable[object]] = [self._write_outcome()]
        customer = self._state.ticket.customer.customer_id
        if self._state.channels.crm and customer is not None:
            ways.append(self._update_profile(customer))
        if self._state.channels.mail and self._state.people_have_it:
            ways.append(self._case.attempt("Performance report", self._report))
        await asyncio.gather(*ways)

    async def _write_outcome(self) -> None:
        end = RecordOutcomeInput(
            case=self._record.pending(),
            outcome=outcome_record(self._state, workflow.info().workflow_id, self._case.now()),
            article=learned_article(self._state, self._case.now()),
        )
        await self._case.must(
            "record-outcome",
            "Record the outcome",
            lambda: self._case.do(
                CaseActivities.record_outcome,
                end,
                "Record the outcome and what it taught",
                options.store(self._case.policy.timers),
            ),
            can_skip=True,
        )
        self._record.saved(end.case)

    async def _update_profile(self, customer_id: str) -> None:
        profile = ProfileInput(step="profile", customer_id=customer_id, properties=customer_profile(self._state))
        known = await self._case.attempt(
            "Update the customer's profile",
            lambda: self._case.do(
                CustomerActivities.update_customer_profile,
                profile,
                "Update the customer's profile in the CRM",
                options.handoff(self._case.policy.timers),
            ),
        )
        if known is False:
            self._case.note(TimelineKind.OUTCOME, "The CRM does not know this customer")

    async def _report(self) -> None:
        report = report_of(self._state, self._case.now())
        mail = MailInput(
            tenant=self._state.tenant,
            step="performance-report",
            template="mail/performance_report.txt",
            context={"case_number": self._state.case_number, "report": report},
            to=(self._case.policy.reports_mailbox,),
        )
        await self._case.mail_team(mail, "Performance report")
