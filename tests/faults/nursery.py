"""Worker processes that need not load the program anew: one process has it loaded, and forks whenever one is wanted.

Each worker is a process of its own, in a session of its own, that runs `workers.__main__.main` and dies for itself.
Loading costs two seconds of a core, and the tests here start some hundred workers.

`python -m tests.faults.nursery` reads a line of JSON per order, `{"start": {"variables": ..., "log": ...}}` or
`{"kill": PID}`, and answers each with a line. When its standard input ends, all that it started ends.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Nursery:
    """The forking process, as tests see it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def open(self) -> None:
        """Begin to load the program; orders wait for it."""
        command = [sys.executable, "-m", __name__]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def start(self, variables: dict[str, str], log: Path) -> int:
        """Start a worker with no other variables than these; returns its process id."""
        return self._order(start={"variables": variables, "log": str(log)})

    def kill(self, pid: int) -> None:
        """Kill a worker as the kernel would; harmless when it has ended by itself."""
        self._order(kill=pid)

    def close(self) -> None:
        """End it and all workers."""
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


def _serve() -> None:
    from workers.__main__ import main

    gc.freeze()
    workers: set[int] = set()
    try:
        for line in sys.stdin:
            order = json.loads(line)
            if "start" in order:
                answer = os.fork()
                if answer == 0:
                    _become(main, **order["start"])
                workers.add(answer)
            else:
                answer = _end(workers, order["kill"])
            sys.stdout.write(f"{answer}\n")
            sys.stdout.flush()
    finally:
        for pid in list(workers):
            _end(workers, pid)


def _end(workers: set[int], pid: int) -> int:
    # Nobody else waits for it, so the number is its own until then, also when it has ended already.
    if pid in workers:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        workers.remove(pid)
    return pid


def _become(main: Any, *, variables: dict[str, str], log: str) -> None:
    """Be a worker from here on, and never come back."""
    code = 1
    try:
        os.setsid()
        nothing, words = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for source, target in ((nothing, 0), (words, 1), (words, 2)):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(variables)
        code = main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
