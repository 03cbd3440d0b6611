"""How far a mailbox was read: one reads at a time, and a late word of one who lost it does not count."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from integrations.store.deliveries.mailboxes import Position
from integrations.store.store import SqlStore

LEASE = timedelta(seconds=60)
OVER = timedelta(seconds=-1)


async def test_of_many_that_look_one_reads_and_the_next_goes_on(store: SqlStore) -> None:
    boxes = store.mailboxes
    found = await asyncio.gather(*(boxes.claim("default", "p", LEASE) for _ in range(12)))
    [first] = [one for one in found if one is not None]
    assert await boxes.claim("acme-us", "p", LEASE) is not None, "another tenant's is another"
    position = Position(uid_validity=4_294_967_295, last_uid=4_294_967_290, old_until=3, old_only="UNSEEN").begun(7)
    assert await boxes.keep(first, position, LEASE)
    await boxes.release(first)
    second = await boxes.claim("default", "p", LEASE)
    assert second is not None
    assert second.position == position
    assert second.position.begun(7).tries == 2
    assert second.position.begun(8).tries == 1
    assert not await boxes.keep(first, Position(), LEASE)


async def test_what_a_dead_process_had_is_taken_over_and_what_is_read_waits_until_it_is_due(store: SqlStore) -> None:
    boxes, now = store.mailboxes, datetime.now(UTC)
    dead = await boxes.claim("default", "p", OVER)
    living = await boxes.claim("default", "p", LEASE)
    assert dead is not None
    assert living is not None
    await boxes.done(dead, now, polled_at=now)
    assert await boxes.claim("default", "p", LEASE) is None, "the dead one's word changed nothing"
    await boxes.failed(living, now)
    again = await boxes.claim("default", "p", LEASE)
    assert again is not None
    assert (again.failures, again.polled_at) == (1, None)
    await boxes.done(again, now + timedelta(hours=1), polled_at=now)
    assert await boxes.claim("default", "p", LEASE) is None
