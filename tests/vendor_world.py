"""What the vendor tests share: a ledger in memory, the sandbox around a test, a server that answers raw bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from domain.cases.records import EffectEntry, EffectStatus
from domain.model import JsonValue
from sandbox.server import Sandbox

WORKFLOW = "escalation:acme:TICK-1"


class MemoryLedger:
    """The port `EffectLedger` in memory."""

    def __init__(self) -> None:
        self.effects: dict[str, dict[str, JsonValue] | None] = {}
        self.tenants: set[str] = set()

    async def claim(self, key: str, tenant: str) -> EffectEntry:
        self.tenants.add(tenant)
        if key not in self.effects:
            self.effects[key] = None
            return EffectEntry(key=key, status=EffectStatus.NEW)
        outcome = self.effects[key]
        status = EffectStatus.CLAIMED if outcome is None else EffectStatus.DONE
        return EffectEntry(key=key, status=status, outcome=outcome, attempts=2)

    async def record(self, key: str, outcome: dict[str, JsonValue]) -> None:
        assert key in self.effects, "recorded without a claim"
        if self.effects[key] is None:
            self.effects[key] = outcome

    async def release(self, key: str) -> None:
        if self.effects.get(key) is None:
            self.effects.pop(key, None)

    @property
    def open_claims(self) -> list[str]:
        return [key for key, outcome in self.effects.items() if outcome is None]


class Outside:
    """A running sandbox, asked over its own interface."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.state: dict[str, Any] = sandbox.state()
        self._client = httpx.AsyncClient(base_url=self.url("outbox"), trust_env=False)

    def url(self, vendor: str) -> str:
        return str(self.state[vendor]["url"])

    async def ask(self, method: str, path: str, **request: Any) -> Any:
        answer = await self._client.request(method, path, **request)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def close(self) -> None:
        await self._client.aclose()

    async def fault(self, vendor: str, kind: str, **more: Any) -> None:
        await self.ask("POST", "/api/faults", json={"vendor": vendor, "kind": kind, **more})

    async def messages(self, vendor: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.ask("GET", "/api/messages", params={"vendor": vendor})
        return found

    async def count(self, vendor: str, key: str) -> int:
        effects = await self.ask("GET", "/api/effects")
        return sum(effect["count"] for effect in effects if effect["vendor"] == vendor and effect["key"] == key)


@asynccontextmanager
async def outside(data_dir: Path) -> AsyncIterator[Outside]:
    async with Sandbox(data_dir) as sandbox:
        asked = Outside(sandbox)
        try:
            yield asked
        finally:
            await asked.close()


Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(talk: Conversation) -> AsyncIterator[int]:
    """A server whose every byte the test decides; yields its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answering(head: str, body: bytes, *, promised: int | None = None) -> Conversation:
    """Read one request and answer it: status line and headers, then the body."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        length = len(body) if promised is None else promised
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()

    return talk
