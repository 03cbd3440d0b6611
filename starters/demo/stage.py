"""The stage: every case with its script, played until its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.errors import NotReachable, Refused
from domain.escalation import EscalationResult, EscalationState
from domain.ticket import Ticket
from starters.cases import Cases
from starters.demo.acts import Act, Turn

_LOOK_EVERY_SECONDS = 0.5


@dataclass
class Role:
    """One case of the demo."""

    ticket: Ticket
    script: Sequence[Act]
    state: EscalationState | None = None
    """As last seen."""
    result: EscalationResult | None = None
    """Once it has ended."""
    acted: int = 0
    problem: str = ""


class Stage:
    """Plays all cases side by side.

    Args:
        cases: connected.
        tenant: of all of them.
        tell: is told what people do, a sentence each.
    """

    def __init__(self, cases: Cases, tenant: str, *, tell: Callable[[str], None]) -> None:
        self._cases = cases
        self._tenant = tenant
        self._tell = tell

    async def play(self, roles: Sequence[Role], *, within: timedelta) -> None:
        """Play every case to its end; one that does not come to it keeps its `problem`.

        Args:
            roles: submitted already.
            within: time for all of them together.
        """
        deadline = asyncio.get_running_loop().time() + within.total_seconds()
        await asyncio.gather(*(self._play(role, deadline) for role in roles))

    async def _play(self, role: Role, deadline: float) -> None:
        while asyncio.get_running_loop().time() < deadline:
            try:
                if await self._move(role):
                    return
            except (Refused, NotReachable) as problem:
                # The case moved on meanwhile, or the worker is just being started again: look once more.
                role.problem = str(problem)
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
        role.problem = role.problem or "it did not come to its end in time"

    async def _move(self, role: Role) -> bool:
        """One look, and an act when it is due. True once the case has ended."""
        case = role.ticket.ticket_id
        state = role.state = await self._cases.escalation(self._tenant, case)
        if state.closed or state.withdrawn:
            role.result = await self._cases.result(self._tenant, case, patience=timedelta(seconds=15))
            role.problem = ""
            return True
        if role.acted < len(role.script):
            act = role.script[role.acted]
            if act.is_due(state, datetime.now(UTC)):
                await act.perform(Turn(self._cases, self._tenant, case, role.acted, state))
                role.acted += 1
                self._tell(f"{case}: {act.words}")
        return False
