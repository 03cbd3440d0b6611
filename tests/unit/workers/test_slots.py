"""A worker takes few activities that compute and many that wait."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.worker import SlotPermit

from workers.slots import PacedSlots

ANY: Any = SimpleNamespace()


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def slots(time: Time, *, most: int = 10, young: int = 3) -> PacedSlots:
    return PacedSlots(most, young, clock=time)


def begin(of: PacedSlots) -> SlotPermit:
    permit = of.try_reserve_slot(ANY)
    assert permit is not None
    of.mark_slot_used(SimpleNamespace(permit=permit))  # type: ignore[arg-type]
    return permit


def end(of: PacedSlots, permit: SlotPermit) -> None:
    of.release_slot(SimpleNamespace(permit=permit))  # type: ignore[arg-type]


def test_few_may_be_young_and_whoever_ends_makes_room(time: Time) -> None:
    paced = slots(time)
    begun = [begin(paced) for _ in range(3)]
    assert paced.try_reserve_slot(ANY) is None
    end(paced, begun[1])
    begun[1] = begin(paced)
    assert paced.try_reserve_slot(ANY) is None


def test_what_has_run_for_a_while_waits_for_somebody_and_counts_no_longer_among_the_few(time: Time) -> None:
    paced = slots(time)
    kept = []
    for expected in (3, 3, 3, 1):
        begun = 0
        while (permit := paced.try_reserve_slot(ANY)) is not None:
            paced.mark_slot_used(SimpleNamespace(permit=permit))  # type: ignore[arg-type]
            kept.append(permit)
            begun += 1
        assert begun == expected
        time.now += 0.51
    assert len(kept) == 10


def test_a_slot_that_waits_for_its_task_stays_young(time: Time) -> None:
    paced = slots(time)
    kept = [paced.try_reserve_slot(ANY) for _ in range(3)]
    time.now += 60
    assert paced.try_reserve_slot(ANY) is None
    assert None not in kept


def test_a_slot_that_the_sdk_lost_is_free_again(time: Time) -> None:
    paced = slots(time)
    for _ in range(3):
        assert paced.try_reserve_slot(ANY) is not None
    gc.collect()
    assert paced.try_reserve_slot(ANY) is not None


async def test_whoever_waits_gets_the_next_slot_in_order_and_may_stop_waiting() -> None:
    paced = PacedSlots(2, 2)
    held = [begin(paced), begin(paced)]
    order: list[int] = []

    async def wait(number: int) -> SlotPermit:
        permit = await paced.reserve_slot(ANY)
        order.append(number)
        return permit

    waiting = [asyncio.create_task(wait(number)) for number in range(3)]
    await asyncio.sleep(0.05)
    assert order == []
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    end(paced, held[0])
    kept = await asyncio.wait_for(waiting[1], 5)
    end(paced, held[1])
    assert await asyncio.wait_for(waiting[2], 5) is not kept
    assert order == [1, 2]
