"""One Temporal server for all fault tests, and scenarios that run side by side: they mostly wait for time-outs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from runtime.temporal.asking import AsksAgain
from runtime.temporal.connection import data_converter
from runtime.temporal.dev_server import EmbeddedServer
from tests.faults import service_process
from tests.faults.worker_process import NURSERY

AT_ONCE = 10

Scenario = Callable[[Client, Path], Awaitable[None]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client() -> AsyncIterator[Client]:
    NURSERY.open()
    service_process.NURSERY.open()
    try:
        async with EmbeddedServer(ui=False) as server:
            yield await Client.connect(server.address, data_converter=data_converter(), interceptors=[AsksAgain()])
    finally:
        NURSERY.close()
        service_process.NURSERY.close()


class Running:
    """Every scenario of this session, started at once and run a few at a time; a test then waits for its own."""

    def __init__(self, client: Client, scenarios: list[Scenario], new_folder: Callable[[], Path]) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._client = client
        self._new_folder = new_folder
        self._tasks = {scenario: asyncio.create_task(self._run(scenario)) for scenario in scenarios}

    async def _run(self, scenario: Scenario) -> None:
        async with self._turns:
            await scenario(self._client, self._new_folder())

    def __call__(self, scenario: Scenario) -> Awaitable[None]:
        return self._tasks[scenario]

    async def all_done(self) -> None:
        """For a test that measures time and wants the machine for itself."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await self.all_done()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running(
    client: Client, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    chosen = [
        item.callspec.params["scenario"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and "scenario" in item.fixturenames
    ]
    running = Running(client, list(dict.fromkeys(chosen)), lambda: tmp_path_factory.mktemp("installation"))
    yield running
    await running.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what runs side by side; whoever wants the machine for itself comes after it."""
    items.sort(key=lambda item: not (isinstance(item, pytest.Function) and "scenario" in item.fixturenames))
