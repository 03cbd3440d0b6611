"""A parked step waits for a person, also when the case's history has grown so long that a new run is due."""

from __future__ import annotations

from datetime import timedelta

from domain.case import UnparkAction, UnparkInput
from domain.errors import VendorRefused
from tests.workflows.conftest import World, a_ticket
from tests.workflows.test_conversation import answered, write
from workflows.escalation import EscalationWorkflow


async def test_parked_survey_is_not_forgotten_when_a_new_run_is_due(world: World) -> None:
    world.continue_after_events = 20
    world.mailer.always = lambda mail: VendorRefused("mail", "550", "No.") if "/survey" in mail.key else None
    async with world.worker():
        handle = await world.submit(a_ticket())
        await answered(world, handle)
        await write(handle, "Thank you, that worked!")
        await world.until(handle, lambda s: s.is_resolved)
        await world.pass_time(world.policy.timers.survey_after + timedelta(minutes=1))
        await world.until(handle, lambda s: "survey-1" in s.parked)
        await world.pass_time(world.policy.timers.final_analysis_after + timedelta(minutes=1))
        state = await world.until(handle, lambda s: "survey-1" in s.parked)
        assert not state.closed
        world.mailer.always = lambda _: None
        await handle.execute_update(
            EscalationWorkflow.unpark, UnparkInput(step="survey-1", action=UnparkAction.RETRY, person_id="p-ruth")
        )
        state = await world.until(handle, lambda s: s.closed)
    assert state.parked == {}
    assert any(key.endswith("/survey-1") for key in world.mailer.sent)
