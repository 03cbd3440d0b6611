"""MCP servers of the sandbox, as processes and over HTTP, behind the product's own provider."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from domain.model import JsonValue
from domain.tools.tool import ToolCall, ToolSpec
from integrations.tools.mcp.configuration import McpServer
from integrations.tools.mcp.provider import McpProvider
from integrations.tools.provider import CallContext, ProviderAnswer
from runtime.temporal.dev_server import free_port, is_free

ROOT = Path(__file__).resolve().parents[3]
SECRETS = {"stock_token": SecretStr("right-token"), "other": SecretStr("s3cret-value")}


@dataclass
class Rig:
    """One provider, and what the server behind it really did."""

    provider: McpProvider
    journal: Path
    beats: list[int] = field(default_factory=list)

    async def spec(self, tool: str = "order") -> ToolSpec:
        """One tool as it is looked up."""
        return {spec.name: spec for spec in await self.provider.specs()}[f"stub.{tool}"]

    async def call(self, spec: ToolSpec, **arguments: JsonValue) -> ProviderAnswer:
        """One call."""
        call = ToolCall(tool=spec.name, arguments=arguments or {"sku": "a"}, key="escalation:t:1/step", tenant="t")
        return await self.provider.call(spec, call, CallContext(call.key, "t", 1, lambda: self.beats.append(1)))

    def done(self) -> list[dict[str, Any]]:
        """What the tools did."""
        return [json.loads(line) for line in self.journal.read_text().splitlines()] if self.journal.exists() else []


@pytest.fixture
async def stub(tmp_path: Path) -> AsyncIterator[Callable[..., Rig]]:
    """Makes a provider over a server in some mode; every process is ended afterwards."""
    made: list[Rig] = []

    def make(mode: str = "normal", **configured: Any) -> Rig:
        journal = tmp_path / f"journal-{len(made)}.jsonl"
        command = (sys.executable, "-m", "sandbox.mcp_server", "--mode", mode, "--journal", str(journal))
        settings = {"command": command, "cwd": str(ROOT), "start_timeout_seconds": 60, **configured}
        made.append(Rig(McpProvider("stub", McpServer(**settings), secrets=SECRETS), journal))
        return made[-1]

    yield make
    await asyncio.gather(*(rig.provider.close() for rig in made))


class WebStub:
    """An HTTP server that wants a token, as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.journal = folder / "web.jsonl"
        command = [sys.executable, "-m", "sandbox.mcp_server", "--http", str(self.port), "--token", "right-token"]
        self._process = subprocess.Popen(
            [*command, "--journal", str(self.journal)], cwd=ROOT, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while is_free(self.port) and time.monotonic() < until:
            time.sleep(0.05)

    @property
    def url(self) -> str:
        """Its endpoint."""
        return f"http://127.0.0.1:{self.port}/mcp"

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="session")
def web_stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebStub]:
    """One for all tests; each looks only at what its own calls give."""
    running = WebStub(tmp_path_factory.mktemp("web"))
    yield running
    running.kill()
