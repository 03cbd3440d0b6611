"""Steps of a playbook that are no tool's call: they park like any other, and are dropped when a branch is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from domain.cases.approval import ApprovalQuestion, ApprovalState
    from domain.cases.parts import ParkedStep
    from domain.cases.terms import UnparkAction
    from domain.playbook.errors import PlaybookFault, standard

from workflows.cases.approvals import Approvals
from workflows.cases.case import problem_of
from workflows.playbooks.data import Running
from workflows.playbooks.interpreter import Interpreter
from workflows.playbooks.undo import Undo

ResultT = TypeVar("ResultT")


class Steps:
    """Does steps of one run."""

    def __init__(self, interpreter: Interpreter, undo: Undo) -> None:
        """Work on a run."""
        self._interpreter = interpreter
        self._case = interpreter.case
        self._undo = undo

    async def must(self, running: Running, act: Callable[[], Awaitable[ResultT]]) -> ResultT | None:
        """Do a step; when it cannot be done, park it until a person says how to go on.

        Returns:
            The result, or None when a person skipped the step.

        Raises:
            PlaybookFault: it failed where nobody is asked, or a person gave it up.
        """
        step = running.place
        while True:
            problem = ""
            if step not in self._case.state.parked:
                try:
                    return await act()
                except FailureError as error:
                    if is_cancelled_exception(error):
                        raise asyncio.CancelledError from None
                    problem = problem_of(error)
                    fault = PlaybookFault(standard("communication", problem, running.reference))
                    caught = self._interpreter.catching.will_be_caught(running.scope, fault.error)
                    if running.scope.undoing or caught or running.task.metadata.get("park") == "never":
                        raise fault from None
            answer = await self._ask_person(running, problem)
            if answer.action is UnparkAction.SKIP:
                return None
            if answer.action is UnparkAction.GIVE_UP:
                sentence = f"{running.what}: given up by a person. {answer.problem}"
                raise PlaybookFault(standard("runtime", sentence, running.reference))

    async def _ask_person(self, running: Running, problem: str) -> ParkedStep:
        parked = ParkedStep(
            step=running.place, title=running.what, problem=problem, parked_at=workflow.now(), can_skip=True
        )
        try:
            return await self._case.ask_person(parked)
        except asyncio.CancelledError:
            if not self._interpreter.strands.leaving:
                self._case.state.parked.pop(running.place, None)
            raise

    async def approval(
        self, running: Running, approvals: Approvals, question: ApprovalQuestion, ladder: str | None
    ) -> ApprovalState:
        """Ask people, and take the question back when the branch that asks is stopped."""
        try:
            request = await approvals.obtain(
                running.place, question, superseded=lambda: running.scope.stop.is_asked, ladder=ladder
            )
        except asyncio.CancelledError:
            if not self._interpreter.strands.leaving:
                approvals.supersede_all("it is no longer needed", below=running.place)
            raise
        running.scope.stop.notice()
        return request

    async def take_back(self, place: str) -> bool:
        """Take back what a task may have done; False when something stays."""
        await self._undo.take_back_below(place)
        return not any(effect.place == place and effect.needs_undo for effect in self._case.state.effects)
