"""HTTP by hand: cheap enough for a thousand clients, and free to say what no library would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def head(method: str, path: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Client:
    """One connection, kept."""

    def __init__(self, url: str) -> None:
        self._port = urlsplit(url).port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Client:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._writer is not None
        self._writer.close()

    async def say(self, *pieces: bytes) -> Said:
        """Send bytes as they are, and read one answer."""
        await self.send(*pieces)
        return await self.hear()

    async def send(self, *pieces: bytes) -> None:
        assert self._writer is not None
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()

    async def stream(self, begin: bytes, pieces: AsyncIterator[bytes]) -> Said:
        """Send a body in chunks, without its length."""
        await self.send(begin)
        async for piece in pieces:
            await self.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        return await self.say(b"0\r\n\r\n")

    async def hear(self) -> Said:
        assert self._reader is not None
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        return Said(int(first.split(" ")[1]), headers, await self._reader.readexactly(length))
