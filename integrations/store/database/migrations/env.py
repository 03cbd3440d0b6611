"""Alembic's entry point. It runs on the connection, and in the locked transaction, that `migration.py` hands it."""

from __future__ import annotations

from alembic import context

from integrations.store.tables import metadata
from integrations.store.tables.comparing import is_compared

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=is_compared,
)
with context.begin_transaction():
    context.run_migrations()
