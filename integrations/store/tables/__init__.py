"""The tables of the store, by subject. Every one has a tenant column, and times are UTC.

`database/migrations/` builds them; a test compares both, so a change here needs a new migration there. Whoever imports
one of them knows all: `metadata` is whole.
"""

from integrations.store.tables import access, cases, deliveries, effects, knowledge, sign_in
from integrations.store.tables.columns import metadata

__all__ = ["access", "cases", "deliveries", "effects", "knowledge", "metadata", "sign_in"]
