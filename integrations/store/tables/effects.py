"""The tables of effects outside, of what they may add up to, and of what models cost."""

from __future__ import annotations

from sqlalchemy import Float, Index, Integer, Table, Text

from integrations.store.tables.columns import Json, UtcTime, case_key, column, metadata, tenant

effects = Table(
    "effects",
    metadata,
    column("key", Text, primary_key=True),
    tenant(),
    column("status", Text),
    column("claim", Text),
    column("attempts", Integer),
    column("claimed_at", UtcTime),
    column("recorded_at", UtcTime, optional=True),
    column("outcome", Json, optional=True),
    Index(None, "tenant", "status", "claimed_at"),
)

model_calls = Table(
    "model_calls",
    metadata,
    tenant(primary_key=True),
    column("key", Text, primary_key=True),
    case_key(),
    column("provider", Text),
    column("model", Text),
    column("purpose", Text),
    column("input_tokens", Integer),
    column("output_tokens", Integer),
    column("cost", Float(53)),
    column("at", UtcTime),
    Index(None, "tenant", "at"),
    Index(None, "tenant", "workflow_id"),
)

allowances = Table(
    "allowances",
    metadata,
    tenant(primary_key=True),
    column("limit_name", Text, primary_key=True),
    # Hashed: whom it counts for is nobody's business here.
    column("subject", Text, primary_key=True),
    column("day", Text, primary_key=True),
    column("used", Float(53)),
)

allowance_claims = Table(
    "allowance_claims",
    metadata,
    column("key", Text, primary_key=True),
    column("limit_name", Text, primary_key=True),
    column("subject", Text, primary_key=True),
    tenant(),
    column("day", Text),
    column("amount", Float(53)),
    column("claimed_at", UtcTime),
)
