"""What every lifecycle shares: the state with its timeline and status, steps that park, and how to tell people."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.notices import ChatInput, MailInput, NoticeActivities
    from domain.cases.messages import UnparkInput
    from domain.cases.parts import ParkedStep, SentMessage
    from domain.cases.records import InterventionRecord
    from domain.cases.state import CaseState, ServedCaseState
    from domain.cases.terms import UnparkAction
    from domain.cases.timeline import TimelineKind
    from domain.mail import Attachment, ChatReceipt, MailReceipt
    from domain.model import JsonValue
    from domain.policies.case_policy import CasePolicy

from workflows import options, sharing
from workflows.cases.failing import could_not_undo, last_failure, problem_of
from workflows.cases.lanes import Lanes

_THOUGHT = timedelta(seconds=60)
StateT = TypeVar("StateT", bound=CaseState)
ServedStateT = TypeVar("ServedStateT", bound=ServedCaseState)
ArgumentT = TypeVar("ArgumentT")
NoticeT = TypeVar("NoticeT", "MailInput", "ChatInput")
ResultT = TypeVar("ResultT")

GIVEN_UP = "GivenUp"
"""Type of the error that ends a case whose step a person gave up."""


@dataclass(frozen=True)
class Told:
    """Whether people were reached, and where the chat message stands."""

    reached: bool
    chat: ChatReceipt | None


class Case(Generic[StateT]):
    """One running case. The lifecycle and its parts work on it; it is the only one that touches the workflow API."""

    def __init__(self, state: StateT, on_change: Callable[[], None]) -> None:
        """`on_change` shows the case's present state in the web UI and its search attributes."""
        self.state = state
        self.lanes = Lanes()
        self._on_change = on_change
        self.thinks_locally = False
        """Whether thoughts are local activities, as they were in runs that began before it showed that a replay may see
        the result of one that outlasts a workflow task too early."""
        self.busy_with: str = ""
        """What it is doing now, in words for the status."""

    @property
    def policy(self) -> CasePolicy:
        """The policy the case began with."""
        if self.state.policy is None:
            raise ApplicationError("The case has no policy yet.", non_retryable=True)
        return self.state.policy

    # Reads of time, so that the parts stay free of the workflow API.

    @staticmethod
    def now() -> datetime:
        """The workflow's time."""
        return workflow.now()

    # Record

    def note(self, kind: TimelineKind, text: str, actor: str = "surehand") -> None:
        """Put a line on the timeline."""
        self.state.note(workflow.now(), kind, text, actor)

    def changed(self) -> None:
        """Show the present state, after something people look for has changed."""
        self._on_change()

    def enter(self, phase: str) -> None:
        """Go to a phase of the life."""
        self.state.phase = phase
        self.changed()

    # Steps

    async def do(
        self,
        activity: Callable[[Any, ArgumentT], Awaitable[ResultT]],
        argument: ArgumentT,
        summary: str,
        config: workflow.ActivityConfig,
    ) -> ResultT:
        """Run one activity. Every activity has a summary, so that the web UI can be read.

        Args:
            activity: a method of an activity class.
            argument: its one argument.
            summary: what it does, for a person.
            config: time-outs and retries, from `workflows/options.py`.
        """
        return await workflow.execute_activity_method(activity, argument, **self.shown_as(summary, config))

    def shown_as(self, summary: str, config: workflow.ActivityConfig) -> workflow.ActivityConfig:
        """How an activity runs: named for a person, and as urgent as the case is by now; triage comes before all else.

        Args:
            summary: what it does, for a person.
            config: time-outs and retries, from `workflows/options.py`.
        """
        urgent = sharing.as_urgent_as(self.state.triaged_priority)
        return {**config, "summary": summary, "priority": sharing.TRIAGE_FIRST if self.state.awaits_triage else urgent}

    async def think(
        self, activity: Callable[[Any, ArgumentT], Awaitable[ResultT]], argument: ArgumentT, summary: str
    ) -> ResultT:
        """Run a computation whose rules may change under running cases: its result stands in history."""
        if self.thinks_locally:
            return await workflow.execute_local_activity_method(
                activity, argument, start_to_close_timeout=_THOUGHT, summary=summary
            )
        return await self.do(activity, argument, summary, options.thought())

    async def must(
        self,
        step: str,
        title: str,
        act: Callable[[], Awaitable[ResultT]],
        *,
        can_skip: bool = False,
        left_undone: Callable[[], list[str]] = list,
    ) -> ResultT | None:
        """Do a step that the case depends on; when it cannot be done, park it until a person says how to go on.

        Args:
            step: its key, unique within the case.
            title: what it is, for a person.
            act: does it once, with Temporal's retries inside.
            can_skip: whether the case makes sense without it.
            left_undone: what a person should know about effects that remain.

        Returns:
            The result, or None when a person skipped the step.

        Raises:
            ApplicationError: of type `GivenUp`, when a person gave the step up.
        """
        while True:
            if step not in self.state.parked:
                self.busy_with = title
                try:
                    return await act()
                except FailureError as error:
                    if is_cancelled_exception(error):
                        raise
                    await self._park(step, title, problem_of(error), can_skip=can_skip, left_undone=left_undone())
            action = await self._wait_for_word(step)
            if action is UnparkAction.SKIP:
                return None
            if action is UnparkAction.GIVE_UP:
                raise ApplicationError(f"{title}: given up by a person.", type=GIVEN_UP, non_retryable=True)

    async def leave_to_person(self, step: str, title: str, left_undone: list[str]) -> None:
        """Park with a list of what a person must do by hand, and go on once somebody says it is dealt with."""
        if step not in self.state.parked:
            await self._park(step, title, could_not_undo(left_undone), can_skip=True, left_undone=left_undone)
        await self._wait_for_word(step)

    async def attempt(self, title: str, act: Callable[[], Awaitable[ResultT]]) -> ResultT | None:
        """Do something that is worth trying and not worth stopping for; a failure is put on the timeline."""
        try:
            return await act()
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            self.note(TimelineKind.EFFECT, f"{title} failed: {problem_of(error)}")
            return None

    async def ask_person(self, parked: ParkedStep) -> ParkedStep:
        """Park a step, and wait for a person's word on it. A step that is parked already is only waited for.

        Returns:
            The step with `action`, `acted_by` and `edited` as the person gave them; it is no longer parked.
        """
        if parked.step not in self.state.parked:
            await self._announce(parked)
        answered = self.state.parked[parked.step]
        await self._wait_for_word(parked.step)
        return answered

    def refusal_of(self, word: UnparkInput) -> str | None:
        """Why a person's word on a parked step cannot be taken; None when it can. Reads only, for validators."""
        parked = self.state.parked.get(word.step)
        if parked is None or parked.action is not None:
            return f"No such step is parked; parked are: {', '.join(self.state.parked) or 'none'}."
        if word.parked_at is not None and word.parked_at != parked.parked_at:
            return "That step was retried and parked anew after you saw it: look at it again."
        if word.action is UnparkAction.SKIP and not parked.can_skip:
            return "This step cannot be skipped: retry it or give it up."
        return None

    def take_word(self, word: UnparkInput) -> ParkedStep:
        """Take a person's word on a parked step, and keep it for the audit. The step itself acts on it."""
        parked = self.state.parked[word.step]
        parked.action, parked.acted_by, parked.edited = word.action, word.person_id, word.arguments
        if word.reason or word.arguments is not None:
            edited = "with other arguments. " if word.arguments is not None else ""
            self.note(TimelineKind.PARKED, f"{parked.title}: {edited}{word.reason}".strip(), word.person_id)
        self.state.unsaved_interventions.append(
            InterventionRecord(
                workflow_id=workflow.info().workflow_id,
                tenant=self.state.tenant,
                number=int(self.state.begin("audit/parked").rsplit("-", 1)[1]),
                step=parked.step,
                title=parked.title,
                tool=parked.tool,
                problem=parked.problem,
                parked_at=parked.parked_at,
                action=word.action.value,
                person_id=word.person_id,
                at=workflow.now(),
                reason=word.reason,
                digest_before=parked.digest,
                digest_after=parked.next_digest,
            )
        )
        return parked

    async def _park(self, step: str, title: str, problem: str, *, can_skip: bool, left_undone: list[str]) -> None:
        await self._announce(
            ParkedStep(
                step=step,
                title=title,
                problem=problem,
                parked_at=workflow.now(),
                can_skip=can_skip,
                left_undone=left_undone,
            )
        )

    async def _announce(self, parked: ParkedStep) -> None:
        step, title, problem = parked.step, parked.title, parked.problem
        left_undone, can_skip = parked.left_undone, parked.can_skip
        self.state.parked[step] = parked
        self.note(TimelineKind.PARKED, f"Parked: {title}. {problem}")
        self.changed()
        if self.state.policy is not None:
            context: dict[str, JsonValue] = {
                "case_number": self.state.case_number,
                "workflow_id": workflow.info().workflow_id,
                "step": step,
                "title": title,
                "problem": problem,
                "left_undone": list(left_undone),
                "can_skip": can_skip,
            }
            key = self.state.begin(f"parked/{step}")
            await self.tell_people((self.policy.duty_lead,), key, "parked", context, self.policy.emergency_channel)

    async def _wait_for_word(self, step: str) -> UnparkAction:
        parked = self.state.parked[step]
        await self.lanes.wait(lambda: parked.action is not None, summary=f"Waiting for a person: {parked.title}")
        del self.state.parked[step]
        self.note(
            TimelineKind.PARKED,
            f"{parked.title}: {parked.action.label if parked.action else ''}",
            parked.acted_by or "",
        )
        self.changed()
        assert parked.action is not None  # noqa: S101  (the condition of the wait above)
        return parked.action

    # Telling people

    async def mail_customer(
        self, step: str, template: str, context: dict[str, JsonValue], *, address: str | None, what: str
    ) -> MailReceipt | None:
        """Send an e-mail to the customer, parking when it cannot be sent. None without an address or a mail server."""
        if address is None or not self.state.channels.mail:
            self.note(TimelineKind.MESSAGE, f"Not sent, for want of an e-mail address or a mail server: {what}")
            return None
        mail = MailInput(tenant=self.state.tenant, step=step, template=template, context=context, to=(address,))
        receipt = await self.must(
            step,
            what,
            lambda: self.do(
                NoticeActivities.mail_customer, self._worded(mail), what, options.vendor(self.policy.timers)
            ),
            can_skip=True,
        )
        if receipt is not None:
            self._sent(step, "customer", "email", what, receipt.message_id, repeated=receipt.repeated)
            self.note(TimelineKind.MESSAGE, f"To the customer: {what}")
        return receipt

    async def tell_people(
        self,
        people: tuple[str, ...],
        step: str,
        template: str,
        context: dict[str, JsonValue],
        channel: str | None = None,
        *,
        thread: str | None = None,
    ) -> Told:
        """Tell people on our side, by e-mail and in a channel at the same time, as far as each is configured."""
        ways: list[Awaitable[MailReceipt | ChatReceipt | None]] = []
        what = template.replace("_", " ")
        if people and self.state.channels.mail:
            mail = MailInput(
                tenant=self.state.tenant,
                step=f"{step}/mail",
                template=f"mail/{template}.txt",
                context=context,
                to_people=people,
            )
            ways.append(self.attempt(f"E-mail ({what})", lambda: self.mail_team(mail, f"E-mail: {what}")))
        if channel and self.state.channels.chat:
            message = ChatInput(
                tenant=self.state.tenant,
                step=f"{step}/chat",
                channel=channel,
                template=template,
                context=context,
                thread=thread,
            )
            ways.append(self.attempt(f"Chat ({what})", lambda: self.post_chat(message, f"Chat: {what}")))
        receipts = await asyncio.gather(*ways)
        chat = next((receipt for receipt in receipts if isinstance(receipt, ChatReceipt)), None)
        return Told(reached=any(receipt is not None for receipt in receipts), chat=chat)

    async def mail_team(
        self, mail: MailInput, what: str, *, config: workflow.ActivityConfig | None = None
    ) -> MailReceipt:
        """Send one e-mail to our side."""
        receipt = await self.do(
            NoticeActivities.mail_team, self._worded(mail), what, (config or options.handoff(self.policy.timers))
        )
        self._sent(mail.step, "team", "email", what, receipt.message_id, repeated=receipt.repeated)
        return receipt

    async def post_chat(
        self, message: ChatInput, what: str, *, config: workflow.ActivityConfig | None = None
    ) -> ChatReceipt:
        """Post or replace one chat message."""
        receipt = await self.do(
            NoticeActivities.post_chat, self._worded(message), what, (config or options.handoff(self.policy.timers))
        )
        if message.replaces is None:
            self._sent(message.step, "team", "slack", what, receipt.ts, repeated=receipt.repeated)
        return receipt

    def _worded(self, notice: NoticeT) -> NoticeT:
        """In the tenant's own words."""
        return notice.model_copy(update={"terms": self.policy.reply.terms})

    def _sent(self, step: str, to: str, channel: str, what: str, message_id: str, *, repeated: bool) -> None:
        self.state.sent.append(
            SentMessage(
                step=step,
                to=to,
                channel=channel,
                what=what,
                at=workflow.now(),
                message_id=message_id,
                repeated=repeated,
            )
        )
        self.state.sent_count += 1
        if repeated:
            self.note(TimelineKind.EFFECT, f"{what}: may have been delivered twice, with the same Message-ID")


__all__ = ["GIVEN_UP", "Attachment", "Case", "last_failure", "problem_of"]
