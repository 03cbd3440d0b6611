"""Watching whether a fix holds: the measure that proved the trouble is looked at until the agreed time is over."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum, auto

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.troubleshooting.records import MonitoringState
    from domain.troubleshooting.state import IncidentState

from workflows.cases.case import Case
from workflows.cases.child_playbooks import PlaybookRun
from workflows.incidents.changes import BY_HAND_TAKES_TIME, holds
from workflows.incidents.measures import Measures
from workflows.incidents.opened import Opened

BAD_LOOKS = 2
"""So many bad looks in a row are a regression: one alone may be noise."""


class Watched(Enum):
    """Why a watch ended."""

    TIME_IS_OVER = auto()
    REGRESSED = auto()
    RUN_ENDED = auto()
    """A person stopped the playbook, which has undone what it did."""
    CLOSED = auto()
    """A person said that the incident is over."""


class Watching:
    """Watches the outcome of one incident's fix."""

    def __init__(self, case: Case[IncidentState], opened: Opened) -> None:
        """Work on an incident."""
        self._case = case
        self._measures = Measures(case, opened)

    @property
    def _state(self) -> IncidentState:
        return self._case.state

    async def until_over(self, watch: MonitoringState, run: PlaybookRun | None) -> Watched:
        """Look again and again.

        Args:
            watch: what is looked at, and until when; takes the verdicts.
            run: that made the fix and holds on to it; None where people made it.
        """
        state = self._state
        every = self.lasting(max(1, watch.success.check_minutes))
        while self._case.now() < watch.until:
            await self._pause(min(watch.until, self._case.now() + every), run)
            if state.is_resolved:
                return Watched.CLOSED
            if run is not None and run.is_over:
                return Watched.RUN_ENDED
            state.judge(await self._measures.look(watch.success))
            if watch.bad_in_a_row >= BAD_LOOKS and not self._people_are_still_at_it(watch, run):
                return Watched.REGRESSED
        if run is None and watch.bad_in_a_row >= BAD_LOOKS:
            return Watched.REGRESSED  # people had all of the time, and it did not get better
        return Watched.TIME_IS_OVER

    def _people_are_still_at_it(self, watch: MonitoringState, run: PlaybookRun | None) -> bool:
        """Whether it was never well since people were told to fix it by hand: their work takes its time."""
        return run is None and not watch.good and holds(BY_HAND_TAKES_TIME)

    def lasting(self, minutes: int) -> timedelta:
        """How long agreed minutes last."""
        return self._case.policy.timers.lasting(timedelta(minutes=minutes))

    async def _pause(self, until: datetime, run: PlaybookRun | None) -> None:
        """Wait for the next look; with a run that is held there is no continue-as-new, which would lose it."""
        state = self._state
        if run is None:
            await self._case.lanes.wait(lambda: state.is_resolved, until=until, summary="Look whether the fix holds")
            return
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: state.is_resolved or run.is_over,
                timeout=max(until - self._case.now(), timedelta(0)),
                timeout_summary="Look whether the fix holds",
            )
