"""Replays histories with the installed workflow code, exactly as a worker would run it."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from domain.errors import InvalidInput
from domain.model import Value
from runtime.settings.environment import Settings
from runtime.telemetry.logs import keep_output_clean
from runtime.temporal.connection import connect, data_converter
from starters.answers import PATIENCE, answered_within
from starters.finding import find_settings
from workers.trusting import TakesSignedWords
from workers.worker import WORKFLOWS, workflow_runner

_BUILD = "replay"
"""Named, since the SDK would otherwise read all modules of the process to make up a name."""
_SUFFIXES = (".json", ".json.gz")


class Replayed(Value):
    """How one history went."""

    name: str
    """The workflow id, or the file."""
    ok: bool
    events: int
    problem: str = ""
    """One sentence, when it failed."""


async def replay_files(paths: Sequence[Path]) -> AsyncIterator[Replayed]:
    """Replay histories that `temporal workflow show --output json` or the web UI wrote, packed with gzip or not.

    Raises:
        InvalidInput: a path cannot be read, or a folder has no history.
    """
    settings = find_settings()
    keep_output_clean(settings)
    replayer = _replayer(settings)
    for path in _files(paths):
        try:
            history = _read(path)
        except InvalidInput as fault:
            yield Replayed(name=str(path), ok=False, events=0, problem=str(fault))
            continue
        yield await _replay(replayer, history, str(path))


async def replay_server(query: str, limit: int) -> AsyncIterator[Replayed]:
    """Replay cases of the server that the settings name.

    Args:
        query: a visibility query; it is narrowed to Surehand's own workflows.
        limit: the most cases.

    Raises:
        NotReachable: the server does not answer.
    """
    settings = find_settings()
    keep_output_clean(settings)
    client = await connect(settings)
    replayer = _replayer(settings)
    async with answered_within(PATIENCE):
        executions = [found async for found in client.list_workflows(_narrowed(query), limit=limit)]
    for execution in executions:
        async with answered_within(PATIENCE):
            history = await client.get_workflow_handle(execution.id, run_id=execution.run_id).fetch_history()
        yield await _replay(replayer, history, execution.id)


def _narrowed(query: str) -> str:
    names = ", ".join(f"'{each.__name__}'" for each in WORKFLOWS)
    ours = f"WorkflowType IN ({names})"
    return f"({query}) AND {ours}" if query.strip() else ours


def _replayer(settings: Settings) -> Replayer:
    return Replayer(
        workflows=WORKFLOWS,
        workflow_runner=workflow_runner(),
        data_converter=data_converter(settings.codec),
        # No key is asked on replay: what was refused stands in the history.
        interceptors=[TakesSignedWords(None)],
        build_id=_BUILD,
    )


async def _replay(replayer: Replayer, history: WorkflowHistory, name: str) -> Replayed:
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    failure = result.replay_failure
    return Replayed(
        name=name, ok=failure is None, events=len(history.events), problem=_sentence(failure) if failure else ""
    )


def _sentence(failure: BaseException) -> str:
    text = " ".join(str(failure).split())[:400]
    if isinstance(failure, NondeterminismError):
        return f"The installed code would take another way than this history: {text}"
    return f"The installed code cannot run this history ({type(failure).__name__}): {text}"


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            inside = sorted(file for suffix in _SUFFIXES for file in path.rglob(f"*{suffix}"))
            if not inside:
                raise InvalidInput(f"The folder {path} has no .json file: correct the path.")
            yield from inside
        elif path.is_file():
            yield path
        else:
            raise InvalidInput(f"There is no file {path}: correct the path.")


def _read(path: Path) -> WorkflowHistory:
    try:
        content = path.read_bytes()
        history = WorkflowHistory.from_json(
            path.stem, (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
        )
        # Ids of children are made of the workflow's own, which servers since 1.24 write down.
        started = history.events[0].workflow_execution_started_event_attributes
        return replace(history, workflow_id=started.workflow_id or path.stem)
    except Exception:  # the parser of histories raises whatever it stumbles over
        raise InvalidInput(
            "It holds no workflow history: write one with `temporal workflow show --output json`."
        ) from None
