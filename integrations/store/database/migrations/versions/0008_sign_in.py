"""Signing in to the console: passwords, sessions, and how often somebody tried."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from domain.errors import ConfigurationProblem

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _text(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=optional)


def _time(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False)


def upgrade() -> None:
    """Create the tables. Whoever is signed in signs in anew."""
    op.create_table(
        "passwords",
        *(_text(name) for name in ("tenant", "person_id", "hashed")),
        _json("roles"),
        _time("set_at"),
        sa.PrimaryKeyConstraint("tenant", "person_id", name="pk_passwords"),
    )
    op.create_table(
        "console_sessions",
        *(_text(name) for name in ("session_id", "tenant", "principal")),
        _text("person_id", optional=True),
        _json("roles"),
        *(_time(name) for name in ("created_at", "seen_at", "expires_at")),
        sa.PrimaryKeyConstraint("session_id", name="pk_console_sessions"),
    )
    op.create_index("ix_console_sessions_tenant_principal", "console_sessions", ["tenant", "principal"])
    op.create_index("ix_console_sessions_expires_at", "console_sessions", ["expires_at"])
    op.create_table(
        "sign_in_tries",
        *(_text(name) for name in ("tenant", "subject")),
        sa.Column("tries", sa.Integer(), nullable=False),
        _time("ends_at"),
        sa.PrimaryKeyConstraint("tenant", "subject", name="pk_sign_in_tries"),
    )
    op.create_index("ix_sign_in_tries_ends_at", "sign_in_tries", ["ends_at"])


def downgrade() -> None:
    """Drop them, if nobody has a password; sessions and tries are short-lived.

    Raises:
        ConfigurationProblem: passwords that people use would be gone.
    """
    if op.get_bind().scalar(sa.select(sa.exists().select_from(sa.table("passwords")))):
        raise ConfigurationProblem("Going back would delete the rows in passwords: empty the table first.")
    for name in ("sign_in_tries", "console_sessions", "passwords"):
        op.drop_table(name)
