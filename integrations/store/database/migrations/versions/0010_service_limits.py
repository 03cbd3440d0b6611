"""Questions that were withdrawn, and how many requests each principal made in the minute that runs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False)


def _time(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "withdrawn_questions",
        *(_text(name) for name in ("tenant", "workflow_id", "query_id", "withdrawn_by")),
        _time("withdrawn_at"),
        sa.PrimaryKeyConstraint("tenant", "workflow_id", "query_id", name="pk_withdrawn_questions"),
    )
    op.create_table(
        "request_windows",
        *(_text(name) for name in ("tenant", "principal")),
        _time("began_at"),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "principal", name="pk_request_windows"),
    )


def downgrade() -> None:
    """Drop them. A withdrawn question is shown with its answer again; nothing else is lost."""
    op.drop_table("request_windows")
    op.drop_table("withdrawn_questions")
