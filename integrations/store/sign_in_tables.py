"""The tables of signing in to the console. `tables.py` says what all tables have in common."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from integrations.store.tables import Json, UtcTime, metadata

passwords = Table(
    "passwords",
    metadata,
    Column("tenant", Text, primary_key=True, nullable=False),
    Column("person_id", Text, primary_key=True, nullable=False),
    # Says itself how it was made.
    Column("hashed", Text, nullable=False),
    Column("roles", Json, nullable=False),
    Column("set_at", UtcTime, nullable=False),
)

console_sessions = Table(
    "console_sessions",
    metadata,
    # SHA-256 of the cookie's secret, which nobody keeps.
    Column("session_id", Text, primary_key=True, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("principal", Text, nullable=False),
    Column("person_id", Text, nullable=True),
    Column("roles", Json, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index(None, "tenant", "principal"),
    Index(None, "expires_at"),
)

sign_in_tries = Table(
    "sign_in_tries",
    metadata,
    Column("tenant", Text, primary_key=True, nullable=False),
    # Hashed: an account, an address, or both.
    Column("subject", Text, primary_key=True, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Index(None, "ends_at"),
)
