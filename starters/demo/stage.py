"""The stage: every case and every run with its script, played until its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from domain.cases.escalation import EscalationResult, EscalationState
from domain.cases.state import CaseState
from domain.errors import NotReachable, Refused
from domain.tickets.ticket import Ticket
from starters.cases import Cases
from starters.demo.acts import Act, Turn

_LOOK_EVERY_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 0.3
"""While something is due in a moment."""


class Part(Protocol):
    """Anything that lives its life on the stage."""

    acted: int
    problem: str

    @property
    def state(self) -> CaseState | None:
        """As last seen."""

    @property
    def name(self) -> str:
        """What it is called everywhere."""

    @property
    def script(self) -> Sequence[Act[Any]]:
        """What people do in it, in order."""

    async def look(self, cases: Cases, tenant: str) -> CaseState:
        """See how it stands."""

    async def conclude(self, cases: Cases, tenant: str, task_queue: str) -> None:
        """Take its result, once it has ended."""

    def acting(self, act: Act[Any]) -> None:
        """Remember what a person did."""


@dataclass
class Role:
    """One support case of the demo."""

    ticket: Ticket
    script: Sequence[Act[EscalationState]]
    state: EscalationState | None = None
    """As last seen."""
    result: EscalationResult | None = None
    """Once it has ended."""
    acted: int = 0
    problem: str = ""

    @property
    def name(self) -> str:
        """The ticket's id."""
        return self.ticket.ticket_id

    async def look(self, cases: Cases, tenant: str) -> EscalationState:
        """See how it stands."""
        self.state = await cases.escalation(tenant, self.name)
        return self.state

    async def conclude(self, cases: Cases, tenant: str, task_queue: str) -> None:
        """Take its result, once it has ended."""
        self.result = await cases.result(tenant, self.name, patience=timedelta(seconds=15))

    def acting(self, act: Act[EscalationState]) -> None:
        """The case's own conversation has it."""


class Stage:
    """Plays everything side by side.

    Args:
        cases: connected.
        tenant: of all of them.
        task_queue: of the workers.
        tell: is told what people do, a sentence each.
    """

    def __init__(self, cases: Cases, tenant: str, *, task_queue: str, tell: Callable[[str], None]) -> None:
        self._cases = cases
        self._tenant = tenant
        self._task_queue = task_queue
        self._tell = tell

    async def play(self, parts: Sequence[Part], *, within: timedelta) -> None:
        """Play everything to its end; what does not come to it keeps its `problem`.

        Args:
            parts: started already.
            within: time for all of them together.
        """
        deadline = asyncio.get_running_loop().time() + within.total_seconds()
        await asyncio.gather(*(self._play(part, deadline) for part in parts))

    async def _play(self, part: Part, deadline: float) -> None:
        while asyncio.get_running_loop().time() < deadline:
            try:
                if await self._move(part):
                    return
            except (Refused, NotReachable) as problem:
                # The case moved on meanwhile, or the worker is just being started again: look once more.
                part.problem = str(problem)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS if _something_is_near(part) else _LOOK_EVERY_SECONDS)
        part.problem = part.problem or "it did not come to its end in time"

    async def _move(self, part: Part) -> bool:
        """One look, and an act when it is due. True once it has ended."""
        state = await part.look(self._cases, self._tenant)
        if state.closed or state.withdrawn:
            await part.conclude(self._cases, self._tenant, self._task_queue)
            part.problem = ""
            return True
        now = datetime.now(UTC)
        for number in _possible(part):
            act = part.script[number]
            if act.is_due(state, now):
                await act.perform(Turn(self._cases, self._tenant, part.name, number, state))
                part.acted = number + 1
                part.acting(act)
                self._tell(f"{part.name}: {act.words}")
                break
        return False


def _something_is_near(part: Part) -> bool:
    """Whether somebody is about to act: each look costs the worker something, and there are many cases."""
    if part.state is None:
        return False
    return any(part.script[number].since(part.state) is not None for number in _possible(part))


def _possible(part: Part) -> Sequence[int]:
    """Which acts may come now: the next, and the last once more where it helped nothing."""
    last = [part.acted - 1] if part.acted > 0 and part.script[part.acted - 1].may_repeat else []
    following = [part.acted] if part.acted < len(part.script) else []
    return following + last
