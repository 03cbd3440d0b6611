"""Tools as activities on a real server: their names in history, their errors, their limits, their end."""

import asyncio
import time
import uuid
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.boundary import Boundary
from activities.tools import ToolActivities
from domain.errors import VendorRefused, VendorThrottled, VendorUnavailable
from domain.tools.tool import RefusalKind, Safety, ToolCall, ToolRefusal, ToolResult
from domain.tools.tool_policy import VendorSettings
from runtime.settings.environment import WorkerSettings, load_settings
from runtime.temporal.connection import connect
from tests.fakes import FakeToolBox
from tests.tool_world import spec
from workers.tools import vendor_workers
from workers.worker import deployment_of

pytestmark = [pytest.mark.server, pytest.mark.asyncio(loop_scope="module")]


@workflow.defn
class CallTools:
    """Runs each call, several at once, each on its queue; gives the results."""

    @workflow.run
    async def run(self, calls: list[ToolCall], queue: str | None) -> list[ToolResult]:
        return await asyncio.gather(*(self._call(call, queue) for call in calls))

    async def _call(self, call: ToolCall, queue: str | None) -> ToolResult:
        return await workflow.execute_activity(
            call.tool,
            call,
            result_type=ToolResult,
            task_queue=queue,
            start_to_close_timeout=timedelta(seconds=30),
            heartbeat_timeout=timedelta(seconds=1),
            retry_policy=RetryPolicy(maximum_attempts=3, initial_interval=timedelta(seconds=0.1)),
        )


@workflow.defn
class CheckTool:
    @workflow.run
    async def run(self, call: ToolCall) -> ToolRefusal | None:
        return await workflow.execute_activity(
            "check_call", call, result_type=ToolRefusal | None, start_to_close_timeout=timedelta(seconds=10)
        )


class Running:
    def __init__(self, client: Client, queue: str) -> None:
        self.client, self.queue = client, queue

    async def call(self, *calls: ToolCall, queue: str | None = None) -> list[ToolResult]:
        return await self.client.execute_workflow(
            CallTools.run, args=[list(calls), queue], id=f"t-{uuid.uuid4().hex}", task_queue=self.queue
        )


def call(tool: str, key: str = "k", **arguments: Any) -> ToolCall:
    return ToolCall(tool=tool, arguments=arguments, key=key, tenant="default")


@pytest.fixture
def box() -> FakeToolBox:
    return FakeToolBox(spec("stock.reserve", safety=Safety.SAFE), spec("stock.count"))


