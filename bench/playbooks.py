"""What a playbook costs beside a hand-written workflow that makes the same calls: per task, in time and in history."""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from bench.bare import BareCalls
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG, WorkerSettings
from tests.workflows.playbook_world import PlaybookWorld, a_tool, playbook
from workers.worker import build_worker, workflow_runner

Numbers = dict[str, Any]

TASKS = 20
_DEFINITION = playbook(
    "\n".join(
        f'- step{number}: {{call: shop.act, with: {{n: {number}, so_far: "${{ .n }}"}}, metadata: {{undo: none}}}}'
        for number in range(TASKS)
    ),
    name="bench",
)
_LOOP = playbook(
    """
    - loop:
        for: {each: n, in: .numbers}
        do: [{step: {call: shop.act, with: {n: "${ $n }", so_far: "${ .n }"}, metadata: {undo: none}}}]
    """,
    name="bench-loop",
)


class _Worlds:
    def __init__(self, client: Client) -> None:
        self.world = PlaybookWorld(WorkflowEnvironment.from_client(client), Configuration((SHIPPED_CONFIG,)))
        self.world.tools.add(a_tool("shop.act"))
        self.client = client
        self.bare_queue = f"bare-{uuid.uuid4().hex[:8]}"
        self.playbooks = build_worker(client, self.world.methods(), self.world.task_queue, WorkerSettings())
        self.bare = Worker(
            client,
            task_queue=self.bare_queue,
            workflows=[BareCalls],
            activities=self.world.methods(),
            workflow_runner=workflow_runner(),
        )

    async def playbook(self, tasks: int) -> WorkflowHandle[Any, Any]:
        if tasks == TASKS:
            return await self.world.start(_DEFINITION, {"n": None})
        return await self.world.start(_LOOP, {"n": None, "numbers": list(range(tasks))})

    async def hand_written(self, tasks: int) -> WorkflowHandle[Any, Any]:
        return await self.client.start_workflow(
            BareCalls.run, tasks, id=f"bare-{uuid.uuid4().hex}", task_queue=self.bare_queue
        )


async def overhead(client: Client, runs: int) -> Numbers:
    """Milliseconds per task, one run at a time, the two in turn.

    What a run costs once (opening the playbook, recording its end) is told apart from what each task costs by running
    it with 1 and with 21 rounds: the slope is the task's, the rest is the run's.
    """
    worlds = _Worlds(client)
    async with worlds.playbooks, worlds.bare:
        whole = {
            "surehand": await _median(lambda: worlds.playbook(TASKS), runs),
            "bare": await _median(lambda: worlds.hand_written(TASKS), runs),
        }
        slopes: dict[str, list[float]] = {"surehand": [], "bare": []}
        ways: dict[str, Callable[[int], Awaitable[WorkflowHandle[Any, Any]]]] = {
            "surehand": worlds.playbook,
            "bare": worlds.hand_written,
        }
        for number in range(runs + 2):
            for name, start in ways.items():
                one, many = await _seconds(start, 1), await _seconds(start, 21)
                if number >= 2:
                    slopes[name].append((many - one) / 20 * 1_000)
        run = await worlds.playbook(TASKS)
        await run.result()
        history = await run.fetch_history()
        description = await run.describe()
    per_task = {name: statistics.median(values) for name, values in slopes.items()}
    return {
        "surehand_ms_per_task": round(per_task["surehand"], 2),
        "bare_ms_per_task": round(per_task["bare"], 2),
        "ratio_per_task": round(per_task["surehand"] / per_task["bare"], 2),
        "surehand_ms_whole": round(whole["surehand"], 1),
        "bare_ms_whole": round(whole["bare"], 1),
        "ratio_whole": round(whole["surehand"] / whole["bare"], 2),
        "tasks": TASKS,
        "events": len(history.events),
        "bytes": description.raw_description.workflow_execution_info.history_size_bytes,
    }


async def _median(start: Callable[[], Awaitable[WorkflowHandle[Any, Any]]], runs: int) -> float:
    spent = []
    for number in range(runs + 2):
        began = time.perf_counter()
        await (await start()).result()
        if number >= 2:
            spent.append((time.perf_counter() - began) * 1_000)
    return statistics.median(spent)


async def _seconds(start: Callable[[int], Awaitable[WorkflowHandle[Any, Any]]], tasks: int) -> float:
    began = time.perf_counter()
    await (await start(tasks)).result()
    return time.perf_counter() - began
