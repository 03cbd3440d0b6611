"""MCP servers of the sandbox, as processes and over HTTP, behind the product's own provider."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from domain.model import JsonValue
from domain.tool import ToolCall, ToolSpec
from integrations.tools.mcp.configuration import McpServer
from integrations.tools.mcp.provider import McpProvider
from integrations.tools.provider import CallContext, ProviderAnswer
from runtime.dev_server import free_port

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


@pytest.fixture
async def web_stub(tmp_path: Path) -> AsyncIterator[tuple[int, Path, asyncio.subprocess.Process]]:
    """An HTTP server that wants a token: its port, its journal and its process."""
    port, journal = free_port(), tmp_path / "web.jsonl"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.mcp_server", "--http", str(port), "--token", "right-token",
        "--journal", str(journal), "--mode", "normal",
        cwd=ROOT, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        await asyncio.sleep(0.05)
    yield port, journal, process
    if process.returncode is None:
        process.kill()
    await process.wait()
