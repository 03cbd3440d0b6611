"""Long playbooks on the real server: a run carries on in new runs, finds its place again, and does nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from domain.cases.messages import UnparkInput
from domain.cases.terms import UnparkAction
from domain.errors import VendorRefused, VendorUnavailable
from domain.playbook.messages import CloudEvent
from domain.tools.tool import Safety
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG
from runtime.temporal.connection import data_converter
from runtime.temporal.dev_server import EmbeddedServer
from tests.workflows.playbook_world import PlaybookWorld, Run, a_tool, playbook
from workflows.playbook import PlaybookWorkflow


@pytest.fixture
async def world() -> AsyncIterator[PlaybookWorld]:
    async with EmbeddedServer(ui=False) as server:
        client = await Client.connect(server.address, data_converter=data_converter())
        world = PlaybookWorld(WorkflowEnvironment.from_client(client), Configuration((SHIPPED_CONFIG,)))
        world.continue_after_events = 25
        for name in ("add", "other", "undo"):
            world.tools.add(a_tool(f"shop.{name}"))
        async with world.worker():
            yield world


async def runs_of(world: PlaybookWorld, run: Run) -> int:
    return (
        await world.client.get_workflow_handle_for(PlaybookWorkflow.run, run.id).query(PlaybookWorkflow.query_state)
    ).runs


async def test_a_long_loop_carries_on_in_new_runs_and_calls_everything_once(world: PlaybookWorld) -> None:
    definition = playbook(
        """
        - loop:
            for: {each: n, in: .numbers}
            do:
              - add:
                  call: shop.add
                  with: {n: "${ $n }"}
                  metadata: {undo: none}
                  output: {as: "{ sum: (($context.sum // 0) + .n) }"}
                  export: {as: .}
        """
    )
    run = await world.start(definition, {"numbers": list(range(30))})
    result = await asyncio.wait_for(run.result(), 60)
    assert result.output == {"sum": sum(range(30))}
    calls = world.tools.calls_of("shop.add")
    assert [call.arguments["n"] for call in calls] == list(range(30))
    assert len({call.key for call in calls}) == 30
    assert await runs_of(world, run) > 3


async def test_a_run_that_was_carried_on_still_undoes_what_earlier_runs_did(world: PlaybookWorld) -> None:
    world.tools.on("shop.other", VendorRefused("shop", "no", "No."))
    definition = playbook(
        """
        - loop:
            for: {each: n, in: "[range(12)]"}
            do:
              - add:
                  call: shop.add
                  with: {n: "${ $n }"}
                  metadata: {undo: {call: shop.undo, with: {n: "${ $arguments.n }"}}}
        - fail: {call: shop.other}
        """
    )
    run = await world.start(definition, {})
    result = await asyncio.wait_for(run.result(), 60)
    assert result.status == "faulted"
    assert [call.arguments["n"] for call in world.tools.calls_of("shop.undo")] == list(reversed(range(12)))
    assert await runs_of(world, run) > 1


async def test_branches_that_wait_rest_and_are_found_again(world: PlaybookWorld) -> None:
    world.tools.add(a_tool("shop.danger", Safety.DANGEROUS))
    definition = playbook(
        """
        - both:
            fork:
              branches:
                - busy:
                    for: {each: n, in: "[range(20)]"}
                    do: [{add: {call: shop.add, with: {n: "${ $n }"}, metadata: {undo: none}}}]
                - asks: {call: shop.danger, with: {a: 1}, metadata: {undo: none}}
                - hears: {listen: {to: {all: [{with: {type: one}}, {with: {type: two}}]}}}
                - sleeps: {wait: {seconds: 3}}
        """
    )
    run = await world.start(definition, {})
    await run.signal(PlaybookWorkflow.event, CloudEvent(id="1", source="s", type="one", data={"k": 1}))
    await world.until(run, lambda s: s.runs > 1)
    await world.decide(run)
    await run.signal(PlaybookWorkflow.event, CloudEvent(id="1", source="s", type="one", data={"k": 1}))
    await run.signal(PlaybookWorkflow.event, CloudEvent(id="2", source="s", type="two", data={"k": 2}))
    result = await asyncio.wait_for(run.result(), 60)
    assert result.status == "completed"
    assert [event["k"] for event in result.output[2]] == [1, 2]
    assert len(world.tools.calls_of("shop.add")) == 20
    assert len(world.tools.calls_of("shop.danger")) == 1


async def test_a_parked_call_is_still_parked_in_the_next_run(world: PlaybookWorld) -> None:
    world.tools.on("shop.other", VendorUnavailable("shop", "503", "Down."))
    definition = playbook(
        """
        - both:
            fork:
              branches:
                - stuck: {call: shop.other, with: {a: 1}, metadata: {undo: none}}
                - busy:
                    for: {each: n, in: "[range(20)]"}
                    do: [{add: {call: shop.add, with: {n: "${ $n }"}, metadata: {undo: none}}}]
        """
    )
    run = await world.start(definition, {})
    state = await world.until(run, lambda s: s.runs > 1 and bool(s.parked), within=40)
    step = next(iter(state.parked))
    world.tools.on("shop.other", {"ok": True})
    await run.execute_update(
        PlaybookWorkflow.unpark, UnparkInput(step=step, action=UnparkAction.RETRY, person_id="p-ruth")
    )
    result = await asyncio.wait_for(run.result(), 60)
    assert result.output[0] == {"ok": True}
    # One key in every run: the vendor knows the call again whichever run makes it.
    assert len({call.key for call in world.tools.calls_of("shop.other")}) == 1


async def test_a_try_that_waits_for_its_next_attempt_is_found_again(world: PlaybookWorld) -> None:
    answers = iter([VendorRefused("shop", "no", "No.")] * 12 + [{"ok": True}])
    world.tools.on("shop.other", lambda call: next(answers))
    definition = playbook(
        """
        - again:
            try: [{other: {call: shop.other, metadata: {undo: none}}}]
            catch: {retry: {delay: {milliseconds: 50}, limit: {attempt: {count: 20}}}}
        """
    )
    run = await world.start(definition, {})
    result = await asyncio.wait_for(run.result(), 60)
    assert result.output == {"ok": True}
    assert len(world.tools.calls_of("shop.other")) == 13
    assert await runs_of(world, run) > 1


async def test_an_undo_of_several_tasks_with_a_wait_is_finished_before_a_new_run_begins(world: PlaybookWorld) -> None:
    world.tools.on("shop.other", VendorRefused("shop", "no", "No."))
    definition = playbook(
        """
        - again:
            try:
              - add:
                  call: shop.add
                  metadata:
                    undo:
                      do:
                        - first: {call: shop.undo, with: {n: 1}}
                        - pause: {wait: {milliseconds: 300}}
                        - second: {call: shop.undo, with: {n: 2}}
              - fail: {call: shop.other}
            catch: {retry: {delay: {milliseconds: 10}, limit: {attempt: {count: 4}}}}
        """
    )
    run = await world.start(definition, {})
    result = await asyncio.wait_for(run.result(), 90)
    assert result.status == "faulted"
    assert [call.arguments["n"] for call in world.tools.calls_of("shop.undo")] == [1, 2] * 5
    assert len({call.key for call in world.tools.calls_of("shop.undo")}) == 10
    assert await runs_of(world, run) > 1
