"""Reads a SQLite file: opened read-only, with an authorizer that lets nothing but reading pass."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from domain.errors import VendorRefused, VendorUnavailable
from integrations.databases.statement import FUNCTIONS, Scalar, Statement
from integrations.tools.provider import NotAllowed

VENDOR = "database"
_LONGEST_VALUE = 1_000_000
_STEPS = 5_000
_OPERATORS = frozenset({"like", "glob"})
"""Operators that SQLite calls as functions."""
_FREE = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE)


class _Stop:
    """Ends a statement from outside its thread, or when its time is over."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self.asked = False

    def over(self) -> bool:
        return self.asked or time.monotonic() > self._deadline


async def read_sqlite(
    file: Path, statement: Statement, *, most_rows: int, seconds: float, parameters: Mapping[str, Scalar] | None = None
) -> list[dict[str, Any]]:
    """The rows of a query, one more than wanted where there are more.

    Args:
        file: the database.
        statement: as `checked` gave it.
        most_rows: to read.
        seconds: to end it after.
        parameters: bound to their places.

    Raises:
        NotAllowed: it does something else than read.
        VendorRefused: it is wrong or takes too long.
        VendorUnavailable: the file cannot be read now.
    """
    stop = _Stop(seconds)
    reading = asyncio.get_running_loop().run_in_executor(
        None, _read, file, statement, most_rows, stop, dict(parameters or {})
    )
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        stop.asked = True
        await asyncio.gather(reading, return_exceptions=True)
        raise


def _read(
    file: Path, statement: Statement, most_rows: int, stop: _Stop, parameters: dict[str, Scalar]
) -> list[dict[str, Any]]:
    if not file.is_file():
        raise VendorUnavailable(VENDOR, "no_file", "The database's file is not there: correct its secret.")
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            connection.set_progress_handler(stop.over, _STEPS)
            connection.set_authorizer(_allow)
            asked = f"EXPLAIN QUERY PLAN {_query(statement)}" if statement.explains else statement.sql
            cursor = connection.execute(asked, parameters)
            names = _distinct([column[0] for column in cursor.description or ()])
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchmany(most_rows + 1)]
    except sqlite3.Error as error:
        raise _translated(error, stop) from None


def _query(statement: Statement) -> str:
    words = statement.sql.split(None, 3)
    while words and words[0].lower() in ("explain", "analyze", "verbose", "query", "plan"):
        words.pop(0)
    return " ".join(words)


def _allow(action: int, first: str | None, second: str | None, database: str | None, source: str | None) -> int:
    if action in _FREE:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in FUNCTIONS | _OPERATORS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _distinct(names: list[str]) -> list[str]:
    """Two columns of one name stay two."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return found


def _translated(error: sqlite3.Error, stop: _Stop) -> Exception:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name == "SQLITE_INTERRUPT" or stop.over():
        return VendorRefused(VENDOR, "time_out", "The query took too long: narrow it.")
    if name in ("SQLITE_AUTH", "SQLITE_READONLY") or "not authorized" in str(error):
        return NotAllowed("The query does something else than read: take it out.")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_CANTOPEN")):
        return VendorUnavailable(VENDOR, name, "The database cannot be read now: try again.")
    refused = VendorRefused(VENDOR, name or "error", "The database does not understand the query: correct it.")
    refused.data = str(error)[:300]
    return refused
