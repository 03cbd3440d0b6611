"""Every shipped playbook once to its end and once to a failure, on the real clients against the sandbox, to record."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from domain.cases.terms import UnparkAction
from domain.model import JsonValue
from domain.tools.tool import ToolCall
from tests.faults.playbook_runs import vendor_of
from tests.faults.playbook_ways import DOCUMENTS, GOODS, WAYS, Prepared, billing_at
from tests.playbooks.enumerating import playbook_names
from tests.playbooks.world import PlaybooksWorld, Run

_HEARS = {"customer-onboarding": DOCUMENTS, "order-return": GOODS}
_WRITES = {"zendesk": "PUT", "hubspot": "PATCH", "stripe": "POST"}
"""Clients of these vendors look before they write; it is the writing that is refused."""
_PATIENCE_SECONDS = 40
_STEPS = ((40, timedelta(seconds=20)), (80, timedelta(minutes=10)), (1_000, timedelta(hours=12)))
"""How much time passes at once, up to a number of looks: what people are asked must not expire unseen."""


@dataclass(frozen=True)
class Failure:
    """Where a playbook fails."""

    at: str
    """Path of the task."""
    cancelled: bool = False
    """While its call is under way, in place of a refusal: else nothing would be there to be undone."""


FAILURES: dict[str, Failure] = {
    "canary-deployment": Failure("/do/4/rollout/try/2/all/fork/branches/0/promote/try/0/promote"),
    "cancel-refund": Failure("/do/0/cancel"),
    "cart-abandonment": Failure("/do/1/rounds/do/8/send/try/0/mailIt"),
    "configuration-rollback": Failure("/do/3/change/try/0/back", cancelled=True),
    "content-review": Failure("/do/10/publish"),
    "credential-rotation": Failure("/do/3/rotate/try/7/revoke"),
    "credit": Failure("/do/0/credit", cancelled=True),
    "customer-onboarding": Failure("/do/7/finish"),
    "device-remediation": Failure("/do/4/remedy/try/0/each/do/0/push", cancelled=True),
    "document-review": Failure("/do/7/record", cancelled=True),
    "email-processing": Failure("/do/3/note"),
    "email-sequence": Failure("/do/1/sequence/do/5/send/try/0/mailIt"),
    "market-data-validation": Failure("/do/7/publish/try/0/publishing"),
    "order-fulfilment": Failure("/do/2/invoice"),
    "order-return": Failure("/do/11/record"),
    "payment": Failure("/do/6/take/try/0/capture"),
    "refund": Failure("/do/0/refund", cancelled=True),
    "reverse-credit": Failure("/do/0/reverse"),
    "roll-back-deployment": Failure("/do/5/change/try/0/back", cancelled=True),
    "scale-out": Failure("/do/3/change/try/0/scale", cancelled=True),
    "service-restart": Failure("/do/2/restart"),
    "task-automation": Failure("/do/4/record/do/0/note", cancelled=True),
}
NOTHING_TO_UNDO = (
    "cancel-refund", "cart-abandonment", "email-sequence", "reverse-credit", "service-restart",
)  # fmt: skip
"""What they do cannot be taken back, or they fail at the first thing they do."""


async def done(world: PlaybooksWorld, name: str) -> Run:
    """Once through a playbook."""
    run = await start(world, name)
    result = await (await to_its_end(world, name, run)).result()
    assert result.status == "completed", result
    return run


async def failed(world: PlaybooksWorld, name: str) -> Run:
    """A step fails; what was done before it is undone."""
    failure = FAILURES[name]
    if failure.cancelled:
        world.cancel_at(failure.at)
    else:
        world.watched.before[failure.at] = partial(refuse, world)
    run = await start(world, name)
    await to_its_end(world, name, run)
    assert not world.watched.before, f"{name} never came to {failure.at}"
    state = await world.state(run)
    assert state.closed
    undone = [reference for reference in world.watched.reached if "/undo-" in reference]
    assert bool(undone) is (name not in NOTHING_TO_UNDO), (undone, state.timeline)
    return run


async def refuse(world: PlaybooksWorld, call: ToolCall) -> None:
    """The vendor refuses a call for good."""
    vendor = vendor_of(call.tool)
    await world.vendors.fault(vendor, "fail", status=400, match=_WRITES.get(vendor, ""))


async def start(world: PlaybooksWorld, name: str) -> Run:
    """Begin a run that bears the path's name."""
    sandbox = world.vendors.sandbox
    way = next(way for way in WAYS if way.playbook == name)
    given: JsonValue = way.given(Prepared(sandbox, billing_at(sandbox), 1))
    if inspect.isawaitable(given):
        given = await given
    return await world.start(name, given, key=world.task_queue)


async def to_its_end(world: PlaybooksWorld, name: str, run: Run) -> Run:
    """Approve what is asked, tell what is waited for, give up what is parked, and let time pass."""
    looks, told, decided = 0, False, set[str]()
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not (state := await world.state(run)).closed:
            looks += 1
            if name in _HEARS and state.waiting_for_event and not told:
                await world.tell(run, _HEARS[name], {})
                told = True
            elif any(step.action is None for step in state.parked.values()):
                await world.unpark(run, UnparkAction.SKIP if "undo" in state.parked else UnparkAction.GIVE_UP)
            elif asked := {request.request_id for request in state.pending_approvals if request.rungs} - decided:
                decided |= asked
                await world.decide(run)
            else:
                await world.pass_time(seconds=next(step for most, step in _STEPS if looks < most).total_seconds())
    return run


ShippedPath = Callable[[PlaybooksWorld], Awaitable[Run]]
PLAYBOOK_OF: dict[str, str] = {f"shipped_{name}_{end}": name for name in playbook_names() for end in ("done", "failed")}
"""Path -> the playbook that it goes through."""
SHIPPED_PATHS: dict[str, ShippedPath] = {
    path: partial(done if path.endswith("_done") else failed, name=name) for path, name in PLAYBOOK_OF.items()
}
"""Name -> what happens. The recordings bear the same names."""
