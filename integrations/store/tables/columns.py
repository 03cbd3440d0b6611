"""What all tables have in common: their metadata, their kinds of columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, ForeignKey, MetaData, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """A moment: refused without a time zone, kept as UTC, returned with UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite keeps it without the zone, so that text order is time order."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("A time without a zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text from outside. PostgreSQL takes no NUL character, and one must not cost us a case: it is replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace NUL by the replacement character."""
        return value.replace("\x00", "�") if value is not None else None


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def column(name: str, kind: Any, *rest: Any, optional: bool = False, **options: Any) -> Column[Any]:
    """A column that always has a value, unless it is `optional`."""
    return Column(name, kind, *rest, nullable=optional, **options)


def tenant(**options: Any) -> Column[Any]:
    """Whose row it is."""
    return column("tenant", Text, **options)


def case_key(**options: Any) -> Column[Any]:
    """Which case it is about, whether or not the store has the case yet."""
    return column("workflow_id", Text, **options)


def belongs_to_case(**options: Any) -> Column[Any]:
    """Which case it is a part of: the case is saved first."""
    return column("workflow_id", Text, ForeignKey("cases.workflow_id"), **options)
