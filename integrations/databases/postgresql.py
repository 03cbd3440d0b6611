"""Reads PostgreSQL: one statement in a READ ONLY transaction of its own connection, ended by the server in time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has no types

from domain.errors import VendorError, VendorRefused, VendorUnavailable
from integrations.databases.statement import FUNCTIONS, Scalar, Statement
from integrations.tools.provider import NotAllowed

VENDOR = "database"
_CONNECT_SECONDS = 5.0
_LONGEST_ROW = 20_000
_TYPES: tuple[tuple[type, str], ...] = ((bool, "boolean"), (int, "bigint"), (float, "double precision"), (str, "text"))
_PASSING = ("08", "53", "55", "57", "58", "40")
_CALLS = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_proc
               WHERE proname = ANY($1::text[]) AND provolatile = 'v' AND NOT proname = ANY($2::text[]))
"""
"""Whether `x.f` could be a call of something that acts: what reads files or ends sessions is volatile."""
_READS = """
SELECT CASE WHEN octet_length(line) <= $1 THEN line END AS line, octet_length(line) AS size
FROM (SELECT CAST(row_to_json(asked) AS text) AS line FROM (
{sql}
) AS asked LIMIT $2) AS lines
"""
"""The server makes JSON of each row and keeps back what is too long, so that no value can fill our memory."""


async def read_postgresql(
    url: str, statement: Statement, *, most_rows: int, seconds: float, parameters: Mapping[str, Scalar] | None = None
) -> list[dict[str, Any]]:
    """The rows of a query, one more than wanted where there are more.

    Args:
        url: with user and password.
        statement: as `checked` gave it.
        most_rows: to read.
        seconds: to end it after.
        parameters: bound to their places.

    Raises:
        NotAllowed: it writes.
        VendorRefused: it is wrong, takes too long, or the user may not.
        VendorUnavailable: the server does not answer.
    """
    try:
        connection = await asyncpg.connect(
            url,
            timeout=_CONNECT_SECONDS,
            command_timeout=seconds + 2,
            statement_cache_size=0,
            server_settings={
                "application_name": "surehand database.query",
                "default_transaction_read_only": "on",
                # Else a backslash could end a text elsewhere than where it was read.
                "standard_conforming_strings": "on",
                "statement_timeout": str(int(seconds * 1000)),
                "lock_timeout": str(int(min(seconds, 2) * 1000)),
                "idle_in_transaction_session_timeout": str(int((seconds + 5) * 1000)),
            },
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        code = getattr(error, "sqlstate", None) or "connection"
        raise VendorUnavailable(VENDOR, code, "The database does not answer: check its address and its user.") from None
    try:
        async with connection.transaction(readonly=True):
            return await _rows(connection, statement, most_rows, parameters or {})
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise _translated(error) from None
    finally:
        # The connection goes with everything that a statement may have left on it.
        connection.terminate()


async def _rows(
    connection: Any, statement: Statement, most_rows: int, parameters: Mapping[str, Scalar]
) -> list[dict[str, Any]]:
    if await connection.fetchval(_CALLS, list(statement.members), sorted(FUNCTIONS)):
        raise NotAllowed("The query has a name after a full stop that is a function: take it out.")
    if statement.explains:
        sql, values = _bound(statement, parameters, 1)
        return [{"plan": row[0]} for row in await connection.fetch(sql, *values)]
    sql, values = _bound(statement, parameters, 3)
    rows = await connection.fetch(_READS.format(sql=sql), _LONGEST_ROW, most_rows + 1, *values)
    return [_row(row["line"], row["size"]) for row in rows]


def _bound(statement: Statement, parameters: Mapping[str, Scalar], first: int) -> tuple[str, list[Scalar]]:
    """The statement with `$3` in the place of `:name`, each of the type of its value, and the values in order."""
    names = list(dict.fromkeys(name for _, _, name in statement.places))
    sql = statement.sql
    for start, end, name in reversed(statement.places):
        value = parameters[name]
        kind = next((word for known, word in _TYPES if isinstance(value, known)), "text")
        sql = f"{sql[:start]}CAST(${first + names.index(name)} AS {kind}){sql[end:]}"
    return sql, [parameters[name] for name in names]


def _row(text: str | None, size: int) -> dict[str, Any]:
    if text is None:
        return {"left_out": f"This row has {size:,} bytes: select fewer columns, or parts of them."}
    return json.loads(text, object_pairs_hook=_distinct)  # type: ignore[no-any-return]


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two columns of one name stay two."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        free, number = name, 1
        while free in found:
            number += 1
            free = f"{name}_{number}"
        found[free] = value
    return found


def _translated(error: BaseException) -> VendorError | NotAllowed:
    state = str(getattr(error, "sqlstate", "") or "")
    if state == "25006":
        return NotAllowed("The query writes, and this connection only reads: take it out.")
    if state == "57014" or isinstance(error, TimeoutError):
        return VendorRefused(VENDOR, "time_out", "The query took too long: narrow it.")
    if not state or state.startswith(_PASSING):
        return VendorUnavailable(VENDOR, state or "connection", "The database cannot answer now: try again.")
    refused = VendorRefused(VENDOR, state, "The database refused the query: correct it.")
    refused.data = str(error)[:300] if state.startswith("42") else None
    return refused
