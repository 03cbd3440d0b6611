"""Migrations: repeatable, safe from many processes, quick when there is nothing to do, careful going back."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from domain.cases.records import InterventionRecord
from domain.errors import ConfigurationProblem, NotReachable
from domain.knowledge.articles import Article
from integrations.store.database import migration
from integrations.store.database.connection import Database
from integrations.store.database.migration import HEAD, downgrade, migrate
from integrations.store.knowledge.seeding import seed_articles
from integrations.store.store import SqlStore
from integrations.store.tables import metadata
from integrations.store.tables.comparing import is_compared

SHIPPED = Path(__file__).parents[3] / "config" / "knowledge"


async def test_the_migrated_database_has_exactly_the_tables_of_the_code(store: SqlStore) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"include_object": is_compared})
        return compare_metadata(context, metadata)

    async with store.database.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_every_table_has_a_tenant(store: SqlStore) -> None:
    assert all("tenant" in table.c for table in metadata.tables.values())


def test_the_newest_revision_is_the_one_that_the_quick_check_looks_for() -> None:
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(Path(migration.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


async def test_migrating_again_keeps_every_row(store: SqlStore, url: str) -> None:
    await store.ledger.claim("k", "acme")
    await migrate(url)
    await migrate(url)
    assert (await store.ledger.claim("k", "acme")).attempts == 2


async def test_processes_that_start_together_on_an_empty_database_all_get_ready(empty_url: str) -> None:
    program = (
        "import asyncio, sys; from integrations.store.store import SqlStore as S; asyncio.run(S.open(sys.argv[1]))"
    )
    starts = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, empty_url, stderr=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]
    ends = await asyncio.gather(*(start.communicate() for start in starts))
    assert [start.returncode for start in starts] == [0, 0, 0], ends
    database = Database(empty_url)
    await database.connect()
    await database.dispose()


async def test_many_migrations_of_one_process_at_once_are_one(empty_url: str) -> None:
    await asyncio.gather(*(migrate(empty_url) for _ in range(6)))
    store = await SqlStore.open(empty_url)
    assert (await store.ledger.claim("k", "acme")).attempts == 1
    await store.close()


async def test_two_stores_that_one_process_opens_at_once_each_get_their_own_tables(
    empty_url: str, tmp_path: Path
) -> None:
    other = f"sqlite:///{tmp_path}/other.db"
    await asyncio.gather(migrate(empty_url), migrate(other))
    for url in (empty_url, other):
        store = await SqlStore.open(url)
        assert (await store.ledger.claim("k", "acme")).attempts == 1
        await store.close()


async def test_a_start_on_an_up_to_date_file_loads_neither_alembic_nor_sqlalchemy(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    await migrate(url)
    program = (
        "import asyncio, sys;"
        "from integrations.store.database.migration import migrate;"
        "asyncio.run(migrate(sys.argv[1])); assert not {'alembic', 'sqlalchemy'} & set(sys.modules)"
    )
    start = await asyncio.create_subprocess_exec(sys.executable, "-c", program, url, stderr=asyncio.subprocess.PIPE)
    _, complaint = await start.communicate()
    assert start.returncode == 0, complaint


async def test_going_back_is_refused_while_rows_would_be_lost(store: SqlStore, url: str) -> None:
    await store.ledger.claim("k", "acme")
    with pytest.raises(ConfigurationProblem, match="effects"):
        await downgrade(url)
    assert (await store.ledger.claim("k", "acme")).attempts == 2


async def test_going_back_is_refused_while_it_would_forget_what_people_said(store: SqlStore, url: str) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    said = InterventionRecord(
        workflow_id="playbook:acme:payment:1",
        tenant="acme",
        number=1,
        step="/do/0/charge",
        title="Charge",
        problem="No answer.",
        parked_at=now,
        action="skip",
        person_id="p-greta",
        at=now,
    )
    await store.cases.audit_intervention(said)
    with pytest.raises(ConfigurationProblem, match="interventions"):
        await downgrade(url)
    assert await store.cases.interventions_of("playbook:acme:payment:1") == [said]


async def test_going_back_is_refused_while_it_would_lose_an_article_of_the_tenants_own(
    store: SqlStore, url: str
) -> None:
    await store.knowledge.add("acme", Article(article_id="a", title="Ours", body="Ours."))
    with pytest.raises(ConfigurationProblem, match="articles"):
        await downgrade(url)
    assert await store.knowledge.find("acme", "a") is not None


async def test_an_empty_store_goes_back_and_forth(store: SqlStore, url: str) -> None:
    await seed_articles(store.knowledge, "acme", SHIPPED)
    await store.close()
    await downgrade(url)
    with pytest.raises(ConfigurationProblem):
        await Database(url).connect()
    await migrate(url)
    assert await store.knowledge.search("acme", "password") == []
    assert await seed_articles(store.knowledge, "acme", SHIPPED) > 0


async def test_a_store_of_a_newer_version_is_left_alone(store: SqlStore, url: str) -> None:
    async with store.database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationProblem, match="newer version"):
        await migrate(url)
    with pytest.raises(ConfigurationProblem):
        await store.database.connect()


async def test_a_migration_that_fails_halfway_leaves_nothing(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def upgrade_then_fail(connection: Connection) -> None:
        migration._alembic("upgrade", connection, "head")
        raise ConfigurationProblem("Stopped on purpose.")

    monkeypatch.setattr(migration, "_upgrade", upgrade_then_fail)
    with pytest.raises(ConfigurationProblem, match="on purpose"):
        await migrate(empty_url)
    monkeypatch.undo()
    with pytest.raises(ConfigurationProblem, match="surehand setup"):
        await Database(empty_url).connect()
    await migrate(empty_url)


async def test_a_new_file_is_for_its_owner_only_and_its_folder_is_made(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "s 100%.db"
    await migrate(f"sqlite:///{file}")
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("These are notes and no database at all. " * 50)
    with pytest.raises(ConfigurationProblem, match="no SQLite database"):
        await migrate(f"sqlite:///{tmp_path}/notes.txt")


async def test_a_server_that_does_not_answer_is_said_to_be_unreachable() -> None:
    with pytest.raises(NotReachable):
        await migrate("postgresql://nobody:geheim@127.0.0.1:1/none")
    database = Database("postgresql://nobody:geheim@127.0.0.1:1/none")
    with pytest.raises(NotReachable) as caught:
        await database.connect()
    assert "geheim" not in str(caught.value) + repr(database.url)
