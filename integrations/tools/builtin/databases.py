"""Asking configured databases, reading only."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from domain.errors import ConfigurationProblem
from domain.model import JsonValue, Value
from domain.text.redaction import Redactor
from domain.tools.tool import Safety, ToolCategory
from integrations.databases.configuration import DatabaseSource, DatabaseSources
from integrations.databases.postgresql import read_postgresql
from integrations.databases.sqlite import read_sqlite
from integrations.databases.statement import LONGEST, Scalar, checked
from integrations.tools.authentication import Secrets, secret_of
from integrations.tools.provider import CallContext, NotAllowed
from integrations.tools.python import tool


class Query(Value):
    """What to ask whom."""

    database: str = Field(min_length=1, max_length=40, description="name below `databases` in tools.yaml")
    sql: str = Field(min_length=1, max_length=LONGEST, description="one SELECT, WITH or EXPLAIN")
    parameters: dict[Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,39}$")], Scalar] = Field(
        default_factory=dict, max_length=20, description="values for places such as :service in the query"
    )


class Rows(Value):
    """What came back."""

    rows: tuple[dict[str, JsonValue], ...]
    count: int
    """Of the rows given."""
    complete: bool
    """False when there are more, or when rows were left out for their size."""
    summary: str


class DatabaseTools:
    """Reads databases that the configuration names."""

    def __init__(self, sources: DatabaseSources, secrets: Secrets) -> None:
        """Look up every address.

        Raises:
            ConfigurationProblem: a secret is not set, or is no address of a database.
        """
        self._sources = sources.root
        self._addresses = {
            name: _address(secret_of(secrets, source.secret, f"The database {name}"), name)
            for name, source in self._sources.items()
        }
        self._redactor = Redactor()

    @tool(
        name="database.query",
        title="Ask a database, reading only",
        vendor="database",
        category=ToolCategory.SEARCH,
        capabilities=("database.query",),
        safety=Safety.SAFE,
        idempotent=True,
        timeout=timedelta(seconds=150),
        result_limit_bytes=600_000,
    )
    async def query(self, arguments: Query, context: CallContext) -> Rows:
        """One query that reads: PostgreSQL in a READ ONLY transaction, SQLite opened read-only.

        Raises:
            NotAllowed: the tenant has no such database, or the statement does something else than read.
            VendorError: from the database.
        """
        source = self._sources.get(arguments.database)
        if source is None or not source.is_for(context.tenant):
            raise NotAllowed("There is no such database for this tenant: see `databases` in tools.yaml.")
        statement = checked(arguments.sql, arguments.parameters)
        address = self._addresses[arguments.database]
        most, seconds = source.most_rows, source.timeout_seconds
        if isinstance(address, Path):
            rows = await read_sqlite(
                address, statement, most_rows=most, seconds=seconds, parameters=arguments.parameters
            )
        else:
            rows = await read_postgresql(
                address, statement, most_rows=most, seconds=seconds, parameters=arguments.parameters
            )
        return self._shown(rows, source)

    def _shown(self, rows: list[dict[str, Any]], source: DatabaseSource) -> Rows:
        kept: list[dict[str, JsonValue]] = []
        size = 0
        for row in rows[: source.most_rows]:
            plain = {name: _plain(value) for name, value in row.items()}
            shown = self._redactor.redact_json(plain).value if source.redact else plain
            size += len(json.dumps(shown, ensure_ascii=False).encode())
            if size > source.most_bytes:
                break
            kept.append(shown)
        complete = len(kept) == len(rows)
        more = "" if complete else " There are more: narrow the query."
        return Rows(rows=tuple(kept), count=len(kept), complete=complete, summary=f"{len(kept)} rows.{more}")


def _address(url: str, name: str) -> str | Path:
    """A server's address for the driver, or a file."""
    scheme, _, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    if kind in ("postgresql", "postgres"):
        return f"postgresql://{rest}"
    if kind == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return Path(rest[1:])
    raise ConfigurationProblem(
        f"The secret of the database {name} is no address: begin it with postgresql:// or sqlite:///."
    )


def _plain(value: Any) -> JsonValue:
    if isinstance(value, bytes):
        return f"[{len(value)} bytes]"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
