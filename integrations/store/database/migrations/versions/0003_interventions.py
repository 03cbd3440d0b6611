"""What people said about parked steps: an audit that can only grow."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from domain.errors import ConfigurationProblem

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _text(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=optional)


def _time(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    """Create the table and refuse changes to its rows."""
    op.create_table(
        "interventions",
        _text("workflow_id"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        *(_text(name) for name in ("tenant", "step", "title")),
        _text("tool", optional=True),
        _text("problem"),
        _time("parked_at"),
        *(_text(name) for name in ("action", "person_id")),
        _time("at"),
        _text("reason"),
        *(_text(name, optional=True) for name in ("digest_before", "digest_after")),
        sa.PrimaryKeyConstraint("workflow_id", "number", name="pk_interventions"),
    )
    op.create_index("ix_interventions_tenant_at", "interventions", ["tenant", "at"])
    if op.get_bind().dialect.name == "sqlite":
        _protect_in_sqlite()
    else:
        _protect_in_postgresql()


def downgrade() -> None:
    """Drop the table, if it is empty.

    Raises:
        ConfigurationProblem: who said what would be forgotten.
    """
    if op.get_bind().scalar(sa.select(sa.exists().select_from(sa.table("interventions")))):
        raise ConfigurationProblem(
            "Going back would delete the rows in interventions: save them and empty the table first."
        )
    op.drop_table("interventions")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_intervention_change()")


def _protect_in_sqlite() -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER interventions_refuse_{change.lower()} BEFORE {change} ON interventions "
            "BEGIN SELECT RAISE(ABORT, 'the audit of interventions is append-only'); END"
        )
    # INSERT OR REPLACE deletes without asking the trigger above; an existing row stays as it is.
    op.execute(
        "CREATE TRIGGER interventions_refuse_replace BEFORE INSERT ON interventions WHEN EXISTS (SELECT 1 "
        "FROM interventions WHERE workflow_id = NEW.workflow_id AND number = NEW.number) "
        "BEGIN SELECT RAISE(IGNORE); END"
    )


def _protect_in_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_intervention_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit of interventions is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER interventions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON interventions "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_intervention_change()"
    )
