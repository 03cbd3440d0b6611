"""Cases that were recorded go on with the present code: same commands, readable values, the same sandbox."""

from __future__ import annotations

import base64
import json
import re
import socket
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError, SandboxImportNotificationPolicy

from domain.case import Channels
from runtime.temporal import data_converter
from tests.replay.changed_workflow import ChangedWorkflow
from tests.replay.paths import PATHS
from tests.replay.record import HISTORIES
from workers.registered import activity_methods
from workers.worker import WORKFLOWS, workflow_runner

_NOT_PASSED = re.compile(r"Module (\S+) was not intentionally passed through")
RECORDINGS = sorted(HISTORIES.glob("*.json"))


def history_of(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(f"replay-{file.stem}", file.read_text("utf-8"))


def replayer(workflows: Any = WORKFLOWS, runner: SandboxedWorkflowRunner | None = None) -> Replayer:
    return Replayer(workflows=workflows, data_converter=data_converter(), workflow_runner=runner or workflow_runner())


@pytest.mark.parametrize("file", RECORDINGS, ids=lambda file: file.stem)
async def test_recorded_case_takes_the_same_way_again(file: Path) -> None:
    await replayer().replay_workflow(history_of(file))


def test_every_path_is_recorded_run_by_run() -> None:
    runs: dict[str, list[int]] = defaultdict(list)
    for file in RECORDINGS:
        name, _, number = file.stem.partition(".")
        runs[name].append(int(number or 1))
    assert sorted(runs) == sorted(PATHS)
    for name, numbers in runs.items():
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), name
        for number in range(1, len(numbers)):
            last = history_of(HISTORIES / f"{name}.{number}.json").events[-1]
            assert last.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW
    assert len(runs["continued_as_new"]) > 1
    assert len(runs["continued_as_new_while_asking"]) > 1


@pytest.mark.parametrize("name", ["answered_then_silence", "escalated_immediately"])
async def test_incompatible_change_is_noticed(name: str) -> None:
    with pytest.raises(NondeterminismError):
        await replayer([ChangedWorkflow]).replay_workflow(history_of(HISTORIES / f"{name}.json"))


async def test_recorded_arguments_can_still_be_read_by_the_activities() -> None:
    takes = {definition.name: definition.arg_types or [] for definition in _definitions()}
    checked = set()
    for file in RECORDINGS:
        for event in history_of(file).events:
            if event.event_type != EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                continue
            scheduled = event.activity_task_scheduled_event_attributes
            name = scheduled.activity_type.name
            assert name in takes, f"{name} was renamed or removed while recorded cases may still ask for it"
            await data_converter().decode(scheduled.input.payloads, takes[name])
            checked.add(name)
    assert len(checked) >= 15


async def test_sandbox_imports_nothing_per_run_but_workflow_modules() -> None:
    runner = workflow_runner(strict=True)
    policy = SandboxImportNotificationPolicy.WARN_ON_UNINTENTIONAL_PASSTHROUGH
    watching = replace(runner, restrictions=runner.restrictions.with_import_notification_policy(policy))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await replayer(runner=watching).replay_workflow(history_of(HISTORIES / "escalated_immediately.json"))
    named = {found[1] for warning in caught if (found := _NOT_PASSED.match(str(warning.message)))}
    assert "workflows.case" in named
    assert {name for name in named if name.partition(".")[0] != "workflows"} == set()


def test_recordings_name_no_machine_and_nobodys_folder() -> None:
    places = [str(Path(__file__).resolve().parents[2]), str(Path.home()), "site-packages", "/tmp/", "stackTrace"]
    host = socket.gethostname()
    for file in RECORDINGS:
        text = file.read_text("utf-8")
        assert set(re.findall(r'"identity":"([^"]*)"', text)) <= {"surehand", ""}, file.name
        for part in (text, *_payloads(json.loads(text))):
            assert not [place for place in places if place in part], file.name
            assert f"@{host}" not in part, file.name


def test_recordings_stay_small() -> None:
    assert sum(file.stat().st_size for file in RECORDINGS) < 4_000_000


def _definitions() -> Iterator[Any]:
    nothing: Any = None
    methods = activity_methods(
        store=nothing,
        knowledge=nothing,
        policies=nothing,
        directory=nothing,
        model=nothing,
        rules=nothing,
        renderer=nothing,
        mailer=None,
        chat=None,
        tickets=None,
        records=None,
        billing=None,
        channels=Channels(),
    )
    for method in methods:
        definition = activity._Definition.must_from_callable(method)
        yield definition


def _payloads(value: Any) -> Iterator[str]:
    """The contents of every payload, which JSON holds as base64."""
    if isinstance(value, dict):
        if set(value) >= {"metadata", "data"}:
            yield base64.b64decode(value["data"]).decode("utf-8", "replace")
        for inner in value.values():
            yield from _payloads(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _payloads(inner)
