"""The tests' own clock: it goes on where the server loses count of what holds it."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import suppress
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.cancelling import Cancelling
from tests.skipping import clock_of, pass_time

NOBODYS = "nobody's queue"
DAY = timedelta(days=1)


@activity.defn
async def never() -> None:
    """Nobody works for its queue."""


@workflow.defn(sandboxed=False)
class CancelsTooSoon:
    """Cancels an activity that no worker has."""

    @workflow.run
    async def run(self) -> str:
        started = workflow.start_activity(never, task_queue=NOBODYS, schedule_to_close_timeout=10 * DAY)
        await asyncio.sleep(1)
        started.cancel()
        await asyncio.gather(started, return_exceptions=True)
        await asyncio.sleep(DAY.total_seconds())
        return "a day later"


@workflow.defn(sandboxed=False)
class Waits:
    """Waits for somebody who takes a while."""

    def __init__(self) -> None:
        self._told = False

    @workflow.run
    async def run(self) -> bool:
        try:
            await workflow.wait_condition(lambda: self._told, timeout=DAY)
        except TimeoutError:
            return False
        return True

    @workflow.signal
    def tell(self) -> None:
        self._told = True


async def test_a_clock_that_the_server_holds_for_nobody_is_let_go(environment: WorkflowEnvironment) -> None:
    queue = uuid.uuid4().hex
    async with Worker(environment.client, task_queue=queue, workflows=[CancelsTooSoon]):
        run = await environment.client.start_workflow(CancelsTooSoon.run, id=queue, task_queue=queue)
        assert await asyncio.wait_for(run.result(), 120) == "a day later"
    assert clock_of(environment).given_back == 1


async def test_a_clock_that_a_task_holds_or_that_nobody_waits_for_is_left_alone(
    environment: WorkflowEnvironment,
) -> None:
    queue = uuid.uuid4().hex
    run = await environment.client.start_workflow(Waits.run, id=queue, task_queue=queue)
    waiting = asyncio.create_task(run.result())
    await asyncio.sleep(5)  # its task is out: no worker is there
    async with Worker(environment.client, task_queue=queue, workflows=[Waits]):
        await run.signal(Waits.tell)
        await waiting
    before = await environment.get_current_time()
    again = await environment.client.start_workflow(Waits.run, id=f"{queue}-2", task_queue=queue)
    async with Worker(environment.client, task_queue=queue, workflows=[Waits]):
        await asyncio.sleep(5)  # nobody waits for its end
        assert await environment.get_current_time() - before < timedelta(minutes=1)
        await again.signal(Waits.tell)
        assert await again.result()
    assert clock_of(environment).given_back == 0


async def test_two_may_wait_at_once_while_time_is_passed(environment: WorkflowEnvironment) -> None:
    queue = uuid.uuid4().hex
    async with Worker(environment.client, task_queue=queue, workflows=[Waits]):
        start = environment.client.start_workflow
        runs = [await start(Waits.run, id=f"{queue}-{n}", task_queue=queue) for n in range(3)]
        waiting = [asyncio.create_task(run.result()) for run in runs[:2]]
        await pass_time(environment, DAY / 2)
        with suppress(RPCError):  # its day may be over already: those who wait let the clock go on
            await runs[0].signal(Waits.tell)
        assert await asyncio.wait_for(asyncio.gather(*waiting), 120) in ([True, False], [False, False])
        await pass_time(environment, DAY / 2)
        assert await asyncio.wait_for(runs[2].result(), 120) is False


class Held:
    """An activity that ends when the test lets it."""

    def __init__(self) -> None:
        self.runs, self.ends = asyncio.Event(), asyncio.Event()

    @activity.defn(name="held")
    async def held(self) -> str:
        self.runs.set()
        await self.ends.wait()
        return "done"


@workflow.defn(sandboxed=False)
class CancelsTooLate:
    """Thinks so long about cancelling an activity that it has ended by then."""

    def __init__(self) -> None:
        self._told = False

    @workflow.run
    async def run(self) -> str:
        started = workflow.start_activity("held", result_type=str, start_to_close_timeout=DAY)
        await workflow.wait_condition(lambda: self._told or started.done())
        if not workflow.unsafe.is_replaying():
            time.sleep(0.5)  # noqa: ASYNC251 - it is the task that takes long
        started.cancel()
        (how,) = await asyncio.gather(started, return_exceptions=True)
        return how if isinstance(how, str) else type(how).__name__

    @workflow.signal
    def tell(self) -> None:
        self._told = True


async def test_a_task_that_cancels_what_has_just_ended_is_tried_again(environment: WorkflowEnvironment) -> None:
    queue, held = uuid.uuid4().hex, Held()
    cancelling = Cancelling(environment.client, UnsandboxedWorkflowRunner())
    async with Worker(
        environment.client,
        task_queue=queue,
        workflows=[CancelsTooLate],
        activities=[held.held],
        interceptors=[cancelling],
        unsandboxed_workflow_runner=cancelling.runner,
    ):
        run = await environment.client.start_workflow(CancelsTooLate.run, id=queue, task_queue=queue)
        await held.runs.wait()
        await run.signal(CancelsTooLate.tell)
        await asyncio.sleep(0.2)
        held.ends.set()
        await asyncio.wait_for(run.result(), 120)
    assert cancelling.refused == 1
