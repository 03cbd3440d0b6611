"""Cases that somebody outside wants to know of are written down as they change, and go on as all others do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from domain.cases.messages import ClaimInput
from domain.errors import VendorUnavailable
from domain.rules import RulesEngine
from runtime.configuration.policies import Configuration
from tests.fakes import FakeStore
from tests.replay.incident_paths import begin
from tests.replay.paths import asked, decide, handed_over, people_cannot_be_reached, resolve, submit
from tests.replay.playbook_paths import ASKS, start, stocked
from tests.workflows.conftest import OUTAGE_TICKET, World
from tests.workflows.incident_world import IncidentWorld
from tests.workflows.playbook_world import PlaybookWorld
from tests.workflows.telling_store import tells
from workflows.escalation import EscalationWorkflow

_WRITES = ("Write the case down", "Write the incident down", "Write the run down")


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - what it looks at belongs to others
            await asyncio.sleep(0.02)


async def writes(handle: WorkflowHandle[object, object]) -> int:
    """How often a case was written down beside its milestones."""
    history = await handle.fetch_history()
    scheduled = [e for e in history.events if e.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED]
    return sum(any(said.encode() in event.user_metadata.summary.data for said in _WRITES) for event in scheduled)


async def test_an_approval_is_told_while_the_ticket_still_waits_for_it(world: World) -> None:
    store = tells(world)
    async with world.worker():
        handle = await submit(world, customer={"tier": "vip"})
        request = await asked(world, handle)
        await eventually(lambda: "approval_requested" in store.told())
        [event] = [e for e in store.events.values() if e.kind.value == "approval_requested"]
        assert event.case.status == "waiting_approval"
        await decide(handle, request, "p-lena")
        await handle.result()
    told = store.told()
    assert told[0] == "opened"
    assert told.index("approval_requested") < told.index("approval_decided") < told.index("closed")
    assert told.count("opened") == told.count("closed") == told.count("approval_decided") == 1


async def test_a_handoff_and_a_claim_are_told_as_they_happen(world: World) -> None:
    store = tells(world)
    async with world.worker():
        handle = await submit(world, OUTAGE_TICKET)
        await handed_over(world, handle)
        await eventually(lambda: "handed_over" in store.told())
        await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-ivan"))
        await eventually(lambda: "claimed" in store.told())
        await resolve(handle)
        await eventually(lambda: "resolved" in store.told())
        await handle.result()
    assert [kind for kind in store.told() if kind != "status_changed"] == [
        "opened", "handed_over", "claimed", "resolved", "closed",
    ]  # fmt: skip


async def test_a_parked_step_is_told_and_a_store_that_is_down_meanwhile_only_makes_it_later(world: World) -> None:
    store = tells(world)
    async with world.worker():
        people_cannot_be_reached(world)
        handle = await submit(world, OUTAGE_TICKET)
        await eventually(lambda: "opened" in store.told())
        store.failures = [VendorUnavailable("store", "locked", "The store is locked.")] * 3
        await world.until(handle, lambda s: bool(s.parked))
        for _ in range(40):
            if "parked" in store.told():
                break
            await world.pass_time(timedelta(seconds=5))
        assert "parked" in store.told()


async def test_an_incident_tells_of_the_question_about_its_fix_before_the_answer(
    environment: WorkflowEnvironment, configuration: Configuration
) -> None:
    world = IncidentWorld(environment, configuration)
    store = tells(world)
    async with world.worker():
        incident = await begin(world)
        await world.when(incident, lambda s: bool(s.pending_approvals))
        await eventually(lambda: "approval_requested" in store.told("troubleshooting:"))
        await world.answer(incident)
        await world.result(incident)
    told = store.told("troubleshooting:")
    assert told.index("approval_requested") < told.index("approval_decided") < told.index("closed")
    assert store.told("playbook:")[-1] == "run_ended"


async def test_a_run_tells_that_it_waits_and_how_it_ended(
    environment: WorkflowEnvironment, configuration: Configuration
) -> None:
    world = PlaybookWorld(environment, configuration)
    store = tells(world)
    async with world.worker():
        run = await start(stocked(world), ASKS)
        await eventually(lambda: "approval_requested" in store.told())
        await world.decide(run)
        assert (await run.result()).status == "completed"
        assert await writes(run) > 0
    assert store.told()[0] == "opened"
    assert store.told()[-1] == "run_ended"
    assert list(store.events.values())[-1].case.phase == "completed"


async def test_a_case_that_continues_as_new_tells_everything_once(world: World) -> None:
    store = tells(world)
    world.continue_after_events = 40
    async with world.worker():
        handle = await submit(world, OUTAGE_TICKET)
        # The skipping server loses an update that meets a run which is just continuing as new.
        await world.until(handle, lambda s: s.people_have_it and s.next_unhandled() is None and s.runs > 1)
        await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-ivan"))
        await eventually(lambda: "claimed" in store.told())
        await resolve(handle)
        # Its end is looked at on a real server: this one's clock may stand still after a run was continued.
        await eventually(lambda: "resolved" in store.told())
        await handle.terminate()
    told = store.told()
    assert [told.count(kind) for kind in ("opened", "handed_over", "claimed", "resolved")] == [1] * 4


async def test_a_case_of_which_nobody_wants_to_know_is_written_down_at_its_milestones_only(
    environment: WorkflowEnvironment, configuration: Configuration, rules: RulesEngine
) -> None:
    world = World(environment, configuration, rules)
    assert isinstance(world.store, FakeStore)
    async with world.worker():
        handle = await submit(world, OUTAGE_TICKET)
        await handed_over(world, handle)
        await resolve(handle)
        await handle.result()
        assert await writes(handle) == 0
