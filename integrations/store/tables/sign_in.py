"""The tables of signing in to the console."""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table, Text

from integrations.store.tables.columns import Json, UtcTime, column, metadata, tenant

passwords = Table(
    "passwords",
    metadata,
    tenant(primary_key=True),
    column("person_id", Text, primary_key=True),
    # Says itself how it was made.
    column("hashed", Text),
    column("roles", Json),
    column("set_at", UtcTime),
)

console_sessions = Table(
    "console_sessions",
    metadata,
    # SHA-256 of the cookie's secret, which nobody keeps.
    column("session_id", Text, primary_key=True),
    tenant(),
    column("principal", Text),
    column("person_id", Text, optional=True),
    column("roles", Json),
    column("created_at", UtcTime),
    column("seen_at", UtcTime),
    column("expires_at", UtcTime),
    Index(None, "tenant", "principal"),
    Index(None, "expires_at"),
)

sign_in_tries = Table(
    "sign_in_tries",
    metadata,
    tenant(primary_key=True),
    # Hashed: an account, an address, or both.
    column("subject", Text, primary_key=True),
    column("tries", Integer),
    column("ends_at", UtcTime),
    Index(None, "ends_at"),
)
