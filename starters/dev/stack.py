"""Temporal, the sandbox and a worker as one thing that starts, is watched over, and stops."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from temporalio.client import Client

from domain.errors import NotReachable
from runtime.settings.environment import Settings, bare_environment, load_settings
from runtime.telemetry.logs import keep_output_clean
from runtime.temporal.cluster_setup import keep_for
from runtime.temporal.dev_server import EmbeddedServer
from starters.dev import state, world
from starters.dev.child import Child, keep_alive
from starters.dev.others import refuse_other_servers
from starters.dev.ports import TRIES, choose, started_server, was_taken
from starters.dev.signing import for_listeners, own_keys
from starters.dev.worker_order import order

_READY_WITHIN_SECONDS = 120.0
"""Patience only: what ends by itself is noticed at once."""
_WORKER_STOPS_WITHIN_SECONDS = 25.0
_SERVICE_STOPS_WITHIN_SECONDS = 20.0
_SANDBOX_STOPS_WITHIN_SECONDS = 5.0


class Stack:
    """Everything that a case needs, on this machine.

    Args:
        settings: of the user.
        data_dir: keeps Temporal's data, the store's file, logs and the state for other terminals.
        variables: further settings for the worker and for commands that find this stack.
        isolated: ignore what the user configured; nothing leaves this machine then.
        usual_ports: take Temporal's usual ports when they are free.
        service: run the HTTP service too.
        accounts: people sign in to the console at the sandbox's identity provider.
        tell: is told what happens to the children, a sentence each.
    """

    def __init__(
        self,
        settings: Settings,
        data_dir: Path,
        *,
        variables: Mapping[str, str] | None = None,
        isolated: bool = False,
        usual_ports: bool = True,
        service: bool = False,
        accounts: bool = False,
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        refuse_other_servers(settings)
        self._settings = settings
        self._data_dir = data_dir.resolve()
        self._given = dict(variables or {})
        self._isolated = isolated
        self._usual_ports = usual_ports
        self._accounts = accounts
        self._tell = tell
        self._ports: dict[str, int] = {}
        self._keys: dict[str, str] = {}
        self._watch: list[asyncio.Task[None]] = []
        self._failed = asyncio.Event()
        self.problem = ""
        """Why it cannot go on, once `failed` is over."""
        self._server: EmbeddedServer | None = None
        self._sandbox = Child(
            "sandbox",
            [
                *(sys.executable, "-m", "sandbox"),
                *("--state-file", str(self._sandbox_file), "--data-dir", str(self._data_dir / "sandbox")),
            ],
            log_file=self.log_dir / "sandbox.log",
            environment=bare_environment(),
            watched=True,
        )
        self._worker = Child(
            "worker", [sys.executable, "-m", "starters.dev.worker"], log_file=self.log_dir / "worker.log"
        )
        self._services = [self._service()] if service else []
        self._service_port = 0
        self.state: state.DevState | None = None
        """Where everything is, once it is ready."""

    @property
    def log_dir(self) -> Path:
        """Folder of the children's logs."""
        return self._data_dir / "logs"

    @property
    def key_file(self) -> Path:
        """File of the local operator's key to the HTTP service."""
        return self._data_dir / "service.key"

    @property
    def console_link(self) -> str:
        """The link that the service left when it came up."""
        return (self._data_dir / "console.link").read_text("utf-8").strip()

    @property
    def _sandbox_file(self) -> Path:
        return self._data_dir / "sandbox.json"

    # Life

    async def start(self) -> state.DevState:
        """Start everything at once and wait until a case could run.

        Raises:
            NotReachable: something did not come up; the sentence names its log.
        """
        keep_output_clean(self._settings)
        before = state.last(self._data_dir)
        state.forget(self._data_dir)
        self._sandbox_file.unlink(missing_ok=True)
        self._keys = own_keys(self._data_dir, self._settings)
        # The worker needs longest to import what it needs, so it starts first and is told later where everything is.
        await asyncio.gather(*(child.start() for child in (self._worker, self._sandbox, *self._services)))
        try:
            async with asyncio.timeout(_READY_WITHIN_SECONDS):
                await asyncio.gather(self._start_server(before), self._sandbox_is_ready())
                self._service_port = choose(before.service_port if before else None, self._usual_service_port)
                await asyncio.gather(self._set_worker_off(), self._set_service_off())
        except TimeoutError:
            raise NotReachable(f"Not everything came up in time: see the logs in {self.log_dir}.") from None
        self._write_state()
        self._watch = [
            keep_alive(self._worker, self._revive_worker, self._tell),
            keep_alive(self._sandbox, self._revive_sandbox, self._tell),
            asyncio.create_task(self._keep_server_alive()),
        ]
        self._watch += [keep_alive(each, self._revive_service, self._tell) for each in self._services]
        assert self.state is not None  # noqa: S101 - written above
        return self.state

    async def serve(self) -> None:
        """Start the HTTP service beside everything that runs already, so that it takes no time from it.

        Raises:
            NotReachable: it did not come up.
        """
        assert not self._services  # noqa: S101 - it would be started twice
        self._services = [self._service("nice", "-n", "10")]
        self._service_port = choose(self._usual_service_port)
        await self._services[0].start()
        await self._set_service_off()
        self._write_state()
        self._watch.append(keep_alive(self._services[0], self._revive_service, self._tell))

    async def failed(self) -> str:
        """Wait until it cannot go on; returns why."""
        await self._failed.wait()
        return self.problem

    async def stop(self) -> None:
        """Stop everything, the worker first, so that what it does now is done while the others are there."""
        for task in self._watch:
            task.cancel()
        await asyncio.gather(*self._watch, return_exceptions=True)
        for service in self._services:
            # First of all, so that nobody is promised what nothing is left to do.
            await service.stop(_SERVICE_STOPS_WITHIN_SECONDS)
        await self._worker.stop(_WORKER_STOPS_WITHIN_SECONDS)
        await self._sandbox.stop(_SANDBOX_STOPS_WITHIN_SECONDS)
        if self._server is not None:
            await self._server.stop()

    async def __aenter__(self) -> Stack:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # Starting

    async def _start_server(self, before: state.DevState | None) -> None:
        namespace, log_file = self._settings.temporal.namespace, self.log_dir / "temporal.log"
        self._server = await started_server(namespace, self._data_dir, log_file, before=before, usual=self._usual_ports)
        client = await Client.connect(self._server.address, namespace=namespace)
        await keep_for(client)

    def _service(self, *before: str) -> Child:
        command = [*before, sys.executable, "-m", "starters.dev.service"]
        return Child("service", command, log_file=self.log_dir / "service.log")

    @property
    def _usual_service_port(self) -> int | None:
        return self._settings.service.port if self._usual_ports else None

    async def _sandbox_is_ready(self) -> None:
        while not self._sandbox_file.exists():
            if self._sandbox.pid is None:
                words = self._sandbox.last_words()
                raise NotReachable(f"The sandbox ended at once: see {self._sandbox.log_file}. {words}")
            await asyncio.sleep(0.05)
        self._ports = world.read_ports(self._sandbox_file)

    async def _set_worker_off(self) -> None:
        self._worker.tell(order(for_listeners(self._variables()), isolated=self._isolated))
        if await self._worker.hear() != "ready":
            words = self._worker.last_words()
            raise NotReachable(f"The worker ended at once: see {self._worker.log_file}. {words}")

    async def _set_service_off(self) -> None:
        for service in self._services:
            for left in reversed(range(TRIES)):
                service.tell(order(self._variables(), isolated=self._isolated, service_port=self._service_port))
                if (await service.hear()).startswith("ready"):
                    break
                taken = self._service_port
                if not left or not was_taken(taken):
                    raise NotReachable(f"The service ended at once: see {service.log_file}. {service.last_words()}")
                self._service_port = choose()
                self._tell(f"Port {taken} was just taken: the service listens on {self._service_port}.")
                await service.ended()
                await service.start()

    def _variables(self) -> dict[str, str]:
        assert self._server is not None  # noqa: S101 - started before
        return {
            **self._given,
            **world.variables(self._ports, self._settings),
            **(world.accounts(self._ports, self._settings, self._service_port) if self._accounts else {}),
            **self._keys,
            "SUREHAND_TEMPORAL__ADDRESS": self._server.address,
            "SUREHAND_SERVICE__TEMPORAL_UI": self._server.ui_url or "",
        }

    def _write_state(self) -> None:
        assert self._server is not None  # noqa: S101 - started before
        self.state = state.DevState(
            pid=os.getpid(),
            started_at=datetime.now(UTC),
            temporal_address=self._server.address,
            ui_url=self._server.ui_url,
            outbox_url=world.outbox_url(self._ports),
            service_url=f"http://127.0.0.1:{self._service_port}" if self._services else None,
            variables=self._variables(),
        )
        state.write(self._data_dir, self.state)

    @property
    def settings(self) -> Settings:
        """Settings for a client of this stack."""
        return load_settings(environ={} if self._isolated else None, defaults=self._variables())

    # Watching over the children

    async def _revive_worker(self) -> None:
        await self._worker.start()
        await self._set_worker_off()

    async def _revive_service(self) -> None:
        for service in self._services:
            await service.start()
        await self._set_service_off()
        self._write_state()

    async def _revive_sandbox(self) -> None:
        self._sandbox_file.unlink(missing_ok=True)
        before = self._ports
        await self._sandbox.start()
        await self._sandbox_is_ready()
        if self._ports != before:
            # The worker knows the old ports; its end makes its own watcher start it with the new ones.
            await self._worker.stop(_WORKER_STOPS_WITHIN_SECONDS)
        self._write_state()

    async def _keep_server_alive(self) -> None:
        assert self._server is not None  # noqa: S101 - started before
        while True:
            await asyncio.sleep(0.5)
            if self._server.running:
                continue
            self._tell("The Temporal server ended: starting it again; its data is in its file.")
            try:
                await self._server.start()
            except NotReachable as problem:
                self.problem = str(problem)
                self._failed.set()
                return
