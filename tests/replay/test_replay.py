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
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError, SandboxImportNotificationPolicy

from activities.webhooks import WebhookActivities
from domain.cases.terms import Channels
from domain.tools.tool import ToolCall
from runtime.telemetry.tracing import temporal_interceptor
from runtime.temporal.connection import data_converter
from tests.faults.installation import DESCRIBED
from tests.replay.changed_workflow import ChangedPlaybookWorkflow, ChangedWorkflow
from tests.replay.paths import OF_EARLIER_CODE
from tests.replay.record import HISTORIES, PATHS, id_of, parts_of, read
from workers.correlating import Correlates
from workers.registered import activity_methods
from workers.worker import WORKFLOWS, workflow_runner

_NOT_PASSED = re.compile(r"Module (\S+) was not intentionally passed through")
WATCHING = (temporal_interceptor(TracerProvider(shutdown_on_exit=False)), Correlates())
"""As workers have them: what looks on changes no way."""
_MOVED_BY_PLAYBOOK = "money-by-playbook"
RECORDINGS = sorted(HISTORIES.iterdir())
_STARTED = re.compile(r'"workflowType":\{"name":"(\w+)"')
_BY_LENGTH = sorted(
    ((len(text), _STARTED.findall(text)[0], file) for file in RECORDINGS if (text := read(file))), reverse=True
)
LONGEST = [file for kind in WORKFLOWS for _, _, file in [one for one in _BY_LENGTH if one[1] == kind.__name__][:5]]
"""Of each kind of workflow."""
RUNS: dict[str, dict[int, Path]] = defaultdict(dict)
for _file in RECORDINGS:
    RUNS[parts_of(_file)[0]][parts_of(_file)[1]] = _file


@cache
def history_of(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(id_of(parts_of(file)[0]), read(file))


def recorded(name: str, run: int = 1) -> WorkflowHistory:
    return history_of(RUNS[name][run])


def replayer(workflows: Any = WORKFLOWS, runner: SandboxedWorkflowRunner | None = None) -> Replayer:
    """One that takes its time: on a busy machine two seconds are over before a run has imported its modules."""
    return Replayer(
        workflows=workflows,
        data_converter=data_converter(),
        workflow_runner=runner or workflow_runner(),
        interceptors=WATCHING,
        debug_mode=True,
        build_id="replay",
    )


@pytest.mark.parametrize("file", RECORDINGS, ids=lambda file: file.stem)
async def test_recorded_case_takes_the_same_way_again(file: Path) -> None:
    await replayer().replay_workflow(history_of(file))


@pytest.mark.parametrize("file", LONGEST, ids=lambda file: file.stem)
async def test_nothing_on_a_long_way_asks_the_clock_or_throws_dice(file: Path) -> None:
    # Modules imported anew for the run, so that the sandbox sees what they reach for; that costs half a second each.
    await replayer(runner=workflow_runner(strict=True)).replay_workflow(history_of(file))


def test_every_path_is_recorded_run_by_run() -> None:
    assert sorted(RUNS) == sorted((*PATHS, *OF_EARLIER_CODE))
    for name, runs in RUNS.items():
        assert sorted(runs) == list(range(1, len(runs) + 1)), name
        for number in range(1, len(runs)):
            last = recorded(name, number).events[-1]
            assert last.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW
    assert all(len(RUNS[name]) > 1 for name in PATHS if "continued" in name)


@pytest.mark.parametrize("name", ["answered_then_silence", "escalated_immediately"])
async def test_incompatible_change_is_noticed(name: str) -> None:
    with pytest.raises(NondeterminismError):
        await replayer([ChangedWorkflow]).replay_workflow(recorded(name))


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("playbook_of_all_tasks", 1),
        ("playbook_undone_after_a_failure", 1),
        ("playbook_continued_in_a_loop", 2),
        ("playbook_continued_in_a_fork", 1),
    ],
)
async def test_incompatible_change_of_the_interpreter_is_noticed(name: str, run: int) -> None:
    with pytest.raises(NondeterminismError):
        await replayer([ChangedPlaybookWorkflow]).replay_workflow(recorded(name, run))


def test_money_was_moved_by_the_case_in_old_recordings_and_by_playbooks_in_new_ones() -> None:
    for name in OF_EARLIER_CODE:
        assert _MOVED_BY_PLAYBOOK not in _markers(recorded(name))
        assert _MOVED_BY_PLAYBOOK in _markers(recorded(f"{name}_by_playbook"))


async def test_recorded_arguments_can_still_be_read_by_the_activities() -> None:
    takes = {definition.name: definition.arg_types or [] for definition in _definitions()}
    checked = set()
    for file in RECORDINGS:
        for event in history_of(file).events:
            if event.event_type != EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                continue
            scheduled = event.activity_task_scheduled_event_attributes
            name = scheduled.activity_type.name
            if "." in name:  # a tool, whose calls all have one form
                takes[name] = [ToolCall]
            assert name in takes, f"{name} was renamed or removed while recorded cases may still ask for it"
            await data_converter().decode(scheduled.input.payloads, takes[name])
            checked.add(name)
    assert len(checked) >= 25


async def test_sandbox_imports_nothing_per_run_but_workflow_modules() -> None:
    runner = workflow_runner(strict=True)
    policy = SandboxImportNotificationPolicy.WARN_ON_UNINTENTIONAL_PASSTHROUGH
    watching = replace(runner, restrictions=runner.restrictions.with_import_notification_policy(policy))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await replayer(runner=watching).replay_workflow(recorded("escalated_immediately"))
    named = {found[1] for warning in caught if (found := _NOT_PASSED.match(str(warning.message)))}
    assert "workflows.cases.case" in named
    assert {name for name in named if name.partition(".")[0] != "workflows"} == set()


def test_recordings_name_no_machine_and_nobodys_folder() -> None:
    places = [str(Path(__file__).resolve().parents[2]), str(Path.home()), "site-packages", "/tmp/", "stackTrace"]
    places += ["xoxb-sandbox", "sk_test_sandbox", "rk_test_sandbox", *(f"{name}-sandbox" for name in DESCRIBED)]
    host = socket.gethostname()
    for file in RECORDINGS:
        text = read(file)
        assert set(re.findall(r'"identity":"([^"]*)"', text)) <= {"surehand", ""}, file.name
        for part in (text, *_payloads(json.loads(text))):
            assert not [place for place in places if place in part], file.name
            assert f"@{host}" not in part, file.name


def test_recordings_stay_small() -> None:
    assert sum(file.stat().st_size for file in RECORDINGS) < 4_000_000


def _markers(history: WorkflowHistory) -> str:
    return " ".join(
        str(event.marker_recorded_event_attributes)
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED
    )


def _definitions() -> Iterator[Any]:
    nothing: Any = None
    something: Any = object()
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
        toolbox=something,
        allowances=something,
        publisher=something,
        library=something,
        guardrails=something,
        webhooks=WebhookActivities(nothing, nothing, nothing, nothing, Channels()),
    )
    for method in methods:
        definition = activity._Definition.must_from_callable(method)
        if definition.name is not None:
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
