"""`python -m tests.replay.record [NAME ...]`: records the paths of escalations and playbooks, all or the named.

Only what has not been released may be recorded anew; see docs/releasing.md.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.testing import WorkflowEnvironment

from domain.ids import escalation_workflow_id, playbook_workflow_id, troubleshooting_workflow_id
from domain.rules import Phrases, RulesEngine
from domain.webhooks.events import webhook_workflow_id
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG
from runtime.temporal.connection import data_converter
from runtime.temporal.dev_server import EmbeddedServer
from tests.playbooks.world import playbooks_world
from tests.replay import (
    check_paths,
    incident_paths,
    incident_turns,
    paths,
    playbook_paths,
    shipped_paths,
    telling_paths,
    ticket_paths,
)
from tests.skipping import skipping_server
from tests.workflows.conftest import World
from tests.workflows.incident_world import IncidentWorld
from tests.workflows.playbook_world import PlaybookWorld
from tests.workflows.webhook_world import webhook_world

HISTORIES = Path(__file__).parent / "histories"
INCIDENTS = {
    **incident_paths.INCIDENT_PATHS,
    **incident_turns.TURNS,
    **check_paths.CHECK_PATHS,
    **telling_paths.TOLD_INCIDENTS,
}
RUNS = {**playbook_paths.PLAYBOOK_PATHS, **telling_paths.TOLD_RUNS}
SENDERS = telling_paths.SENDER_PATHS
PATHS: dict[str, Any] = {
    **paths.PATHS,
    **RUNS,
    **shipped_paths.SHIPPED_PATHS,
    **INCIDENTS,
    **ticket_paths.TICKET_PATHS,
    **telling_paths.TOLD_TICKETS,
    **SENDERS,
}
IN_REAL_TIME = (
    paths.IN_REAL_TIME
    | playbook_paths.PLAYBOOKS_IN_REAL_TIME
    | incident_paths.INCIDENTS_IN_REAL_TIME
    | telling_paths.TOLD_IN_REAL_TIME
)
PACKED = ".gz"
IDENTITY = "surehand"
"""Client and worker would else sign with their process id and this machine's name."""
_AT_ONCE = 3
_PATIENCE_SECONDS = 60
_TRIES = 3
_OPENING = asyncio.Lock()
"""Stores are made one after the other: the tool that migrates them works on one at a time."""


def id_of(name: str) -> str:
    """The workflow id that a path is recorded under: ids of children are made of it."""
    queue = queue_of(name)
    if name in shipped_paths.PLAYBOOK_OF:
        return playbook_workflow_id("default", shipped_paths.PLAYBOOK_OF[name], queue)
    if name in RUNS:
        return playbook_workflow_id("default", "recorded", queue)
    if name in SENDERS:
        return f"{webhook_workflow_id('default', 'portal')}:{queue}"
    if name in INCIDENTS:
        return troubleshooting_workflow_id("default", queue)
    return escalation_workflow_id("default", queue)


def queue_of(name: str) -> str:
    """The task queue of a path, which is also the number of its case."""
    return f"replay-{name}"


async def runs_of(client: Client, handle: WorkflowHandle[Any, Any]) -> AsyncIterator[WorkflowHistory]:
    """The history of each run of a case, from the first on."""
    # A workflow that a signal started has no first run by its handle.
    run_id = handle.first_execution_run_id or handle.result_run_id
    while run_id:
        history = await client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
        yield history
        run_id = history.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id


def scrubbed(value: Any) -> Any:
    """Without stack traces: they name this machine's folders, and replay does not look at them."""
    if isinstance(value, dict):
        return {key: scrubbed(inner) for key, inner in value.items() if key != "stackTrace"}
    if isinstance(value, list):
        return [scrubbed(inner) for inner in value]
    return value


@asynccontextmanager
async def a_server(*, real: bool) -> AsyncIterator[WorkflowEnvironment]:
    """The time-skipping server, or the real one for paths that go wrong there."""
    if real:
        async with EmbeddedServer(ui=False) as server:
            yield WorkflowEnvironment.from_client(
                await Client.connect(server.address, data_converter=data_converter(), identity=IDENTITY)
            )
        return
    async with skipping_server(identity=IDENTITY) as environment:
        yield environment


