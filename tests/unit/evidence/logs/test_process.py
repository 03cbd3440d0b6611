"""The analysis runs in a process of its own, which ends when nobody waits for it any longer."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from domain.errors import InvalidInput, VendorUnavailable
from domain.tools.tool import Safety, ToolCall, ToolCategory
from domain.troubleshooting.evidence import Findings, Sign
from integrations.evidence.logs import apart
from integrations.evidence.logs.analysing import LogFile, LogQuestion
from integrations.evidence.logs.apart import LogProcesses
from integrations.tools.builtin.logs import LogTools
from integrations.tools.provider import CallContext
from integrations.tools.python import PythonTools
from tests.unit.evidence.logs.made import at, repeated, text_of, work

REFERENCE = "sha256:" + "a" * 64


class OneFile:
    """A store with one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def put(self, tenant, name, content):
        raise NotImplementedError

    async def path(self, tenant: str, reference: str) -> Path:
        if (tenant, reference) != ("acme", REFERENCE):
            raise InvalidInput("There is no such evidence.")
        return self._path


@pytest.fixture
def log(tmp_path) -> Path:
    path = tmp_path / ("a" * 64)
    path.write_text(text_of(work() + repeated("calling payments timed out after 3000ms", 40, 60)))
    return path


async def run(path: Path, /, **arguments):
    tools = PythonTools(LogTools(OneFile(path)))
    (spec,) = await tools.specs()
    beats: list[int] = []
    call = ToolCall(
        tool=spec.name,
        arguments={"evidence": [{"reference": REFERENCE, "name": "all.log"}], **arguments},
        key="k",
        tenant="acme",
    )
    answer = await tools.call(spec, call, CallContext(key="k", tenant="acme", attempt=1, beat=lambda: beats.append(1)))
    return spec, Findings.model_validate(answer.output), beats


async def test_the_tool_finds_by_reference_and_beats_meanwhile(log) -> None:
    spec, findings, beats = await run(log, services=["payments"], around=at(50).isoformat())
    assert (spec.safety, spec.category, spec.capabilities) == (Safety.SAFE, ToolCategory.ANALYSIS, ("logs.analyse",))
    assert (findings.findings[0].sign, findings.findings[0].about) == (Sign.TIMEOUT, "payments")
    assert beats


async def test_evidence_in_a_folder_below_this_one_is_read_whatever_folder_this_is(log, monkeypatch) -> None:
    monkeypatch.chdir(log.parent)
    _, findings, _ = await run(Path(log.name), services=["payments"], around=at(50).isoformat())
    assert findings.findings[0].about == "payments"


async def test_another_tenants_file_is_no_file(log) -> None:
    tools = PythonTools(LogTools(OneFile(log)))
    (spec,) = await tools.specs()
    arguments = {"evidence": [{"reference": REFERENCE, "name": "all.log"}]}
    call = ToolCall(tool=spec.name, arguments=arguments, key="k", tenant="other")
    with pytest.raises(InvalidInput, match="no such evidence"):
        await tools.call(spec, call, CallContext(key="k", tenant="other", attempt=1))


@pytest.mark.parametrize(
    "arguments", [{"evidence": []}, {"path": "/etc/passwd"}, {"evidence": [{"reference": "../x", "name": "x"}]}]
)
async def test_arguments_that_name_no_evidence_are_refused(arguments, log) -> None:
    with pytest.raises(InvalidInput):
        await run(log, **arguments)


async def ended(pid: int) -> None:
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        await asyncio.sleep(0.01)


def endless(tmp_path: Path) -> LogQuestion:
    """A file that is never read to its end: a pipe that somebody holds open."""
    os.mkfifo(tmp_path / "pipe")
    return LogQuestion(files=(LogFile(path=tmp_path / "pipe", name="pipe"),))


async def test_a_cancelled_call_leaves_no_process_behind(tmp_path) -> None:
    pids: asyncio.Queue[int] = asyncio.Queue()
    call = asyncio.create_task(LogProcesses().analyse(endless(tmp_path), beat=lambda: None, started=pids.put_nowait))
    pid = await pids.get()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_process_that_is_killed_is_an_error_that_trying_again_may_help(tmp_path) -> None:
    with pytest.raises(VendorUnavailable, match="try again"):
        await LogProcesses().analyse(
            endless(tmp_path), beat=lambda: None, started=lambda pid: os.kill(pid, signal.SIGKILL)
        )


async def test_the_process_ends_when_the_one_who_asked_is_gone(tmp_path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "integrations.evidence.logs", stdin=PIPE, stdout=PIPE, cwd=Path(apart.__file__).parents[3]
    )
    assert process.stdin is not None
    process.stdin.write(endless(tmp_path).model_dump_json().encode() + b"\n")
    await process.stdin.drain()
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 60) == 3


async def test_the_process_sees_no_variable_of_the_worker(monkeypatch, log) -> None:
    monkeypatch.setenv("SUREHAND_SECRET", "hunter2")
    seen: dict[str, str] = {}
    start = asyncio.create_subprocess_exec

    async def watched(*words, **options):
        seen.update(options["env"])
        return await start(*words, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    await LogProcesses().analyse(LogQuestion(files=(LogFile(path=log, name="all.log"),)), beat=lambda: None)
    assert set(seen) == {"PYTHONPATH", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE"}
