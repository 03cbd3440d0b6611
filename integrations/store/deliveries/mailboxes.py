"""How far each mailbox was read. One process reads a mailbox at a time, and whoever comes next goes on from there."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update

from integrations.store.database.connection import Database
from integrations.store.tables.deliveries import mailboxes as table


@dataclass(frozen=True)
class Position:
    """How far a folder was read."""

    uid_validity: int | None = None
    """Of the server's numbers; None before the first look."""
    last_uid: int = 0
    """Everything up to this mail was seen to."""
    old_until: int = 0
    """Mails up to this one were there when the numbers began, and count only where `old_only` holds."""
    old_only: str = ""
    """A search key, such as `UNSEEN`."""
    trying_uid: int | None = None
    tries: int = 0
    """How often the mail was begun, the time that is under way included."""

    def begun(self, uid: int) -> Position:
        """Once a mail is begun."""
        tries = self.tries + 1 if self.trying_uid == uid else 1
        return replace(self, trying_uid=uid, tries=tries)

    def past(self, uid: int) -> Position:
        """Once a mail was seen to."""
        return replace(self, last_uid=max(self.last_uid, uid), trying_uid=None, tries=0)


@dataclass(frozen=True)
class ClaimedMailbox:
    """A mailbox that is ours to read, until the lease runs out."""

    tenant: str
    place: str
    mark: str
    position: Position
    polled_at: datetime | None
    """When the last poll began that came to its end."""
    failures: int
    """Polls in a row that did not."""


class SqlMailboxes:
    """The table `mailboxes` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, tenant: str, place: str, lease: timedelta) -> ClaimedMailbox | None:
        """Claim a mailbox that is due; None when it is not, or somebody else reads it.

        Args:
            tenant: whose it is.
            place: which; it shows no address.
            lease: how long until the next word of whoever has it.
        """
        now = datetime.now(UTC)
        is_it = and_(table.c.tenant == tenant, table.c.place == place)
        async with self._database.reading() as connection:
            row = (await connection.execute(select(table).where(is_it))).mappings().first()
        if row is not None and (row["due_at"] > now or (row["leased_until"] or now) > now):
            return None
        mark, free = secrets.token_hex(16), or_(table.c.leased_until.is_(None), table.c.leased_until <= now)
        first = {"tenant": tenant, "place": place, "due_at": now, "failures": 0, **asdict(Position())}
        async with self._database.writing() as connection:
            if row is None:
                await connection.execute(self._database.insert(table).on_conflict_do_nothing().values(first))
            taken = await connection.execute(
                update(table).where(is_it, free, table.c.due_at <= now).values(claim=mark, leased_until=now + lease)
            )
            if not taken.rowcount:
                return None
            held = (await connection.execute(select(table).where(is_it))).mappings().one()
        position = Position(**{name: held[name] for name in Position.__dataclass_fields__})
        return ClaimedMailbox(tenant, place, mark, position, held["polled_at"], held["failures"])

    async def keep(self, claimed: ClaimedMailbox, position: Position, lease: timedelta) -> bool:
        """Keep how far it was read, and the mailbox; False when somebody else took it over meanwhile."""
        until = datetime.now(UTC) + lease
        async with self._database.writing() as connection:
            kept = await connection.execute(
                update(table).where(_ours(claimed)).values(**asdict(position), leased_until=until)
            )
        return bool(kept.rowcount)

    async def done(self, claimed: ClaimedMailbox, due_at: datetime, *, polled_at: datetime | None) -> None:
        """Give it back after a poll.

        Args:
            claimed: by us.
            due_at: when it is read again.
            polled_at: when the poll began, if nothing that was there then waits any more.
        """
        values = {"failures": 0, **({"polled_at": polled_at} if polled_at is not None else {})}
        await self._give_back(claimed, due_at=due_at, **values)

    async def failed(self, claimed: ClaimedMailbox, due_at: datetime) -> None:
        """Give it back after a poll that came to no end."""
        await self._give_back(claimed, due_at=due_at, failures=claimed.failures + 1)

    async def release(self, claimed: ClaimedMailbox) -> None:
        """Give it back half read, so that whoever comes next need not wait for the lease."""
        await self._give_back(claimed)

    async def _give_back(self, claimed: ClaimedMailbox, **values: Any) -> None:
        async with self._database.writing() as connection:
            await connection.execute(
                update(table).where(_ours(claimed)).values(**values, claim=None, leased_until=None)
            )


def _ours(claimed: ClaimedMailbox) -> ColumnElement[bool]:
    return and_(table.c.tenant == claimed.tenant, table.c.place == claimed.place, table.c.claim == claimed.mark)
