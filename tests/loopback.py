"""A small HTTP server on loopback for tests: keeps what it receives and answers as told, byte by byte if need be."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Received:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        return urlsplit(self.target).query

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), keep_blank_values=True)


@dataclass
class Answer:
    """One response. `stream` writes the body itself, after the headers."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    stream: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None

    def head_and_body(self) -> tuple[bytes, bytes]:
        raw = (
            self.body if isinstance(self.body, bytes) else b"" if self.body is None else json.dumps(self.body).encode()
        )
        headers = {} if isinstance(self.body, bytes) or self.body is None else {"Content-Type": "application/json"}
        headers |= {"Connection": "close", **self.headers}
        if self.stream is None:
            headers.setdefault("Content-Length", str(len(raw)))
        lines = [f"HTTP/1.1 {self.status} Said", *(f"{name}: {value}" for name, value in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode(), raw


Handler = Callable[[Received], Answer]


class Loopback:
    """Answers with `handler`, which a test may replace."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.handler: Handler = lambda request: Answer(body={"ok": True})
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def last(self) -> Received:
        return self.received[-1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            request = Received(method, target, headers, body)
            self.received.append(request)
            answer = self.handler(request)
            head, raw = answer.head_and_body()
            writer.write(head if method == "HEAD" else head + raw)
            await writer.drain()
            if answer.stream is not None:
                await answer.stream(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def loopback() -> AsyncIterator[Loopback]:
    """A server on a free port; ends with the block."""
    world = Loopback()
    server = await asyncio.start_server(world.serve, "127.0.0.1", 0)
    world.port = server.sockets[0].getsockname()[1]
    try:
        yield world
    finally:
        server.close()


@cache
def _packed_zeros() -> bytes:
    return gzip.compress(bytes(200_000_000), compresslevel=1)


async def bomb(writer: asyncio.StreamWriter) -> None:
    """200 MB of zeros in some 900 kB of gzip."""
    writer.write(_packed_zeros())
    await writer.drain()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever."""
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def endless(writer: asyncio.StreamWriter) -> None:
    """As much as is read, for ever."""
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()
