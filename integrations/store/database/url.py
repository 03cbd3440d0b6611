"""Store URLs: which database an operator means, without loading SQLAlchemy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from domain.errors import ConfigurationProblem

_SQLITE = ("sqlite", "sqlite+aiosqlite")
_POSTGRESQL = ("postgresql", "postgres", "postgresql+asyncpg")
_PARAMETERS = {
    "sslmode": "ssl",
    "ssl": "ssl",
    "host": "host",
    "target_session_attrs": "target_session_attrs",
    "prepared_statement_cache_size": "prepared_statement_cache_size",
}
"""What may follow the `?` of a PostgreSQL URL, and what asyncpg calls it."""

_ADVICE = "use sqlite:///path/to/file.db or postgresql://user:password@host:5432/name."


@dataclass(frozen=True)
class StoreUrl:
    """A checked URL. Its `repr` hides the password, because it ends up in tracebacks.

    Attributes:
        sqlalchemy: the URL with the driver that we use.
        file: the database file, for SQLite only.
    """

    sqlalchemy: str
    file: Path | None = None

    @property
    def is_sqlite(self) -> bool:
        """Whether it names a SQLite file."""
        return self.file is not None

    def __repr__(self) -> str:
        return f"StoreUrl(file={self.file!r})" if self.file else "StoreUrl(postgresql)"


def read_store_url(url: str) -> StoreUrl:
    """Check a store URL and choose its driver.

    Args:
        url: `sqlite:///file`, `postgresql://...`, or either with our driver named. `sslmode` is understood.

    Raises:
        ConfigurationProblem: another database, no file, or a database in memory, which two processes cannot share.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        # `from None`: the parser's own words may quote the password.
        raise ConfigurationProblem(f"The store's URL cannot be read: {_ADVICE}") from None
    if parts.scheme in _SQLITE:
        return _sqlite(url)
    if parts.scheme in _POSTGRESQL:
        return StoreUrl(urlunsplit(("postgresql+asyncpg", parts.netloc, parts.path, _parameters(parts.query), "")))
    raise ConfigurationProblem(f"The store's URL names no database that Surehand knows: {_ADVICE}")


def _parameters(query: str) -> str:
    """The URL's parameters in asyncpg's words; one that it does not know would fail at the first connection."""
    given = {_PARAMETERS.get(name, ""): value for name, value in parse_qsl(query)}
    if "" in given:
        known = ", ".join(sorted(_PARAMETERS))
        raise ConfigurationProblem(f"The store's URL has a parameter that is not understood: use only {known}.")
    return urlencode(given)


def _sqlite(url: str) -> StoreUrl:
    prefix, _, path = url.partition(":///")
    name = unquote(path.partition("?")[0])
    if not name or ":memory:" in name or prefix not in _SQLITE:
        raise ConfigurationProblem("The store needs a file that survives the process: use sqlite:///path/to/file.db.")
    return StoreUrl(f"sqlite+aiosqlite:///{name}", Path(name))
