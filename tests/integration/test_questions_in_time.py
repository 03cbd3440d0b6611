"""A question that waits for a worker together with what came meanwhile leaves a run that replays, and is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Replayer, Worker
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from runtime.settings.environment import Settings, TemporalSettings
from runtime.temporal.connection import connect
from runtime.temporal.dev_server import EmbeddedServer
from workers.sandboxed import Sandbox
from workers.timely import TimelySandbox

RUNS = 12
WAKES_AFTER, IS_LATE_AFTER = timedelta(seconds=1), timedelta(seconds=1.6)
AWAY_SECONDS = 2.5


@workflow.defn
class Decides:
    """Decides by its clock when it wakes, as everything does that knows a deadline."""

    def __init__(self) -> None:
        self.woken_at: float | None = None
        self.ends = False

    @workflow.run
    async def run(self) -> None:
        """Wait, and once more when there is time left."""
        is_late_at = workflow.now() + IS_LATE_AFTER
        await workflow.sleep(WAKES_AFTER)
        self.woken_at = workflow.time()
        if workflow.now() < is_late_at:
            await workflow.sleep(timedelta(seconds=0.1))
        await workflow.wait_condition(lambda: self.ends)

    @workflow.signal
    def end(self) -> None:
        """Let it end."""
        self.ends = True

    @workflow.query
    def state(self) -> float | None:
        """When it woke."""
        return self.woken_at


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with EmbeddedServer(ui=False) as server:
        yield await connect(Settings(temporal=TemporalSettings(address=server.address)))


def runner(kind: type[Sandbox]) -> Sandbox:
    return kind(restrictions=SandboxRestrictions.default.with_passthrough_all_modules())


async def ask_while_no_worker_is_there(client: Client, kind: type[Sandbox]) -> tuple[list[Any], list[str]]:
    """What was answered, and why which histories do not replay."""
    queue = f"timely-{uuid4().hex[:8]}"

    def a_worker() -> Worker:
        return Worker(client, task_queue=queue, workflows=[Decides], workflow_runner=runner(kind))

    async with a_worker():
        started = (client.start_workflow(Decides.run, id=f"{queue}-{n}", task_queue=queue) for n in range(RUNS))
        runs = await asyncio.gather(*started)
        await asyncio.gather(*(run.query(Decides.state) for run in runs))
    asked = asyncio.gather(*(run.query(Decides.state) for run in runs), return_exceptions=True)
    await asyncio.sleep(AWAY_SECONDS)
    async with a_worker():
        answers = await asked
        await asyncio.gather(*(run.signal(Decides.end) for run in runs))
        await asyncio.sleep(1)
    problems = await asyncio.gather(*(replay_problem(run) for run in runs))
    return answers, [problem for problem in problems if problem]


async def replay_problem(run: WorkflowHandle[Any, Any]) -> str:
    replayer = Replayer(workflows=[Decides], workflow_runner=runner(Sandbox))
    result = await replayer.replay_workflow(await run.fetch_history(), raise_on_replay_failure=False)
    return str(result.replay_failure or "")


async def test_question_that_waited_with_news_is_answered_and_its_run_replays(client: Client) -> None:
    answers, problems = await ask_while_no_worker_is_there(client, TimelySandbox)
    assert [answer for answer in answers if isinstance(answer, BaseException)] == []
    assert problems == []


async def test_without_the_guard_such_a_run_stands_still(client: Client) -> None:
    """Says when the SDK needs no guard any more: this test fails then, and `workers.timely` may go."""
    problems: list[str] = []
    for _ in range(5):
        problems += (await ask_while_no_worker_is_there(client, Sandbox))[1]
        if problems:
            break
    assert any("TMPRL1100" in problem for problem in problems)
