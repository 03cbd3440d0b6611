"""Sees whether a Temporal server shares workers between tenants: by handing itself tasks and looking at their order.

No call of Temporal's API says whether its matching service heeds priorities and fairness keys, and one that does not
takes both in silence. So one workflow on a task queue of its own schedules activities of two made-up tenants; nothing
runs them, we only look in which order they would be handed out. Its history is deleted at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean

from google.protobuf.duration_pb2 import Duration
from temporalio.api.command.v1 import Command, ScheduleActivityTaskCommandAttributes
from temporalio.api.common.v1 import ActivityType, Payload, Payloads, Priority, WorkflowExecution
from temporalio.api.enums.v1 import CommandType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DeleteWorkflowExecutionRequest,
    PollActivityTaskQueueRequest,
    PollWorkflowTaskQueueRequest,
    RespondWorkflowTaskCompletedRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError

_MANY, _FEW, _PRESSING = 100, 20, 4
_TAKES_TURNS_BELOW = 0.57
"""Mean place of the tenant who came later, between 0 (all first) and 1. A backlog has partitions, each with an order of
its own, so it varies: 0.24 to 0.41 where tenants take turns, 0.69 to 0.89 where not (24 looks at server 1.32.0)."""
_LIFE = timedelta(seconds=60)
"""After which the server ends the workflow by itself, should we be gone."""
_SETTLES_WITHIN_SECONDS = 0.5
"""Until tasks that were scheduled wait in their queue; its own count of them is refreshed too seldom to ask for."""


@dataclass(frozen=True)
class Sharing:
    """What a server heeds."""

    priorities: bool
    tenants: bool
    """Whether they take turns."""


async def sharing_of(client: Client) -> Sharing:
    """See what the server heeds.

    Raises:
        RPCError: it does not let us do so.
        TimeoutError: of the caller, when it takes too long.
    """
    probe = _Probe(client)
    try:
        return await probe.look()
    finally:
        await probe.clean_up()


class _Probe:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._name = f"surehand-doctor-{uuid.uuid4().hex[:12]}"
        self._queue = TaskQueue(name=self._name)
        self._run_id = ""

    async def look(self) -> Sharing:
        handle = await self._client.start_workflow(
            "SharingProbe",
            id=self._name,
            task_queue=self._name,
            execution_timeout=_LIFE,
            static_summary="`surehand doctor` looks whether tenants take turns",
        )
        self._run_id = handle.first_execution_run_id or ""
        await self._schedule([_activity("many", "flood", 3)] * _MANY)
        await asyncio.sleep(_SETTLES_WITHIN_SECONDS)
        # What came later would be last in a queue that knows neither.
        await handle.signal("more")
        await self._schedule([*[_activity("few", "quiet", 3)] * _FEW, *[_activity("pressing", "flood", 1)] * _PRESSING])
        await asyncio.sleep(_SETTLES_WITHIN_SECONDS)
        order = [await self._next() for _ in range(_MANY + _FEW + _PRESSING)]
        place = {kind: fmean(at for at, one in enumerate(order) if one == kind) for kind in ("many", "few", "pressing")}
        return Sharing(
            priorities=place["pressing"] < min(place["many"], place["few"]),
            tenants=place["few"] / len(order) < _TAKES_TURNS_BELOW,
        )

    async def clean_up(self) -> None:
        execution = WorkflowExecution(workflow_id=self._name, run_id=self._run_id)
        request = DeleteWorkflowExecutionRequest(namespace=self._client.namespace, workflow_execution=execution)
        with contextlib.suppress(RPCError):  # it ends by itself, and is forgotten like any other
            await self._client.workflow_service.delete_workflow_execution(request)

    async def _schedule(self, activities: list[ScheduleActivityTaskCommandAttributes]) -> None:
        poll = PollWorkflowTaskQueueRequest(
            namespace=self._client.namespace, task_queue=self._queue, identity="surehand doctor"
        )
        task = await self._client.workflow_service.poll_workflow_task_queue(poll)
        while not task.task_token:
            task = await self._client.workflow_service.poll_workflow_task_queue(poll)
        commands = [
            Command(
                command_type=CommandType.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK,
                schedule_activity_task_command_attributes=ScheduleActivityTaskCommandAttributes(
                    activity_id=f"{task.previous_started_event_id}-{number}",
                    activity_type=each.activity_type,
                    task_queue=self._queue,
                    input=each.input,
                    priority=each.priority,
                    schedule_to_close_timeout=_duration(_LIFE),
                    start_to_close_timeout=_duration(_LIFE),
                ),
            )
            for number, each in enumerate(activities)
        ]
        await self._client.workflow_service.respond_workflow_task_completed(
            RespondWorkflowTaskCompletedRequest(
                namespace=self._client.namespace, task_token=task.task_token, commands=commands
            )
        )

    async def _next(self) -> str:
        poll = PollActivityTaskQueueRequest(
            namespace=self._client.namespace, task_queue=self._queue, identity="surehand doctor"
        )
        while True:
            task = await self._client.workflow_service.poll_activity_task_queue(poll)
            if task.task_token:
                return task.activity_type.name


def _activity(kind: str, tenant: str, urgency: int) -> ScheduleActivityTaskCommandAttributes:
    return ScheduleActivityTaskCommandAttributes(
        activity_type=ActivityType(name=kind),
        input=Payloads(payloads=[Payload(metadata={"encoding": b"binary/null"})]),
        priority=Priority(priority_key=urgency, fairness_key=tenant),
    )


def _duration(given: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(given)
    return duration
