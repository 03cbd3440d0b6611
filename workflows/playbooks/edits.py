"""Other arguments for a parked call: they are looked at before a person's word is taken."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.tools import ToolActivities
    from domain.cases.messages import UnparkInput
    from domain.cases.parts import ParkedStep
    from domain.cases.timeline import TimelineKind
    from domain.ids import effect_key
    from domain.playbook.edits import denial_of, tool_of, verdict_on
    from domain.playbook.state import PlaybookState
    from domain.tools.tool import RefusalKind, ToolCall, ToolRefusal

from workflows import options
from workflows.cases.case import Case, problem_of


class Edits:
    """Judges what people want parked calls to be made with. A mistyped word must not end a run that waits for help."""

    def __init__(self, case: Case[PlaybookState]) -> None:
        """Work on a run."""
        self._case = case

    async def refusal(self, parked: ParkedStep, word: UnparkInput) -> ToolRefusal | None:
        """Why a call with these arguments would not be made; None when it would, after its approval."""
        refusal = await self._refusal(parked, word)
        if refusal is not None:
            said = f"{parked.title}: other arguments were not taken. {refusal.sentence}"
            self._case.note(TimelineKind.PARKED, said, word.person_id)
        return refusal

    async def _refusal(self, parked: ParkedStep, word: UnparkInput) -> ToolRefusal | None:
        arguments = word.arguments or {}
        brief = tool_of(self._case.state, parked)
        if brief is None:
            sentence = f"The run knows no tool {parked.tool}: give the step up."
            return ToolRefusal(kind=RefusalKind.UNKNOWN_TOOL, sentence=sentence)
        verdict = verdict_on(self._case.state, brief, arguments)
        denial = denial_of(verdict)
        if denial is not None:
            return denial
        if verdict is not None and verdict.sanitised and isinstance(verdict.value, dict):
            arguments = verdict.value
        call = ToolCall(
            tool=brief.name,
            arguments=arguments,
            key=effect_key(workflow.info().workflow_id, f"{parked.step}/edited"),
            tenant=self._case.state.tenant,
            digest=brief.digest,
        )
        try:
            return await self._case.do(
                ToolActivities.check_call,
                call,
                f"Check other arguments: {parked.title}",
                options.store(self._case.policy.timers),
            )
        except ActivityError as error:
            sentence = f"The arguments could not be checked: {problem_of(error)}"
            return ToolRefusal(kind=RefusalKind.NOT_ALLOWED, sentence=sentence)
