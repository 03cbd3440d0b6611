"""Brings the store's tables up to date, at every start, from any number of processes at once.

Most starts find nothing to do, so the check comes first and loads neither Alembic nor SQLAlchemy for SQLite. The
migration itself runs in one transaction under a lock, and whoever waited for the lock finds the work done.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from domain.errors import ConfigurationProblem, NotReachable, SurehandError
from integrations.store.database.url import StoreUrl, read_store_url

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

HEAD = "0010"
"""The newest revision in `migrations/versions`; a test holds them together."""

_LOCK_SECONDS = 60.0
"""How long to wait for another process's migration."""

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
"""Alembic knows one migration per process: two stores that are opened at once would get each other's statements."""

_ADVISORY_LOCK = 0x53757265
"""PostgreSQL's advisory lock for migrations: the letters `Sure`."""


async def migrate(url: str) -> None:
    """Create the store's tables or bring them up to date; does nothing when they are.

    Args:
        url: as `Database` takes it. A SQLite file and its folder are created, readable by their owner only.

    Raises:
        ConfigurationProblem: the URL cannot be used, or a newer version of Surehand wrote the store.
        NotReachable: the database does not answer, or another process held the lock for over a minute.
    """
    target = read_store_url(url)
    if target.file is not None:
        if await asyncio.to_thread(_sqlite_version, target.file) == HEAD:
            return
        await asyncio.to_thread(_prepare_file, target.file)
    await _run(target, _upgrade)


async def revision_of(url: str) -> str | None:
    """The revision of a store's tables, read and not changed; None where there are none yet.

    Raises:
        ConfigurationProblem: the URL cannot be used.
        NotReachable: the database does not answer.
    """
    target = read_store_url(url)
    if target.file is not None:
        return await asyncio.to_thread(_sqlite_version, target.file)
    found: list[str | None] = []

    def read(connection: Connection) -> None:
        from sqlalchemy import inspect, text  # noqa: PLC0415 - see below

        known = inspect(connection).has_table("alembic_version")
        found.append(connection.scalar(text("SELECT version_num FROM alembic_version")) if known else None)

    await _run(target, read)
    return found[0]


async def downgrade(url: str, revision: str = "base") -> None:
    """Go back to an older revision, for tests and for an operator's roll-back.

    Raises:
        ConfigurationProblem: rows would be lost.
        NotReachable: the database does not answer.
    """
    await _run(read_store_url(url), lambda connection: _alembic("downgrade", connection, revision))


def _sqlite_version(file: Path) -> str | None:
    """The file's revision; None when it has none or cannot be asked, which the migration itself will find out."""
    if not file.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return str(row[0]) if row else None


def _prepare_file(file: Path) -> None:
    """Create the file for its owner only, and set the write-ahead log, which stays with the file.

    Changing the journal's mode ignores the busy time-out, so two processes that start together must take turns here.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigurationProblem(
            f"The store's file {file} cannot be written ({error.strerror}): choose another."
        ) from None
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            with closing(sqlite3.connect(file, timeout=1)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if time.monotonic() > deadline or "locked" not in str(error):
                raise NotReachable(f"The store's file {file} cannot be opened ({error.sqlite_errorname}).") from None
            time.sleep(0.05)
        except sqlite3.DatabaseError:
            raise ConfigurationProblem(f"The file {file} is no SQLite database: choose another file.") from None


async def _run(target: StoreUrl, work: Callable[[Connection], None]) -> None:
    from integrations.store.database.errors import translate  # noqa: PLC0415 - loads SQLAlchemy, which most starts do not need

    engine = _engine(target)
    try:
        turn = _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with turn, engine.begin() as connection:
            await connection.run_sync(work)
    except SurehandError:
        raise
    except Exception as error:
        ours = translate(error)
        if ours is None:
            raise
        raise NotReachable(f"The store could not be migrated: {ours} (code {ours.code})") from None
    finally:
        await engine.dispose()


def _engine(target: StoreUrl) -> AsyncEngine:
    from sqlalchemy import event  # noqa: PLC0415 - see above
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    options: dict[str, Any] = {"timeout": _LOCK_SECONDS}
    if target.is_sqlite:
        options["isolation_level"] = None
    engine = create_async_engine(target.sqlalchemy, poolclass=NullPool, hide_parameters=True, connect_args=options)

    @event.listens_for(engine.sync_engine, "begin")
    def lock(connection: Connection) -> None:
        if target.is_sqlite:
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
        else:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(_LOCK_SECONDS)}s'")
            # Freed with the transaction, also when this process dies.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")

    return engine


def _upgrade(connection: Connection) -> None:
    """Upgrade, unless somebody did while we waited for the lock."""
    from sqlalchemy import inspect, text  # noqa: PLC0415 - see above

    known = inspect(connection).has_table("alembic_version")
    if known and connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD:
        return
    _alembic("upgrade", connection, "head")


def _alembic(command_name: str, connection: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("path_separator", "os")
    # Alembic reads % as interpolation.
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        getattr(command, command_name)(config, revision)
    except CommandError:
        raise ConfigurationProblem(
            "A newer version of Surehand wrote the store: start that version, or restore the back-up made before it."
        ) from None
