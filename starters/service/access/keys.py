"""Keys of programs: made, shown once, listed, revoked."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from domain.identity.principals import ApiKey, Role, digest_of
from integrations.store.access.api_keys import SqlApiKeys

_FORM = re.compile(r"shk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})\Z")
_SECRET_BYTES = 32
"""256 bits, in 43 letters."""
LOCAL = "local operator"


def taken_apart(text: str) -> tuple[str, str] | None:
    """The id and the secret of a key; None when it is written as no key is."""
    found = _FORM.match(text)
    return (found.group(1), found.group(2)) if found is not None else None


async def make(
    keys: SqlApiKeys,
    *,
    tenant: str,
    name: str,
    roles: Sequence[Role],
    now: datetime,
    person_id: str | None = None,
    lives: timedelta | None = None,
) -> tuple[ApiKey, str]:
    """Make a key.

    Args:
        keys: of the store.
        tenant: whose cases it opens.
        name: which program has it.
        roles: what it may do.
        now: the time.
        person_id: the person of the directory it acts as.
        lives: until it runs out; for ever when None.

    Returns:
        The key as it is kept, and its text, which nobody can show again.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    key = ApiKey(
        key_id=secrets.token_hex(8),
        tenant=tenant,
        name=name,
        roles=tuple(dict.fromkeys(roles)),
        person_id=person_id,
        digest=digest_of(secret),
        created_at=now,
        expires_at=now + lives if lives is not None else None,
    )
    await keys.add(key)
    return key, f"shk_{key.key_id}_{secret}"


async def local_key(keys: SqlApiKeys, file: Path, *, tenant: str, person_id: str | None, now: datetime) -> str:
    """The key of whoever sits at this machine, made on the first start and kept for the file's owner alone.

    Args:
        keys: of the store.
        file: where it is kept.
        tenant: of the settings.
        person_id: whom it acts as.
        now: the time.
    """
    known = kept_key(file)
    parts = taken_apart(known)
    if parts is not None:
        kept = await keys.find(parts[0])
        if kept is not None and kept.opens(parts[1], now) and kept.tenant == tenant:
            return known
    _, text = await make(keys, tenant=tenant, name=LOCAL, roles=[Role.ADMIN], person_id=person_id, now=now)
    write_secret(file, text)
    return text


def kept_key(file: Path) -> str:
    """The key in a file; empty when there is none."""
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def write_secret(file: Path, text: str) -> None:
    """Write a file for its owner alone, whole or not at all."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    # Closed to others from its first moment.
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as out:
        out.write(text + "\n")
    draft.replace(file)
