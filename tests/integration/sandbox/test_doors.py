"""A vendor that is down refuses connections, and is found at its old address afterwards, whoever looked for a port."""

from __future__ import annotations

import asyncio
import socket

import pytest

from sandbox.doors import Door


class Says(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"hello")
        transport.close()


async def said_at(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_a_shut_door_refuses_and_opens_again_where_it_was() -> None:
    door = Door(Says)
    await door.open()
    port = door.port
    assert await said_at(port) == b"hello"
    await door.shut()
    with pytest.raises(ConnectionRefusedError):
        await said_at(port)
    await door.open()
    assert door.port == port
    assert await said_at(port) == b"hello"
    await door.close()
    with pytest.raises(ConnectionRefusedError):
        await said_at(port)


async def test_nobody_is_given_the_port_of_a_shut_door() -> None:
    door = Door(Says)
    await door.open()
    await door.shut()
    others: list[socket.socket] = []
    try:
        for _ in range(3_000):
            other = socket.socket()
            others.append(other)
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", 0))
        assert door.port not in {other.getsockname()[1] for other in others}
    finally:
        for other in others:
            other.close()
    await door.close()


async def test_a_wanted_port_that_somebody_has_gives_way_to_a_free_one() -> None:
    first, second = Door(Says), Door(Says)
    await first.open()
    taken = Door(Says, first.port)
    await taken.open()
    await second.open()
    assert len({first.port, second.port, taken.port}) == 3
    for door in (first, second, taken):
        await door.close()
