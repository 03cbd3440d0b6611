"""How far each mailbox was read that mails are fetched from."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _column(name: str, kind: Any, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=optional)


def _time(name: str) -> sa.Column[Any]:
    return _column(name, sa.DateTime(timezone=True), optional=name != "due_at")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "mailboxes",
        _column("tenant", sa.Text()),
        _column("place", sa.Text()),
        _column("uid_validity", sa.BigInteger(), optional=True),
        _column("last_uid", sa.BigInteger()),
        _column("old_until", sa.BigInteger()),
        _column("old_only", sa.Text()),
        _column("trying_uid", sa.BigInteger(), optional=True),
        _column("tries", sa.Integer()),
        _time("due_at"),
        _column("claim", sa.Text(), optional=True),
        _time("leased_until"),
        _time("polled_at"),
        _column("failures", sa.Integer()),
        sa.PrimaryKeyConstraint("tenant", "place", name="pk_mailboxes"),
    )


def downgrade() -> None:
    """Drop it. Mails are known by their Message-ID too, so none is taken twice for it."""
    op.drop_table("mailboxes")
