"""Tells one endpoint of changes of cases: durably, in the order of each case, as often as it takes.

One workflow per endpoint. It is started when something waits in the outbox and ends when nothing does; what is told,
and to whom, stays in the store. While an endpoint takes nothing it is asked with one event at a time, each time later,
and after days of that it is disabled and people are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.notices import ChatInput, MailInput, NoticeActivities
    from activities.webhooks import (
        DisableWebhookInput,
        EndpointName,
        NextWebhooks,
        NextWebhooksInput,
        SendWebhookInput,
        WaitingWebhook,
        WebhookActivities,
    )
    from domain.model import JsonValue
    from domain.webhooks.events import WebhookAttempt
    from domain.webhooks.messages import FailingCase, SenderInput, SenderState, WakeInput

from workflows.options import HEARTBEAT

MessageT = TypeVar("MessageT", MailInput, ChatInput)

_AT_ONCE = 8
"""Cases whose events are under way at the same time."""
_REMEMBERED = 200
"""Failing cases that are remembered; of more, the oldest is tried again a little early."""
_LINGER = timedelta(minutes=1)
"""How long a sender stays after the last event: the next one is seldom far."""
_MARGIN = timedelta(seconds=30)
_NOTICE_GIVES_UP_AFTER = timedelta(hours=4)
_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))


@workflow.defn
class WebhookWorkflow:
    """Sends what waits for one endpoint."""

    @workflow.init
    def __init__(self, request: SenderInput) -> None:
        """Build the state, or take over the one that the last run left."""
        self._request = request
        self.state = request.state or SenderState()
        self._to = EndpointName(tenant=request.tenant, endpoint=request.endpoint)
        self._woken = False

    # The process

    @workflow.run
    async def run(self, request: SenderInput) -> int:
        """Send until nothing waits any more, or the endpoint is disabled.

        Returns:
            How many events were taken.
        """
        while True:
            if self._is_full():
                self._continue_as_new()
            await self._rest(self.state.paused_until)
            self._woken = False
            found = await self._look()
            if not found.is_open:
                return self.state.sent
            if found.waiting:
                await self._send(found.waiting)
                if await self._is_to_end():
                    return self.state.sent
            elif not await self._wait_for_more():
                return self.state.sent

    async def _look(self) -> NextWebhooks:
        """What may be sent now: one event where the endpoint is failing, else those of several cases."""
        now = workflow.now()
        resting = tuple(name for name, case in self.state.failing.items() if case.next_at > now)
        limit = 1 if self.state.failing_since is not None else _AT_ONCE
        found = await workflow.execute_activity_method(
            WebhookActivities.next_webhooks,
            NextWebhooksInput(to=self._to, limit=limit, without=resting),
            start_to_close_timeout=_MARGIN,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=_RETRY,
            summary="Look what waits",
        )
        self.state.rules = found.rules
        self.state.failing_since = self.state.failing_since or found.failing_since
        if len(found.waiting) < limit:
            # All that may be sent is here: of the others nothing waits any more.
            there = {*resting, *(one.workflow_id for one in found.waiting)}
            self.state.failing = {name: case for name, case in self.state.failing.items() if name in there}
        return found

    async def _send(self, waiting: Iterable[WaitingWebhook]) -> None:
        """Send one event of each case, side by side, and think about what came of them together."""
        tried = list(waiting)
        attempts = await asyncio.gather(*(self._send_one(one) for one in tried))
        now = workflow.now()
        if any(attempt.delivered for attempt in attempts):
            self.state.failing_since, self.state.failures, self.state.paused_until = None, 0, None
        else:
            self._note_failure(attempts, now)
        for one, attempt in zip(tried, attempts, strict=True):
            if attempt.delivered:
                self.state.sent += 1
                self.state.failing.pop(one.workflow_id, None)
            else:
                await self._postpone(one, attempt, now)

    async def _send_one(self, one: WaitingWebhook) -> WebhookAttempt:
        return await workflow.execute_activity_method(
            WebhookActivities.send_webhook,
            SendWebhookInput(to=self._to, number=one.number),
            start_to_close_timeout=self.state.rules.timeout + _MARGIN,
            heartbeat_timeout=HEARTBEAT,
            # Only the store makes this fail: what the endpoint does is an answer, and waits below.
            retry_policy=_RETRY,
            summary=f"Send {one.kind}",
        )

    def _note_failure(self, attempts: list[WebhookAttempt], now: datetime) -> None:
        """The endpoint took nothing: leave it alone for a while, longer each time, and as long as it asks for."""
        state = self.state
        state.failing_since = state.failing_since or now
        state.failures += 1
        asked = max((attempt.retry_after for attempt in attempts if attempt.retry_after), default=timedelta(0))
        state.paused_until = now + max(self._backoff(state.failures), asked)
        if any(attempt.gone for attempt in attempts):
            state.gone = True

    async def _postpone(self, one: WaitingWebhook, attempt: WebhookAttempt, now: datetime) -> None:
        """A case's event was not taken: its later ones wait with it. One that others overtake for days is left out."""
        state = self.state
        case = state.failing.pop(one.workflow_id, None) or FailingCase(failures=0, since=now, next_at=now)
        overtaken = state.failing_since is None or state.failing_since > case.since
        if overtaken and now - case.since >= state.rules.disable_after:
            await workflow.execute_activity_method(
                WebhookActivities.give_up_webhook,
                SendWebhookInput(to=self._to, number=one.number),
                start_to_close_timeout=_MARGIN,
                heartbeat_timeout=HEARTBEAT,
                retry_policy=_RETRY,
                summary="Leave out an event that the endpoint does not take",
            )
            return
        case.failures += 1
        wait = max(self._backoff(case.failures), attempt.retry_after or timedelta(0))
        case.next_at = state.paused_until or now + wait
        state.failing[one.workflow_id] = case
        while len(state.failing) > _REMEMBERED:
            del state.failing[next(iter(state.failing))]

    def _backoff(self, failures: int) -> timedelta:
        return self.state.rules.backoff(failures, workflow.random().random())

    # Waiting

    async def _rest(self, until: datetime | None) -> None:
        """Wait until a moment, unless a person wants it to go on now."""
        if until is None or until <= workflow.now():
            return
        try:
            await workflow.wait_condition(
                lambda: self.state.paused_until is None,
                timeout=until - workflow.now(),
                timeout_summary="Until the endpoint is tried again",
            )
        except TimeoutError:
            self.state.paused_until = None

    async def _wait_for_more(self) -> bool:
        """Nothing may be sent now: wait for the next try of a case, or a while for something new.

        Returns:
            False when nothing waits and nothing came.
        """
        due = min((case.next_at for case in self.state.failing.values()), default=None)
        until = due if due is not None else workflow.now() + _LINGER
        try:
            await workflow.wait_condition(
                lambda: self._woken,
                timeout=max(until - workflow.now(), timedelta(0)),
                timeout_summary="Until something is to be sent",
            )
        except TimeoutError:
            return due is not None or self._woken
        return True

    # The end

    async def _is_to_end(self) -> bool:
        """Whether the endpoint is to be told nothing more; disables it then, and tells people."""
        state = self.state
        if state.gone:
            await self._disable("It answered 410: it wants nothing any more.")
            return True
        days = state.rules.disable_after
        if state.failing_since is None or workflow.now() - state.failing_since < days:
            return False
        await self._disable(f"It took nothing since {state.failing_since.isoformat(timespec='minutes')}.")
        return True

    async def _disable(self, why: str) -> None:
        whom = await workflow.execute_activity_method(
            WebhookActivities.disable_webhook,
            DisableWebhookInput(to=self._to, why=why),
            start_to_close_timeout=_MARGIN,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=_RETRY,
            summary="Disable the endpoint",
        )
        step = f"disabled-{workflow.info().run_id}"
        context: dict[str, JsonValue] = {"endpoint": self._to.endpoint, "tenant": self._to.tenant, "why": why}
        template = "webhook_disabled"
        if whom.channels.mail:
            mail = MailInput(
                tenant=self._to.tenant,
                step=f"{step}/mail",
                template=f"mail/{template}.txt",
                context=context,
                to_people=(whom.duty_lead,),
            )
            await self._tell(NoticeActivities.mail_team, mail, "E-mail: the endpoint is disabled")
        if whom.channels.chat:
            message = ChatInput(
                tenant=self._to.tenant, step=f"{step}/chat", channel=whom.channel, template=template, context=context
            )
            await self._tell(NoticeActivities.post_chat, message, "Chat: the endpoint is disabled")

    @staticmethod
    async def _tell(activity: Callable[[Any, MessageT], Awaitable[object]], message: MessageT, summary: str) -> None:
        """Worth trying; the endpoint is disabled either way, and every list shows it."""
        try:
            await workflow.execute_activity_method(
                activity,
                message,
                start_to_close_timeout=_MARGIN,
                schedule_to_close_timeout=_NOTICE_GIVES_UP_AFTER,
                heartbeat_timeout=HEARTBEAT,
                retry_policy=_RETRY,
                summary=summary,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("people could not be told of a disabled endpoint")

    # Continue as new

    def _is_full(self) -> bool:
        limit, info = self._request.continue_after_events, workflow.info()
        return info.is_continue_as_new_suggested() or (limit is not None and info.get_current_history_length() >= limit)

    def _continue_as_new(self) -> None:
        self.state.runs += 1
        workflow.continue_as_new(self._request.model_copy(update={"state": self.state}))

    # Queries and signals

    @workflow.query(name="state")
    def query_state(self) -> SenderState:
        """Where it stands."""
        return self.state

    @workflow.signal
    def wake(self, word: WakeInput) -> None:
        """Something waits."""
        self._woken = True
        if word.at_once:
            self.state.paused_until = None
            for case in self.state.failing.values():
                case.next_at = workflow.now()
