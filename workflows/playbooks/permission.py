"""What may stand in the way of a tool's call: guardrails on its exact arguments, limits that add up, people's approval.

The order is the same for every tool, whatever the author wrote: nothing that is denied is asked, nothing that needs an
approval is called without, and what is approved is exactly what is called.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.allowances import AllowanceActivities, ReserveAllowanceInput
    from activities.playbook_functions import NotifyInput, PlaybookFunctions
    from activities.tools import ToolActivities
    from domain.cases.approval import ApprovalQuestion
    from domain.cases.timeline import TimelineKind
    from domain.guarding import action_of, case_counts, claims_for, judge_call
    from domain.guarding.limits import measured
    from domain.ids import effect_key
    from domain.model import JsonValue
    from domain.playbook.errors import PlaybookFault
    from domain.playbook.failures import fault_of_refusal
    from domain.policies.guardrails import Guardrails, RuleAction, Verdict
    from domain.tools.tool import RefusalKind, ToolBrief, ToolCall, ToolRefusal

from workflows import options
from workflows.cases.approvals import Approvals
from workflows.playbooks.data import Running
from workflows.playbooks.interpreter import Interpreter


@dataclass(frozen=True)
class Wanted:
    """A call that a task wants to make."""

    brief: ToolBrief
    arguments: dict[str, JsonValue]
    whole: bool = False


def step_of(running: Running) -> str:
    """The key of a call within its run; another one once a person had it made anew."""
    again = f"!{running.frame.asked_again}" if running.frame.asked_again else ""
    return f"{running.place}{again}"


def key_of(running: Running) -> str:
    """The idempotency key of a call: workflow id + step, the same in every attempt and every run."""
    return effect_key(workflow.info().workflow_id, step_of(running).lstrip("/"))


class Permission:
    """Obtains leave for the calls of one run."""

    def __init__(self, interpreter: Interpreter, approvals: Approvals, approved: frozenset[str]) -> None:
        """Work on a run.

        Args:
            interpreter: of the run.
            approvals: how people are asked.
            approved: digests that people approved before the run, in the case that started it.
        """
        self._interpreter = interpreter
        self._case = interpreter.case
        self._approvals = approvals
        self._approved = approved

    async def obtain(self, running: Running, wanted: Wanted) -> Wanted:
        """See that a call may be made, and with which arguments.

        Returns:
            The call, sanitised where a rule asked for it.

        Raises:
            PlaybookFault: it is denied, over a limit, or not approved.
        """
        verdict = judge_call(self._guardrails, wanted.brief, wanted.arguments, self._facts(running))
        if verdict.sanitised and isinstance(verdict.value, dict):
            wanted = replace(wanted, arguments=verdict.value)
        if not running.frame.granted:
            await self._tell(running, verdict)
        if verdict.action is RuleAction.DENY:
            raise _denied(running, RefusalKind.NOT_ALLOWED, " ".join(verdict.reasons))
        if not (running.frame.granted or running.scope.undoing):
            await self._obtain_leave(running, wanted, verdict)
            running.frame.granted = True
        return wanted

    def count(self, running: Running, wanted: Wanted) -> None:
        """Add a call that was made to what the run used up of its own limits."""
        counts = case_counts(self._guardrails, wanted.brief, wanted.arguments, self._facts(running))
        totals = self._case.state.totals
        for name, adds in counts.items():
            totals[name] = totals.get(name, 0.0) + adds

    def has_limits(self, running: Running, wanted: Wanted) -> bool:
        """Whether a call counts towards limits that add up over runs."""
        facts, tenant = self._facts(running), self._case.state.tenant
        return bool(claims_for(self._guardrails, wanted.brief, wanted.arguments, facts, tenant=tenant))

    async def give_back(self, key: str) -> None:
        """Take a call off the limits that it counted towards, because it had no effect or was undone."""
        await self._case.attempt(
            "Give back what counted towards limits",
            lambda: self._case.do(
                AllowanceActivities.release_allowance,
                key,
                "Give back what counted towards limits",
                options.store(self._case.policy.timers),
            ),
        )

    @property
    def _guardrails(self) -> Guardrails:
        opened = self._case.state.opened
        return opened.guardrails if opened is not None else Guardrails()

    def _facts(self, running: Running) -> dict[str, JsonValue]:
        return self._case.state.facts(undoing=running.scope.undoing)

    async def _tell(self, running: Running, verdict: Verdict) -> None:
        """Note which rules held, and tell the duty lead where one of them wants that."""
        for hit in verdict.hits:
            if hit.action is not RuleAction.ALLOW:
                self._case.note(
                    TimelineKind.GUARDRAIL, f"{running.what}: rule {hit.rule} says {hit.action.label}. {hit.reason}"
                )
        reasons = [hit.reason for hit in verdict.hits if hit.action is RuleAction.ESCALATE]
        if reasons:
            message = NotifyInput(
                tenant=self._case.state.tenant,
                key=f"{key_of(running)}/escalated",
                to=f"person:{self._case.policy.duty_lead}",
                subject=f"A guardrail wants you to look at {self._case.state.case_number}",
                text=f"{running.what}: {' '.join(reasons)}",
            )
            await self._case.attempt(
                "Tell the duty lead",
                lambda: self._case.do(
                    PlaybookFunctions.notify,
                    message,
                    "Tell the duty lead what a guardrail saw",
                    options.handoff(self._case.policy.timers),
                ),
            )

    async def _obtain_leave(self, running: Running, wanted: Wanted, verdict: Verdict) -> None:
        """Count the call towards its limits, and ask people where it takes them."""
        over = await self._claim_limits(running, wanted, ()) if verdict.limits else ()
        if not over and verdict.action is not RuleAction.REQUIRE_APPROVAL:
            return
        try:
            await self._obtain_approval(running, wanted, verdict, over)
        except PlaybookFault:
            if verdict.limits:
                await self.give_back(key_of(running))
            raise
        if over and (filled := await self._claim_limits(running, wanted, over)):
            sentence = f"The limit {', '.join(filled)} was reached while people decided."
            raise _denied(running, RefusalKind.LIMIT_REACHED, sentence)

    async def _claim_limits(self, running: Running, wanted: Wanted, lifted: tuple[str, ...]) -> tuple[str, ...]:
        """Count the call towards its limits.

        Returns:
            Limits that it would go over and that an approval lifts.

        Raises:
            PlaybookFault: it would go over a limit that nobody lifts.
        """
        tenant = self._case.state.tenant
        claims = claims_for(
            self._guardrails, wanted.brief, wanted.arguments, self._facts(running), tenant=tenant, lifted=lifted
        )
        reservation = await self._case.do(
            AllowanceActivities.reserve_allowance,
            ReserveAllowanceInput(tenant=tenant, key=key_of(running), claims=claims),
            f"Count towards limits: {running.what}",
            options.store(self._case.policy.timers),
        )
        if not reservation.exceeded:
            return ()
        named = ", ".join(reservation.exceeded)
        self._case.note(TimelineKind.GUARDRAIL, f"{running.what}: over the limit {named}")
        if action_of(self._guardrails, reservation.exceeded) is not RuleAction.REQUIRE_APPROVAL:
            raise _denied(running, RefusalKind.LIMIT_REACHED, f"The limit {named} is reached.")
        return tuple(reservation.exceeded)

    async def _obtain_approval(self, running: Running, wanted: Wanted, verdict: Verdict, over: tuple[str, ...]) -> None:
        brief = wanted.brief
        question = ApprovalQuestion(
            action=brief.name,
            summary=f"{brief.title or brief.name} ({running.what}, playbook {self._case.state.name})",
            arguments=wanted.arguments,
            amount=measured(brief, wanted.arguments, self._facts(running), self._guardrails.currencies).amount,
            risk=verdict.risk,
            evidence=(*verdict.reasons, *(f"It goes over the limit {name}." for name in over), *_edit(running)),
            requested_by=running.frame.edited_by or self._case.state.started_by,
        )
        if question.digest in self._approved and not over:
            self._case.note(TimelineKind.APPROVAL, f"{running.what}: approved before, in the case that started this")
            return
        await self._check(running, wanted)
        request_id = step_of(running)
        try:
            request = await self._approvals.obtain(
                request_id,
                question.model_copy(update={"binding": brief.digest}),
                superseded=lambda: running.scope.stop.is_asked,
                ladder=brief.ladder,
            )
        except asyncio.CancelledError:
            if not self._interpreter.strands.leaving:
                self._approvals.supersede_all("it is no longer needed", below=request_id)
            raise
        running.scope.stop.notice()
        if not request.granted:
            reason = request.reason or "nobody approved it"
            raise _denied(running, RefusalKind.DENIED, f"Not approved: {reason}")

    async def _check(self, running: Running, wanted: Wanted) -> None:
        """Nobody is asked to approve a call that could not be made."""
        refusal = await self._case.do(
            ToolActivities.check_call,
            tool_call(running, wanted, self._case.state.tenant),
            f"Check before asking: {running.what}",
            options.store(self._case.policy.timers),
        )
        if refusal is not None:
            raise fault_of_refusal(refusal, running.reference)


def tool_call(running: Running, wanted: Wanted, tenant: str) -> ToolCall:
    """The argument of the activity that bears the tool's name."""
    return ToolCall(
        tool=wanted.brief.name,
        arguments=wanted.arguments,
        key=key_of(running),
        tenant=tenant,
        digest=wanted.brief.digest,
        whole=wanted.whole,
    )


def _edit(running: Running) -> tuple[str, ...]:
    editor = running.frame.edited_by
    return (f"{editor} wrote these arguments in place of the playbook's.",) if editor is not None else ()


def _denied(running: Running, kind: RefusalKind, sentence: str) -> PlaybookFault:
    return fault_of_refusal(ToolRefusal(kind=kind, sentence=sentence), running.reference)
