"""Asking people: every lifecycle asks in this one way. The rules are in `domain/cases/approval.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.directory import CheckAuthorityInput, DirectoryActivities, FindApproversInput
    from activities.notices import ChatInput
    from domain.cases import approval as rules
    from domain.cases.approval import (
        ApprovalDecision,
        ApprovalQuestion,
        ApprovalReceipt,
        ApprovalState,
        ApprovalStatus,
        OpenRung,
    )
    from domain.cases.records import ApprovalRecord
    from domain.cases.timeline import TimelineKind
    from domain.mail import ChatReceipt
    from domain.model import JsonValue
    from domain.policies.case_policy import Rung

from workflows import options
from workflows.cases.case import Case, StateT


class Approvals:
    """The approvals of one case. Requests live in the case's state, so they outlive a run."""

    def __init__(self, case: Case[StateT]) -> None:
        """Work on a case."""
        self._case = case

    async def obtain(
        self,
        request_id: str,
        question: ApprovalQuestion,
        *,
        superseded: Callable[[], bool] = lambda: False,
        ladder: str | None = None,
    ) -> ApprovalState:
        """Ask, and wait until the request is decided.

        Args:
            request_id: its key within the case. A request that is open already is waited for, not asked again.
            question: what is asked; its action names the ladder.
            superseded: looked at while waiting; True takes the question back.
            ladder: whom to ask; the ladder of the question's action when None.

        Returns:
            The decided request: `granted` says whether the action may go ahead.
        """
        request = self._open(request_id, question, ladder or question.action)
        while request.is_pending:
            if superseded():
                rules.supersede(request, "the situation changed", workflow.now())
                self._record(request, "superseded", "Taken back: the situation changed")
            elif request.unchecked_vote is not None:
                await self._check_vote(request)
            elif request.current_rung is None or self._rung_is_over(request):
                await self._ask_next_rung(request)
            elif not await self._wait(request, superseded):
                await self._remind(request)
        self._case.changed()
        return request

    async def show_outcomes(self) -> None:
        """Replace decided questions in the chat by who decided what, so that nobody presses a dead button.

        Its own step, for after the decision was acted on: a chat that is down must not delay what was approved.
        """
        for request in list(self._case.state.approvals.values()):
            if not request.is_pending and request.chat is not None:
                await self._show_outcome(request, request.chat)

    async def keep_shown(self, is_over: Callable[[], bool], at_once: Callable[[], bool]) -> None:
        """The lane that shows each outcome soon after it was decided, so that nobody presses a dead button.

        Args:
            is_over: ends the lane.
            at_once: whether this run does so; runs from before it show all at their end.
        """
        while not is_over():
            await self._case.lanes.wait(lambda: is_over() or self._is_to_show())
            if is_over():
                return
            if not at_once():
                await self._case.lanes.wait(is_over)
                return
            await self.show_outcomes()

    def _is_to_show(self) -> bool:
        known = self._case.state.approvals.values()
        return any(not request.is_pending and request.chat is not None for request in known)

    def refusal(self, decision: ApprovalDecision) -> str | None:
        """Why a decision cannot be taken; None when it can. Reads only, for the update's validator."""
        return rules.refusal(self._case.state.approvals.get(decision.request_id), decision)

    def record(self, decision: ApprovalDecision) -> ApprovalReceipt:
        """Record a decision. Its effect follows once the person's authority is checked."""
        request = self._case.state.approvals[decision.request_id]
        rules.record_vote(request, decision, workflow.now())
        verb = "approves" if decision.approve else "rejects"
        self._record(request, "approved" if decision.approve else "rejected", decision.reason, decision.person_id)
        self._case.note(TimelineKind.APPROVAL, f"{verb} {question_of(request)}", decision.person_id)
        return ApprovalReceipt(
            request_id=request.request_id,
            status=request.status,
            text="Recorded. What comes of it is shown on the case.",
        )

    def record_refusal(self, decision: ApprovalDecision, why: str) -> None:
        """Audit a decision that came by signal and was not taken; a signal has no answer."""
        request = self._case.state.approvals.get(decision.request_id)
        if request is not None:
            self._record(request, "refused", why, decision.person_id)
        self._case.note(TimelineKind.APPROVAL, f"A decision was not taken: {why}", decision.person_id)

    def supersede_all(self, why: str, *, below: str = "") -> None:
        """Take back open questions, when the case or a part of it is withdrawn.

        Args:
            why: one sentence for the audit.
            below: only requests whose id begins so.
        """
        for request in self._case.state.pending_approvals:
            if request.request_id.startswith(below):
                rules.supersede(request, why, workflow.now())
                self._record(request, "superseded", why)

    # Asking

    def _open(self, request_id: str, question: ApprovalQuestion, ladder: str) -> ApprovalState:
        known = self._case.state.approvals.get(request_id)
        if known is not None and known.digest == question.digest:
            return known
        request = ApprovalState(
            request_id=request_id,
            question=question,
            digest=question.digest,
            ladder=self._case.policy.ladder(ladder),
            asked_at=workflow.now(),
        )
        self._case.state.approvals[request_id] = request
        self._record(request, "requested", question.summary, question.requested_by)
        self._case.note(TimelineKind.APPROVAL, f"Approval asked: {question.summary}")
        self._case.changed()
        return request

    @staticmethod
    def _rung_is_over(request: ApprovalState) -> bool:
        rung = request.current_rung
        return rung is not None and rung.expires_at <= workflow.now()

    async def _ask_next_rung(self, request: ApprovalState) -> None:
        if not rules.has_next_rung(request):
            rules.expire(request, workflow.now())
            default = request.ladder.when_nobody_answers
            self._record(request, "expired", f"Nobody answered; the default is {default}")
            self._case.note(TimelineKind.APPROVAL, f"Nobody answered {question_of(request)}: {default} by default")
            return
        rung = request.ladder.rungs[len(request.rungs)]
        approvers = await self._find(request, rung)
        opened = rules.open_rung(request, approvers, workflow.now())
        if len(request.rungs) > 1:
            self._record(request, "passed_on", f"To rung {opened.name}")
        if not approvers:
            self._case.note(TimelineKind.APPROVAL, f"Nobody can be asked on rung {opened.name}")
            return
        self._case.note(TimelineKind.APPROVAL, f"Asked rung {opened.name}: {', '.join(approvers)}")
        await self._tell(request, opened, rung.channel, "approval_request", f"rung-{len(request.rungs)}")

    async def _find(self, request: ApprovalState, rung: Rung) -> list[str]:
        search = FindApproversInput(
            tenant=self._case.state.tenant,
            roles=rung.roles,
            people=rung.people,
            amount=request.question.amount,
            requested_by=request.question.requested_by,
        )
        found = await self._case.must(
            f"{request.request_id}/find/{len(request.rungs) + 1}",
            f"Find approvers for {question_of(request)}",
            lambda: self._case.do(
                DirectoryActivities.find_approvers,
                search,
                f"Find approvers: {rung.name}",
                options.directory(self._case.policy.timers),
            ),
            can_skip=True,
        )
        return list(found.person_ids) if found is not None else []

    async def _wait(self, request: ApprovalState, superseded: Callable[[], bool]) -> bool:
        """True when something happened, False when the rung's next deadline came."""
        return await self._case.lanes.wait(
            lambda: request.unchecked_vote is not None or not request.is_pending or superseded(),
            until=rules.next_deadline(request),
            summary=f"Approval: {question_of(request)}",
        )

    async def _remind(self, request: ApprovalState) -> None:
        rung = request.current_rung
        if rung is None or rung.reminded or self._rung_is_over(request):
            return
        rung.reminded = True
        self._record(request, "reminded", f"Rung {rung.name}")
        self._case.note(TimelineKind.APPROVAL, f"Reminded rung {rung.name}")
        channel = request.ladder.rungs[len(request.rungs) - 1].channel
        await self._tell(request, rung, channel, "approval_reminder", f"reminder-{len(request.rungs)}")

    async def _tell(self, request: ApprovalState, rung: OpenRung, channel: str, template: str, step: str) -> None:
        people = tuple(rung.approvers) if channel in ("email", "both") else ()
        chat = self._case.policy.approvals_channel if channel in ("slack", "both") else None
        told = await self._case.tell_people(
            people, f"approval/{request.request_id}/{step}", template, self._context(request, rung), chat
        )
        request.chat = told.chat or request.chat

    async def _show_outcome(self, request: ApprovalState, chat: ChatReceipt) -> None:
        message = ChatInput(
            tenant=self._case.state.tenant,
            step=f"approval/{request.request_id}/decided",
            channel=chat.channel,
            template="approval_decided",
            context={
                "case_number": self._case.state.case_number,
                "workflow_id": workflow.info().workflow_id,
                "summary": request.question.summary,
                "decision": request.status.label,
                "decided_by": ", ".join(request.decided_by),
                "reason": request.reason,
            },
            replaces=chat,
        )
        request.chat = None
        await self._case.attempt(
            "Show the decision", lambda: self._case.post_chat(message, "Show the decision in chat")
        )

    def _context(self, request: ApprovalState, rung: OpenRung) -> dict[str, JsonValue]:
        question = request.question
        return {
            "case_number": self._case.state.case_number,
            "workflow_id": workflow.info().workflow_id,
            "request_id": request.request_id,
            "action": question.action,
            "summary": question.summary,
            "arguments": {str(key): value for key, value in question.arguments.items()},
            "digest": request.digest,
            "risk": question.risk,
            "evidence": list(question.evidence),
            "rung": rung.name,
            "expires_at": rung.expires_at.isoformat(timespec="seconds"),
        }

    # Deciding

    async def _check_vote(self, request: ApprovalState) -> None:
        vote = request.unchecked_vote
        if vote is None:
            return
        rungs = [
            r for r, opened in zip(request.ladder.rungs, request.rungs, strict=False) if _asked(opened, vote.person_id)
        ]
        check = CheckAuthorityInput(
            tenant=self._case.state.tenant,
            person_id=vote.person_id,
            roles=tuple(dict.fromkeys(role for rung in rungs for role in rung.roles)),
            people=tuple(dict.fromkeys(person for rung in rungs for person in rung.people)),
            amount=request.question.amount,
            requested_by=request.question.requested_by,
        )
        authority = await self._case.must(
            f"{request.request_id}/authority/{vote.person_id}",
            f"Check the authority behind {question_of(request)}",
            lambda: self._case.do(
                DirectoryActivities.check_authority,
                check,
                "Check the approver's authority",
                options.directory(self._case.policy.timers),
            ),
        )
        request.votes = [other for other in request.votes if other.person_id != vote.person_id]
        if authority is None or not authority.valid:
            why = f"{vote.person_id} {authority.reason if authority else 'was not checked'}"
            self._record(request, "refused", why, vote.person_id)
            self._case.note(TimelineKind.APPROVAL, f"A decision does not count: {why}", vote.person_id)
            return
        request.votes.append(vote.model_copy(update={"checked": True}))
        rules.count_votes(request, workflow.now())
        if not request.is_pending:
            self._case.note(TimelineKind.APPROVAL, f"{request.status.label}: {question_of(request)}")

    def _record(self, request: ApprovalState, event: str, text: str, person_id: str | None = None) -> None:
        number = self._case.state.begin(f"audit/{request.request_id}")
        self._case.state.unsaved_audit.append(
            ApprovalRecord(
                workflow_id=workflow.info().workflow_id,
                tenant=self._case.state.tenant,
                request_id=request.request_id,
                number=int(number.rsplit("-", 1)[1]),
                event=event,
                at=workflow.now(),
                person_id=person_id,
                digest=request.digest,
                text=text[:500],
            )
        )


def _asked(rung: OpenRung, person_id: str) -> bool:
    return person_id in rung.approvers


def question_of(request: ApprovalState) -> str:
    """How a request is named on the timeline."""
    return f"{request.request_id} ({request.question.action})"


def due_at(requests: list[ApprovalState]) -> datetime | None:
    """The next deadline among open requests."""
    return min((at for request in requests if (at := rules.next_deadline(request)) is not None), default=None)


__all__ = ["ApprovalStatus", "Approvals", "due_at", "question_of"]
