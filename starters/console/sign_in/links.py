"""Links that sign the local operator in: whoever may read the key in the data folder, and nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from domain.errors import InvalidInput
from integrations.store.store import SqlStore
from starters.console.sign_in.visitors import make_link
from starters.service.access.keys import kept_key, taken_apart, write_secret

LINK_FILE = "console.link"
"""In the data folder: the link that `surehand dev` prints."""


async def local_link(store: SqlStore, key_file: Path, base: str) -> str:
    """A link that signs in once, as the local operator.

    Args:
        store: of the service.
        key_file: holds the local operator's key.
        base: of the service, such as `http://127.0.0.1:8700`.

    Raises:
        InvalidInput: there is no such key here, or it is not in force.
    """
    parts = taken_apart(kept_key(key_file))
    now = datetime.now(UTC)
    key = await store.keys.find(parts[0]) if parts is not None else None
    if key is None or parts is None or not key.opens(parts[1], now):
        raise InvalidInput(
            "There is no local operator's key here: start `surehand dev`, or sign in at /console with a key that "
            "`surehand key make` made."
        )
    return f"{base}/console/sign-in?link={await make_link(store, key, now)}"


async def leave_link(store: SqlStore, data_dir: Path, key_file: Path, base: str) -> None:
    """Write such a link where only its owner reads it."""
    write_secret(data_dir / LINK_FILE, await local_link(store, key_file, base))
