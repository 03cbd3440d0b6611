"""How an effect's key travels to vendors: hashed where it stands in a header, shortened where a field has a limit."""

from __future__ import annotations

import hashlib

METADATA_LIMIT = 200
"""Characters of a key in a vendor's metadata; Stripe takes 500, Zendesk and Slack more."""


def key_hash(key: str) -> str:
    """32 hexadecimal digits that are always the same for a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def metadata_key(key: str) -> str:
    """The key as metadata shows it. It names workflow and step and nothing personal; a long one is hashed."""
    return key if len(key) <= METADATA_LIMIT else key_hash(key)


def tenant_of(key: str) -> str:
    """The tenant in a key, which begins with a workflow id (`kind:tenant:...`, see `domain.ids`)."""
    parts = key.split(":", 2)
    return parts[1] if len(parts) == 3 else "default"
