"""One tool's call: guardrails on its exact arguments, limits, approval, the call, and what a person may say of it.

The order is the same for every tool, whatever the author wrote: nothing that is denied is asked, nothing that needs an
approval is called without, and what is approved is exactly what is called.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.allowances import AllowanceActivities, ReserveAllowanceInput
    from activities.tools import ToolActivities
    from domain.approval import ApprovalQuestion
    from domain.case import ParkedStep, UnparkAction
    from domain.guarding import action_of, case_counts, claims_for, judge_call
    from domain.guarding.limits import measured
    from domain.guardrails import Guardrails, RuleAction, Verdict
    from domain.ids import effect_key
    from domain.model import JsonValue
    from domain.playbook.errors import PlaybookFault, standard
    from domain.playbook.failures import fault_of_failure, fault_of_refusal
    from domain.playbook.state import Effect
    from domain.timeline import TimelineKind
    from domain.tool import RefusalKind, ToolBrief, ToolCall, ToolRefusal, ToolResult, canonical

from workflows import options
from workflows.approvals import Approvals
from workflows.case import problem_of
from workflows.playbooks.data import Running
from workflows.playbooks.interpreter import Interpreter
from workflows.playbooks.undo import Undo


@dataclass(frozen=True)
class Wanted:
    """A call that a task wants to make."""

    brief: ToolBrief
    arguments: dict[str, JsonValue]
    whole: bool = False


class ToolCalls:
    """Makes the calls of one run."""

    def __init__(self, interpreter: Interpreter, undo: Undo, approvals: Approvals, approved: frozenset[str]) -> None:
        """Work on a run.

        Args:
            interpreter: of the run.
            undo: where effects are registered.
            approvals: how people are asked.
            approved: digests that people approved before the run, in the case that started it.
        """
        self._interpreter = interpreter
        self._case = interpreter.case
        self._undo = undo
        self._approvals = approvals
        self._approved = approved
        undo.repeat = self._repeat

    async def make(self, running: Running, wanted: Wanted, *, parkable: bool = True) -> ToolResult:
        """Make a call, and park it when it used up its attempts and nothing in the playbook is for that.

        Args:
            running: the task.
            wanted: what to call.
            parkable: False leaves an exhausted call to the caller, who has an alternative.

        Raises:
            PlaybookFault: it was refused, denied or failed.
        """
        while True:
            arguments = running.frame.arguments or wanted.arguments
            try:
                if self._step(running) not in self._case.state.parked:
                    return await self._guarded(running, Wanted(wanted.brief, arguments, wanted.whole))
                fault = None
            except PlaybookFault as error:
                fault = error
            if fault is not None and not (parkable and self._is_parked_for(running, fault)):
                raise fault
            skipped = await self._ask_person(running, wanted.brief, arguments, fault)
            if skipped:
                return ToolResult(output=None)

    # What may stand in the way

    async def _guarded(self, running: Running, wanted: Wanted) -> ToolResult:
        verdict = judge_call(self._guardrails, wanted.brief, wanted.arguments, self._facts(running))
        self._log(running, verdict)
        if verdict.sanitised and isinstance(verdict.value, dict):
            wanted = replace(wanted, arguments=verdict.value)
        if verdict.action is RuleAction.DENY:
            raise self._denied(running, RefusalKind.NOT_ALLOWED, " ".join(verdict.reasons))
        if not (running.frame.granted or running.scope.undoing):
            await self._obtain_leave(running, wanted, verdict)
            running.frame.granted = True
        return await self._call(running, wanted)

    @property
    def _guardrails(self) -> Guardrails:
        opened = self._case.state.opened
        return opened.guardrails if opened is not None else Guardrails()

    def _facts(self, running: Running) -> dict[str, JsonValue]:
        state = self._case.state
        return {
            "tenant": state.tenant,
            "playbook": state.name,
            "customer_id": state.customer_id,
            "started_by": state.started_by,
            "undoing": running.scope.undoing,
            "totals": dict(state.totals),
        }

    async def _obtain_leave(self, running: Running, wanted: Wanted, verdict: Verdict) -> None:
        """Count the call towards its limits, and ask people where it takes them."""
        over = await self._claim_limits(running, wanted, ()) if verdict.limits else ()
        if not over and verdict.action is not RuleAction.REQUIRE_APPROVAL:
            return
        try:
            await self._obtain_approval(running, wanted, verdict, over)
        except PlaybookFault:
            await self._release_limits(self._key(running), verdict.limits)
            raise
        if over:
            await self._claim_limits(running, wanted, over)

    def _log(self, running: Running, verdict: Verdict) -> None:
        for hit in verdict.hits:
            if not running.frame.granted and hit.action is not RuleAction.ALLOW:
                self._case.note(
                    TimelineKind.GUARDRAIL, f"{running.what}: rule {hit.rule} says {hit.action.label}. {hit.reason}"
                )

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
            ReserveAllowanceInput(tenant=tenant, key=self._key(running), claims=claims),
            f"Count towards limits: {running.what}",
            options.store(self._case.policy.timers),
        )
        if not reservation.exceeded:
            return ()
        named = ", ".join(reservation.exceeded)
        self._case.note(TimelineKind.GUARDRAIL, f"{running.what}: over the limit {named}")
        if action_of(self._guardrails, reservation.exceeded) is not RuleAction.REQUIRE_APPROVAL:
            raise self._denied(running, RefusalKind.LIMIT_REACHED, f"The limit {named} is reached.")
        return tuple(reservation.exceeded)

    async def _release_limits(self, key: str, limits: tuple[str, ...]) -> None:
        if limits:
            await self._case.attempt(
                "Give back what counted towards limits",
                lambda: self._case.do(
                    AllowanceActivities.release_allowance,
                    key,
                    "Give back what counted towards limits",
                    options.store(self._case.policy.timers),
                ),
            )

    async def _obtain_approval(self, running: Running, wanted: Wanted, verdict: Verdict, over: tuple[str, ...]) -> None:
        brief = wanted.brief
        question = ApprovalQuestion(
            action=brief.name,
            summary=f"{brief.title or brief.name} ({running.what}, playbook {self._case.state.name})",
            arguments=wanted.arguments,
            amount=measured(brief, wanted.arguments, self._facts(running)).amount,
            risk=verdict.risk,
            evidence=(*verdict.reasons, *(f"It goes over the limit {name}." for name in over)),
            requested_by=self._case.state.started_by,
        )
        if question.digest in self._approved and not over:
            self._case.note(TimelineKind.APPROVAL, f"{running.what}: approved before, in the case that started this")
            return
        await self._check(running, wanted)
        request_id = self._step(running)
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
            raise self._denied(running, RefusalKind.DENIED, f"Not approved: {reason}")

    async def _check(self, running: Running, wanted: Wanted) -> None:
        """Nobody is asked to approve a call that could not be made."""
        refusal = await self._case.do(
            ToolActivities.check_call,
            self._tool_call(running, wanted),
            f"Check before asking: {running.what}",
            options.store(self._case.policy.timers),
        )
        if refusal is not None:
            raise fault_of_refusal(refusal, running.reference)

    @staticmethod
    def _denied(running: Running, kind: RefusalKind, sentence: str) -> PlaybookFault:
        return fault_of_refusal(ToolRefusal(kind=kind, sentence=sentence), running.reference)

    # The call

    async def _call(self, running: Running, wanted: Wanted) -> ToolResult:
        brief, call = wanted.brief, self._tool_call(running, wanted)
        effect = self._undo.register(running, brief, wanted.arguments, call.key)
        try:
            result = await self._execute(running.what, brief, call, running.reference)
        except PlaybookFault as fault:
            if not fault.exhausted:
                self._undo.never_happened(effect)
            raise
        self._undo.took_effect(effect, result.output)
        if not running.scope.undoing:
            self._count(running, wanted)
        notes = [word for word, holds in (("cut to size", result.truncated), ("done before", result.repeated)) if holds]
        if effect is not None or notes:
            said = f" ({', '.join(notes)})" if notes else ""
            self._case.note(TimelineKind.STEP, f"{running.what}: {brief.name}{said}")
        return result

    async def _execute(self, what: str, brief: ToolBrief, call: ToolCall, reference: str) -> ToolResult:
        config: workflow.ActivityConfig = {**options.tool(brief, self._case.policy.timers), "summary": what}
        try:
            result: ToolResult = await workflow.execute_activity(brief.name, call, result_type=ToolResult, **config)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise asyncio.CancelledError from None
            raise _fault_of(error, reference) from None
        if result.refusal is not None:
            raise fault_of_refusal(result.refusal, reference)
        return result

    async def _repeat(self, effect: Effect) -> JsonValue:
        opened = self._case.state.opened
        assert opened is not None  # noqa: S101  (as above)
        brief = next((one for several in opened.tools.values() for one in several if one.name == effect.tool), None)
        if brief is None or not brief.idempotent:
            problem = f"nobody can say whether {effect.tool} took effect"
            raise PlaybookFault(standard("runtime", problem, effect.reference), exhausted=True)
        call = ToolCall(
            tool=brief.name,
            arguments=effect.arguments,
            key=effect.key,
            tenant=self._case.state.tenant,
            digest=brief.digest,
        )
        return (await self._execute(f"Settle {effect.what}", brief, call, effect.reference)).output

    def _tool_call(self, running: Running, wanted: Wanted) -> ToolCall:
        return ToolCall(
            tool=wanted.brief.name,
            arguments=wanted.arguments,
            key=self._key(running),
            tenant=self._case.state.tenant,
            digest=wanted.brief.digest,
            whole=wanted.whole,
        )

    def _key(self, running: Running) -> str:
        again = f"!{running.frame.asked_again}" if running.frame.asked_again else ""
        return effect_key(workflow.info().workflow_id, f"{running.place.lstrip('/')}{again}")

    @staticmethod
    def _step(running: Running) -> str:
        again = f"!{running.frame.asked_again}" if running.frame.asked_again else ""
        return f"{running.place}{again}"

    def _count(self, running: Running, wanted: Wanted) -> None:
        counts = case_counts(self._guardrails, wanted.brief, wanted.arguments, self._facts(running))
        totals = self._case.state.totals
        for name, adds in counts.items():
            totals[name] = totals.get(name, 0.0) + adds

    # People

    def _is_parked_for(self, running: Running, fault: PlaybookFault) -> bool:
        """Whether a failure waits for a person: it might pass, no catch is for it, and the author did not forbid it."""
        wish = running.task.metadata.get("park", "exhausted")
        if running.scope.undoing or wish == "never":
            return False
        if not fault.exhausted and wish != "always":
            return False
        return not self._interpreter.catching.will_be_caught(running.scope, fault.error)

    async def _ask_person(
        self, running: Running, brief: ToolBrief, arguments: dict[str, JsonValue], fault: PlaybookFault | None
    ) -> bool:
        """Park the call, and act on the person's word. True when it is skipped.

        Raises:
            PlaybookFault: the person gave it up.
        """
        step = self._step(running)
        problem = (fault.error.title or fault.error.type) if fault is not None else ""
        if fault is not None:
            running.frame.error = {**fault.error.as_json(), "exhausted": fault.exhausted}
        parked = ParkedStep(
            step=step,
            title=f"{running.what} ({brief.name})",
            problem=problem,
            parked_at=workflow.now(),
            tool=brief.name,
            arguments=arguments,
        )
        try:
            answer = await self._case.ask_person(parked)
        except asyncio.CancelledError:
            if not self._interpreter.strands.leaving:
                self._case.state.parked.pop(step, None)
            raise
        failed = running.frame.error if isinstance(running.frame.error, dict) else {}
        running.frame.error = None
        if answer.action is UnparkAction.SKIP:
            return True
        if answer.action is UnparkAction.GIVE_UP:
            raise PlaybookFault(
                standard("runtime", f"{running.what}: given up by a person. {answer.problem}", running.reference)
            )
        edited = answer.edited is not None and canonical(answer.edited) != canonical(arguments)
        if edited:
            running.frame.arguments = answer.edited
            running.frame.granted = False
            await self._undo.take_back_below(running.place)
        if edited or not failed.get("exhausted"):
            # The vendor refused it for good, or it is another call now: its key must not bring the old answer back.
            running.frame.asked_again += 1
        return False


def _fault_of(error: ActivityError, reference: str) -> PlaybookFault:
    cause = error.cause
    details = cause.details[0] if isinstance(cause, ApplicationError) and cause.details else {}
    return fault_of_failure(
        problem_of(error),
        kind=cause.type if isinstance(cause, ApplicationError) else None,
        refused=isinstance(cause, ApplicationError) and cause.non_retryable,
        details=details if isinstance(details, dict) else {},
        reference=reference,
    )
