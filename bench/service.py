"""How soon the HTTP service acknowledges a case: 50 clients post while 500 cases run.

The service, the worker, the Temporal server and the vendors' simulators are processes of their own, as `surehand dev`
starts them; the clients are in this one. Each client posts, waits for its answer, rests, and posts again.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from tests.dev_process import Dev
from tests.service.raw import Client, head

Numbers = dict[str, Any]

CLIENTS = 50
RUNNING = 500
REST_SECONDS = 5.0
"""Between two posts of one client, on average: 50 clients then bring ten cases in a second."""
_AT_ONCE = 16
_ACKNOWLEDGED = (200, 201, 202)


async def acknowledgements(*, running: int = RUNNING, clients: int = CLIENTS, seconds: float = 30) -> Numbers:
    """Milliseconds from a post to its acknowledgement, in two ways of posting.

    Args:
        running: cases that were begun before and are worked on meanwhile.
        clients: at the same time.
        seconds: for which each way is measured.
    """
    with tempfile.TemporaryDirectory() as folder:
        dev = Dev(Path(folder) / "dev")
        try:
            await asyncio.to_thread(dev.start)
            key = (dev.folder / "service.key").read_text().strip()
            load = _Load(str(dev.state.service_url), key)
            began = time.perf_counter()
            await load.open(running)
            opening = time.perf_counter() - began
            started = await load.measured(clients, seconds, {})
            accepted = await load.measured(clients, seconds, {"Prefer": "respond-async"})
        finally:
            await asyncio.to_thread(dev.stop)
    return {
        "running": running,
        "clients": clients,
        "opened_per_second": round(running / opening, 1),
        **{f"started_{name}": value for name, value in started.items()},
        **{f"accepted_{name}": value for name, value in accepted.items()},
    }


class _Load:
    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    async def open(self, count: int) -> None:
        """Begin cases, a few at a time."""
        left = iter(range(count))

        async def some() -> None:
            async with Client(self._url) as client:
                for _ in left:
                    await self._post(client, {})

        await asyncio.gather(*(some() for _ in range(_AT_ONCE)))

    async def measured(self, clients: int, seconds: float, headers: dict[str, str]) -> Numbers:
        """Post for a while."""
        taken: list[float] = []
        until = time.perf_counter() + seconds

        async def one(number: int) -> None:
            chance = random.Random(number)
            async with Client(self._url) as client:
                await asyncio.sleep(chance.uniform(0, REST_SECONDS))
                while time.perf_counter() < until:
                    taken.append(await self._post(client, headers))
                    await asyncio.sleep(chance.uniform(0.5, 1.5) * REST_SECONDS)

        await asyncio.gather(*(one(number) for number in range(clients)))
        return percentiles(taken)

    async def _post(self, client: Client, headers: dict[str, str]) -> float:
        body = json.dumps(_ticket()).encode()
        known = {
            "Authorization": f"Bearer {self._key}",
            "Idempotency-Key": uuid.uuid4().hex,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **headers,
        }
        request = head("POST", "/api/v1/cases", known.items()) + body
        began = time.perf_counter()
        answer = await client.say(request)
        if answer.status not in _ACKNOWLEDGED:
            raise AssertionError(f"{answer.status}: {answer.body!r}")
        return time.perf_counter() - began


def percentiles(seconds: list[float]) -> Numbers:
    """In milliseconds."""
    ordered = sorted(value * 1_000 for value in seconds)

    def at(share: float) -> float:
        return round(ordered[max(0, round(len(ordered) * share) - 1)], 1)

    return {
        "posts": len(ordered),
        "p50_ms": round(statistics.median(ordered), 1),
        "p95_ms": at(0.95),
        "p99_ms": at(0.99),
        "longest_ms": round(ordered[-1], 1),
    }


def _ticket() -> dict[str, Any]:
    return {
        "kind": "ticket",
        "id": f"B-{uuid.uuid4().hex[:12]}",
        "subject": "Export is empty",
        "description": "Since Monday the CSV export of our team has no rows. Please look at it.",
        "customer": {"id": "CUST-1", "email": "customer@example.org", "tier": "paid"},
    }
