"""How many activities a worker takes on at once: few that compute, many that wait.

Tenants take turns in the server's queues and nowhere else. What a worker has taken it works through as it came, so a
worker that takes a hundred activities of one tenant at once makes the next tenant wait for all of them. One that takes
eight only stands still where each waits seconds for a model. So activities are taken a few at a time, and those that
have run for a while, which wait for somebody else by then, no longer count among the few.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from weakref import WeakKeyDictionary

from temporalio.worker import (
    CustomSlotSupplier,
    FixedSizeSlotSupplier,
    SlotMarkUsedContext,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
    WorkerTuner,
)

YOUNG_SECONDS = 0.5
_LOOKS_AGAIN_SECONDS, _LOOKS_AT_LEAST_EACH_SECONDS = 0.001, 0.02
_NOT_YET = float("inf")


class PacedSlots(CustomSlotSupplier):
    """Slots for the activities of one worker.

    Args:
        most: activities at once, however old.
        at_once: of these, how many may be young; a slot that waits for its task counts as young.
        young_seconds: for which an activity is young.
        clock: seconds; the machine's when not given.
    """

    def __init__(
        self,
        most: int,
        at_once: int,
        *,
        young_seconds: float = YOUNG_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._at_once = at_once
        self._young_seconds = young_seconds
        self._clock = clock
        # The SDK forgets a permit that it was given while it stopped asking; so do we.
        self._began: WeakKeyDictionary[SlotPermit, float] = WeakKeyDictionary()
        # Asked for in the event loop, told about from the SDK's own threads.
        self._guard = threading.Lock()
        self._turn = asyncio.Lock()

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        """A slot, as soon as there is one; whoever came first has it first."""
        async with self._turn:
            pause = _LOOKS_AGAIN_SECONDS
            while (permit := self.try_reserve_slot(ctx)) is None:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LOOKS_AT_LEAST_EACH_SECONDS)
            return permit

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        """A slot, or none now."""
        with self._guard:
            now = self._clock()
            young = sum(began > now - self._young_seconds for began in self._began.values())
            if len(self._began) >= self._most or young >= self._at_once:
                return None
            permit = SlotPermit()
            self._began[permit] = _NOT_YET
            return permit

    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None:
        """Its activity begins."""
        with self._guard:
            self._began[ctx.permit] = self._clock()

    def release_slot(self, ctx: SlotReleaseContext) -> None:
        """Its activity has ended, or none came."""
        with self._guard:
            self._began.pop(ctx.permit, None)


def tuner_of(workflow_tasks: int, activities: int, young_activities: int) -> WorkerTuner:
    """What a worker takes on at once.

    Args:
        workflow_tasks: at most; they wait for nobody. Fewer would make cases wait for each other: the queue of what a
            worker has in its memory goes in order of arrival, whoever's it is.
        activities: at most, most of which wait for somebody.
        young_activities: of these, how many may have just begun.
    """
    return WorkerTuner.create_composite(
        workflow_supplier=FixedSizeSlotSupplier(workflow_tasks),
        activity_supplier=PacedSlots(activities, young_activities),
        local_activity_supplier=FixedSizeSlotSupplier(activities),
        nexus_supplier=FixedSizeSlotSupplier(1),
    )


__all__ = ["PacedSlots", "tuner_of"]
