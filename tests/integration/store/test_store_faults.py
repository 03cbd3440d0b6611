"""What the store does when its database is locked, busy, restarted or goes silent in the middle of a commit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.cases.records import CaseRecord, EffectStatus
from domain.cases.timeline import TimelineEntry, TimelineKind
from domain.errors import VendorRefused, VendorUnavailable
from integrations.store.cases import SqlCaseStore
from integrations.store.database.connection import Database
from integrations.store.database.migration import migrate
from integrations.store.effects.ledger import SqlEffectLedger
from tests.postgres import PostgresServer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CASE = CaseRecord(
    workflow_id="w1",
    tenant="acme",
    kind="escalation",
    case_id="T-1",
    ticket_id="T-1",
    status="triaging",
    phase="intake",
    opened_at=NOON,
    updated_at=NOON,
    timeline=(TimelineEntry(number=1, at=NOON, kind=TimelineKind.CASE, text="Opened"),),
)


@contextlib.asynccontextmanager
async def opened(url: str, **options: object) -> AsyncIterator[Database]:
    await migrate(url)
    database = Database(url, **options)  # type: ignore[arg-type]  # keyword options of the test
    try:
        yield database
    finally:
        await database.dispose()


async def test_a_lock_held_too_long_by_another_process_is_unavailable_and_leaves_no_partial_case(
    tmp_path: Path,
) -> None:
    file = tmp_path / "s.db"
    async with opened(f"sqlite:///{file}", busy_timeout=timedelta(seconds=0.3)) as database:
        cases = SqlCaseStore(database)
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            begun = time.monotonic()
            with pytest.raises(VendorUnavailable) as caught:
                await cases.save_case(CASE)
            assert 0.25 < time.monotonic() - begun < 3
            assert (caught.value.vendor, caught.value.code) == ("store", "SQLITE_BUSY")
            assert await cases.find_case("w1") is None, "reading goes on while another process writes"
            other.execute("ROLLBACK")
        await cases.save_case(CASE)
        assert len(await cases.timeline("w1")) == 1


async def test_a_short_lock_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "s.db"
    async with opened(f"sqlite:///{file}") as database:
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            saving = asyncio.create_task(SqlCaseStore(database).save_case(CASE))
            await asyncio.sleep(0.3)
            assert not saving.done()
            other.execute("ROLLBACK")
            await saving


async def test_a_writer_that_reads_first_is_not_overtaken_by_another_process(tmp_path: Path) -> None:
    file = tmp_path / "s.db"
    async with opened(f"sqlite:///{file}") as database, database.writing() as connection:
        await connection.execute(text("SELECT count(*) FROM effects"))
        other = sqlite3.connect(file, isolation_level=None, timeout=0)
        with contextlib.closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


async def test_an_entry_without_its_case_is_refused(url: str) -> None:
    columns = "workflow_id, number, tenant, at, kind, text, actor"
    entry = f"INSERT INTO timeline ({columns}) VALUES ('none', 1, 'acme', :at, 'case', '', '')"
    async with opened(url) as database:
        at = "2026-03-01 12:00:00" if database.is_sqlite else NOON
        with pytest.raises(VendorRefused):
            async with database.writing() as connection:
                await connection.execute(text(entry), {"at": at})


async def test_a_case_whose_second_statement_fails_leaves_no_row(url: str) -> None:
    async with opened(url) as database:
        broken = CASE.model_copy(update={"timeline": (CASE.timeline[0].model_copy(update={"text": "\ud800"}),)})
        with pytest.raises(VendorRefused):
            await SqlCaseStore(database).save_case(broken)
        assert await SqlCaseStore(database).find_case("w1") is None


async def test_a_full_pool_answers_within_its_time_out(url: str) -> None:
    async with opened(url, pool_size=1, pool_timeout=timedelta(seconds=0.3)) as database:
        async with database.writing() as connection:
            await connection.execute(text("SELECT 1"))
            begun = time.monotonic()
            with pytest.raises(VendorUnavailable) as caught:
                await SqlEffectLedger(database).claim("k", "acme")
            assert 0.25 < time.monotonic() - begun < 3
            assert caught.value.code == "pool_exhausted"
        assert (await SqlEffectLedger(database).claim("k", "acme")).status == EffectStatus.NEW


async def test_a_cancelled_call_gives_its_connection_back(url: str) -> None:
    async with opened(url, pool_size=1, pool_timeout=timedelta(seconds=5)) as database:
        ledger = SqlEffectLedger(database)
        for number in range(20):
            call = asyncio.create_task(ledger.claim(f"k{number}", "acme"))
            await asyncio.sleep(number * 0.0005)
            call.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await call
        assert (await ledger.claim("last", "acme")).status == EffectStatus.NEW


async def test_a_store_before_its_migration_says_what_to_do(empty_url: str) -> None:
    database = Database(empty_url)
    with pytest.raises(VendorUnavailable, match="surehand setup"):
        await SqlCaseStore(database).find_case("w1")
    await database.dispose()


async def test_a_restart_of_postgresql_costs_nothing_but_the_calls_under_way() -> None:
    """A server of its own, because the others' tests share one."""
    with PostgresServer() as server:
        async with opened(server.url()) as database:
            ledger = SqlEffectLedger(database)
            await ledger.claim("k", "acme")
            server.restart()
            assert (await ledger.claim("k", "acme")).attempts == 2
            server.stop()
            begun = time.monotonic()
            with pytest.raises(VendorUnavailable):
                await ledger.record("k", {})
            assert time.monotonic() - begun < 5
            server.start()
            await ledger.record("k", {"ok": True})
            assert (await ledger.claim("k", "acme")).outcome == {"ok": True}


