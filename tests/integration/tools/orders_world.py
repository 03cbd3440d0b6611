"""A database with orders in it, on SQLite and PostgreSQL, and the tool that reads it."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import asyncpg
from pydantic import SecretStr

from integrations.databases.configuration import DatabaseSources
from integrations.databases.statement import Scalar
from integrations.tools.builtin.databases import DatabaseTools, Query, Rows
from integrations.tools.provider import CallContext
from tests.postgres import PostgresServer

_numbers = itertools.count(1)
ROWS = [(1, "lena@example.com", 10.5), (2, "b", 20.25), (3, None, 0.0)]


class World:
    """One database with orders in it, and the tool that reads it."""

    def __init__(self, kind: str, url: str, file: Path | None = None) -> None:
        self.kind, self.url, self.file = kind, url, file

    def tools(self, **settings: object) -> DatabaseTools:
        source = {"secret": "orders_database", "tenants": ["acme"], **settings}
        return DatabaseTools(
            DatabaseSources.model_validate({"orders": source}), {"orders_database": SecretStr(self.url)}
        )

    async def ask(
        self, sql: str, values: dict[str, Scalar] | None = None, *, tenant: str = "acme", **more: object
    ) -> Rows:
        context = CallContext(key="k", tenant=tenant, attempt=1)
        return await self.tools(**more).query(Query(database="orders", sql=sql, parameters=values or {}), context)

    async def orders(self) -> int:
        if self.file is not None:
            with sqlite3.connect(self.file) as connection:
                return int(connection.execute("SELECT count(*) FROM orders").fetchone()[0])
        connection = await asyncpg.connect(self.url)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM orders"))
        finally:
            await connection.close()


async def on_postgres(server: PostgresServer) -> World:
    name = f"orders_{next(_numbers)}"
    for database, statements in (
        ("postgres", [f"CREATE DATABASE {name}"]),
        (
            name,
            [
                "CREATE TABLE orders (id int, mail text, amount numeric)",
                *(f"INSERT INTO orders VALUES ({i}, {f'{m!r}' if m else 'NULL'}, {a})" for i, m, a in ROWS),
                "CREATE SEQUENCE numbers",
                "CREATE FUNCTION sneak(text) RETURNS int LANGUAGE sql AS 'DELETE FROM orders RETURNING id'",
            ],
        ),
    ):
        connection = await asyncpg.connect(server.url(database))
        for statement in statements:
            await connection.execute(statement)
        await connection.close()
    return World("postgresql", server.url(name))


def on_sqlite(file: Path) -> World:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE orders (id int, mail text, amount real)")
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", ROWS)
    return World("sqlite", f"sqlite:///{file}", file)
