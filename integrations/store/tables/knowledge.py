"""The tables of articles, lessons and their vectors."""

from __future__ import annotations

from sqlalchemy import Boolean, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from integrations.store.tables.columns import UtcTime, Words, column, metadata, tenant

articles = Table(
    "articles",
    metadata,
    # A number of its own, because SQLite's search index refers to rows by number.
    column("id", Integer, primary_key=True),
    tenant(),
    column("article_id", Text),
    column("title", Words),
    column("body", Words),
    # One keyword a line: the search index reads this column as text.
    column("keywords", Words),
    column("url", Words, optional=True),
    column("category", Text, optional=True),
    column("public", Boolean),
    column("source_case", Text, optional=True),
    column("created_at", UtcTime),
    # The shipped file this row was last filled from, so that start-up skips unchanged files and keeps people's edits.
    column("seed_digest", Text, optional=True),
    UniqueConstraint("tenant", "article_id"),
)

lessons = Table(
    "lessons",
    metadata,
    column("id", Integer, primary_key=True),
    tenant(),
    column("lesson_id", Text),
    column("title", Words),
    column("body", Words),
    # One a line, as with articles.
    column("keywords", Words),
    column("service", Words, optional=True),
    column("fault", Text),
    column("signs", Text),
    column("playbook", Text, optional=True),
    column("source_case", Text, optional=True),
    column("status", Text),
    column("reviewer", Text, optional=True),
    column("reviewed_at", UtcTime, optional=True),
    column("created_at", UtcTime),
    UniqueConstraint("tenant", "lesson_id"),
    Index(None, "tenant", "status", "created_at"),
)

vectors = Table(
    "vectors",
    metadata,
    tenant(primary_key=True),
    # `lesson:...` or `signature:...`.
    column("reference", Text, primary_key=True),
    column("model", Text),
    # Of the text that the vector was made of.
    column("digest", Text),
    column("numbers", LargeBinary),
)
