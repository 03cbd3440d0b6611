"""Resolving at this level: the specialist's answer, its review, its approval, the billing action behind it."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.replies import DraftInput, ReplyActivities
    from activities.ticketing import CustomerActivities, MoneyInput, UndoMoneyInput
    from domain.cases.approval import ApprovalQuestion, ApprovalState, ApprovalStatus
    from domain.cases.escalation import Draft, EscalationState, PendingReply
    from domain.cases.timeline import CaseMessage, TimelineKind
    from domain.model import JsonValue
    from domain.triage.conversation import BillingAction, BillingActionKind

from workflows import options
from workflows.cases.approvals import Approvals
from workflows.cases.case import GIVEN_UP, Case
from workflows.cases.saga import Saga
from workflows.escalations.money import Money

MOST_REJECTIONS = 2
"""After this many rejected answers to one message, a person writes it."""


class Resolution:
    """Writes and sends answers."""

    def __init__(self, case: Case[EscalationState], approvals: Approvals, escalate: Callable[[str], None]) -> None:
        """`escalate` hands the case to people, with a reason."""
        self._case = case
        self._approvals = approvals
        self._escalate = escalate

    @property
    def _state(self) -> EscalationState:
        return self._case.state

    async def draft(self, message: CaseMessage) -> PendingReply | None:
        """The specialist's answer to a message, reviewed. None when the case goes to people instead."""
        pending = self._state.pending_reply
        if pending is not None and pending.answers == message.number:
            return pending
        step = self._state.begin("reply")
        draft = await self._write(step)
        if draft is None or (self._is_answer and draft.review.score < self._case.policy.reply.minimum_quality):
            score = "no answer" if draft is None else f"{draft.review.score:.1f} of 10"
            self._escalate(f"The answer did not pass its quality review ({score})")
            return None
        self._state.pending_reply = PendingReply(step=step, answers=message.number, draft=draft)
        return self._state.pending_reply

    async def _write(self, step: str) -> Draft | None:
        state = self._state
        if state.classification is None or state.analysis is None or state.decision is None or state.strategy is None:
            raise ApplicationError("An answer was asked for before triage.", non_retryable=True)
        request = DraftInput(
            tenant=state.tenant,
            step=step,
            ticket=state.ticket,
            classification=state.classification,
            analysis=state.analysis,
            decision=state.decision,
            strategy=state.strategy,
            articles=tuple(state.articles),
            policy=self._case.policy,
            conversation=tuple(state.conversation[1:][-10:]),
            announces_handoff=not self._is_answer,
            rejection_reason=state.rejection_reason,
            billing_done=tuple(action.kind.value for action in state.billing_done),
        )
        draft: Draft | None = await self._case.must(
            step,
            "Write the answer",
            lambda: self._case.do(
                ReplyActivities.draft_reply,
                request,
                "Write and review the answer",
                options.model(self._case.policy.timers, questions=4),
            ),
            can_skip=True,
        )
        if draft is not None:
            state.degraded = state.degraded or draft.reply.origin.degraded
            state.model_cost += draft.reply.origin.cost + draft.review.origin.cost
        return draft

    async def deliver(self, pending: PendingReply, superseded: Callable[[], bool]) -> bool:
        """Get what approval the answer needs, act on billing, and send it.

        Args:
            pending: the answer.
            superseded: True when it is not wanted any more: the customer wrote again, or people took over.

        Returns:
            True when it was sent.
        """
        action = pending.draft.reply.billing_action
        if (
            action is not None
            and action.kind.moves_money
            and not await self._may_move_money(pending, action, superseded)
        ):
            return False
        if self._needs_approval and not await self._approved(pending, superseded):
            return False
        saga = Saga(self._case)
        try:
            if action is not None and action.kind.moves_money:
                await self._move_money(pending, action, saga)
            await self.send(pending)
        except ApplicationError as error:
            if error.type == GIVEN_UP:
                await saga.compensate()
            raise
        return True

    @property
    def _is_answer(self) -> bool:
        """False for the notice that people take over, which is worded by rules."""
        return self._state.escalate_at is None and not self._state.people_have_it

    # Approval

    async def show_approvals(self) -> None:
        """Show in the chat how questions about answers were decided."""
        await self._approvals.show_outcomes()

    @property
    def _needs_approval(self) -> bool:
        """Whether the policy wants a person to see answers to this customer first."""
        return self._state.ticket.customer.tier.value in self._case.policy.reply.approval_for_tiers

    async def _approved(self, pending: PendingReply, superseded: Callable[[], bool]) -> bool:
        question = ApprovalQuestion(
            action="reply",
            summary=f"Send an answer to a {self._state.ticket.customer.tier.label} customer in case "
            f"{self._state.case_number}",
            arguments={"to": "customer", "text": pending.draft.reply.text},
            risk=self._state.risk.overall if self._state.risk else 0,
            evidence=tuple(pending.draft.review.findings),
        )
        request = await self._approvals.obtain(pending.step, question, superseded=superseded)
        return self._follow(request, "answer")

    async def _may_move_money(
        self, pending: PendingReply, action: BillingAction, superseded: Callable[[], bool]
    ) -> bool:
        customer = self._state.ticket.customer.customer_id
        worth = self._case.policy.currencies.in_own(action.amount or 0, action.currency)
        if customer is None or action.amount is None or worth is None or not self._state.channels.billing:
            self._escalate(f"A {action.kind.label} is asked for and cannot be made without a person")
            return False
        question = ApprovalQuestion(
            action=action.kind.value,
            summary=f"{action.kind.label.capitalize()} {action.amount:.2f} {action.currency} in case "
            f"{self._state.case_number}",
            arguments=self._money(action, customer),
            amount=worth,
            risk=self._state.risk.overall if self._state.risk else 0,
            evidence=(action.reason,) if action.reason else (),
        )
        request = await self._approvals.obtain(f"{pending.step}/{action.kind.value}", question, superseded=superseded)
        return self._follow(request, action.kind.label)

    @staticmethod
    def _money(action: BillingAction, customer: str) -> dict[str, JsonValue]:
        return {"customer": customer, "amount": action.amount, "currency": action.currency}

    def _follow(self, request: ApprovalState, what: str) -> bool:
        """What a decided request means for the answer."""
        if request.granted:
            return True
        self._state.pending_reply = None
        if request.status is ApprovalStatus.SUPERSEDED:
            return False
        rejected = sum(r.status is ApprovalStatus.REJECTED for r in self._state.approvals.values())
        self._state.rejection_reason = request.reason
        self._case.note(TimelineKind.APPROVAL, f"The {what} was not approved: {request.reason}")
        if request.status is ApprovalStatus.EXPIRED or rejected >= MOST_REJECTIONS or what != "answer":
            self._escalate(f"The {what} was not approved: {request.reason}")
        return False

    # Acting

    async def _move_money(self, pending: PendingReply, action: BillingAction, saga: Saga) -> None:
        state = self._state
        customer = state.ticket.customer.customer_id or ""
        if workflow.patched("money-by-playbook"):
            await Money(self._case).move(f"{pending.step}/{action.kind.value}", action, customer, saga)
            return
        references: list[str] = []
        refund = action.kind is BillingActionKind.REFUND
        act = CustomerActivities.refund_customer if refund else CustomerActivities.credit_customer
        undo = CustomerActivities.cancel_refund if refund else CustomerActivities.reverse_credit
        money = MoneyInput(
            step=f"{pending.step}/{action.kind.value}",
            customer_id=customer,
            amount=action.amount or 0,
            currency=action.currency,
        )
        config = options.vendor(self._case.policy.timers)

        async def take_back() -> None:
            # Without a reference the attempt's answer was lost; its key finds out what became of it.
            reference = references[0] if references else await do()
            step = f"{money.step}/undo"
            await self._case.do(
                undo,
                UndoMoneyInput(step=step, customer_id=customer, reference=reference),
                f"Undo the {action.kind.label}",
                config,
            )

        async def do() -> str:
            return await self._case.do(act, money, f"{action.kind.label.capitalize()}, as approved", config)

        async def once() -> str:
            return await saga.step(f"the {action.kind.label}", do, take_back)

        reference = await self._case.must(money.step, f"Make the {action.kind.label}", once)
        if reference is not None:
            references.append(reference)
            state.billing_done.append(action)
            self._case.note(TimelineKind.EFFECT, f"{action.kind.label.capitalize()} made, as approved")

    async def send(self, pending: PendingReply) -> None:
        """Send an answer as it is; `deliver` sees to its approval first."""
        reply = pending.draft.reply
        await self._case.mail_customer(
            pending.step,
            "mail/reply.txt",
            {
                "case_number": self._state.case_number,
                "subject": self._state.ticket.subject,
                "text": reply.text,
                "signature": self._case.policy.reply.signature,
            },
            address=self._state.ticket.customer.email,
            what=f"{reply.kind.replace('_', ' ')}",
        )
        now = self._case.now()
        self._state.pending_reply = None
        self._state.rejection_reason = ""
        self._state.hear(now, f"sent/{pending.step}", "surehand", reply.text)
        self._state.last_word_at = now
        self._state.followed_up = False
        self._state.follow_up_at = (
            now + self._case.policy.timers.follow_up_after_silence if reply.follow_up_promised else None
        )
