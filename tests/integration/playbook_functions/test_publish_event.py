"""`emit` over real HTTP: structured CloudEvents, once per sink, whatever breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.playbook_functions import PublishedEvent, PublishEventInput
from domain.errors import OutcomeUnknown, VendorError, VendorRefused
from domain.playbook.messages import CloudEvent
from integrations.event_sinks import HttpEventSinks
from tests.integration.playbook_functions.conftest import functions
from tests.vendor_world import MemoryLedger, raw_server

EVENT = CloudEvent(
    id="e-1",
    source="https://shop.test/orders",
    type="order.shipped",
    time=datetime(2026, 11, 21, tzinfo=UTC),
    datacontenttype="application/json",
    data={"order": 12},
    extensions={"traceparent": "00-1", "type": "not this"},
)
PUBLICATION = PublishEventInput(tenant="acme", key="playbook:acme:ship:1/do/0/emit", event=EVENT)


class Sink:
    """Keeps what it is sent, and answers as told."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], Any]] = []
        self.answers: list[str] = []
        self.url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.received.append((head, headers, body))
        answer = self.answers.pop(0) if self.answers else "202 Accepted"
        if answer != "drop":
            writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nthank".encode())
            await writer.drain()


@asynccontextmanager
async def sink(path: str = "/events/in?source=surehand") -> AsyncIterator[Sink]:
    made = Sink()
    async with raw_server(made.talk) as port:
        made.url = f"http://user:pass-word@127.0.0.1:{port}{path}"
        yield made


async def publish(within: ActivityEnvironment, ledger: MemoryLedger, *sinks: Sink) -> PublishedEvent:
    publisher = HttpEventSinks([one.url for one in sinks], ledger, timeout_seconds=2)
    published: PublishedEvent = await within.run(functions(publisher=publisher).publish_event, PUBLICATION)
    return published


async def test_an_event_goes_to_every_sink_in_structured_mode_and_once(
    within: ActivityEnvironment, ledger: MemoryLedger
) -> None:
    async with sink() as one, sink("") as other:
        for _ in range(2):
            assert await publish(within, ledger, one, other) == PublishedEvent(event_id="e-1", sinks=2)
        ((head, headers, body),) = one.received
        assert head == "POST /events/in?source=surehand HTTP/1.1"
        assert headers["content-type"] == "application/cloudevents+json"
        assert headers["authorization"].startswith("Basic ")
        assert body == {
            "specversion": "1.0",
            "id": "e-1",
            "source": "https://shop.test/orders",
            "type": "order.shipped",
            "time": "2026-11-21T00:00:00Z",
            "datacontenttype": "application/json",
            "traceparent": "00-1",
            "data": {"order": 12},
        }
        assert other.received[0][0] == "POST / HTTP/1.1"


async def test_a_sink_that_took_it_is_not_asked_again_when_another_fails(
    within: ActivityEnvironment, ledger: MemoryLedger
) -> None:
    async with sink() as down, sink() as up:
        down.answers = ["503 Busy", "drop", "200 OK"]
        with pytest.raises(VendorError):
            await publish(within, ledger, down, up)
        with pytest.raises(OutcomeUnknown):
            await publish(within, ledger, down, up)
        assert (await publish(within, ledger, down, up)).sinks == 2
        assert len(up.received) == 1
        assert [body["id"] for _, _, body in down.received] == ["e-1"] * 3


async def test_a_refusal_says_so_and_shows_no_credential(within: ActivityEnvironment, ledger: MemoryLedger) -> None:
    async with sink() as one:
        one.answers = ["403 No"]
        with pytest.raises(VendorRefused) as refused:
            await publish(within, ledger, one)
        assert "pass-word" not in str(refused.value)


async def test_without_a_sink_the_event_is_on_record_only(within: ActivityEnvironment, ledger: MemoryLedger) -> None:
    assert await within.run(functions().publish_event, PUBLICATION) == PublishedEvent(event_id="e-1", sinks=0)
