"""What is to be told to systems outside, each event once per endpoint, and how each endpoint fares."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from domain.errors import ConfigurationProblem

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _text(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=optional)


def _time(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=optional)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "webhook_deliveries",
        # Its order is the order of a case's events.
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        *(_text(name) for name in ("tenant", "endpoint", "event_id", "workflow_id", "kind", "body", "status")),
        _time("created_at"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _time("first_attempt_at", optional=True),
        _time("last_attempt_at", optional=True),
        _time("ended_at", optional=True),
        _text("outcome", optional=True),
        sa.PrimaryKeyConstraint("number", name="pk_webhook_deliveries"),
        # Of many saves of one change, this decides which is the first.
        sa.UniqueConstraint("tenant", "endpoint", "event_id", name="uq_webhook_deliveries_tenant"),
    )
    op.create_index(
        "ix_webhook_deliveries_tenant_endpoint_status_number",
        "webhook_deliveries",
        ["tenant", "endpoint", "status", "number"],
    )
    op.create_index("ix_webhook_deliveries_ended_at", "webhook_deliveries", ["ended_at"])
    op.create_table(
        "webhook_endpoints",
        *(_text(name) for name in ("tenant", "endpoint")),
        _time("failing_since", optional=True),
        _time("last_success_at", optional=True),
        _time("last_attempt_at", optional=True),
        _text("last_outcome", optional=True),
        _time("disabled_at", optional=True),
        _text("disabled_by", optional=True),
        _text("why_disabled", optional=True),
        sa.PrimaryKeyConstraint("tenant", "endpoint", name="pk_webhook_endpoints"),
    )


def downgrade() -> None:
    """Drop them, if everything was told.

    Raises:
        ConfigurationProblem: something waits, and would be lost.
    """
    waiting = sa.table("webhook_deliveries", sa.column("status"))
    if op.get_bind().scalar(sa.select(sa.exists().select_from(waiting).where(waiting.c.status == "waiting"))):
        raise ConfigurationProblem(
            "Going back would lose what waits in webhook_deliveries: let the workers send it first."
        )
    for name in ("webhook_endpoints", "webhook_deliveries"):
        op.drop_table(name)
