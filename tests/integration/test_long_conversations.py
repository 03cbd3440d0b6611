"""Long histories on the real server: a case carries on in a new run and forgets nothing.

Whatever continues as new is tested here. The time-skipping server, when it meets the last task of a run that has just
continued as new, keeps its lock on time for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from domain.cases.approval import ApprovalDecision
from domain.cases.messages import UnparkInput
from domain.cases.terms import UnparkAction
from domain.errors import VendorRefused
from domain.rules import Phrases, RulesEngine
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG
from runtime.temporal.connection import data_converter
from runtime.temporal.dev_server import EmbeddedServer
from tests.workflows.conftest import World, a_ticket
from tests.workflows.test_conversation import answered, write
from workflows.escalation import EscalationWorkflow


@pytest.fixture
async def real_world() -> AsyncIterator[World]:
    configuration = Configuration((SHIPPED_CONFIG,))
    rules = RulesEngine(configuration.keywords, Phrases.model_validate(configuration.phrases))
    async with EmbeddedServer(ui=False) as server:
        client = await Client.connect(server.address, data_converter=data_converter())
        world = World(WorkflowEnvironment.from_client(client), configuration, rules)
        moment = timedelta(seconds=0.5)
        world.change_timers(resolution_check_after=moment, survey_after=moment * 2, final_analysis_after=moment * 3)
        async with world.worker():
            yield world


async def test_long_conversation_carries_on_in_a_new_run_and_forgets_nothing(real_world: World) -> None:
    world = real_world
    world.continue_after_events = 60
    handle = await world.submit(a_ticket())
    for number in range(1, 8):
        await answered(world, handle, times=1)
        await write(handle, f"Question {number}: which page should I open next?", f"m{number}")
        await world.until(handle, lambda s: s.next_unhandled() is None)
    state = await handle.query(EscalationWorkflow.query_state)
    assert state.runs > 1
    assert "already" in await write(handle, "Question 1: which page should I open next?", "m1")
    await write(handle, "Thank you, that worked!", "m99")
    result = await handle.result()
    assert result.status == "closed"
    texts = [message.text for message in await world.store.conversation(handle.id) if message.author == "customer"]
    assert len(texts) == 9
    numbers = [entry.number for entry in await world.store.timeline(handle.id)]
    assert numbers == list(range(len(numbers)))


async def test_open_approval_outlives_the_run_it_was_asked_in(real_world: World) -> None:
    world = real_world
    world.continue_after_events = 40
    handle = await world.submit(a_ticket(customer={"tier": "vip"}))
    state = await world.until(handle, lambda s: bool(s.pending_approvals) and s.runs > 1)
    request = state.pending_approvals[0]
    decision = ApprovalDecision(request_id=request.request_id, person_id="p-lena", approve=True, digest=request.digest)
    await handle.execute_update(EscalationWorkflow.decide_approval, decision)
    state = await world.until(handle, lambda s: not s.pending_approvals)
    assert state.approvals[request.request_id].granted
    asked = [key for key in world.mailer.sent if "approval/" in key and "rung-1" in key]
    assert len(asked) <= 1
    await world.until(handle, lambda s: any("/reply-1" in key for key in world.mailer.sent))


async def test_parked_survey_is_not_forgotten_when_a_new_run_is_due(real_world: World) -> None:
    world = real_world
    world.continue_after_events = 20
    world.mailer.always = lambda mail: VendorRefused("mail", "550", "No.") if "/survey" in mail.key else None
    handle = await world.submit(a_ticket())
    await answered(world, handle)
    await write(handle, "Thank you, that worked!")
    await world.until(handle, lambda s: s.is_resolved)
    await world.until(handle, lambda s: "survey-1" in s.parked)
    await asyncio.sleep(2 * world.policy.timers.final_analysis_after.total_seconds())
    state = await world.until(handle, lambda s: "survey-1" in s.parked)
    assert not state.closed
    assert (await handle.describe()).history_length >= world.continue_after_events
    world.mailer.always = lambda _: None
    await handle.execute_update(
        EscalationWorkflow.unpark, UnparkInput(step="survey-1", action=UnparkAction.RETRY, person_id="p-ruth")
    )
    state = await world.until(handle, lambda s: s.closed)
    assert state.parked == {}
    assert any(key.endswith("/survey-1") for key in world.mailer.sent)
