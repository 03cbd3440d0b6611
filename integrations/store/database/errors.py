"""The one place where a database's errors become ours: try again, or never.

The new error is raised `from None` and quotes nothing of the old one, because drivers repeat the values they were
given and those are customers' words. The driver's own code stays with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from domain.errors import SurehandError, VendorError, VendorRefused, VendorUnavailable

VENDOR = "store"

_PASSING_STATES = ("08", "40", "53", "55", "57", "58", "XX", "28", "3D")
"""Classes of SQLSTATE that may pass: connection, rollback, resources, locks, operator, system, internal, and the
log-in and database name, which an operator puts right while cases wait."""

_SCHEMA_MISSING = ("42P01", "42703")
"""Undefined table or column: the program started before its migration."""

_DRIVERS = ("asyncpg", "sqlite3", "sqlalchemy.dialects")

_REFUSED_IN_SQLITE = ("SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_TOOBIG", "SQLITE_RANGE", "SQLITE_MISUSE")


@contextmanager
def translated() -> Iterator[None]:
    """Raise our errors for the database's inside the block; our own and programming mistakes pass as they are."""
    try:
        yield
    except SurehandError:
        raise
    except Exception as error:
        ours = translate(error)
        if ours is None:
            raise
        raise ours from None


def translate(error: BaseException) -> VendorError | None:
    """Our error for a database's, or None when it is not one."""
    if isinstance(error, exc.TimeoutError):
        return _unavailable(
            "pool_exhausted", "Every connection to the store is busy: try again, or raise its pool size."
        )
    if isinstance(error, UnicodeError):
        return _refused("encoding", "The store takes Unicode text only: normalise the text before it is saved.")
    if isinstance(error, OSError):  # TimeoutError is one
        return _unavailable("connection", "The store does not answer: check that its database runs.")
    return _from_driver(_driver_error(error))


def connection_broke(error: VendorUnavailable) -> bool:
    """Whether a commit that was under way may have taken effect: the answer to it was lost."""
    return error.code == "connection" or error.code.startswith(("08", "57P"))


def _from_driver(error: BaseException) -> VendorError | None:
    if state := _text(error, "sqlstate"):
        return _from_postgresql(state)
    if name := _text(error, "sqlite_errorname"):
        return _from_sqlite(name, str(error))
    if isinstance(error, (ValueError, TypeError, OverflowError)):
        return _refused("value", "A value does not fit the store: times need a zone, JSON no NaN, numbers 64 bits.")
    if isinstance(error, (exc.DBAPIError, exc.DisconnectionError)) or type(error).__module__.startswith(_DRIVERS):
        return _unavailable("connection", "The connection to the store was lost: try again.")
    return None


def _driver_error(error: BaseException) -> BaseException:
    if isinstance(error, exc.StatementError) and error.orig is not None:
        return error.orig
    return error


def _text(error: BaseException, name: str) -> str | None:
    value = getattr(error, name, None)
    return value if isinstance(value, str) and value else None


def _from_postgresql(state: str) -> VendorError:
    if state in _SCHEMA_MISSING:
        return _schema_missing(state)
    if state.startswith(_PASSING_STATES):
        return _unavailable(state, "The store cannot do it now: try again.")
    return _rejected(state)


def _from_sqlite(name: str, message: str) -> VendorError:
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return _unavailable(name, "Another process holds the store's write lock: try again.")
    if name.startswith(_REFUSED_IN_SQLITE):
        return _rejected(name)
    if "no such table" in message or "no such column" in message:
        return _schema_missing(name)
    return _unavailable(name, "The store's file cannot be used now: check its disk and permissions.")


def _schema_missing(code: str) -> VendorUnavailable:
    return _unavailable(code, "The store's tables are missing or old: run `surehand setup`.")


def _rejected(code: str) -> VendorRefused:
    return _refused(code, "The store refused the row: it breaks a rule of the schema.")


def _unavailable(code: str, message: str) -> VendorUnavailable:
    return VendorUnavailable(VENDOR, code, message)


def _refused(code: str, message: str) -> VendorRefused:
    return VendorRefused(VENDOR, code, message)
