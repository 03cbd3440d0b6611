"""Runs one program that the configuration allows: no shell, an empty folder, a bare environment, an end in time."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import ConfigDict, Field, RootModel, StringConstraints, field_validator, model_validator

from domain.model import Value
from integrations.tools.authentication import SecretName
from integrations.tools.provider import NotAllowed

PATH = "/usr/local/bin:/usr/bin:/bin"
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_SHELLS = frozenset(
    {"sh", "bash", "dash", "zsh", "ksh", "fish", "csh", "tcsh", "busybox", "env", "sudo", "su", "xargs", "eval"}
)
_LONGEST_VALUE = 500
_CHUNK = 16_384
_BEAT_SECONDS = 3.0
_LEAVE_SECONDS = 1.0
_FLOOD = 50
"""A program that writes so many times what is kept is ended."""
Word = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^[^\x00-\x1f\x7f]+$")]


class CommandArgument(Value):
    """One thing that a caller may fill in."""

    pattern: str = Field(min_length=1, max_length=300)
    """Regular expression that the whole value fits."""
    description: str = ""
    absolute: bool = False
    """The value may begin with `/`."""

    @field_validator("pattern")
    @classmethod
    def _can_be_read(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error:
            raise ValueError("is no regular expression: correct it") from None
        return pattern


class AllowedCommand(Value):
    """One command that `command.run` may run."""

    program: tuple[Word, ...] = Field(min_length=1)
    """The program by its whole path, and its arguments; `{name}` stands for what the caller gives."""
    arguments: dict[str, CommandArgument] = Field(default_factory=dict)
    """By the names in `program`; all are needed."""
    tenants: tuple[str, ...] = Field(min_length=1)
    """Who may run it; `*` for all."""
    title: str = ""
    env: dict[str, SecretName] = Field(default_factory=dict)
    """Variables of the program, by the name of the secret that each holds."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Variables that are no secret. The program sees these, `env`, a short PATH and LANG, and nothing else."""
    expected: tuple[int, ...] = (0,)
    """Exit codes that are a success."""
    changes: bool = True
    """Whether it may change anything: then nobody knows what a run did that was ended, and a person is asked."""
    timeout_seconds: float = Field(30, gt=0, le=900)
    output_limit_bytes: int = Field(20_000, ge=200, le=200_000)
    """Kept of what it writes, of each of both outputs; the rest is dropped."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.program[0].startswith("/") or _PLACEHOLDER.search(self.program[0]):
            raise ValueError("names a program without its whole path: write it out, such as /usr/bin/kubectl")
        named = {name for word in self.program for name in _PLACEHOLDER.findall(word)}
        if named != set(self.arguments):
            raise ValueError("has other names in `program` than in `arguments`: let both have the same")
        if named and Path(self.program[0]).name in _SHELLS:
            raise ValueError("hands what callers say to a shell: name the program itself")
        return self

    def is_for(self, tenant: str) -> bool:
        """Whether a tenant may run it."""
        return "*" in self.tenants or tenant in self.tenants

    def filled_in(self, given: Mapping[str, str]) -> list[str]:
        """The program with its arguments.

        Raises:
            NotAllowed: an argument is missing, unknown, or not what it may be; its value is not repeated.
        """
        if set(given) != set(self.arguments):
            raise NotAllowed(
                f"This command takes {', '.join(sorted(self.arguments)) or 'no arguments'}: give just these."
            )
        for name, value in given.items():
            self._check(name, value)
        return [self._word(word, given) for word in self.program]

    def _word(self, word: str, given: Mapping[str, str]) -> str:
        filled = _PLACEHOLDER.sub(lambda match: given[match.group(1)], word)
        if _PLACEHOLDER.match(word) and filled[:1] in ("-", "@", "+"):
            # It would be read as an option, or as the name of a file with options.
            raise NotAllowed("An argument of this command begins with a sign that makes it an option: correct it.")
        return filled

    def _check(self, name: str, value: str) -> None:
        allowed = self.arguments[name]
        odd = any(ord(letter) < 32 or ord(letter) == 127 for letter in value)
        if odd or not value or len(value) > _LONGEST_VALUE or not re.fullmatch(allowed.pattern, value):
            raise NotAllowed(f"The argument {name} of this command is not what it may be: see its pattern.")
        climbs = ".." in re.split(r"[/\\=:,]", value)
        if climbs or value.startswith("~") or (value.startswith("/") and not allowed.absolute):
            raise NotAllowed(f"The argument {name} of this command leads to another folder: correct it.")


class AllowedCommands(RootModel[dict[str, AllowedCommand]]):
    """All of them, by name. None unless listed."""

    model_config = ConfigDict(frozen=True)
    root: dict[str, AllowedCommand] = Field(default_factory=dict)

    @field_validator("root")
    @classmethod
    def _names_fit(cls, commands: dict[str, AllowedCommand]) -> dict[str, AllowedCommand]:
        for name in commands:
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,59}", name):
                raise ValueError(f"{name!r} cannot name a command: use letters, digits, dots, dashes and underscores")
        return commands


@dataclass(frozen=True)
class Ended:
    """What came of a run."""

    exit_code: int | None
    """None when it was ended: its time was over or it wrote too much."""
    output: bytes
    errors: bytes
    cut: bool
    """Something that it wrote was dropped."""
    reason: str = ""
    """`time_out` or `flood` when it was ended."""


class _Flood(Exception):
    """A program writes far more than is kept."""


class _Kept:
    """The beginning of what a program writes."""

    def __init__(self, limit: int) -> None:
        self.content = bytearray()
        self.seen = 0
        self._limit = limit

    async def read(self, stream: asyncio.StreamReader) -> None:
        while chunk := await stream.read(_CHUNK):
            self.seen += len(chunk)
            self.content += chunk[: max(self._limit - len(self.content), 0)]
            if self.seen > self._limit * _FLOOD:
                raise _Flood


async def run_command(
    words: Sequence[str],
    *,
    environment: Mapping[str, str],
    seconds: float,
    output_limit: int,
    beat: Callable[[], None] = lambda: None,
) -> Ended:
    """Run a program to its end. Whatever happens, its whole process group and its folder are gone afterwards.

    Args:
        words: program and arguments.
        environment: beside a short PATH and LANG.
        seconds: it is ended after.
        output_limit: bytes kept of each output.
        beat: called every few seconds.

    Raises:
        OSError: the program cannot be started.
    """
    output, errors = _Kept(output_limit), _Kept(output_limit)
    async with _empty_folder() as folder, _started(words, environment, folder) as process:
        assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - opened with pipes
        reading = asyncio.gather(output.read(process.stdout), errors.read(process.stderr))
        waiting = asyncio.ensure_future(_both(reading, process))
        try:
            reason = await _until(waiting, seconds, beat)
        finally:
            waiting.cancel()
            reading.cancel()
            await asyncio.gather(waiting, reading, return_exceptions=True)
        code = process.returncode if not reason else None
    cut = output.seen > len(output.content) or errors.seen > len(errors.content)
    return Ended(code, bytes(output.content), bytes(errors.content), cut, reason)


async def _both(reading: asyncio.Future[tuple[None, None]], process: asyncio.subprocess.Process) -> None:
    await reading
    await process.wait()


async def _until(waiting: asyncio.Future[None], seconds: float, beat: Callable[[], None]) -> str:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not waiting.done():
        left = deadline - loop.time()
        if left <= 0:
            return "time_out"
        await asyncio.wait([waiting], timeout=min(left, _BEAT_SECONDS))
        beat()
    return "flood" if isinstance(waiting.exception(), _Flood) else ""


@asynccontextmanager
async def _started(
    words: Sequence[str], environment: Mapping[str, str], folder: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": PATH, "LANG": "C.UTF-8", "HOME": folder, "TMPDIR": folder, **environment},
        cwd=folder,
        start_new_session=True,
        limit=_CHUNK,
    )
    try:
        yield process
    finally:
        await asyncio.shield(_end(process))


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the whole group: first asked, then at once."""
    if process.returncode is None:
        _signal(process, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_SECONDS):
                await process.wait()
    _signal(process, signal.SIGKILL)
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
        await asyncio.sleep(0)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    # The leader's pid is the group's id, also when the leader has gone and a child has not.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


@asynccontextmanager
async def _empty_folder() -> AsyncIterator[str]:
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="surehand-command-")
    try:
        yield folder
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))
