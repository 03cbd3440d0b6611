"""The first tables, the append-only approvals audit and the articles' full-text index."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from domain.errors import ConfigurationProblem

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = ("cases", "timeline", "messages", "approvals", "outcomes", "effects", "model_calls", "articles", "texts")
KEPT = tuple(name for name in TABLES if name != "articles")
"""Tables whose rows nobody can make again; articles are judged by where they came from."""


def upgrade() -> None:
    """Create everything."""
    _create_cases()
    _create_case_parts()
    _create_approvals()
    _create_outcomes()
    _create_ledger()
    _create_articles()
    if op.get_bind().dialect.name == "sqlite":
        _protect_audit_in_sqlite()
        _index_articles_in_sqlite()
    else:
        _protect_audit_in_postgresql()
        _index_articles_in_postgresql()


def downgrade() -> None:
    """Drop everything, if nothing is in it but articles shipped with the product.

    Raises:
        ConfigurationProblem: rows would be lost.
    """
    bind = op.get_bind()
    filled = [name for name in KEPT if bind.scalar(sa.select(sa.exists().select_from(sa.table(name))))]
    own = sa.table("articles", sa.column("seed_digest"))
    if bind.scalar(sa.select(sa.exists().select_from(own).where(own.c.seed_digest.is_(None)))):
        filled.append("articles")
    if filled:
        raise ConfigurationProblem(
            f"Going back would delete the rows in {', '.join(filled)}: save them and empty these tables first."
        )
    if bind.dialect.name == "sqlite":
        op.execute("DROP TABLE articles_search")
    for name in reversed(TABLES):
        op.drop_table(name)
    if bind.dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_audit_change()")


def _json() -> sa.types.TypeEngine[Any]:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=nullable, autoincrement=False)


def _amount(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Float(53), nullable=nullable)


def _create_cases() -> None:
    op.create_table(
        "cases",
        *(_text(name) for name in ("workflow_id", "tenant", "kind", "case_id", "ticket_id", "status", "phase")),
        _text("category", nullable=True),
        _text("priority", nullable=True),
        _number("risk", nullable=True),
        *(_text(name, nullable=True) for name in ("decision", "team", "claimed_by")),
        _text("subject"),
        _text("customer_ref", nullable=True),
        _time("opened_at"),
        _time("updated_at"),
        _time("resolved_at", nullable=True),
        _time("closed_at", nullable=True),
        sa.Column("details", _json(), nullable=False),
        sa.PrimaryKeyConstraint("workflow_id", name="pk_cases"),
    )
    op.create_index("ix_cases_tenant_opened_at", "cases", ["tenant", "opened_at"])
    op.create_index("ix_cases_tenant_status_opened_at", "cases", ["tenant", "status", "opened_at"])


def _create_case_parts() -> None:
    parts = {
        "timeline": [_time("at"), _text("kind"), _text("text"), _text("actor")],
        "messages": [_text("message_id"), _time("at"), _text("author"), _text("text")],
    }
    for name, columns in parts.items():
        op.create_table(
            name,
            _text("workflow_id"),
            _number("number"),
            _text("tenant"),
            *columns,
            sa.PrimaryKeyConstraint("workflow_id", "number", name=f"pk_{name}"),
            sa.ForeignKeyConstraint(["workflow_id"], ["cases.workflow_id"], name=f"fk_{name}_workflow_id"),
        )


def _create_approvals() -> None:
    op.create_table(
        "approvals",
        _text("workflow_id"),
        _text("request_id"),
        _number("number"),
        _text("tenant"),
        _text("event"),
        _time("at"),
        _text("person_id", nullable=True),
        _text("digest"),
        _text("text"),
        sa.PrimaryKeyConstraint("workflow_id", "request_id", "number", name="pk_approvals"),
    )


def _create_outcomes() -> None:
    op.create_table(
        "outcomes",
        *(_text(name) for name in ("workflow_id", "tenant", "decision", "category", "priority")),
        _number("risk"),
        sa.Column("escalated", sa.Boolean(), nullable=False),
        _number("reopened"),
        _number("satisfaction", nullable=True),
        sa.Column("escalation_was_right", sa.Boolean(), nullable=True),
        *(_amount(name, nullable=True) for name in ("first_response_seconds", "handoff_seconds", "resolution_seconds")),
        _number("sla_breaches"),
        _number("messages_sent"),
        _amount("model_cost"),
        _text("signature"),
        _time("recorded_at"),
        sa.Column("report", _json(), nullable=False),
        sa.PrimaryKeyConstraint("workflow_id", name="pk_outcomes"),
    )
    op.create_index("ix_outcomes_tenant_recorded_at", "outcomes", ["tenant", "recorded_at"])
    op.create_index("ix_outcomes_tenant_category_recorded_at", "outcomes", ["tenant", "category", "recorded_at"])


def _create_ledger() -> None:
    op.create_table(
        "effects",
        *(_text(name) for name in ("key", "tenant", "status", "claim")),
        _number("attempts"),
        _time("claimed_at"),
        _time("recorded_at", nullable=True),
        sa.Column("outcome", _json(), nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_effects"),
    )
    op.create_index("ix_effects_tenant_status_claimed_at", "effects", ["tenant", "status", "claimed_at"])
    op.create_table(
        "model_calls",
        *(_text(name) for name in ("tenant", "key", "workflow_id", "provider", "model", "purpose")),
        _number("input_tokens"),
        _number("output_tokens"),
        _amount("cost"),
        _time("at"),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_model_calls"),
    )
    op.create_index("ix_model_calls_tenant_at", "model_calls", ["tenant", "at"])
    op.create_index("ix_model_calls_tenant_workflow_id", "model_calls", ["tenant", "workflow_id"])


def _create_articles() -> None:
    op.create_table(
        "articles",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        *(_text(name) for name in ("tenant", "article_id", "title", "body", "keywords")),
        _text("url", nullable=True),
        _text("category", nullable=True),
        sa.Column("public", sa.Boolean(), nullable=False),
        _text("source_case", nullable=True),
        _time("created_at"),
        _text("seed_digest", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_articles"),
        sa.UniqueConstraint("tenant", "article_id", name="uq_articles_tenant"),
    )
    op.create_table(
        "texts",
        *(_text(name) for name in ("tenant", "reference", "text")),
        _time("saved_at"),
        sa.PrimaryKeyConstraint("tenant", "reference", name="pk_texts"),
    )


def _protect_audit_in_sqlite() -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER approvals_refuse_{change.lower()} BEFORE {change} ON approvals "
            "BEGIN SELECT RAISE(ABORT, 'the approvals audit is append-only'); END"
        )
    # INSERT OR REPLACE deletes without asking the trigger above; an existing row stays as it is.
    op.execute(
        "CREATE TRIGGER approvals_refuse_replace BEFORE INSERT ON approvals WHEN EXISTS (SELECT 1 FROM approvals "
        "WHERE workflow_id = NEW.workflow_id AND request_id = NEW.request_id AND number = NEW.number) "
        "BEGIN SELECT RAISE(IGNORE); END"
    )


def _protect_audit_in_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the approvals audit is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER approvals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approvals "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
    )


def _index_articles_in_sqlite() -> None:
    op.execute(
        "CREATE VIRTUAL TABLE articles_search USING fts5(title, keywords, body, content='articles', "
        "content_rowid='id', tokenize='porter unicode61 remove_diacritics 2')"
    )
    insert = (
        "INSERT INTO articles_search(rowid, title, keywords, body) VALUES (new.id, new.title, new.keywords, new.body);"
    )
    # How an external-content index is told that a row's old words are gone.
    delete = (
        "INSERT INTO articles_search(articles_search, rowid, title, keywords, body) "
        "VALUES ('delete', old.id, old.title, old.keywords, old.body);"
    )
    op.execute(f"CREATE TRIGGER articles_search_add AFTER INSERT ON articles BEGIN {insert} END")
    op.execute(f"CREATE TRIGGER articles_search_remove AFTER DELETE ON articles BEGIN {delete} END")
    op.execute(f"CREATE TRIGGER articles_search_change AFTER UPDATE ON articles BEGIN {delete} {insert} END")


def _index_articles_in_postgresql() -> None:
    weighted = " || ".join(
        f"setweight(to_tsvector('english', {column}), '{weight}')"
        for column, weight in (("title", "A"), ("keywords", "B"), ("body", "D"))
    )
    op.execute(f"ALTER TABLE articles ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS ({weighted}) STORED")
    op.execute("CREATE INDEX ix_articles_search ON articles USING gin (search)")
