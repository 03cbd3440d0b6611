"""The bare workflow: as many no-op activities as a case, in the same order and parallel shape, and nothing else.

Hand-written as somebody would who needs no case at all; it is what the ratios are measured against.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from domain.tools.tool import ToolCall, ToolResult

_TIMEOUT = timedelta(seconds=30)
LAST_STEP = "save"
"""Runs once the handoff is complete, as `save_case` does in a case."""


@activity.defn
async def no_op(step: str) -> str:
    """Do nothing."""
    return step


async def _do(step: str) -> str:
    return await workflow.execute_activity(no_op, step, start_to_close_timeout=_TIMEOUT)


async def _answer() -> None:
    await _do("draft")
    await _do("reply")


async def _hand_over() -> None:
    await asyncio.gather(_do("mail"), _do("chat"), _do("ticketing"))
    await _do(LAST_STEP)


@workflow.defn
class BareEscalation:
    """To the handoff, a wait until somebody resolves it, and the activities of the 72 hours after."""

    @workflow.init
    def __init__(self, ticket: str) -> None:
        self._resolved = False

    @workflow.run
    async def run(self, ticket: str) -> str:
        """Live as long as a case does."""
        await _do("open")
        await asyncio.gather(_do("classify"), _do("analyse"))
        await _do("decide")
        await asyncio.gather(_do("acknowledge"), _answer(), _hand_over())
        await workflow.wait_condition(lambda: self._resolved, timeout=timedelta(days=1))
        await asyncio.gather(_do("closed"), _do("status"))
        for step in ("check", "survey", None):
            await workflow.sleep(timedelta(milliseconds=20))
            if step is not None:
                await _do(step)
        await asyncio.gather(_do("outcome"), _do("profile"), _do("report"))
        return ticket

    @workflow.update
    def resolve(self, how: str) -> str:
        """Somebody says that it is solved."""
        self._resolved = True
        return how


@workflow.defn
class BareApproval:
    """Triage, a question to a person, and one activity after the answer."""

    @workflow.init
    def __init__(self, ticket: str) -> None:
        self._decision: str | None = None
        self._applied = False

    @workflow.run
    async def run(self, ticket: str) -> str:
        """Ask and act."""
        await _do("open")
        await asyncio.gather(_do("classify"), _do("analyse"))
        await _do("decide")
        await asyncio.gather(_do("acknowledge"), _do("draft"))
        for step in ("find", "ask"):
            await _do(step)
        await workflow.wait_condition(lambda: self._decision is not None, timeout=timedelta(days=1))
        await _do("check")
        self._applied = True
        await _do("reply")
        await workflow.wait_condition(lambda: False, timeout=timedelta(days=1))
        return ticket

    @workflow.update
    def decide(self, decision: str) -> str:
        """A person's word."""
        self._decision = decision
        return decision

    @decide.validator
    def _check(self, decision: str) -> None:
        if self._decision is not None:
            raise ValueError("decided")


@workflow.defn
class BareCalls:
    """The same calls in the same order, and nothing else."""

    @workflow.run
    async def run(self, tasks: int) -> int:
        so_far: Any = None
        for number in range(tasks):
            call = ToolCall(
                tool="shop.act",
                arguments={"n": number, "so_far": so_far},
                key=f"{workflow.info().workflow_id}/{number}",
                tenant="default",
            )
            result = await workflow.execute_activity(
                "shop.act",
                call,
                result_type=ToolResult,
                start_to_close_timeout=timedelta(seconds=30),
                heartbeat_timeout=timedelta(seconds=10),
                summary=f"step{number}",
            )
            so_far = result.output["n"]
        return tasks
