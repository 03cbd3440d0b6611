"""The inbox: what came from outside is written down before it is acknowledged, and delivered once, by any replica."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, and_, bindparam, delete, func, or_, select, update

from domain.cases.deliveries import Delivery
from integrations.store.database.connection import Database
from integrations.store.tables.deliveries import inbox as table

# Built once: a statement that is built anew costs more than running it, and these run with every delivery.
_SAME = and_(table.c.tenant == bindparam("t"), table.c.source == bindparam("s"), table.c.delivery_id == bindparam("d"))
_FREE = and_(
    table.c.kind.in_(bindparam("kinds", expanding=True)),
    table.c.done_at.is_(None),
    table.c.due_at <= bindparam("now"),
    or_(table.c.leased_until.is_(None), table.c.leased_until <= bindparam("now")),
)
_OURS = and_(_SAME, table.c.claim == bindparam("mark"), table.c.done_at.is_(None))
_KNOWN = select(table.c.kind).where(_SAME)
_DUE = select(table).where(_FREE).order_by(table.c.received_at).limit(bindparam("most"))
_CLAIM = update(table).where(_SAME, _FREE).values(claim=bindparam("as"), leased_until=bindparam("until"))
_FINISH = (
    update(table)
    .where(_OURS)
    .values(done_at=bindparam("at"), outcome=bindparam("became"), body=None, leased_until=None)
)


@dataclass(frozen=True)
class ClaimedDelivery:
    """A delivery that is ours to make, until the lease runs out."""

    delivery: Delivery
    mark: str


@dataclass(frozen=True)
class Kept:
    """What is known of a delivery."""

    delivery_id: str
    received_at: datetime
    done_at: datetime | None
    """None while it waits."""
    outcome: str | None


class SqlInbox:
    """The table `inbox` on a `Database`.

    Whoever claims a row has it for the time of a lease. When that process dies, the next one that looks takes it over
    once the lease has run out.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, delivery: Delivery, *, done: str | None = None, once: str | None = None) -> bool:
        """Write a delivery down; False when it came before.

        Args:
            delivery: what came.
            done: its outcome, where nothing is left to do and only a repeat is to be known.
            once: another id that it counts once under, from the same source; known afterwards like its own.
        """
        # A look first: of a thousand repeats, none then waits for the right to write.
        seen = delivery if once is None else delivery.model_copy(update={"delivery_id": once})
        async with self._database.reading() as connection:
            if (await connection.execute(_KNOWN, _named(seen))).first() is not None:
                return False
        async with self._database.writing() as connection:
            if seen is not delivery:
                counted = await connection.execute(self._insert(seen, "counted"))
                if not counted.rowcount:
                    return False
            made = await connection.execute(self._insert(delivery, done))
        return bool(made.rowcount)

    async def claim(self, kinds: Collection[str], limit: int, lease: timedelta) -> list[ClaimedDelivery]:
        """Claim what is due, the oldest first.

        Args:
            kinds: of what is asked for.
            limit: how many at most.
            lease: how long each may take.
        """
        now = datetime.now(UTC)
        free = {"kinds": tuple(kinds), "now": now}
        async with self._database.reading() as connection:
            rows = (await connection.execute(_DUE, {**free, "most": limit})).mappings().all()
        if not rows:
            return []
        mark, claimed = secrets.token_hex(16), []
        async with self._database.writing() as connection:
            for row in rows:
                ours = {**_named(row), **free, "as": mark, "until": now + lease}
                if (await connection.execute(_CLAIM, ours)).rowcount:
                    claimed.append(ClaimedDelivery(_delivery(row), mark))
        return claimed

    async def finish(self, claimed: ClaimedDelivery, outcome: str, then: Sequence[Delivery] = ()) -> bool:
        """Say that it is delivered, and what follows from it; False when somebody else took it over meanwhile."""
        async with self._database.writing() as connection:
            done = await connection.execute(_FINISH, {**_marked(claimed), "at": datetime.now(UTC), "became": outcome})
            if done.rowcount:
                for one in then:
                    await connection.execute(self._insert(one))
        return bool(done.rowcount)

    async def postpone(self, claimed: ClaimedDelivery, due_at: datetime, then: Sequence[Delivery] = ()) -> None:
        """Say that it could not be delivered, and when it is tried again."""
        attempts = claimed.delivery.attempts + 1
        async with self._database.writing() as connection:
            done = await connection.execute(
                update(table).where(_OURS).values(attempts=attempts, due_at=due_at, leased_until=None), _marked(claimed)
            )
            if done.rowcount:
                for one in then:
                    await connection.execute(self._insert(one))

    async def release(self, claimed: ClaimedDelivery) -> None:
        """Give it back untried, so that whoever comes next need not wait for the lease."""
        async with self._database.writing() as connection:
            await connection.execute(update(table).where(_OURS).values(leased_until=None), _marked(claimed))

    async def waiting(self) -> int:
        """How many are not delivered yet."""
        async with self._database.reading() as connection:
            count = await connection.scalar(select(func.count()).select_from(table).where(table.c.done_at.is_(None)))
        return int(count or 0)

    async def outcome(self, tenant: str, source: str, delivery_id: str) -> str | None:
        """What became of a delivery; None when it waits or is not known."""
        which = and_(table.c.tenant == tenant, table.c.source == source, table.c.delivery_id == delivery_id)
        async with self._database.reading() as connection:
            found: str | None = await connection.scalar(select(table.c.outcome).where(which))
        return found

    async def find(self, tenant: str, source: str, delivery_id: str | None = None) -> list[Kept]:
        """One delivery, or all that wait of a source; the oldest first."""
        which = table.c.done_at.is_(None) if delivery_id is None else table.c.delivery_id == delivery_id
        of_source = and_(table.c.tenant == tenant, table.c.source == source, which)
        columns = [table.c[name] for name in Kept.__dataclass_fields__]
        async with self._database.reading() as connection:
            rows = await connection.execute(select(*columns).where(of_source).order_by(table.c.received_at))
        return [Kept(**row) for row in rows.mappings()]

    async def forget_before(self, moment: datetime, *, except_from: str = "") -> int:
        """Forget what was delivered before a moment, except from one source; returns how many."""
        forgotten = and_(table.c.done_at < moment, table.c.source != except_from)
        async with self._database.writing() as connection:
            return (await connection.execute(delete(table).where(forgotten))).rowcount

    def _insert(self, delivery: Delivery, done: str | None = None) -> Any:
        row = delivery.model_dump() | {"due_at": delivery.received_at}
        if done is not None:
            row |= {"done_at": delivery.received_at, "outcome": done, "body": None}
        return self._database.insert(table).on_conflict_do_nothing().values(row)


def _named(one: Delivery | RowMapping) -> dict[str, Any]:
    if isinstance(one, Delivery):
        return {"t": one.tenant, "s": one.source, "d": one.delivery_id}
    return {"t": one["tenant"], "s": one["source"], "d": one["delivery_id"]}


def _marked(claimed: ClaimedDelivery) -> dict[str, Any]:
    return {**_named(claimed.delivery), "mark": claimed.mark}


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(**{name: row[name] for name in Delivery.model_fields})
