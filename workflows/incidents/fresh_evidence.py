"""Evidence that comes while people decide about a fix, or while its outcome is watched, is read meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.cases.timeline import TimelineKind
    from domain.troubleshooting.planning import is_all_read
    from domain.troubleshooting.state import IncidentState
    from domain.troubleshooting.terms import TroublePhase

from workflows.cases.case import Case
from workflows.incidents.changes import BUDGET_IS_RENEWED, READ_MEANWHILE, holds
from workflows.incidents.investigation import Investigation


class FreshEvidence:
    """What came in after the last look, and the lane that reads it where the main one waits for something else."""

    def __init__(self, case: Case[IncidentState], investigation: Investigation) -> None:
        """Work on an incident."""
        self._case = case
        self._investigation = investigation
        state = case.state
        # While nothing else does, the run before may have left some unread.
        is_watched = state.monitoring is not None and state.monitoring.ended_at is None
        self.arrived = is_watched and not is_all_read(state)
        self._reading = False
        self._meanwhile: TroublePhase | None = None

    @property
    def _state(self) -> IncidentState:
        return self._case.state

    @contextmanager
    def may_be_read(self, meanwhile: TroublePhase) -> Iterator[None]:
        """While the main lane waits in a phase, the lane below reads what comes."""
        self._meanwhile = meanwhile
        try:
            yield
        finally:
            self._meanwhile = None

    async def read_meanwhile(self) -> None:
        """The lane. It leaves what comes at any other time to the main one."""
        state = self._state
        while not state.is_resolved:
            await self._case.lanes.wait(lambda: state.is_resolved or (self.arrived and self._meanwhile is not None))
            if state.is_resolved:
                return
            if not holds(READ_MEANWHILE):
                await self._case.lanes.wait(lambda: state.is_resolved)
                return
            await self._read()

    async def until_read(self) -> None:
        """Wait until nothing is being read: what comes next goes by it."""
        await self._case.lanes.wait(lambda: not self._reading)

    def speaks_against(self, hypothesis_id: str) -> Callable[[], bool]:
        """Tells whether what was read leaves another cause than the one that a fix was proposed for, or none."""

        def does() -> bool:
            cause = self._state.cause
            return not self._reading and (cause is None or cause.hypothesis_id != hypothesis_id)

        return does

    def take(self) -> None:
        """It is looked at from here on, with a budget of its own."""
        self.arrived = False
        if holds(BUDGET_IS_RENEWED):
            self._state.spent.renew(self._case.now())

    async def _read(self) -> None:
        state = self._state
        self.take()
        self._reading = True
        try:
            why = await self._investigation.look()
        finally:
            self._reading = False
        if state.is_resolved:
            return
        cause = state.cause
        said = cause.sentence if cause is not None else why or "nothing carries a cause"
        self._case.note(TimelineKind.STEP, f"The new evidence was read: {said}")
        if self._meanwhile is not None:
            self._investigation.enter(self._meanwhile, "The new evidence was read")
