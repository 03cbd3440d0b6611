"""All of it or none of it: each step registers its undo before it runs, and undos run newest first.

An undo must be safe when its step never took effect. It runs shielded from cancellation, is retried, and one that
fails does not stop the others; what could not be undone is named, for a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from domain.cases.timeline import TimelineKind

from workflows.cases.case import Case, ResultT, StateT, problem_of

FINISHED_FIRST = "undo-under-way-is-finished"


@dataclass
class Undo:
    """How to take one step back."""

    what: str
    act: Callable[[], Awaitable[object]]


@dataclass
class SagaOutcome:
    """What became of the steps."""

    undone: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class Saga:
    """The undos of one piece of work."""

    def __init__(self, case: Case[StateT]) -> None:
        """Undos are put on the case's timeline."""
        self._case = case
        self._undos: list[Undo] = []
        self.outcome: SagaOutcome | None = None
        """What became of the steps, also where a cancellation came while they were taken back."""

    def on_undo(self, what: str, act: Callable[[], Awaitable[object]]) -> None:
        """Register an undo, before the step runs.

        Args:
            what: names the effect, for a person: "the e-mail to the team".
            act: takes it back; called at most once per compensation and safe when the step never took effect.
        """
        self._undos.append(Undo(what, act))

    async def step(
        self, what: str, act: Callable[[], Awaitable[ResultT]], undo: Callable[[], Awaitable[object]]
    ) -> ResultT:
        """Do a step with its undo registered before. A step that was refused for good needs no undo.

        Args:
            what: names the effect, for a person.
            act: does it.
            undo: takes it back.

        Returns:
            What `act` returns.
        """
        entry = Undo(what, undo)
        self._undos.append(entry)
        try:
            return await act()
        except ActivityError as error:
            if isinstance(error.cause, ApplicationError) and error.cause.non_retryable:
                self._undos.remove(entry)
            raise

    async def compensate(self) -> SagaOutcome:
        """Take everything back, newest first, also when the workflow is being cancelled.

        Returns:
            What was undone and what could not be.

        Raises:
            asyncio.CancelledError: a cancellation came meanwhile; what was begun is finished first.
        """
        under_way = asyncio.create_task(self._compensate())
        try:
            self.outcome = await asyncio.shield(under_way)
        except asyncio.CancelledError:
            # Cases that were cancelled here before this was so went on at once; their replay must, too.
            if workflow.patched(FINISHED_FIRST):
                while not under_way.done():
                    with suppress(asyncio.CancelledError):
                        await asyncio.shield(under_way)
                self.outcome = under_way.result()
            raise
        return self.outcome

    async def _compensate(self) -> SagaOutcome:
        outcome = SagaOutcome()
        while self._undos:
            undo = self._undos.pop()
            try:
                await undo.act()
            except FailureError as error:
                outcome.left.append(undo.what)
                self._case.note(TimelineKind.EFFECT, f"Could not undo {undo.what}: {problem_of(error)}")
            else:
                outcome.undone.append(undo.what)
                self._case.note(TimelineKind.EFFECT, f"Undone: {undo.what}")
        return outcome
