"""Lessons from closed incidents with their full-text index, and the vectors of what can be searched by meaning."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from domain.errors import ConfigurationProblem

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _text(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=optional)


def _time(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=optional)


def upgrade() -> None:
    """Create both tables and the index."""
    op.create_table(
        "lessons",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        *(_text(name) for name in ("tenant", "lesson_id", "title", "body", "keywords")),
        _text("service", optional=True),
        *(_text(name) for name in ("fault", "signs")),
        *(_text(name, optional=True) for name in ("playbook", "source_case")),
        _text("status"),
        _text("reviewer", optional=True),
        _time("reviewed_at", optional=True),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_lessons"),
        sa.UniqueConstraint("tenant", "lesson_id", name="uq_lessons_tenant"),
    )
    op.create_index("ix_lessons_tenant_status_created_at", "lessons", ["tenant", "status", "created_at"])
    op.create_table(
        "vectors",
        *(_text(name) for name in ("tenant", "reference", "model", "digest")),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "reference", name="pk_vectors"),
    )
    if op.get_bind().dialect.name == "sqlite":
        _index_in_sqlite()
    else:
        _index_in_postgresql()


def downgrade() -> None:
    """Drop both, if there is no lesson; vectors can be made again.

    Raises:
        ConfigurationProblem: what incidents taught would be forgotten.
    """
    if op.get_bind().scalar(sa.select(sa.exists().select_from(sa.table("lessons")))):
        raise ConfigurationProblem("Going back would delete the rows in lessons: save them and empty the table first.")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE lessons_search")
    op.drop_table("lessons")
    op.drop_table("vectors")


def _index_in_sqlite() -> None:
    op.execute(
        "CREATE VIRTUAL TABLE lessons_search USING fts5(title, keywords, body, content='lessons', "
        "content_rowid='id', tokenize='porter unicode61 remove_diacritics 2')"
    )
    insert = (
        "INSERT INTO lessons_search(rowid, title, keywords, body) VALUES (new.id, new.title, new.keywords, new.body);"
    )
    # How an external-content index is told that a row's old words are gone.
    delete = (
        "INSERT INTO lessons_search(lessons_search, rowid, title, keywords, body) "
        "VALUES ('delete', old.id, old.title, old.keywords, old.body);"
    )
    op.execute(f"CREATE TRIGGER lessons_search_add AFTER INSERT ON lessons BEGIN {insert} END")
    op.execute(f"CREATE TRIGGER lessons_search_remove AFTER DELETE ON lessons BEGIN {delete} END")
    op.execute(f"CREATE TRIGGER lessons_search_change AFTER UPDATE ON lessons BEGIN {delete} {insert} END")


def _index_in_postgresql() -> None:
    weighted = " || ".join(
        f"setweight(to_tsvector('english', {column}), '{weight}')"
        for column, weight in (("title", "A"), ("keywords", "B"), ("body", "D"))
    )
    op.execute(f"ALTER TABLE lessons ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS ({weighted}) STORED")
    op.execute("CREATE INDEX ix_lessons_search ON lessons USING gin (search)")
