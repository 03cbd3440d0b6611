"""Lets a run go its way to the end, and makes its steps fail."""

from __future__ import annotations

import asyncio

from domain.cases.approval import ApprovalDecision
from domain.playbook.messages import PlaybookResult
from domain.playbook.state import PlaybookState
from domain.tools.tool import ToolCall
from tests.playbooks.enumerating import EffectfulStep
from tests.playbooks.world import PlaybooksWorld, Run
from workflows.playbook import PlaybookWorkflow

_DOORS = {"tickets": "zendesk", "metrics": "metrics"}
UNDO = "undo"
"""The step under which a run is parked that could not take everything back."""


async def drive(world: PlaybooksWorld, run: Run, *, approve: bool = True) -> PlaybookResult:
    """Decide whatever is asked and let time pass, until the run ends."""
    state = await go_on(world, run, approve=approve)
    assert state.closed, state.parked
    return await world.result(run)


async def go_on(world: PlaybooksWorld, run: Run, *, approve: bool = True) -> PlaybookState:
    """The same, until the run ends or a step of it is parked."""
    decided: set[str] = set()
    async with asyncio.timeout(30):
        while True:
            state = await world.state(run)
            if state.closed or any(step.action is None for step in state.parked.values()):
                return state
            asked = [r for r in state.pending_approvals if r.rungs and r.request_id not in decided]
            if asked:
                decided.add(asked[0].request_id)
                await run.execute_update(
                    PlaybookWorkflow.decide_approval,
                    ApprovalDecision(
                        request_id=asked[0].request_id,
                        person_id=asked[0].rungs[-1].approvers[0],
                        approve=approve,
                        digest=asked[0].digest,
                        reason="" if approve else "Not today.",
                    ),
                )
            else:
                await world.pass_time(seconds=20)


def refuse(world: PlaybooksWorld, step: EffectfulStep) -> None:
    """The vendor refuses a step's call for good."""

    async def act(call: ToolCall) -> None:
        owner = call.tool.partition(".")[0]
        # The ticketing client looks before it writes.
        match = "PUT" if owner == "tickets" else ""
        await world.vendors.fault(_DOORS.get(owner, owner), "fail", status=400, match=match)

    world.watched.before[step.reference] = act


async def keep_failing(world: PlaybooksWorld, vendor: str, match: str) -> None:
    """A vendor refuses some requests until `relent`."""
    await world.vendors.fault(vendor, "fail", status=400, match=match, times=None)


async def relent(world: PlaybooksWorld) -> None:
    """All vendors work again."""
    await world.vendors.ask("DELETE", "/api/faults")


__all__ = ["UNDO", "drive", "go_on", "keep_failing", "refuse", "relent"]
