"""SQLite's connections for the event loop: a statement with its rows is one errand of the connection's thread.

The driver sends its thread for every small thing: a cursor, BEGIN, the statement, its rows, closing the cursor, COMMIT.
On a busy machine each errand waits for its turn on a processor, a writer holds the file's lock meanwhile, and a
transaction of one statement takes nine of them. Here it takes two when it writes, and one when it reads.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Any, TypeVar

import aiosqlite

ResultT = TypeVar("ResultT")
READ = "BEGIN"
WRITE = "BEGIN IMMEDIATE"
_CHUNK = 64
_LOOKS_AGAIN_SECONDS = 0.001
"""Whether the file's lock is free. SQLite's own pauses grow to a tenth of a second, in which others go first."""


class Cursor:
    """What SQLAlchemy asks of a cursor. Rows are fetched with their statement."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Cursor:
        return self

    async def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        """Run one statement; a BEGIN is kept and run with what follows it."""
        if sql in (READ, WRITE):
            self._connection.begin_with_next(sql)
        else:
            await self._connection.errand(partial(self._run, sqlite3.Cursor.execute, sql, parameters))
        return self

    async def executemany(self, sql: str, parameters: Iterable[Any]) -> Cursor:
        """Run one statement for many rows."""
        await self._connection.errand(partial(self._run, sqlite3.Cursor.executemany, sql, parameters))
        return self

    def _run(self, run: Callable[..., sqlite3.Cursor], sql: str, parameters: Any, own: sqlite3.Connection) -> None:
        cursor = own.cursor()
        try:
            run(cursor, sql, parameters)
            self.description, self.lastrowid = cursor.description, cursor.lastrowid
            self._rows = cursor.fetchall() if cursor.description else []
            self.rowcount = cursor.rowcount
        finally:
            cursor.close()

    async def fetchall(self) -> list[Any]:
        """The rows that came with the statement."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """It was closed with its statement."""


class Connection(aiosqlite.Connection):
    """A connection whose transactions cost few errands."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], patience: float) -> None:
        super().__init__(connector, _CHUNK)
        self._patience = patience
        # Nobody's end waits for a connection that was left open.
        self._thread.daemon = True
        self._begin = ""
        self._reads = False
        # Each is written by one thread alone, so that neither needs a lock.
        self._sent = 0
        self._done = 0

    def __await__(self) -> Generator[Any, None, Connection]:
        yield from super().__await__()
        return self

    def cursor(self) -> Cursor:  # type: ignore[override] # no errand is needed for it
        """A cursor."""
        return Cursor(self)

    def begin_with_next(self, sql: str) -> None:
        """Begin a transaction together with its first statement."""
        self._begin, self._reads = sql, sql == READ

    async def errand(self, work: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        """Have something done by the connection's thread."""
        begin, self._begin = self._begin, ""
        self._sent += 1
        done: ResultT = await self._execute(self._carry_out, begin, work)  # type: ignore[no-untyped-call]
        return done

    def _carry_out(self, begin: str, work: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        try:
            if begin == WRITE:
                self._begin_writing()
            elif begin:
                self._conn.execute(begin)
            return work(self._conn)
        finally:
            self._done += 1

    def _begin_writing(self) -> None:
        until = time.monotonic() + self._patience
        while True:
            try:
                self._conn.execute(WRITE)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(_LOOKS_AGAIN_SECONDS)
            else:
                return

    async def commit(self) -> None:
        """Commit. The end of what only read needs no errand: nothing is written and nobody is waited for."""
        await self._end(sqlite3.Connection.commit)

    async def rollback(self) -> None:
        """Roll back; most often there is nothing to roll back."""
        await self._end(sqlite3.Connection.rollback)

    async def _end(self, end: Callable[[sqlite3.Connection], None]) -> None:
        self._begin = ""
        # Whoever was cancelled while the thread worked must wait for it: it may be about to begin the transaction.
        if self._sent == self._done:
            if not self._conn.in_transaction:
                return
            if self._reads:
                end(self._conn)
                return
        await self.errand(end)


def connect(file: str, *, timeout: float, **options: Any) -> Connection:
    """A connection to a file, as SQLAlchemy's `async_creator_fn` makes them.

    Args:
        file: its path.
        timeout: seconds to wait for a lock that another connection holds.
        options: of `sqlite3.connect`.
    """
    return Connection(partial(sqlite3.connect, file, timeout=timeout, **options), timeout)
