"""`command.run` runs what is listed, with arguments that fit, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from domain.errors import ConfigurationProblem, OutcomeUnknown, VendorError, VendorRefused, VendorUnavailable
from domain.tools.tool import Safety
from integrations.commands import AllowedCommands
from integrations.tools.builtin.commands import CommandTools, Ran, Run
from integrations.tools.provider import CallContext, NotAllowed
from integrations.tools.python import PythonTools

SHOW = "import json,os,sys; print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd(), os.listdir('.')]))"
NAME = {"pattern": r"[\w./=@~+-]{1,80}"}


def tools(program: list[str], **settings: Any) -> CommandTools:
    command = {"program": program, "tenants": ["acme"], **settings}
    return CommandTools(AllowedCommands.model_validate({"it": command}), {"a_key": SecretStr("geheim-123")})


async def run(program: list[str], given: dict[str, str] | None = None, *, tenant: str = "acme", **settings: Any) -> Ran:
    context = CallContext(key="k", tenant=tenant, attempt=1)
    return await tools(program, **settings).run(Run(command="it", arguments=given or {}), context)


def python(source: str, *more: str) -> list[str]:
    return [sys.executable, "-I", "-c", source, *more]


async def test_a_program_sees_its_arguments_an_empty_folder_and_a_bare_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SUREHAND_SMTP__PASSWORD", "geheim")
    answer = await run(
        python(SHOW, "--name={name}", "{name}"),
        {"name": "api; $(id) `id` && rm *"},
        arguments={"name": {"pattern": r"[^\n]{1,40}"}},
        variables={"MODE": "read"},
    )
    arguments, environment, folder, files = eval(answer.output)
    assert arguments == ["--name=api; $(id) `id` && rm *", "api; $(id) `id` && rm *"]
    assert {"PATH", "LANG", "HOME", "TMPDIR", "MODE"} <= set(environment)
    assert not [name for name in environment if name.startswith("SUREHAND")]
    assert environment["HOME"] == folder
    assert files == []
    assert not os.path.exists(folder)  # noqa: ASYNC240 - one look


@pytest.mark.parametrize(
    "value",
    [
        "-rf",
        "--kubeconfig=/etc/passwd",
        "@/etc/passwd",
        "+x",
        "/etc/passwd",
        "../secrets",
        "a/../../b",
        "a=../b",
        "~root/.ssh",
        "x\n--flag",
        "x\x00y",
        "x y",
        "",
        "a" * 81,
    ],
)
async def test_an_argument_that_is_an_option_a_path_or_not_of_its_pattern_is_refused(value: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        await run(python("print('ran')", "{name}"), {"name": value}, arguments={"name": NAME})
    assert "passwd" not in str(refused.value)


@pytest.mark.parametrize("given", [{}, {"name": "a", "more": "b"}, {"other": "a"}])
async def test_missing_and_unknown_arguments_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(NotAllowed):
        await run(python("print('ran')", "{name}"), given, arguments={"name": NAME})


async def test_a_whole_path_is_taken_where_the_configuration_says_so() -> None:
    answer = await run(
        python(SHOW, "{name}"), {"name": "/var/log/api.log"}, arguments={"name": {**NAME, "absolute": True}}
    )
    assert eval(answer.output)[0] == ["/var/log/api.log"]


async def test_nobody_else_has_the_command_and_nothing_is_allowed_by_default() -> None:
    with pytest.raises(NotAllowed):
        await run(python("print('ran')"), tenant="globex")
    none = CommandTools(AllowedCommands(), {})
    with pytest.raises(NotAllowed):
        await none.run(Run(command="it"), CallContext(key="k", tenant="acme", attempt=1))


@pytest.mark.parametrize(
    "settings",
    [
        {"program": ["kubectl", "get"]},
        {"program": ["/usr/bin/{what}"], "arguments": {"what": NAME}},
        {"program": ["/usr/bin/x", "{name}"]},
        {"program": ["/usr/bin/x"], "arguments": {"name": NAME}},
        {"program": ["/bin/sh", "-c", "echo {name}"], "arguments": {"name": NAME}},
        {"program": ["/usr/bin/env", "{name}"], "arguments": {"name": NAME}},
        {"program": ["/usr/bin/x", "{name}"], "arguments": {"name": {"pattern": "("}}},
        {"program": []},
        {"program": ["/usr/bin/x"], "tenants": []},
        {"program": ["/usr/bin/x"], "shell": True},
    ],
)
def test_a_command_that_cannot_be_safe_is_refused_at_the_start(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AllowedCommands.model_validate({"it": {"tenants": ["acme"], **settings}})


async def test_its_secrets_reach_it_and_never_come_back() -> None:
    source = "import os; print(os.environ['KEY']); print('password=hunter2222'); print('\\x1b[31mred\\x07')"
    answer = await run(python(source), env={"KEY": "a_key"})
    assert "geheim-123" not in answer.output
    assert answer.output.startswith("[hidden]\n")
    assert "hunter2222" not in answer.output
    assert "\x1b" not in answer.output
    with pytest.raises(ConfigurationProblem, match="SUREHAND_SECRETS__OTHER"):
        tools(python("1"), env={"KEY": "other"})


async def test_output_is_kept_up_to_its_limit_and_a_flood_ends_the_program() -> None:
    some = await run(python("print('x' * 5000)"), output_limit_bytes=1_000)
    assert (len(some.output), some.complete) == (1_000, False)
    with pytest.raises(VendorRefused) as flooded:
        await run(
            python("import sys; [sys.stderr.write('x' * 10000) for _ in iter(int, 1)]"),
            output_limit_bytes=1_000,
            changes=False,
        )
    assert flooded.value.code == "flood"


async def test_an_exit_code_that_is_not_expected_is_an_error_with_what_was_said() -> None:
    source = "import sys; print('half'); sys.stderr.write('no such pod'); sys.exit(3)"
    with pytest.raises(VendorRefused) as failed:
        await run(python(source))
    assert (failed.value.code, failed.value.data) == ("exit_3", {"output": "half\n", "errors": "no such pod"})
    assert (await run(python(source), expected=[0, 3])).exit_code == 3


async def test_a_program_that_is_not_there_could_not_be_started() -> None:
    with pytest.raises(VendorUnavailable) as missing:
        await run(["/nowhere/program"])
    assert missing.value.code == "not_started"


def family(pid_file: Path) -> list[str]:
    """A program with a child, both deaf to being asked to leave."""
    child = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    source = (
        "import os,signal,subprocess,sys,time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"child = subprocess.Popen([sys.executable, '-I', '-c', {child!r}]);"
        f"f = open({str(pid_file)!r} + '.new', 'w'); f.write(f'{{os.getpid()}} {{child.pid}}'); f.close();"
        f"os.rename({str(pid_file)!r} + '.new', {str(pid_file)!r}); time.sleep(600)"
    )
    return python(source)


async def gone(pids: list[int]) -> bool:
    for _ in range(200):
        if not any(alive(pid) for pid in pids):
            return True
        await asyncio.sleep(0.02)
    return False


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.parametrize(("changes", "kind"), [(True, OutcomeUnknown), (False, VendorRefused)])
async def test_a_program_that_takes_too_long_is_ended(changes: bool, kind: type[VendorError]) -> None:
    with pytest.raises(kind) as ended:
        await run(python("import time; time.sleep(600)"), timeout_seconds=0.2, changes=changes)
    assert ended.value.code == "time_out"


async def test_a_program_whose_caller_has_gone_is_ended_with_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "pids"
    running = asyncio.create_task(run(family(pid_file), timeout_seconds=600))
    while not pid_file.exists():  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.02)
    pids = [int(pid) for pid in pid_file.read_text().split()]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await gone(pids)
    assert os.getpid() not in pids


async def test_a_child_that_outlives_its_parent_holds_nothing_up(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    source = (
        "import subprocess,sys; c = subprocess.Popen([sys.executable, '-I', '-c', 'import time; time.sleep(600)'],"
        f" stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); open({str(pid_file)!r}, 'w').write(str(c.pid))"
    )
    assert (await run(python(source), timeout_seconds=60)).exit_code == 0
    assert await gone([int(pid_file.read_text())])


async def test_the_tool_asks_before_it_runs() -> None:
    specs = {spec.name: spec for spec in await PythonTools(tools(python("1"))).specs()}
    assert {(name, spec.safety, spec.idempotent) for name, spec in specs.items()} == {
        ("command.run", Safety.CONFIRM, False),
        ("command.look", Safety.SAFE, True),
    }
    assert specs["command.look"].capabilities == ("command.look",)


async def test_only_what_changes_nothing_may_be_run_to_look(tmp_path: Path) -> None:
    written = tmp_path / "written"
    source = f"open({str(written)!r}, 'w').close(); print('done')"
    context = CallContext(key="k", tenant="acme", attempt=1)
    with pytest.raises(NotAllowed, match="changes: false"):
        await tools(python(source)).look(Run(command="it"), context)
    assert not written.exists()
    assert (await tools(python("print(93)"), changes=False).look(Run(command="it"), context)).output == "93\n"
    with pytest.raises(NotAllowed, match="no such command"):
        await tools(python("1"), changes=False).look(Run(command="other"), context)
