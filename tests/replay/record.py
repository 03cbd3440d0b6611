"""`python -m tests.replay.record [NAME ...]`: records the paths of `tests/replay/paths.py`, all of them or the named.

Only what has not been released may be recorded anew; see docs/releasing.md.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHistory
from temporalio.testing import WorkflowEnvironment

from domain.rules import Phrases, RulesEngine
from runtime.configuration import Configuration
from runtime.dev_server import EmbeddedServer
from runtime.search_attributes import register
from runtime.settings import SHIPPED_CONFIG
from runtime.temporal import data_converter
from tests.replay.paths import IN_REAL_TIME, PATHS
from tests.workflows.conftest import Handle, World, test_server_binary

HISTORIES = Path(__file__).parent / "histories"
IDENTITY = "surehand"
"""Client and worker would else sign with their process id and this machine's name."""
_AT_ONCE = 3
_PATIENCE_SECONDS = 25
_TRIES = 3


async def runs_of(client: Client, handle: Handle) -> AsyncIterator[WorkflowHistory]:
    """The history of each run of a case, from the first on."""
    run_id = handle.first_execution_run_id
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
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=test_server_binary(), data_converter=data_converter(), identity=IDENTITY
    ) as environment:
        await register(environment.client)
        yield environment


async def record(name: str, configuration: Configuration, rules: RulesEngine) -> int:
    """Drive one path and write its recordings; returns their size in bytes."""
    async with a_server(real=name in IN_REAL_TIME) as environment:
        world = World(environment, configuration, rules)
        world.task_queue = f"replay-{name}"
        async with world.worker(identity=IDENTITY):
            handle = await PATHS[name](world)
            histories = [history async for history in runs_of(world.client, handle)]
    for old in (HISTORIES / f"{name}.json", *HISTORIES.glob(f"{name}.[0-9]*.json")):
        old.unlink(missing_ok=True)
    size = 0
    for number, history in enumerate(histories, start=1):
        file = HISTORIES / (f"{name}.{number}.json" if len(histories) > 1 else f"{name}.json")
        text = json.dumps(scrubbed(json.loads(history.to_json())), separators=(",", ":"), sort_keys=True)
        size += file.write_text(text + "\n", "utf-8")
    return size


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
