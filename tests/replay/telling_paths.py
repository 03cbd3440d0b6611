"""Cases that systems outside are told of, and the sender that tells them, each driven for recording."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from temporalio.client import WorkflowHandle

from domain.webhooks.events import DeliveryRules, WebhookAttempt
from tests.replay import incident_paths, paths, playbook_paths
from tests.workflows.conftest import Handle, World
from tests.workflows.incident_world import Incident, IncidentWorld
from tests.workflows.playbook_world import PlaybookWorld, Run
from tests.workflows.webhook_world import DOWN, TAKEN, Sender, WebhookWorld

TOLD_TICKETS: dict[str, Callable[[World], Awaitable[Handle]]] = {}
TOLD_INCIDENTS: dict[str, Callable[[IncidentWorld], Awaitable[Incident]]] = {}
TOLD_RUNS: dict[str, Callable[[PlaybookWorld], Awaitable[Run]]] = {}
SENDER_PATHS: dict[str, Callable[[WebhookWorld], Awaitable[Sender]]] = {}
"""Name -> what happens. The recordings bear the same names."""
TOLD_IN_REAL_TIME = {"told_ticket_continued"}


def watched(world: Any) -> Any:
    """A world whose cases somebody wants to know of."""
    world.policies.policy = world.policies.policy.model_copy(update={"tells_others": True})
    return world


async def told_ticket(world: World) -> Handle:
    return await paths.PATHS["approval_granted"](watched(world))


async def told_ticket_continued(world: World) -> Handle:
    return await paths.PATHS["continued_as_new"](watched(world))


async def told_incident(world: IncidentWorld) -> Incident:
    return await incident_paths.incident_solved(watched(world))


async def told_run(world: PlaybookWorld) -> Run:
    return await playbook_paths.playbook_approval_granted(watched(world))


async def webhooks_sent_after_failures(world: WebhookWorld) -> Sender:
    for name in ("T-1", "T-2"):
        await world.lives(name)
    answers = iter([DOWN, DOWN, DOWN])
    world.receiver.rule = lambda _: next(answers, TAKEN)
    return await ended(world)


async def webhooks_disabled(world: WebhookWorld) -> Sender:
    await world.lives()
    world.delivery_rules = DeliveryRules(disable_after=DeliveryRules().retry_longest)
    world.receiver.rule = lambda _: DOWN
    return await ended(world)


async def webhooks_no_longer_wanted(world: WebhookWorld) -> Sender:
    await world.lives()
    world.receiver.rule = lambda _: WebhookAttempt(delivered=False, outcome="410", gone=True)
    return await ended(world)


async def webhooks_continued(world: WebhookWorld) -> Sender:
    world.continue_after_events = 40
    await world.lives(changes=8)
    return await ended(world)


async def ended(world: WebhookWorld) -> Sender:
    handle: WorkflowHandle[Any, Any] = await world.wake()
    await handle.result()
    return handle


for _drive in (told_ticket, told_ticket_continued):
    TOLD_TICKETS[_drive.__name__] = _drive
TOLD_INCIDENTS[told_incident.__name__] = told_incident
TOLD_RUNS[told_run.__name__] = told_run
for _send in (webhooks_sent_after_failures, webhooks_disabled, webhooks_no_longer_wanted, webhooks_continued):
    SENDER_PATHS[_send.__name__] = _send
