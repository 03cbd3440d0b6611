"""Keys of programs. The secret part of a key is not here: only its digest."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select, update

from domain.identity.principals import ApiKey
from integrations.store.database.connection import Database
from integrations.store.tables.access import api_keys

_MOST = 500
# Built once: it is asked with every request.
_FIND = select(api_keys).where(api_keys.c.key_id == bindparam("k"))


class SqlApiKeys:
    """The table `api_keys` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: ApiKey) -> None:
        """Keep a new key.

        Raises:
            VendorRefused: its id is taken.
        """
        row = {**key.model_dump(mode="python"), "roles": [role.value for role in key.roles]}
        async with self._database.writing() as connection:
            await connection.execute(api_keys.insert(), row)

    async def find(self, key_id: str) -> ApiKey | None:
        """A key by its id, of any tenant; also one that was revoked."""
        async with self._database.reading() as connection:
            row = (await connection.execute(_FIND, {"k": key_id})).mappings().first()
        return ApiKey.model_validate(dict(row)) if row is not None else None

    async def list(self, tenant: str | None = None) -> list[ApiKey]:
        """Keys, the newest first; at most 500."""
        query = select(api_keys).order_by(api_keys.c.created_at.desc(), api_keys.c.key_id).limit(_MOST)
        if tenant is not None:
            query = query.where(api_keys.c.tenant == tenant)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [ApiKey.model_validate(dict(row)) for row in rows]

    async def revoke(self, key_id: str, now: datetime) -> bool:
        """Take a key out of force; False when there is none. A second time changes nothing."""
        known = api_keys.c.key_id == key_id
        async with self._database.writing() as connection:
            await connection.execute(
                update(api_keys).where(known, api_keys.c.revoked_at.is_(None)).values(revoked_at=now)
            )
            return await connection.scalar(select(api_keys.c.key_id).where(known)) is not None
