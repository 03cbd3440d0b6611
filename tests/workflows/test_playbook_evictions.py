"""A worker forgets runs to save memory: whatever a run waits for, it lets go of it and finds its place again."""

from __future__ import annotations

import asyncio
import logging

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.testing import WorkflowEnvironment

from domain.errors import VendorRefused, VendorUnavailable
from runtime.configuration.policies import Configuration
from tests.workflows.playbook_world import PlaybookWorld, a_tool, playbook


@pytest.fixture
def world(environment: WorkflowEnvironment, configuration: Configuration) -> PlaybookWorld:
    return PlaybookWorld(environment, configuration)


WAITING = {
    "timer": "- a: {wait: {days: 1}}\n- b: {call: shop.buy}",
    "event": "- a: {listen: {to: {one: {with: {type: go}}}}}\n- b: {call: shop.buy}",
    "approval": "- a: {call: approve, with: {action: launch, summary: Launch it}}\n- b: {call: shop.buy}",
    "parked": "- a: {call: shop.fail}",
    "fork": "- a: {fork: {branches: [{x: {wait: {days: 1}}}, {y: {listen: {to: {one: {with: {type: go}}}}}}]}}",
    "race": "- a: {fork: {compete: true, branches: [{x: {wait: {days: 1}}}, {y: {wait: {days: 2}}}]}}",
    "deadline": "- a: {timeout: {after: {days: 2}}, do: [{x: {wait: {days: 1}}}]}",
    "retry": "- a: {try: [{x: {call: shop.refuse}}], catch: {retry: {delay: {days: 1}, limit: {attempt: {count: 2}}}}}",
    # A failure whose undo waits: the cancellation comes while things are taken back.
    "undo": "- b: {call: shop.buy, metadata: {undo: {wait: {days: 1}}}}\n- c: {call: shop.refuse}",
}


async def test_runs_that_rest_anywhere_are_forgotten_and_go_on(
    world: PlaybookWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.tools.add(a_tool("shop.buy"), a_tool("shop.fail"), a_tool("shop.refuse"))
    world.tools.on("shop.fail", VendorUnavailable("shop", "closed", "It is closed."))
    world.tools.on("shop.refuse", VendorRefused("shop", "no", "It says no."))
    caplog.set_level(logging.WARNING)
    async with world.worker(max_cached_workflows=2, max_concurrent_workflow_tasks=2):
        runs = {name: await world.start(playbook(tasks, name), key=name) for name, tasks in WAITING.items()}
        for _ in range(2):
            for run in runs.values():
                await world.until(run, lambda s: s.opened is not None)
        for run in runs.values():
            await run.cancel()
        results = await asyncio.gather(*(run.result() for run in runs.values()), return_exceptions=True)
    assert {type(result) for result in results} == {WorkflowFailureError}, results
    said = [record.getMessage() for record in caplog.records]
    assert not [line for line in said if "evict" in line.lower() or "tasks remain" in line], said
