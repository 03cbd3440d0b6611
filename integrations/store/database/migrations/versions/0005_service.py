"""What the HTTP service keeps: keys of programs, answers to requests that may be repeated, and sessions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from domain.errors import ConfigurationProblem

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _text(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=optional)


def _time(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=optional)


def _json(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=optional)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "api_keys",
        *(_text(name) for name in ("key_id", "tenant", "name")),
        _json("roles"),
        _text("person_id", optional=True),
        _text("digest"),
        _time("created_at"),
        _time("expires_at", optional=True),
        _time("revoked_at", optional=True),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_tenant_created_at", "api_keys", ["tenant", "created_at"])
    op.create_table(
        "repeatable_requests",
        *(_text(name) for name in ("tenant", "principal", "key", "digest", "claim")),
        _time("claimed_at"),
        _time("leased_until"),
        _time("answered_at", optional=True),
        sa.Column("status", sa.Integer(), nullable=True),
        _json("headers", optional=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        # Of many requests with one key, this decides which is the first.
        sa.PrimaryKeyConstraint("tenant", "principal", "key", name="pk_repeatable_requests"),
    )
    op.create_index("ix_repeatable_requests_claimed_at", "repeatable_requests", ["claimed_at"])
    op.create_table(
        "sessions",
        *(_text(name) for name in ("session_id", "tenant", "principal", "kind")),
        _time("created_at"),
        _time("expires_at"),
        sa.PrimaryKeyConstraint("session_id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_tenant_principal_created_at", "sessions", ["tenant", "principal", "created_at"])


def downgrade() -> None:
    """Drop them, if nobody was given a key; answers and sessions are short-lived.

    Raises:
        ConfigurationProblem: keys that programs use would be gone.
    """
    if op.get_bind().scalar(sa.select(sa.exists().select_from(sa.table("api_keys")))):
        raise ConfigurationProblem("Going back would delete the rows in api_keys: save them and empty the table first.")
    for name in ("sessions", "repeatable_requests", "api_keys"):
        op.drop_table(name)
