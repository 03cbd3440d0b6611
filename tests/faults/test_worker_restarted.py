"""How soon people are heard again after a worker was killed. It runs last and alone, because it measures time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.faults.conftest import Running
from tests.faults.installation import PASSWORD_TICKET, Installation, Stopwatch

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOON = 6.0
"""Seconds. The target is 3 on a machine of its own; tests share theirs."""


async def test_approval_is_accepted_soon_after_a_killed_worker_is_restarted(
    client: Client, running: Running, tmp_path: Path
) -> None:
    await running.all_done()
    async with Installation(client, tmp_path) as installation:
        worker = installation.worker(fresh=True)
        case = await installation.submit(PASSWORD_TICKET, customer={"tier": "vip"})
        request = await case.asked()
        await asyncio.sleep(1)
        worker.kill()
        watch = Stopwatch()
        worker.start()
        await case.approve(request, "p-lena")
        assert watch.seconds <= SOON
        await case.until(lambda s: s.last_word_at is not None)
