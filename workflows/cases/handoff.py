"""The handoff: the context package goes to the team by e-mail, chat and ticketing system, all of it or none of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Generic, Protocol

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.notices import ChatInput, MailInput, NoticeActivities
    from activities.ticketing import EscalateTicketInput, RevertTicketInput, TicketingActivities
    from domain.cases.parts import HandoffState
    from domain.cases.timeline import TimelineKind
    from domain.identity.people import Team
    from domain.mail import Attachment, TicketReceipt
    from domain.model import JsonValue
    from domain.triage.decision import Decision

from workflows import options
from workflows.cases.case import Case, ServedStateT, problem_of
from workflows.cases.saga import Saga, SagaOutcome

_CHAT, _TICKETING = "the chat message", "the change in the ticketing system"


class Package(Protocol):
    """All that the people who take over need."""

    def model_dump_json(self, *, indent: int) -> str:
        """As the attachment of the e-mail."""
        ...


class HandoffWords(Protocol):
    """What a kind of case tells the people whom it is handed to."""

    def brief(self) -> dict[str, JsonValue]:
        """Case number, workflow id, subject and priority: what each message has."""
        ...

    def package(self, decision: Decision, now: datetime) -> Package:
        """The whole context."""
        ...

    def mail(self, decision: Decision, team: Team, package: Any) -> tuple[str, dict[str, JsonValue], str | None]:
        """Template, context, and the reference of a text that is too long for history."""
        ...

    def chat(self, decision: Decision) -> tuple[str, dict[str, JsonValue], str | None]:
        """Template, context, and the thread it belongs to."""
        ...

    def ticketing(self, decision: Decision, team: Team, package: Any, step: str) -> EscalateTicketInput | None:
        """The change in the ticketing system; None for a case that no ticket stands for."""
        ...


class Handoff(Generic[ServedStateT]):
    """Hands one case over, and takes it back."""

    def __init__(self, case: Case[ServedStateT], words: HandoffWords) -> None:
        """Work on a case, in the words of its kind."""
        self._case = case
        self._words = words

    @property
    def _state(self) -> ServedStateT:
        return self._case.state

    async def hand_over(self, decision: Decision) -> None:
        """Hand the case to the decision's team.

        When a leg cannot be done the others are withdrawn and the emergency path runs; when that fails too the step
        is parked, so the case is never lost.
        """
        if self._state.people_have_it:
            return
        await self._case.must("handoff", "Hand the case over", lambda: self._try(decision), left_undone=self._left)
        if self._state.handoff is None:
            return
        handoff = self._state.handoff
        handoff.completed_at = self._case.now()
        how = "by the emergency path" if handoff.emergency else "with full context"
        self._case.note(TimelineKind.HANDOFF, f"Handed to {self._case.policy.team(handoff.team).label} {how}")
        self._case.changed()

    async def _try(self, decision: Decision) -> None:
        number = self._state.step_numbers.get("handoff", 0) + 1
        self._state.step_numbers["handoff"] = number
        handoff = HandoffState(number=number, team=decision.team, started_at=self._case.now())
        self._state.handoff = handoff
        saga = Saga(self._case)
        problem = await self._run_legs(handoff, decision, saga)
        if problem is None:
            return
        self._case.note(TimelineKind.HANDOFF, f"The handoff could not be completed: {problem}")
        # People are alerted at once, while what was sent is being taken back.
        alert = asyncio.create_task(self._emergency(handoff, decision, problem))
        try:
            outcome = await saga.compensate()
        except asyncio.CancelledError:
            _forget_undone(handoff, saga.outcome)
            raise
        handoff.undone, handoff.left_undone = outcome.undone, outcome.left
        handoff.chat = handoff.ticketing = handoff.mail_id = None
        await alert
        handoff.emergency = True

    async def _run_legs(self, handoff: HandoffState, decision: Decision, saga: Saga) -> str | None:
        """Run all legs side by side; returns why one failed, or None."""
        package = self._words.package(decision, self._case.now())
        results = await asyncio.gather(*self._legs(handoff, decision, package, saga), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                if not isinstance(result, FailureError) or is_cancelled_exception(result):
                    raise result
                return problem_of(result)
        return None

    def _legs(self, handoff: HandoffState, decision: Decision, package: Package, saga: Saga) -> list[Awaitable[Any]]:
        team = self._case.policy.team(decision.team)
        legs: list[Awaitable[Any]] = []
        if self._state.channels.mail:
            legs.append(self._mail_leg(handoff, decision, team, package, saga))
        if self._state.channels.chat:
            legs.append(self._chat_leg(handoff, decision, team, saga))
        change = self._words.ticketing(decision, team, package, f"handoff-{handoff.number}/ticketing")
        if self._state.channels.ticketing and change is not None:
            legs.append(self._ticketing_leg(handoff, change, saga))
        return legs

    # The legs. Each registers its undo before it runs.

    async def _mail_leg(
        self, handoff: HandoffState, decision: Decision, team: Team, package: Package, saga: Saga
    ) -> None:
        template, context, full_text_ref = self._words.mail(decision, team, package)
        copies = [self._case.policy.team(name).email for name in decision.also_notify]
        mail = MailInput(
            tenant=self._state.tenant,
            step=f"handoff-{handoff.number}/mail",
            template=template,
            context=context,
            to=(team.email,),
            cc=tuple(dict.fromkeys([*copies, self._case.policy.escalation_mailbox])),
            attachments=(
                Attachment(
                    name=f"handoff-{self._state.case_number}.json",
                    media_type="application/json",
                    content=package.model_dump_json(indent=2),
                ),
            ),
            full_text_ref=full_text_ref,
        )
        receipt = await saga.step(
            "the e-mail to the team",
            lambda: self._case.mail_team(mail, "Handoff by e-mail"),
            lambda: self._correct_mail(handoff, team),
        )
        handoff.mail_id = receipt.message_id

    async def _chat_leg(self, handoff: HandoffState, decision: Decision, team: Team, saga: Saga) -> None:
        message = self._chat_message(handoff, decision, team)
        handoff.chat = await saga.step(
            _CHAT,
            lambda: self._case.post_chat(message, "Handoff in chat"),
            lambda: self._withdraw_chat(handoff, message),
        )

    async def _ticketing_leg(self, handoff: HandoffState, change: EscalateTicketInput, saga: Saga) -> None:
        handoff.ticketing = await saga.step(
            _TICKETING,
            lambda: self._escalate_ticket(change),
            lambda: self._revert_ticket(handoff, change),
        )

    async def _escalate_ticket(self, change: EscalateTicketInput) -> TicketReceipt:
        return await self._case.do(
            TicketingActivities.escalate_ticket,
            change,
            "Handoff in the ticketing system",
            options.handoff(self._case.policy.timers),
        )

    # The undos. Each is safe when its leg never took effect.

    async def _correct_mail(self, handoff: HandoffState, team: Team) -> None:
        mail = MailInput(
            tenant=self._state.tenant,
            step=f"handoff-{handoff.number}/mail-withdrawn",
            template="mail/handoff_withdrawn.txt",
            context=self._words.brief(),
            to=(team.email,),
            cc=(self._case.policy.escalation_mailbox,),
            in_reply_to=handoff.mail_id,
        )
        await self._case.mail_team(mail, "Handoff withdrawn, by e-mail")

    async def _withdraw_chat(self, handoff: HandoffState, message: ChatInput) -> None:
        if handoff.chat is None:
            # The attempt may have posted before its answer was lost. Posting again with its key finds that message,
            # or makes one; either way there is exactly one to take away.
            handoff.chat = await self._case.post_chat(message, "Find the handoff in chat")
        await self._case.do(
            NoticeActivities.delete_chat,
            handoff.chat,
            "Handoff withdrawn in chat",
            options.handoff(self._case.policy.timers),
        )

    async def _revert_ticket(self, handoff: HandoffState, change: EscalateTicketInput | None = None) -> None:
        if handoff.ticketing is None and change is not None:
            # As above: the change carries its key, so repeating it tells what was there before and changes no more.
            handoff.ticketing = await self._escalate_ticket(change)
        if handoff.ticketing is None:
            return
        revert = RevertTicketInput(
            step=f"handoff-{handoff.number}/ticketing-reverted",
            receipt=handoff.ticketing,
            note="The handoff was withdrawn.",
        )
        await self._case.do(
            TicketingActivities.revert_ticket,
            revert,
            "Handoff withdrawn in the ticketing system",
            options.handoff(self._case.policy.timers),
        )

    async def withdraw(self) -> list[str]:
        """Take a completed handoff back, because the case is withdrawn. Returns what could not be taken back."""
        handoff = self._state.handoff
        if handoff is None:
            return []
        saga = Saga(self._case)
        team = self._case.policy.team(handoff.team)
        if self._state.channels.mail:
            saga.on_undo("the e-mail to the team", lambda: self._correct_mail(handoff, team))
        if handoff.chat is not None:
            saga.on_undo(_CHAT, lambda: self._replace_chat(handoff, "handoff_withdrawn", {}))
        if handoff.ticketing is not None:
            saga.on_undo(_TICKETING, lambda: self._revert_ticket(handoff))
        outcome = await saga.compensate()
        handoff.undone, handoff.left_undone = outcome.undone, outcome.left
        return outcome.left

    # After the handoff

    async def show_claim(self, holder: str | None) -> None:
        """Show in the handoff's chat message who has the case."""
        if self._state.handoff is not None and self._state.handoff.chat is not None:
            await self._replace_chat(self._state.handoff, "handoff_claimed", {"claimed_by": holder or ""})

    async def _replace_chat(self, handoff: HandoffState, template: str, more: dict[str, JsonValue]) -> None:
        if handoff.chat is None:
            return
        message = ChatInput(
            tenant=self._state.tenant,
            step=self._state.begin(f"handoff-{handoff.number}/{template}"),
            channel=handoff.chat.channel,
            template=template,
            context={**self._words.brief(), **more},
            replaces=handoff.chat,
        )
        handoff.chat = await self._case.post_chat(message, "Update the handoff in chat")

    async def forward(self, text: str, step: str, **more: JsonValue) -> None:
        """Show a new message to the people who have the case.

        Args:
            text: what was written.
            step: its key within the case.
            more: for the template, such as `author`.
        """
        handoff = self._state.handoff
        if handoff is None:
            return
        team = self._case.policy.team(handoff.team)
        holder = self._state.claim.claimed_by
        context: dict[str, JsonValue] = {**self._words.brief(), "author": "customer", "text": text, **more}
        people = (holder,) if holder else ()
        thread = handoff.chat.ts if handoff.chat is not None else None
        channel = handoff.chat.channel if handoff.chat is not None else team.slack_channel
        told = await self._case.tell_people(people, step, "customer_message", context, channel, thread=thread)
        if not told.reached:
            self._case.note(TimelineKind.MESSAGE, "Nobody could be told of the customer's new message")

    # The emergency path

    async def _emergency(self, handoff: HandoffState, decision: Decision, problem: str) -> None:
        """Reach anybody: the alert channel, or the escalation mailbox. Fails only when both fail."""
        context: dict[str, JsonValue] = {
            **self._words.brief(),
            "problem": problem,
            "reasons": list(decision.reasons),
            "team": self._case.policy.team(decision.team).label,
        }
        step = f"handoff-{handoff.number}/emergency"
        ways: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        if self._state.channels.chat:
            message = ChatInput(
                tenant=self._state.tenant,
                step=f"{step}/chat",
                channel=self._case.policy.emergency_channel,
                template="emergency",
                context=context,
            )
            ways.append(("chat", lambda: self._case.post_chat(message, "Emergency alert in chat")))
        if self._state.channels.mail:
            mail = MailInput(
                tenant=self._state.tenant,
                step=f"{step}/mail",
                template="mail/emergency.txt",
                context=context,
                to=(self._case.policy.escalation_mailbox,),
            )
            ways.append(("e-mail", lambda: self._case.mail_team(mail, "Emergency alert by e-mail")))
        results = await asyncio.gather(*(act() for _, act in ways), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if len(failures) == len(results):
            raise (
                failures[0]
                if failures
                else ApplicationError("No channel to people is configured: set up e-mail or chat.", non_retryable=True)
            )
        self._case.note(TimelineKind.HANDOFF, "The emergency path was used")

    def _left(self) -> list[str]:
        return list(self._state.handoff.left_undone) if self._state.handoff is not None else []

    def _chat_message(self, handoff: HandoffState, decision: Decision, team: Team) -> ChatInput:
        template, context, thread = self._words.chat(decision)
        return ChatInput(
            tenant=self._state.tenant,
            step=f"handoff-{handoff.number}/chat",
            channel=team.slack_channel,
            template=template,
            thread=thread,
            context=context,
        )


def _forget_undone(handoff: HandoffState, outcome: SagaOutcome | None) -> None:
    """A case that was cancelled while its handoff was taken back has only the rest of it to withdraw."""
    undone = outcome.undone if outcome is not None else []
    handoff.chat = None if _CHAT in undone else handoff.chat
    handoff.ticketing = None if _TICKETING in undone else handoff.ticketing
