"""Processes that need not load the program anew: one process has it loaded, and forks whenever one is wanted.

Each is a process of its own, in a session of its own, that runs the program's `main` and dies for itself. Loading costs
two seconds of a core, and the tests start some hundred workers and commands.

`python -m tests.nursery MODULE:FUNCTION MODULE ...` loads all of them, and reads a line of JSON per order: `{"start":
{...}}`, `{"kill": PID}` or `{"wait": PID, "seconds": N}`. It answers each with a number on a line: a process id, or
the exit code. When its standard input ends, all that it started ends.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TOO_LATE = -999


class Nursery:
    """The forking process, as tests see it."""

    def __init__(self, main: str, *loaded: str) -> None:
        """`main` is what its processes run, `module:function`; `loaded` are modules that `main` would load by then."""
        self._command = [sys.executable, "-m", __name__, main, *loaded]
        self._process: subprocess.Popen[str] | None = None

    def open(self) -> None:
        """Begin to load the program; orders wait for it."""
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        atexit.register(self.close)

    def start(self, *arguments: str, variables: dict[str, str], out: Path, err: Path, given: Path | None = None) -> int:
        """Start a process with no other variables than these; it appends to its files. Returns its process id."""
        files = {"out": str(out), "err": str(err), "given": str(given or os.devnull)}
        return self._order(start={"arguments": arguments, "variables": variables, **files})

    def kill(self, pid: int) -> None:
        """Kill a process as the kernel would; harmless when it has ended by itself."""
        self._order(kill=pid)

    def wait(self, pid: int, seconds: float) -> int:
        """Wait for a process to end; returns its exit code.

        Raises:
            subprocess.TimeoutExpired: it did not, and was killed.
        """
        code = self._order(wait=pid, seconds=seconds)
        if code == TOO_LATE:
            raise subprocess.TimeoutExpired(self._command, seconds)
        return code

    def close(self) -> None:
        """End it and all that it started."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _order(self, **order: Any) -> int:
        if self._process is None:
            self.open()
        assert self._process is not None
        wire_in, wire_out = self._process.stdin, self._process.stdout
        assert wire_in is not None
        assert wire_out is not None
        wire_in.write(json.dumps(order) + "\n")
        wire_in.flush()
        return int(wire_out.readline())


class _Children:
    """What was started here. Nobody else waits for them, so a number is its process's own until it is waited for."""

    def __init__(self, main: Callable[[], int | None]) -> None:
        self._main = main
        self._pids: set[int] = set()

    def start(self, order: dict[str, Any]) -> int:
        pid = os.fork()
        if pid == 0:
            _become(self._main, **order)
        self._pids.add(pid)
        return pid

    def kill(self, pid: int) -> int:
        if pid in self._pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self._pids.remove(pid)
        return pid

    def wait(self, pid: int, seconds: float) -> int:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._pids.remove(pid)
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        self.kill(pid)
        return TOO_LATE

    def end(self) -> None:
        for pid in list(self._pids):
            self.kill(pid)


def _serve(main: str, *loaded: str) -> None:
    module, function = main.split(":")
    children = _Children(getattr(importlib.import_module(module), function))
    for name in loaded:
        importlib.import_module(name)
    gc.freeze()
    try:
        for line in sys.stdin:
            order = json.loads(line)
            if "start" in order:
                answer = children.start(order["start"])
            elif "kill" in order:
                answer = children.kill(order["kill"])
            else:
                answer = children.wait(order["wait"], order["seconds"])
            sys.stdout.write(f"{answer}\n")
            sys.stdout.flush()
    finally:
        children.end()


def _become(
    main: Callable[[], int | None], *, arguments: list[str], variables: dict[str, str], out: str, err: str, given: str
) -> None:
    """Be the program from here on, and never come back."""
    code = 1
    try:
        os.setsid()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        for number, file in enumerate((os.open(given, os.O_RDONLY), os.open(out, flags), os.open(err, flags))):
            os.dup2(file, number)
        os.closerange(3, 64)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - the one before holds lines of orders
        os.environ.clear()
        os.environ.update(variables)
        sys.argv[1:] = arguments
        code = main() or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
