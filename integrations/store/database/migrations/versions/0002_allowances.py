"""Limits that add up over cases: what is used of each, and by which call."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from domain.errors import ConfigurationProblem

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False)


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "allowances",
        *(_text(name) for name in ("tenant", "limit_name", "subject", "day")),
        sa.Column("used", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "limit_name", "subject", "day", name="pk_allowances"),
    )
    op.create_table(
        "allowance_claims",
        *(_text(name) for name in ("key", "limit_name", "subject", "tenant", "day")),
        sa.Column("amount", sa.Float(53), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", "limit_name", "subject", name="pk_allowance_claims"),
    )


def downgrade() -> None:
    """Drop both, if nothing was ever claimed.

    Raises:
        ConfigurationProblem: what was used of a limit would be forgotten.
    """
    claims = sa.table("allowance_claims")
    if op.get_bind().scalar(sa.select(sa.exists().select_from(claims))):
        raise ConfigurationProblem(
            "Going back would delete the rows in allowance_claims: save them and empty allowances and allowance_claims "
            "first."
        )
    op.drop_table("allowance_claims")
    op.drop_table("allowances")