async def test_a_lock_on_a_row_of_postgresql_is_waited_for_only_so_long(postgres: PostgresServer) -> None:
    async with (
        opened(postgres.url(), busy_timeout=timedelta(seconds=0.3)) as database,
        opened(postgres.url()) as other,
    ):
        ledger = SqlEffectLedger(database)
        await ledger.claim("locked", "acme")
        async with other.writing() as connection:
            await connection.execute(text("SELECT * FROM effects WHERE key = 'locked' FOR UPDATE"))
            with pytest.raises(VendorUnavailable) as caught:
                await ledger.record("locked", {})
            assert caught.value.code == "55P03"


class SilentAtCommit:
    """A proxy before PostgreSQL that hands on a COMMIT and cuts the line before its answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cuts = 0
        self.armed = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._port)
        cut = asyncio.Event()

        async def ask() -> None:
            while block := await reader.read(65536):
                if self.armed and b"COMMIT" in block:
                    self.armed, self.cuts = False, self.cuts + 1
                    cut.set()
                server_writer.write(block)
            server_writer.close()

        async def answer() -> None:
            while block := await server_reader.read(65536):
                if cut.is_set():
                    break
                writer.write(block)
            writer.close()

        with contextlib.suppress(OSError):
            await asyncio.gather(ask(), answer())
        server_writer.close()


@pytest.fixture
async def proxied(postgres: PostgresServer) -> AsyncIterator[tuple[SilentAtCommit, Database]]:
    await migrate(postgres.url())
    proxy = SilentAtCommit(postgres.port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    database = Database(f"postgresql://postgres@127.0.0.1:{port}/postgres")
    yield proxy, database
    await database.dispose()
    server.close()


async def test_a_claim_whose_commit_got_no_answer_is_looked_up_by_key_and_not_claimed_again(
    proxied: tuple[SilentAtCommit, Database],
) -> None:
    proxy, database = proxied
    key = f"commit/{os.urandom(4).hex()}"
    ledger = SqlEffectLedger(database)
    await ledger.claim(f"{key}/warm", "acme")
    proxy.armed = True
    entry = await ledger.claim(key, "acme")
    assert proxy.cuts == 1
    assert (entry.status, entry.attempts) == (EffectStatus.NEW, 1)
    assert (await ledger.claim(key, "acme")).status == EffectStatus.CLAIMED


async def test_a_case_whose_commit_got_no_answer_is_saved_once_when_it_is_saved_again(
    proxied: tuple[SilentAtCommit, Database],
) -> None:
    proxy, database = proxied
    cases = SqlCaseStore(database)
    record = CASE.model_copy(update={"workflow_id": f"commit-{os.urandom(4).hex()}"})
    assert await cases.find_case(record.workflow_id) is None
    proxy.armed = True
    with pytest.raises(VendorUnavailable):
        await cases.save_case(record)
    assert proxy.cuts == 1
    await cases.save_case(record)
    assert len(await cases.timeline(record.workflow_id)) == 1
