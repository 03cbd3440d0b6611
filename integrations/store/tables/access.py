"""The tables of programs that ask: keys, sessions, repeatable requests, how often."""

from __future__ import annotations

from sqlalchemy import Index, Integer, LargeBinary, Table, Text

from integrations.store.tables.columns import Json, UtcTime, Words, column, metadata, tenant

api_keys = Table(
    "api_keys",
    metadata,
    # Public: it stands in the key and in logs.
    column("key_id", Text, primary_key=True),
    tenant(),
    column("name", Words),
    column("roles", Json),
    column("person_id", Text, optional=True),
    # SHA-256 of the secret part, which nobody keeps.
    column("digest", Text),
    column("created_at", UtcTime),
    column("expires_at", UtcTime, optional=True),
    column("revoked_at", UtcTime, optional=True),
    Index(None, "tenant", "created_at"),
)

repeatable_requests = Table(
    "repeatable_requests",
    metadata,
    tenant(primary_key=True),
    column("principal", Text, primary_key=True),
    column("key", Text, primary_key=True),
    # Of method, path and body: another request under the same key is refused.
    column("digest", Text),
    column("claim", Text),
    column("claimed_at", UtcTime),
    column("leased_until", UtcTime),
    column("answered_at", UtcTime, optional=True),
    column("status", Integer, optional=True),
    column("headers", Json, optional=True),
    column("body", LargeBinary, optional=True),
    Index(None, "claimed_at"),
)

sessions = Table(
    "sessions",
    metadata,
    column("session_id", Text, primary_key=True),
    tenant(),
    column("principal", Text),
    column("kind", Text),
    column("created_at", UtcTime),
    column("expires_at", UtcTime),
    Index(None, "tenant", "principal", "created_at"),
)

request_windows = Table(
    "request_windows",
    metadata,
    tenant(primary_key=True),
    column("principal", Text, primary_key=True),
    column("began_at", UtcTime),
    # Handed out to replicas in this window; what they have not used of it is not given back.
    column("taken", Integer),
)
