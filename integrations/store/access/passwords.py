"""People's passwords for the console: only what was made of them, and never they themselves."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, delete, select, update

from domain.identity.passwords import PasswordRecord
from integrations.store.database.connection import Database
from integrations.store.tables.sign_in import passwords


class SqlPasswords:
    """The table `passwords` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, record: PasswordRecord) -> None:
        """Keep a password, in place of the one before."""
        row = {**record.model_dump(), "roles": [role.value for role in record.roles]}
        insert = self._database.insert(passwords).values(row)
        changed = {name: row[name] for name in ("hashed", "roles", "set_at")}
        async with self._database.writing() as connection:
            await connection.execute(insert.on_conflict_do_update(index_elements=["tenant", "person_id"], set_=changed))

    async def find(self, tenant: str, person_id: str) -> PasswordRecord | None:
        """Somebody's password within a tenant."""
        return next((one for one in await self.of(person_id) if one.tenant == tenant), None)

    async def of(self, person_id: str) -> list[PasswordRecord]:
        """Somebody's passwords, one for each tenant that has one."""
        query = select(passwords).where(passwords.c.person_id == person_id).order_by(passwords.c.tenant)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [PasswordRecord.model_validate(dict(row)) for row in rows]

    async def rehash(self, record: PasswordRecord, hashed: str) -> None:
        """Keep the same password in a newer form, unless it was changed meanwhile."""
        same = and_(_is(record.tenant, record.person_id), passwords.c.hashed == record.hashed)
        async with self._database.writing() as connection:
            await connection.execute(update(passwords).where(same).values(hashed=hashed))

    async def remove(self, tenant: str, person_id: str) -> bool:
        """Take somebody's password away; False when there is none."""
        async with self._database.writing() as connection:
            return bool((await connection.execute(delete(passwords).where(_is(tenant, person_id)))).rowcount)


def _is(tenant: str, person_id: str) -> ColumnElement[bool]:
    return and_(passwords.c.tenant == tenant, passwords.c.person_id == person_id)
