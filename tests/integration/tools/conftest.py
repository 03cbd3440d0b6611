from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from integrations.store.store import SqlStore
from runtime.temporal.dev_server import EmbeddedServer
from tests.integration.tools.orders_world import World, on_postgres, on_sqlite
from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    """A real store, on each database."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    else:
        url = request.getfixturevalue("postgres").url().replace("postgresql://", "postgresql+asyncpg://")
    opened = await SqlStore.open(url)
    yield opened
    await opened.close()


_made: list[World] = []


@pytest.fixture(params=["sqlite", "postgresql"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A shop's database, of each kind, that tools may ask."""
    if request.param == "postgresql":
        if not _made:  # nothing that a test does may change it, so one is enough
            _made.append(await on_postgres(request.getfixturevalue("postgres")))
        return _made[0]
    return on_sqlite(tmp_path / "orders.db")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer() as running:
        yield running