@pytest_asyncio.fixture(loop_scope="module")
async def world(server, box):
    client = await connect(load_settings(environ={"SUREHAND_TEMPORAL__ADDRESS": server.address}))
    tools, queue = ToolActivities(box), f"q-{uuid.uuid4().hex[:6]}"
    async with AsyncExitStack() as running:
        worker = Worker(
            client,
            task_queue=queue,
            workflows=[CallTools, CheckTool],
            activities=[tools.run_tool, tools.check_call],
            interceptors=[Boundary()],
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        limited = vendor_workers(
            client,
            tools.run_tool,
            task_queue=queue,
            vendors={"bank": VendorSettings(calls_per_second=5), "other": VendorSettings()},
            settings=WorkerSettings(),
            deployment=deployment_of(WorkerSettings()),
        )
        assert len(limited) == 1
        for each in (worker, *limited):
            await running.enter_async_context(each)
        yield Running(client, queue)


async def test_history_shows_every_tool_under_its_own_name(world, box):
    box.on("stock.reserve", {"id": 1}).on("stock.count", 3)
    handle = await world.client.start_workflow(
        CallTools.run,
        args=[[call("stock.reserve", "a"), call("stock.count", "b")], None],
        id=f"t-{uuid.uuid4().hex}",
        task_queue=world.queue,
    )
    assert [result.output for result in await handle.result()] == [{"id": 1}, 3]
    history = await handle.fetch_history()
    scheduled = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert sorted(scheduled) == ["stock.count", "stock.reserve"]


async def test_a_refusal_is_a_result_and_a_check_is_an_activity_of_its_own(world):
    (result,) = await world.call(call("no.such"))
    assert result.refusal.kind is RefusalKind.UNKNOWN_TOOL
    checked = [
        await world.client.execute_workflow(
            CheckTool.run, call(name), id=f"t-{uuid.uuid4().hex}", task_queue=world.queue
        )
        for name in ("no.such", "stock.count")
    ]
    assert checked[0].kind is RefusalKind.UNKNOWN_TOOL
    assert checked[1] is None


async def test_a_vendors_error_says_vendor_code_and_status(world, box):
    box.on("stock.reserve", VendorRefused("warehouse", "out_of_stock", "There is none left.", status=409))
    with pytest.raises(WorkflowFailureError) as caught:
        await world.call(call("stock.reserve"))
    failed = caught.value.cause
    assert isinstance(failed, ActivityError)
    assert isinstance(failed.cause, ApplicationError)
    assert failed.cause.type == "VendorRefused"
    assert failed.cause.details == ({"vendor": "warehouse", "code": "out_of_stock", "status": 409},)
    assert len(box.calls) == 1, "trying again cannot help"


async def test_trouble_is_tried_again_when_the_vendor_said(world, box):
    wait = timedelta(seconds=1.2)
    box.on("stock.reserve", [VendorThrottled("warehouse", "429", "Slow down.", retry_after=wait), "done"])
    started = time.monotonic()
    (result,) = await world.call(call("stock.reserve"))
    assert (result.output, result.attempt) == ("done", 2)
    assert time.monotonic() - started >= 1.2


async def test_a_long_call_beats_by_itself_and_learns_that_it_is_cancelled(world, box):
    cancelled = asyncio.Event()
    started = asyncio.Event()

    async def long(_: ToolCall) -> None:
        started.set()
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    box.on("stock.reserve", long)
    handle = await world.client.start_workflow(
        CallTools.run, args=[[call("stock.reserve")], None], id=f"t-{uuid.uuid4().hex}", task_queue=world.queue
    )
    await asyncio.wait_for(started.wait(), 10)
    await asyncio.sleep(2)
    assert len(box.calls) == 1, "its heartbeat time-out of 1 s has not ended it"
    await handle.cancel()
    await asyncio.wait_for(cancelled.wait(), 10)


async def test_an_activity_that_no_worker_knows_waits_for_one_that_does(world):
    """A newer worker may have it, so it fails as an unknown activity does and is tried again."""

    with pytest.raises(WorkflowFailureError) as caught:
        await _call_unknown(world)
    assert isinstance(caught.value.cause, ActivityError)
    assert isinstance(caught.value.cause.cause, ApplicationError)
    assert caught.value.cause.cause.type == "NotFoundError"
    assert not caught.value.cause.cause.non_retryable


@workflow.defn
class CallUnknown:
    @workflow.run
    async def run(self, queue: str) -> None:
        await workflow.execute_activity(
            "save_something_new",
            {"some": "value"},
            task_queue=queue,
            start_to_close_timeout=timedelta(seconds=5),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


async def _call_unknown(world: Running) -> None:
    queue = f"own-{uuid.uuid4().hex[:6]}"
    async with Worker(
        world.client, task_queue=queue, workflows=[CallUnknown], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        await world.client.execute_workflow(CallUnknown.run, world.queue, id=f"t-{uuid.uuid4().hex}", task_queue=queue)


async def test_a_vendors_own_queue_lets_only_so_many_calls_through_a_second(world, box):
    times: list[float] = []
    box.on("stock.count", lambda _: times.append(time.monotonic()))
    await world.call(*(call("stock.count", f"k{n}") for n in range(25)), queue=f"{world.queue}-bank")
    assert len(times) == 25
    spread = max(times) - min(times)
    assert 2 <= spread <= 15, "25 calls at 5 a second"


async def test_what_trips_the_boundary_is_retried_only_where_that_can_help(world, box):
    box.on("stock.reserve", [VendorUnavailable("warehouse", "503", "Down.", status=503), "up"])
    (result,) = await world.call(call("stock.reserve"))
    assert result.output == "up"
