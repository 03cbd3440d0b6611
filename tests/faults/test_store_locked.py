"""The store is locked by somebody else for a while: cases wait, and go on with nothing half done."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tests.faults.conftest import Running
from tests.faults.installation import OUTAGE_TICKET, PASSWORD_TICKET, Installation

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def locked_for_eight_seconds(client: Client, folder: Path) -> None:
    async with Installation(client, folder) as installation:
        installation.worker()
        first = await installation.submit(PASSWORD_TICKET)
        await first.until(lambda s: s.last_word_at is not None)
        lock = installation.lock_store()
        cases = [await installation.submit(OUTAGE_TICKET, external_id=str(6_000 + number)) for number in range(3)]
        await first.resolve()
        await asyncio.sleep(8)
        lock.close()
        for case in cases:
            await case.until(lambda s: s.people_have_it and s.next_unhandled() is None)
            await case.resolve()
        for case in (first, *cases):
            await case.result()
            state = await case.assert_each_effect_once("acknowledge", "reply-1", "resolved-1", "survey-1")
            assert state.timeline_saved == state.timeline_count


@pytest.mark.parametrize("scenario", [locked_for_eight_seconds], ids=lambda scenario: scenario.__name__)
async def test_locked_store_delays_cases_and_loses_nothing(scenario: Any, running: Running) -> None:
    await running(scenario)
