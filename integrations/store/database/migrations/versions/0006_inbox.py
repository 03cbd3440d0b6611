"""What came from outside and is to be delivered: clicks, events and webhooks, each once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from domain.errors import ConfigurationProblem

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _text(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=optional)


def _time(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=optional)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "inbox",
        *(_text(name) for name in ("tenant", "source", "delivery_id", "kind")),
        sa.Column("body", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        _text("correlation_id"),
        _time("received_at"),
        _time("due_at"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _text("claim", optional=True),
        _time("leased_until", optional=True),
        _time("done_at", optional=True),
        _text("outcome", optional=True),
        # Of many deliveries with one id, this decides which is the first.
        sa.PrimaryKeyConstraint("tenant", "source", "delivery_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_done_at_due_at", "inbox", ["done_at", "due_at"])


def downgrade() -> None:
    """Drop it, if everything in it was delivered.

    Raises:
        ConfigurationProblem: something waits, and would be lost.
    """
    waiting = sa.table("inbox", sa.column("done_at"))
    if op.get_bind().scalar(sa.select(sa.exists().select_from(waiting).where(waiting.c.done_at.is_(None)))):
        raise ConfigurationProblem("Going back would lose what waits in inbox: let the service deliver it first.")
    op.drop_table("inbox")
