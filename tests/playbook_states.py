"""How the runs of playbooks stand, for tests that wait until one stands as they want."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from domain.playbook.messages import PlaybookResult
from domain.playbook.state import PlaybookState
from workflows.playbook import PlaybookWorkflow


async def state_when(
    run: WorkflowHandle[PlaybookWorkflow, PlaybookResult], condition: Callable[[PlaybookState], bool], *, within: float
) -> PlaybookState:
    """Poll a run's state, in real time, until a condition holds."""
    state = None
    try:
        async with asyncio.timeout(within):
            while True:
                with suppress(RPCError):
                    state = await run.query(PlaybookWorkflow.query_state, rpc_timeout=timedelta(seconds=2))
                    if condition(state):
                        return state
                await asyncio.sleep(0.02)
    except TimeoutError:
        # What it was waiting in vain for is seldom seen twice.
        raise AssertionError(f"It stood like this after {within:.0f} s: {state!r}") from None
