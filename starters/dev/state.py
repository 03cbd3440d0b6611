"""What a running `surehand dev` leaves in its data folder, so that other terminals find it without any setting."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from domain.errors import Refused
from domain.model import Value

_STATE = "dev.json"
_LOCK = "dev.lock"
_READERS_ARE_GONE_WITHIN_SECONDS = 1.0


class DevState(Value):
    """One `surehand dev`, as it is or as it was."""

    pid: int
    started_at: datetime
    temporal_address: str
    ui_url: str | None
    outbox_url: str | None
    service_url: str | None = None
    variables: dict[str, str]
    """Settings that hold for its worker and for every command that finds it, where the user set nothing else."""

    @property
    def temporal_port(self) -> int:
        """Port of the Temporal frontend."""
        return int(self.temporal_address.rpartition(":")[2])

    @property
    def ui_port(self) -> int | None:
        """Port of the web UI."""
        return int(self.ui_url.rpartition(":")[2]) if self.ui_url else None

    @property
    def service_port(self) -> int | None:
        """Port of the HTTP service."""
        return int(self.service_url.rpartition(":")[2]) if self.service_url else None


def last(data_dir: Path) -> DevState | None:
    """The latest state in a data folder, whether or not it still runs."""
    try:
        return DevState.model_validate_json((data_dir / _STATE).read_bytes())
    except (OSError, ValidationError):
        return None


def running(data_dir: Path) -> DevState | None:
    """The state of the `surehand dev` that runs in a data folder now and is ready; None when there is none."""
    return last(data_dir) if _is_locked(data_dir / _LOCK) else None


def write(data_dir: Path, state: DevState) -> None:
    """Say that everything is ready, in one step that no reader sees half of."""
    draft = data_dir / f"{_STATE}.{os.getpid()}"
    draft.write_text(state.model_dump_json(indent=2) + "\n")
    draft.chmod(0o600)
    draft.replace(data_dir / _STATE)


def forget(data_dir: Path) -> None:
    """Take the state away at the start: what it says holds no more until everything is ready again."""
    (data_dir / _STATE).unlink(missing_ok=True)


@contextlib.contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data folder for one process. The system gives it up when the process dies, however it dies.

    Raises:
        Refused: another process holds it.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / _LOCK).open("a") as lock:
        if not _take(lock):
            raise Refused(
                f"A `surehand dev` runs in {data_dir} already: use it, stop it with Ctrl-C, "
                "or give this one another folder in SUREHAND_DATA_DIR."
            )
        yield


def _take(lock: IO[str]) -> bool:
    # A command that only looks holds the lock for a moment; a second `dev` holds it for good.
    deadline = time.monotonic() + _READERS_ARE_GONE_WITHIN_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def _is_locked(path: Path) -> bool:
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
