"""A fresh, migrated store for each test, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from integrations.store.database.migration import migrate
from integrations.store.store import SqlStore
from tests.postgres import PostgresServer

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path | str]:
    """Migrated databases to copy, made on first use: migrating costs more than most tests."""
    return {"folder": tmp_path_factory.mktemp("store")}


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/surehand.db"
    return await _create(request.getfixturevalue("postgres"))


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path, templates: dict[str, Path | str]) -> str:
    """The URL of a database with empty tables."""
    if request.param == "sqlite":
        if "sqlite" not in templates:
            templates["sqlite"] = Path(templates["folder"]) / "template.db"
            await migrate(f"sqlite:///{templates['sqlite']}")
        shutil.copyfile(templates["sqlite"], tmp_path / "surehand.db")
        return f"sqlite:///{tmp_path}/surehand.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    if "postgresql" not in templates:
        template = await _create(server)
        await migrate(template)
        templates["postgresql"] = template.rpartition("/")[2]
    return await _create(server, f"TEMPLATE {templates['postgresql']}")


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    store = await SqlStore.open(url)
    yield store
    await store.close()


async def _create(server: PostgresServer, more: str = "") -> str:
    name = f"surehand_{next(_numbers)}"
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f"CREATE DATABASE {name} {more}")
    finally:
        await connection.close()
    return server.url(name)
