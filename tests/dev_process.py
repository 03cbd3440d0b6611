"""`surehand dev` as a person runs it: a process of its own, in a folder of its own, stopped by its own handle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runtime.temporal.dev_server import free_port
from starters.dev import state
from tests.nursery import Nursery

ROOT = Path(__file__).resolve().parents[1]
TERMINAL = Nursery("starters.cli:main", "starters.cli.app", "starters.cli.session", "starters.case_list")


class Dev:
    """One `surehand dev` and the commands of other terminals beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.environment = {name: text for name, text in os.environ.items() if not name.startswith("SUREHAND_")}
        self.environment["SUREHAND_DATA_DIR"] = str(folder)
        # Two that start at once would both find the usual port free.
        self.environment["SUREHAND_SERVICE__PORT"] = str(free_port())
        self._choose_free_ports()
        self._process: subprocess.Popen[str] | None = None
        self.ready_after_seconds = 0.0

    def _choose_free_ports(self) -> None:
        """Leave what an earlier `surehand dev` would have left: its ports are taken again instead of the usual ones."""
        before = state.DevState(
            pid=0,
            started_at=datetime.now(UTC),
            temporal_address=f"127.0.0.1:{free_port()}",
            ui_url=f"http://127.0.0.1:{free_port()}",
            outbox_url=None,
            variables={},
        )
        state.write(self.folder, before)

    def start(self) -> Dev:
        """Start it and wait until it says that it is ready."""
        began = time.monotonic()
        with (self.folder / "dev.out").open("w") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "starters.cli", "dev"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, text=True,
                cwd=ROOT, env=self.environment, start_new_session=True,
            )  # fmt: skip
        while state.running(self.folder) is None or "Ctrl-C stops" not in self.said():
            if self._process.poll() is not None or time.monotonic() - began > 120:
                raise AssertionError(f"dev did not come up: {self.said()}")
            time.sleep(0.05)
        self.ready_after_seconds = time.monotonic() - began
        return self

    def said(self) -> str:
        """What it printed so far."""
        return (self.folder / "dev.out").read_text()

    @property
    def state(self) -> state.DevState:
        """Where everything is."""
        found = state.last(self.folder)
        assert found is not None
        return found

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, as Ctrl-C, a service manager or the kernel would."""
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self, within_seconds: float = 40) -> int:
        """Wait for its end; returns its exit code."""
        assert self._process is not None
        return self._process.wait(within_seconds)

    def stop(self) -> None:
        """Stop it, however it stands."""
        if self._process is not None and self._process.poll() is None:
            self.send(signal.SIGTERM)
            try:
                self.ended()
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def children(self) -> list[int]:
        """Processes that belong to this folder: their command line or their environment names it."""
        mine = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                known = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                is_dead = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
            except OSError:
                continue
            if str(self.folder).encode() in known and not is_dead:
                mine.append(int(entry.name))
        return mine

    def _variables(self) -> dict[str, str]:
        """Where it does not run, commands ask at its address: at the usual one a server of another test may answer."""
        if state.running(self.folder) is not None or (before := state.last(self.folder)) is None:
            return self.environment
        return {"SUREHAND_TEMPORAL__ADDRESS": before.temporal_address, **self.environment}

    def surehand(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """A command of another terminal."""
        began, folder = time.monotonic(), Path(tempfile.mkdtemp(dir=self.folder, prefix="command-"))
        given, out, err = (folder / name for name in ("in", "out", "err"))
        given.write_text(text or "")
        pid = TERMINAL.start(*arguments, variables=self._variables(), out=out, err=err, given=given)
        code = TERMINAL.wait(pid, 180 - (time.monotonic() - began))
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())

    def json(self, *arguments: str, text: str | None = None) -> Any:
        """The JSON that a command prints; it must succeed and print nothing else."""
        done = self.surehand(*arguments, "--json", text=text)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def until(self, case: str, wanted: Any, within_seconds: float = 120) -> dict[str, Any]:
        """The case's state once it is as wanted."""
        deadline, pause = time.monotonic() + within_seconds, 0.3
        while True:
            shown: dict[str, Any] = self.json("case", "show", case)
            if wanted(shown):
                return shown
            assert time.monotonic() < deadline, f"{case} is {shown['status']} in {shown['phase']}"
            # Each look is a process of its own.
            time.sleep(pause)
            pause = min(1.4 * pause, 1.5)
