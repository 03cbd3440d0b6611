"""Worker processes that a test starts, kills and stops."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.nursery import ROOT, Nursery

NURSERY = Nursery("workers.__main__:main")


class WorkerProcess:
    """A worker process, started, killed and stopped by its own number."""

    def __init__(self, variables: dict[str, str], log: Path) -> None:
        self._variables = variables
        self._log = log
        self._pid: int | None = None

    def start(self) -> None:
        self._pid = NURSERY.start(variables=self._environment(), out=self._log, err=self._log)

    def kill(self) -> None:
        """As the kernel would: no good-bye."""
        if self._pid is not None:
            NURSERY.kill(self._pid)
            self._pid = None

    def _environment(self) -> dict[str, str]:
        plain = {name: text for name, text in os.environ.items() if not name.startswith("SUREHAND_")}
        return {**plain, **self._variables}

    @property
    def pid(self) -> int | None:
        """Of the process; None while none runs."""
        return self._pid

    async def restart(self) -> None:
        self.kill()
        self.start()

    @property
    def words(self) -> str:
        return self._log.read_text("utf-8", "replace")


class FreshWorker(WorkerProcess):
    """`python -m workers`, which loads the program first."""

    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workers"],
                env=self._environment(), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
