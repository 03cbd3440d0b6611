"""Two `surehand dev` that start at once: each finds ports of its own, and says where."""

from __future__ import annotations

import itertools
import socket
import sys
from collections.abc import Iterator

import pytest

from domain.errors import NotReachable
from runtime.settings.environment import load_settings
from runtime.temporal.dev_server import free_port
from starters.dev import ports
from starters.dev.child import Child
from starters.dev.stack import Stack

LISTENER = """
import json, socket, sys
made = socket.socket()
made.bind(("127.0.0.1", json.loads(sys.stdin.readline())["service_port"]))
made.listen()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as somebodys:
        somebodys.bind(("127.0.0.1", 0))
        somebodys.listen()
        yield somebodys.getsockname()[1]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def stack(tmp_path, told: list[str], monkeypatch) -> Stack:
    made = Stack(load_settings(environ={}), tmp_path, tell=told.append)
    monkeypatch.setattr(made, "_variables", dict)
    return made


async def test_a_service_whose_port_was_just_taken_listens_elsewhere_and_says_so(tmp_path, stack, told, taken) -> None:
    child = Child("service", [sys.executable, "-c", LISTENER], log_file=tmp_path / "service.log")
    stack._services, stack._service_port = [child], taken
    await child.start()
    try:
        await stack._set_service_off()
        assert told == [f"Port {taken} was just taken: the service listens on {stack._service_port}."]
        assert ports.was_taken(stack._service_port)
    finally:
        await child.stop(5)


async def test_a_service_that_ends_for_another_reason_is_not_tried_again(tmp_path, stack, told) -> None:
    child = Child("service", [sys.executable, "-c", "raise SystemExit('no store')"], log_file=tmp_path / "service.log")
    stack._services, stack._service_port = [child], free_port()
    await child.start()
    with pytest.raises(NotReachable, match="no store"):
        await stack._set_service_off()
    await child.ended()
    assert told == []


async def test_a_temporal_whose_port_was_just_taken_listens_elsewhere(tmp_path, taken, monkeypatch) -> None:
    seen = itertools.chain([taken], iter(free_port, None))
    monkeypatch.setattr(ports, "choose", lambda *_: next(seen))
    server = await ports.started_server("default", tmp_path, tmp_path / "temporal.log", before=None, usual=True)
    try:
        assert server.running
        assert server.address != f"127.0.0.1:{taken}"
    finally:
        await server.stop()
