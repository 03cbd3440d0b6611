"""The database behind the store: its connections, its transactions and how long anything may wait."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Table, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from domain.errors import ConfigurationProblem, NotReachable, VendorError
from integrations.store.database import sqlite_connection
from integrations.store.database.errors import translated
from integrations.store.database.migration import HEAD
from integrations.store.database.url import StoreUrl, read_store_url

_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def to_json(value: object) -> str:
    """JSON as both databases take it: no NaN, no lone surrogate (the driver refuses it), no NUL (replaced)."""
    return _ESCAPED_NUL.sub(r"\1�", json.dumps(value, allow_nan=False, ensure_ascii=False))


class Database:
    """One database, shared by every part of the store.

    SQLite gets a single writing connection, so that writers of this process queue fairly in the pool instead of
    racing for the file's lock; readers never wait for it (write-ahead log).

    Args:
        url: `sqlite:///file` or `postgresql://...`.
        pool_size: connections that may be open at once, for reading on SQLite and for everything on PostgreSQL.
        pool_timeout: how long to wait for a free connection.
        busy_timeout: how long to wait for a lock that another process holds.
        statement_timeout: how long one statement may take on PostgreSQL, and how long to wait for its log-in.

    Raises:
        ConfigurationProblem: the URL cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        pool_timeout: timedelta = timedelta(seconds=10),
        busy_timeout: timedelta = timedelta(seconds=5),
        statement_timeout: timedelta = timedelta(seconds=15),
    ) -> None:
        self._url = read_store_url(url)
        self._pool_timeout = pool_timeout.total_seconds()
        if self._url.is_sqlite:
            self._reader = self._sqlite_engine(sqlite_connection.READ, busy_timeout, pool_size)
            self._writer = self._sqlite_engine(sqlite_connection.WRITE, busy_timeout, 1)
        else:
            self._reader = self._writer = self._postgresql_engine(busy_timeout, statement_timeout, pool_size)

    @property
    def url(self) -> StoreUrl:
        """Which database it is."""
        return self._url

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite; PostgreSQL otherwise."""
        return self._url.is_sqlite

    async def connect(self) -> None:
        """Check that the database answers and has this program's tables; closes everything when not.

        Raises:
            NotReachable: it does not answer.
            ConfigurationProblem: its tables are missing, older or newer.
        """
        try:
            found = await self._revision()
        except VendorError as error:
            await self.dispose()
            raise NotReachable(f"{error} (code {error.code})") from None
        if found != HEAD:
            await self.dispose()
            raise ConfigurationProblem("The store's tables are not those of this version: run `surehand setup`.")

    async def _revision(self) -> str | None:
        async with self.reading() as connection:
            if not await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version")):
                return None
            found: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found

    async def dispose(self) -> None:
        """Close every connection. The object can be used again and reconnects."""
        await self._reader.dispose()
        if self._writer is not self._reader:
            await self._writer.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads: one snapshot on SQLite.

        Raises:
            VendorUnavailable: the database cannot answer now.
            VendorRefused: it never will answer this.
        """
        with translated():
            async with self._reader.begin() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes: all of it when the block ends well, else nothing.

        When the connection breaks during the commit, it may have taken effect; every statement of the store is
        therefore safe to repeat with the same key.

        Raises:
            VendorUnavailable: the database cannot do it now.
            VendorRefused: it never will.
        """
        with translated():
            async with self._writer.begin() as connection:
                yield connection

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An INSERT in this database's dialect, which has `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def _sqlite_engine(self, begin: str, busy_timeout: timedelta, pool_size: int) -> AsyncEngine:
        engine = self._engine(
            pool_size,
            # The driver must not open transactions on its own: a deferred one cannot wait for a lock to write.
            connect_args={
                "timeout": busy_timeout.total_seconds(),
                "isolation_level": None,
                "async_creator_fn": sqlite_connection.connect,
            },
        )

        @event.listens_for(engine.sync_engine, "connect")
        def prepare(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA foreign_keys = ON")
            # FULL: a commit of the effect ledger must survive a power cut, or an effect would happen twice.
            cursor.execute("PRAGMA synchronous = FULL")
            if begin == sqlite_connection.WRITE:
                cursor.execute("PRAGMA busy_timeout = 0")  # it looks for the lock itself, and more often
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def open_transaction(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    def _postgresql_engine(self, lock: timedelta, statement: timedelta, pool_size: int) -> AsyncEngine:
        def milliseconds(duration: timedelta) -> str:
            return str(int(duration.total_seconds() * 1000))

        return self._engine(
            pool_size,
            # A connection that a restarted server dropped is found out before it is used.
            pool_pre_ping=True,
            pool_recycle=1800,
            connect_args={
                "timeout": statement.total_seconds(),
                # The client's own limit, for a server that went away without a word.
                "command_timeout": statement.total_seconds() + 5,
                "server_settings": {
                    "application_name": "surehand",
                    "timezone": "UTC",
                    "lock_timeout": milliseconds(lock),
                    "statement_timeout": milliseconds(statement),
                    "idle_in_transaction_session_timeout": milliseconds(statement * 2),
                },
            },
        )

    def _engine(self, pool_size: int, **options: Any) -> AsyncEngine:
        return create_async_engine(
            self._url.sqlalchemy,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=self._pool_timeout,
            # Error texts must not quote customers' words.
            hide_parameters=True,
            json_serializer=to_json,
            **options,
        )
