"""The HTTP layer against servers that misbehave byte by byte."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
import zlib

import pytest

from domain.errors import OutcomeUnknown, VendorRefused, VendorUnavailable
from integrations import http
from integrations.http import VendorHttp
from integrations.zendesk import translate
from tests.vendor_world import answering, raw_server

SECRET = "token-that-must-not-show"


def client(port: int, timeout_seconds: float = 2.0) -> VendorHttp:
    headers = {"Authorization": f"Bearer {SECRET}"}
    return VendorHttp(
        "zendesk", f"http://127.0.0.1:{port}", timeout_seconds=timeout_seconds, translate=translate, headers=headers
    )


async def test_a_redirect_is_not_followed() -> None:
    asked: list[int] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(1)

    async with raw_server(elsewhere) as other:
        head = f"302 Found\r\nLocation: http://127.0.0.1:{other}/"
        async with raw_server(answering(head, b"")) as port:
            with pytest.raises(VendorRefused, match="redirects"):
                await client(port).get("/x")
    assert not asked


async def test_a_truncated_answer_to_a_write_leaves_the_outcome_unknown() -> None:
    async with raw_server(answering("200 OK\r\nContent-Type: application/json", b'{"a": 1', promised=100)) as port:
        with pytest.raises(OutcomeUnknown):
            await client(port).send("PUT", "/x", body={})
        with pytest.raises(VendorUnavailable):
            await client(port).get("/x")


@pytest.mark.parametrize("body", [b"<html>Guest network</html>", b'{"a": "\xe9"}'])
async def test_a_success_that_is_no_json_of_the_vendor_is_no_success(body: bytes) -> None:
    async with raw_server(answering("200 OK", body)) as port:
        with pytest.raises(OutcomeUnknown, match="BASE_URL"):
            await client(port).send("POST", "/x", body={})
        with pytest.raises(VendorUnavailable):
            await client(port).get("/x")


async def test_a_large_answer_is_cut_off_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "RESPONSE_LIMIT", 1_000)
    async with raw_server(answering("200 OK", b'"' + b"a" * 2_000 + b'"')) as port:
        with pytest.raises(VendorUnavailable, match="unreadable"):
            await client(port).get("/x")


async def test_a_compressed_answer_is_never_unpacked_past_the_cap() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(b" " * 60_000_000) + packer.flush()
    assert len(bomb) < 65_536  # it arrives in one piece
    async with raw_server(answering("200 OK\r\nContent-Encoding: gzip", bomb)) as port:
        tracemalloc.start()
        try:
            with pytest.raises(VendorUnavailable, match="unreadable"):
                await client(port, timeout_seconds=10).get("/x")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 5 * http.RESPONSE_LIMIT


async def test_a_small_compressed_answer_is_read() -> None:
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(b'{"a": 1}') + packer.flush()
    async with raw_server(answering("200 OK\r\nContent-Encoding: gzip", packed)) as port:
        assert await client(port).get("/x") == {"a": 1}


async def test_a_server_that_drips_is_given_up_after_the_whole_time() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw_server(drip) as port:
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown, match="timeout"):
            await client(port, timeout_seconds=0.5).send("POST", "/x", body={})
        assert time.monotonic() - began < 20


async def test_a_refused_connection_had_no_effect() -> None:
    async with raw_server(answering("200 OK", b"{}")) as port:
        pass
    with pytest.raises(VendorUnavailable, match="connection"):
        await client(port).send("POST", "/x", body={})


async def test_proxies_in_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with raw_server(answering("200 OK", b"{}")) as port:
        assert await client(port).get("/x") == {}


async def test_the_token_stands_in_no_repr_and_no_error() -> None:
    async with raw_server(answering("500 Oops", SECRET.encode())) as port:
        http_client = client(port)
        with pytest.raises(OutcomeUnknown) as caught:
            await http_client.send("POST", "/x", body={})
    assert SECRET not in repr(http_client) + repr(caught.value) + str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
