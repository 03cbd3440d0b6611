"""SQLite's connections: few errands of their thread, and never a lock that nobody gives back."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from domain.errors import VendorUnavailable
from integrations.store.database import sqlite_connection
from integrations.store.database.connection import Database
from integrations.store.database.sqlite_connection import Connection

ROUNDS = 60


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db")) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("CREATE TABLE things (name TEXT PRIMARY KEY)")
    made = Database(f"sqlite:///{tmp_path}/x.db", busy_timeout=timedelta(seconds=0.2))
    yield made
    await made.dispose()


@pytest.fixture
def errands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    inner = Connection._carry_out

    def counted(self: Connection, begin: str, work: object) -> object:
        seen.append(begin)
        return inner(self, begin, work)  # type: ignore[arg-type]

    monkeypatch.setattr(Connection, "_carry_out", counted)
    return seen


async def test_a_reader_takes_one_errand_and_a_writer_two(database: Database, errands: list[str]) -> None:
    async with database.reading() as connection:
        await connection.execute(text("SELECT name FROM things"))  # opens the connection
    async with database.writing() as connection:
        await connection.execute(text("DELETE FROM things"))
    errands.clear()
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT name FROM things"))).all() == []
    assert errands == [sqlite_connection.READ]
    errands.clear()
    async with database.writing() as connection:
        made = await connection.execute(text("INSERT INTO things VALUES ('a')"))
        assert made.rowcount == 1
    assert errands == [sqlite_connection.WRITE, ""]
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT name FROM things"))).scalars().all() == ["a"]


async def test_a_reader_sees_one_moment_and_nothing_of_it_stays(database: Database, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other:
        async with database.reading() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM things"))).scalar() == 0
            other.execute("INSERT INTO things VALUES ('b')")
            assert (await connection.execute(text("SELECT count(*) FROM things"))).scalar() == 0
        async with database.reading() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM things"))).scalar() == 1


async def test_what_fails_is_rolled_back_and_the_lock_given_back(database: Database, tmp_path: Path) -> None:
    async def fail() -> None:
        async with database.writing() as connection:
            await connection.execute(text("INSERT INTO things VALUES ('c')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db", timeout=0)) as other:
        other.execute("INSERT INTO things VALUES ('free')")
        other.commit()
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT name FROM things"))).scalars().all() == ["free"]


async def test_a_lock_that_another_process_holds_is_told_at_the_first_statement(
    database: Database, tmp_path: Path
) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(VendorUnavailable, match="write lock"):
            await insert(database)
        other.execute("ROLLBACK")
    await insert(database)


async def insert(database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(text("INSERT INTO things VALUES ('d')"))


async def test_whoever_is_cancelled_at_any_moment_leaves_no_transaction_behind(
    database: Database, tmp_path: Path
) -> None:
    async def write(number: int) -> None:
        async with database.writing() as connection:
            await connection.execute(text(f"INSERT INTO things VALUES ('n{number}')"))
            await connection.execute(text(f"INSERT INTO things VALUES ('m{number}')"))

    with contextlib.closing(sqlite3.connect(tmp_path / "x.db", timeout=5)) as other:
        for number in range(ROUNDS):
            task = asyncio.create_task(write(number))
            for _ in range(number % 12):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            # Would wait for five seconds and fail, were the lock still held.
            other.execute("INSERT INTO things VALUES (?)", (f"other{number}",))
            other.commit()
    async with database.reading() as connection:
        names = set((await connection.execute(text("SELECT name FROM things"))).scalars())
    assert {name[1:] for name in names if name[0] == "n"} == {name[1:] for name in names if name[0] == "m"}
    assert sum(name.startswith("other") for name in names) == ROUNDS


async def test_a_roll_back_waits_for_what_was_sent_before(tmp_path: Path) -> None:
    """Its errand may be about to begin the transaction that is rolled back."""
    connection = await sqlite_connection.connect(
        str(tmp_path / "y.db"), timeout=5, isolation_level=None, check_same_thread=False
    )
    try:
        slow = asyncio.create_task(connection.errand(lambda _: time.sleep(0.2)))
        await asyncio.sleep(0)
        begun = asyncio.create_task(begin(connection))
        await asyncio.sleep(0)
        begun.cancel()
        await connection.rollback()
        await slow
        await connection.errand(lambda _: None)
        assert not connection.in_transaction
    finally:
        await connection.close()


async def begin(connection: Connection) -> None:
    cursor = connection.cursor()
    await cursor.execute(sqlite_connection.WRITE)
    await cursor.execute("CREATE TABLE x (y)")


async def test_a_writer_waits_for_the_file_and_not_for_ever(tmp_path: Path) -> None:
    file = str(tmp_path / "z.db")
    options: dict[str, Any] = {"isolation_level": None, "check_same_thread": False}
    first = await sqlite_connection.connect(file, timeout=5, **options)
    hasty = await sqlite_connection.connect(file, timeout=0.1, **options)
    patient = await sqlite_connection.connect(file, timeout=30, **options)
    try:
        first.begin_with_next(sqlite_connection.WRITE)
        await first.cursor().execute("CREATE TABLE things (id INTEGER)")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await _inserted(hasty)
        waiting = asyncio.ensure_future(_inserted(patient))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await first.commit()
        await waiting
    finally:
        await first.close()
        await hasty.close()
        await patient.close()


async def _inserted(connection: sqlite_connection.Connection) -> None:
    connection.begin_with_next(sqlite_connection.WRITE)
    await connection.cursor().execute("INSERT INTO things VALUES (1)")
    await connection.commit()
