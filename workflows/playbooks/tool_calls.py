"""One tool's call: leave for it, the call itself, and what a person may say of it once its attempts are used up."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from domain.cases.parts import ParkedStep
    from domain.cases.terms import UnparkAction
    from domain.cases.timeline import TimelineKind
    from domain.model import JsonValue
    from domain.playbook.errors import PlaybookFault, standard
    from domain.playbook.failures import fault_of_failure, fault_of_refusal
    from domain.playbook.state import Effect
    from domain.tools.tool import ToolBrief, ToolCall, ToolResult, canonical

from workflows import options
from workflows.cases.case import last_failure, problem_of
from workflows.playbooks.data import Running
from workflows.playbooks.interpreter import Interpreter
from workflows.playbooks.permission import Permission, Wanted, step_of, tool_call
from workflows.playbooks.undo import Undo


class ToolCalls:
    """Makes the calls of one run."""

    def __init__(self, interpreter: Interpreter, undo: Undo, permission: Permission) -> None:
        """Work on a run.

        Args:
            interpreter: of the run.
            undo: where effects are registered.
            permission: obtains leave for each call.
        """
        self._interpreter = interpreter
        self._case = interpreter.case
        self._undo = undo
        self._permission = permission
        undo.repeat = self._repeat
        undo.give_back = permission.give_back

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
            now_wanted = replace(wanted, arguments=running.frame.arguments or wanted.arguments)
            fault = None
            if step_of(running) not in self._case.state.parked:
                try:
                    return await self._call(running, await self._permission.obtain(running, now_wanted))
                except PlaybookFault as error:
                    if not (parkable and self._is_parked_for(running, error)):
                        raise
                    fault = error
            if await self._ask_person(running, now_wanted, fault):
                return ToolResult(output=None)

    # The call

    async def _call(self, running: Running, wanted: Wanted) -> ToolResult:
        brief, call = wanted.brief, tool_call(running, wanted, self._case.state.tenant)
        effect = self._undo.register(running, brief, wanted.arguments, call.key)
        if effect is not None:
            effect.counted = self._permission.has_limits(running, wanted)
        try:
            result = await self._execute(running.what, brief, call, running.reference)
        except PlaybookFault as fault:
            if not fault.exhausted:
                await self._undo.never_happened(effect)
            raise
        self._undo.took_effect(effect, result.output)
        if not running.scope.undoing:
            self._permission.count(running, wanted)
        notes = [word for word, holds in (("cut to size", result.truncated), ("done before", result.repeated)) if holds]
        if effect is not None or notes:
            said = f" ({', '.join(notes)})" if notes else ""
            self._case.note(TimelineKind.STEP, f"{running.what}: {brief.name}{said}")
        return result

    async def _execute(self, what: str, brief: ToolBrief, call: ToolCall, reference: str) -> ToolResult:
        config = self._case.shown_as(what, options.tool(brief, self._case.policy.timers))
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

    # People

    def _is_parked_for(self, running: Running, fault: PlaybookFault) -> bool:
        """Whether a failure waits for a person: it might pass, no catch is for it, and the author did not forbid it."""
        wish = running.task.metadata.get("park", "exhausted")
        if running.scope.undoing or wish == "never":
            return False
        if not fault.exhausted and wish != "always":
            return False
        return not self._interpreter.catching.will_be_caught(running.scope, fault.error)

    async def _ask_person(self, running: Running, wanted: Wanted, fault: PlaybookFault | None) -> bool:
        """Park the call, and act on the person's word. True when it is skipped.

        Raises:
            PlaybookFault: the person gave it up.
        """
        step = step_of(running)
        problem = (fault.error.title or fault.error.type) if fault is not None else ""
        if fault is not None:
            running.frame.error = {**fault.error.as_json(), "exhausted": fault.exhausted, "unknown": fault.unknown}
        parked = ParkedStep(
            step=step,
            title=f"{running.what} ({wanted.brief.name})",
            problem=problem,
            parked_at=workflow.now(),
            tool=wanted.brief.name,
            arguments=wanted.arguments,
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
        edited = answer.edited is not None and canonical(answer.edited) != canonical(wanted.arguments)
        if edited:
            await self._undo.take_back_below(running.place)
            if failed.get("unknown") and wanted.brief.idempotent and self._undo.stands(running.place):
                # The vendor never said what became of the first call, and still does not: another might do it twice.
                return await self._ask_person(running, wanted, _unsettled(running))
            running.frame.arguments, running.frame.edited_by = answer.edited, answer.acted_by
            running.frame.granted = False
        if edited or not failed.get("exhausted"):
            # The vendor refused it for good, or it is another call now: its key must not bring the old answer back.
            running.frame.asked_again += 1
        return False


def _unsettled(running: Running) -> PlaybookFault:
    problem = "What the first call did could not be taken back yet, so none was made with other arguments."
    return PlaybookFault(standard("runtime", problem, running.reference), exhausted=True, unknown=True)


def _fault_of(error: ActivityError, reference: str) -> PlaybookFault:
    cause = last_failure(error)
    details = cause.details[0] if isinstance(cause, ApplicationError) and cause.details else {}
    kind = cause.type if isinstance(cause, ApplicationError) else None
    fault = fault_of_failure(
        problem_of(error),
        kind=kind,
        refused=isinstance(cause, ApplicationError) and cause.non_retryable,
        details=details if isinstance(details, dict) else {},
        reference=reference,
    )
    fault.unknown = fault.exhausted and kind in (None, "OutcomeUnknown")
    return fault
