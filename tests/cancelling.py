"""Workers that cancel activities on the server whose clock skips, and stay alive.

That server forgets an activity with its end, while the end waits until the workflow task that is out has ended. Where
that very task cancels the activity, the server refuses it ("ACTIVITY_UNKNOWN"), half carried out: the run never gets
another task. The real server fails such a task, and the run tries again and sees the end. So do these workers: while a
task that cancels is out, no activity of its run ends, and one that has ended before makes the task fail.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import Client
from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    Worker,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowRunner,
)
from temporalio.workflow import Info

from activities.boundary import Boundary
from runtime.settings.groups import WorkerSettings
from tests.skipping import pending_activities
from workers.worker import deployment_of, workflow_runner

_ARRIVES_WITHIN_SECONDS = 0.03
"""Until what was sent to a server on loopback is there."""


class Cancelling(Interceptor):
    """Of one worker: give it `interceptors` and `runner`.

    Args:
        client: of the worker.
        runner: of its workflows; a worker's own when not given.
    """

    def __init__(self, client: Client, runner: WorkflowRunner | None = None) -> None:
        self.refused = 0
        """How many tasks came too late for what they cancelled."""
        self.runner: WorkflowRunner = _Runner(self, runner or workflow_runner())
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._closed: dict[str, float] = {}

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        return _Ends(next, self)

    async def may_end(self, run_id: str) -> None:
        """Wait while a task that cancels is out."""
        while time.monotonic() < self._closed.get(run_id, 0):  # noqa: ASYNC110 - a thread closes it
            await asyncio.sleep(_ARRIVES_WITHIN_SECONDS / 3)

    def is_in_time(self, run: Info, activities: Sequence[str]) -> bool:
        """Whether all of these activities can still be cancelled; called by the thread of a task, which it holds up."""
        self._closed[run.run_id] = float("inf")
        try:
            time.sleep(_ARRIVES_WITHIN_SECONDS)
            asked = pending_activities(self._client, run.workflow_id, run.run_id)
            pending = asyncio.run_coroutine_threadsafe(asked, self._loop).result(10)
        finally:
            self._closed[run.run_id] = time.monotonic() + _ARRIVES_WITHIN_SECONDS
        is_in_time = set(activities) <= {one.activity_id for one in pending}
        self.refused += not is_in_time
        return is_in_time


class _Ends(ActivityInboundInterceptor):
    def __init__(self, inside: ActivityInboundInterceptor, cancelling: Cancelling) -> None:
        super().__init__(inside)
        self._cancelling = cancelling

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        try:
            return await super().execute_activity(input)
        finally:
            asked = activity.info()
            if not asked.is_local and asked.workflow_run_id is not None:
                await self._cancelling.may_end(asked.workflow_run_id)


class _Runner(WorkflowRunner):
    def __init__(self, cancelling: Cancelling, inside: WorkflowRunner) -> None:
        self._cancelling = cancelling
        self._inside = inside

    def prepare_workflow(self, defn: Any) -> None:
        self._inside.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Run(self._inside.create_instance(det), self._cancelling)

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        self._inside.set_worker_level_failure_exception_types(types)


@dataclass
class _Run(WorkflowInstance):
    inside: WorkflowInstance
    cancelling: Cancelling
    ids: dict[int, str] = field(default_factory=dict)
    """Of activities of which the run does not know the end, by the number that the SDK gave them."""

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        done = self.inside.activate(act)
        for job in act.jobs:
            self.ids.pop(job.resolve_activity.seq, None)
        commands = done.successful.commands
        self.ids |= {c.schedule_activity.seq: c.schedule_activity.activity_id for c in commands}
        numbers = {c.request_cancel_activity.seq for c in commands if c.HasField("request_cancel_activity")}
        cancelled = [self.ids[number] for number in numbers & self.ids.keys()]
        if not cancelled or act.is_replaying or self.cancelling.is_in_time(self.get_info(), cancelled):
            return done
        refused = WorkflowActivationCompletion(run_id=act.run_id)
        refused.failed.failure.message = "What this task cancels has just ended."
        return refused

    def get_serialization_context(self, command_info: Any) -> Any:
        return self.inside.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        return self.inside.get_external_store_context(command_info)

    def get_info(self) -> Info:
        return self.inside.get_info()

    def get_thread_id(self) -> int | None:
        return self.inside.get_thread_id()


def careful_worker(client: Client, **options: Any) -> Worker:
    """A worker of whole lives, in which what a test asserts inside fails the run and not its task.

    Args:
        client: of the server.
        options: of the SDK's `Worker`.
    """
    cancelling = Cancelling(client)
    return Worker(
        client,
        interceptors=[cancelling, Boundary()],
        workflow_runner=cancelling.runner,
        deployment_config=deployment_of(WorkerSettings()),
        workflow_failure_exception_types=[AssertionError, TypeError, KeyError, AttributeError, ValueError],
        **options,
    )


__all__ = ["Cancelling", "careful_worker"]