@asynccontextmanager
async def a_world(name: str, configuration: Configuration, rules: RulesEngine) -> AsyncIterator[Any]:
    """What a path is driven in, with a worker at work."""
    if name in shipped_paths.SHIPPED_PATHS:
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            async with _OPENING:
                opened = playbooks_world(folder, identity=IDENTITY, task_queue=queue_of(name))
                shipped = await stack.enter_async_context(opened)
            yield shipped
        return
    async with AsyncExitStack() as stack:
        environment = await stack.enter_async_context(a_server(real=name in IN_REAL_TIME))
        world: Any
        if name in INCIDENTS:
            world = IncidentWorld(environment, configuration)
        elif name in RUNS:
            world = PlaybookWorld(environment, configuration)
        elif name in SENDERS:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            async with _OPENING:
                world = await stack.enter_async_context(webhook_world(environment, configuration, folder))
        else:
            world = World(environment, configuration, rules)
        world.task_queue = queue_of(name)
        await stack.enter_async_context(world.worker(identity=IDENTITY))
        yield world


async def record(name: str, configuration: Configuration, rules: RulesEngine) -> int:
    """Drive one path and write its recordings; returns their size in bytes."""
    async with a_world(name, configuration, rules) as world:
        handle = await PATHS[name](world)
        assert handle.id == id_of(name), handle.id
        histories = [history async for history in runs_of(world.client, handle)]
    for old in HISTORIES.iterdir():
        if parts_of(old)[0] == name:
            old.unlink()
    return sum(
        write(name, number if len(histories) > 1 else None, history) for number, history in enumerate(histories, 1)
    )


def write(name: str, number: int | None, history: WorkflowHistory) -> int:
    """Write one recording; returns its size in bytes.

    Packed: playbooks carry their definition with them, and there are many.
    """
    content = scrubbed(json.loads(history.to_json()))
    # As real servers write it; the time-skipping one does not.
    content["events"][0]["workflowExecutionStartedEventAttributes"]["workflowId"] = id_of(name)
    text = json.dumps(content, separators=(",", ":"), sort_keys=True) + "\n"
    file = HISTORIES / f"{name}{'' if number is None else f'.{number}'}.json{PACKED}"
    return file.write_bytes(gzip.compress(text.encode(), mtime=0))


def read(file: Path) -> str:
    """The JSON text of a recording, packed or not."""
    content = file.read_bytes()
    return (gzip.decompress(content) if file.suffix == PACKED else content).decode()


def parts_of(file: Path) -> tuple[str, int]:
    """Which path a recording is of, and which of its runs."""
    name, _, number = file.name.removesuffix(PACKED).removesuffix(".json").partition(".")
    return name, int(number or 1)


async def record_patiently(name: str, configuration: Configuration, rules: RulesEngine) -> int:
    """Record, and begin again when the server does not answer."""
    for left in reversed(range(_TRIES)):
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await record(name, configuration, rules)
        except TimeoutError:
            if left == 0:
                raise
    raise AssertionError("the last try returns or raises")


async def main(names: list[str]) -> int:
    """Record the paths, a few at once."""
    unknown = [name for name in names if name not in PATHS]
    if unknown:
        sys.stderr.write(f"There is no path {', '.join(unknown)}: the paths are {', '.join(PATHS)}.\n")
        return 2
    HISTORIES.mkdir(exist_ok=True)
    # Half of the paths are about activities that fail.
    logging.disable(logging.WARNING)
    configuration = Configuration((SHIPPED_CONFIG,))
    rules = RulesEngine(configuration.keywords, Phrases.model_validate(configuration.phrases))
    turns = asyncio.Semaphore(_AT_ONCE)

    async def in_turn(name: str) -> int:
        async with turns:
            size = await record_patiently(name, configuration, rules)
            sys.stderr.write(f"{name}: {size // 1000} KB\n")
            return size

    results = await asyncio.gather(*(in_turn(name) for name in names or PATHS), return_exceptions=True)
    failed = 0
    for name, result in zip(names or PATHS, results, strict=True):
        if isinstance(result, BaseException):
            failed += 1
            sys.stderr.write(f"{name} FAILED: {type(result).__name__}: {result}\n")
    total = sum(result for result in results if isinstance(result, int))
    sys.stderr.write(f"{len(results) - failed} paths recorded, {total // 1000} KB; {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
