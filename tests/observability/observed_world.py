"""A service and a worker as processes of their own, with simulated vendors, and a collector that takes their spans."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from runtime.settings.environment import load_settings
from runtime.temporal.dev_server import EmbeddedServer, free_port
from sandbox.server import Sandbox
from starters.dev.service import KEY_FILE
from starters.dev.worker_order import order
from starters.dev.world import variables
from tests.in_thread import InThread
from tests.loopback import Answer, Loopback, Received, loopback

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
T = TypeVar("T")


class Span:
    """One span as the collector got it."""

    def __init__(self, service: str, given: Any) -> None:
        self.service = service
        self.name: str = given.name
        self.trace_id: str = given.trace_id.hex()
        self.span_id: str = given.span_id.hex()
        self.parent_id: str = given.parent_span_id.hex()
        self.seconds = (given.end_time_unix_nano - given.start_time_unix_nano) / 1e9
        self.kind: int = given.kind
        self.links = [link.trace_id.hex() for link in given.links]
        self.attributes = {
            one.key: one.value.string_value or one.value.int_value or one.value.double_value for one in given.attributes
        }

    def __repr__(self) -> str:
        return f"{self.service} {self.name} {self.attributes}"


class ObservedWorld(InThread):
    """Everything that runs. Use it with `with`."""

    def __init__(self, folder: Path, *, tracing: bool = True) -> None:
        super().__init__()
        self.folder = folder
        self.url = ""
        self.key = ""
        self.worker_metrics = f"127.0.0.1:{free_port()}"
        self.collector: Loopback
        self.sandbox: Sandbox
        self._tracing = tracing
        self._processes: list[subprocess.Popen[bytes]] = []

    def __exit__(self, *error: object) -> None:
        self.stop_processes()
        super().__exit__(*error)

    def stop_processes(self) -> None:
        """Ask them to end, and wait until they have sent their last spans."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(60)
            if process.stdin is not None:
                process.stdin.close()
            if process.stdout is not None:
                process.stdout.close()
        self._processes.clear()

    def client(self, **headers: str) -> httpx.Client:
        """With the key of whoever sits at the machine."""
        known = {"Authorization": f"Bearer {self.key}", **headers}
        return httpx.Client(base_url=self.url, headers=known, timeout=60, trust_env=False)

    def bytes_of_spans(self) -> str:
        """All that came so far, as it came."""
        return b" ".join(_body(received) for received in list(self.collector.received)).decode("latin-1")

    def spans(self) -> list[Span]:
        """All that came so far."""
        found = []
        for received in list(self.collector.received):
            for resource in ExportTraceServiceRequest.FromString(_body(received)).resource_spans:
                names = {one.key: one.value.string_value for one in resource.resource.attributes}
                found += [Span(names["service.name"], span) for scope in resource.scope_spans for span in scope.spans]
        return found

    def log_text(self, process: str) -> str:
        """What `service` or `worker` wrote."""
        return (self.folder / f"{process}.log").read_text("utf-8", "replace")

    def log(self, process: str) -> list[dict[str, Any]]:
        """Its lines."""
        return [json.loads(line) for line in self.log_text(process).splitlines()]

    def metrics(self, process: str) -> str:
        """What Prometheus would read there."""
        if process == "service":
            with self.client() as client:
                return client.get("/metrics").raise_for_status().text
        address = f"http://{self.worker_metrics}/metrics"
        return httpx.get(address, timeout=30, trust_env=False).raise_for_status().text

    async def _live(self) -> None:
        async with AsyncExitStack() as stack:
            self.collector = await stack.enter_async_context(loopback())
            self.collector.handler = _accepts
            self.sandbox = await stack.enter_async_context(Sandbox(self.folder / "sandbox"))
            server = await stack.enter_async_context(EmbeddedServer(ui=False))
            told = self._variables(server.address)
            self._start("worker", ["-m", "workers"], told)
            service = self._start("service", ["-m", "starters.dev.service"], told)
            assert service.stdin is not None
            assert service.stdout is not None
            service.stdin.write(order(told, isolated=True).encode() + b"\n")
            service.stdin.flush()
            line = await asyncio.to_thread(service.stdout.readline)
            assert line.startswith(b"ready "), self.log_text("service")
            self.url = f"http://127.0.0.1:{int(line.split()[1])}"
            self.key = (self.folder / KEY_FILE).read_text("utf-8").strip()
            self._up()
            await self._stop.wait()

    def _variables(self, address: str) -> dict[str, str]:
        told = {
            **variables(self.sandbox.state()["ports"], load_settings(environ={})),
            "SUREHAND_MODEL__PRIMARY__BASE_URL": f"http://127.0.0.1:{self.sandbox.state()['ports']['openai']}/v1",
            "SUREHAND_MODEL__PRIMARY__MODEL": "sandbox",
            "SUREHAND_TEMPORAL__ADDRESS": address,
            "SUREHAND_DATA_DIR": str(self.folder),
            "SUREHAND_LOG__FORM": "json",
            "SUREHAND_WORKER__METRICS_ADDRESS": self.worker_metrics,
        }
        return told | ({"SUREHAND_TRACING__ENDPOINT": self.collector.url} if self._tracing else {})

    def _start(self, name: str, arguments: list[str], told: dict[str, str]) -> subprocess.Popen[bytes]:
        plain = {key: text for key, text in os.environ.items() if not key.startswith(("SUREHAND_", "OTEL_"))}
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                env={**plain, **told}, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self._processes.append(process)
        return process


def _body(received: Received) -> bytes:
    return gzip.decompress(received.body) if received.headers.get("content-encoding") else received.body


def _accepts(request: Received) -> Answer:
    return Answer(body=b"", headers={"Content-Type": "application/x-protobuf"})


def eventually(look: Callable[[], T], seconds: float = PATIENCE) -> T:
    """What `look` gives, once it gives something."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found or time.monotonic() > deadline:
            assert found, "it never came"
            return found
        time.sleep(0.2)
