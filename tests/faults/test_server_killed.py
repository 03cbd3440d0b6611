"""The Temporal server is killed and started again on its file: nothing accepted is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from runtime.temporal.asking import AsksAgain
from runtime.temporal.connection import data_converter
from runtime.temporal.dev_server import EmbeddedServer
from tests.faults.conftest import Running
from tests.faults.installation import OUTAGE_TICKET, PASSWORD_TICKET, UNHURRIED_SECONDS, Installation, met

pytestmark = pytest.mark.asyncio(loop_scope="session")

VIP = {"tier": "vip"}


@asynccontextmanager
async def on_a_file(folder: Path, **given: Any) -> AsyncIterator[tuple[EmbeddedServer, Installation]]:
    async with EmbeddedServer(ui=False, database_file=folder / "temporal.db") as server:
        client = await Client.connect(server.address, data_converter=data_converter(), interceptors=[AsksAgain()])
        async with Installation(client, folder, **{"patience_seconds": UNHURRIED_SECONDS, **given}) as installation:
            yield server, installation


async def killed_while_steps_run(_: Client, folder: Path) -> None:
    async with on_a_file(folder) as (server, installation):
        installation.worker()
        answered = installation.break_vendor("slack", "delay", match="chat.postMessage", delay_ms=1_500)
        lost = installation.break_vendor("smtp", "drop", match="engineering-support")
        case = await installation.submit(OUTAGE_TICKET, external_id="4711")
        await asyncio.gather(met(answered), met(lost))
        await server.kill()
        # Longer than the chat takes: its answer finds no server.
        await asyncio.sleep(3)
        await server.start()
        await case.until(lambda s: s.people_have_it and s.next_unhandled() is None)
        await case.resolve()
        await case.result()
        await case.assert_each_effect_once("acknowledge", "reply-1", "handoff-1/mail", "handoff-1/chat", "resolved-1")


async def killed_while_an_approval_waits(_: Client, folder: Path) -> None:
    async with on_a_file(folder) as (server, installation):
        installation.worker()
        case = await installation.submit(PASSWORD_TICKET, customer=VIP)
        request = await case.asked()
        await server.kill()
        word = asyncio.create_task(case.approve(request, "p-lena"))
        await asyncio.sleep(1)
        assert not word.done()
        await server.start()
        await word
        await case.until(lambda s: s.last_word_at is not None)
        await case.resolve()
        await case.result()
        state = await case.assert_each_effect_once("acknowledge", "reply-1", "resolved-1")
        assert [request.status.value for request in state.approvals.values()] == ["approved"]


async def killed_together_with_the_worker(_: Client, folder: Path) -> None:
    """A power cut in the middle of several cases."""
    async with on_a_file(folder) as (server, installation):
        worker = installation.worker()
        cases = [await installation.submit(OUTAGE_TICKET, external_id=str(5_000 + number)) for number in range(6)]
        await cases[0].until(lambda s: s.people_have_it)
        worker.kill()
        await server.kill()
        worker.start()  # it comes up first, finds nobody, and says so; whoever supervises it starts it again
        await server.start()
        await worker.restart()
        for case in cases:
            await case.until(lambda s: s.people_have_it and s.next_unhandled() is None)
            await case.resolve()
        for case in cases:
            await case.result()
            await case.assert_each_effect_once("acknowledge", "reply-1", "handoff-1/mail", "handoff-1/chat")


@pytest.mark.parametrize(
    "scenario",
    [killed_while_steps_run, killed_while_an_approval_waits, killed_together_with_the_worker],
    ids=lambda scenario: scenario.__name__,
)
async def test_server_killed_and_restarted_loses_and_doubles_nothing(scenario: Any, running: Running) -> None:
    await running(scenario)
