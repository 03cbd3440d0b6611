"""Deadlines: the claim ladder, expiring claims, SLA clocks that warn, breach, pause and are set anew."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError

from domain.cases.messages import ClaimInput, MessageInput
from domain.cases.terms import Status
from domain.sla.clocks import ClockName
from tests.workflows.conftest import OUTAGE_TICKET, World, a_ticket
from workflows.cases.claims import ladder_of
from workflows.escalation import EscalationWorkflow


async def test_unclaimed_handoff_climbs_the_ladder_to_the_catch_all_owner(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        state = await world.until(handle, lambda s: s.people_have_it)
        assert state.handoff is not None
        rungs = ladder_of(world.policy, state.handoff.team)
        within = world.policy.timers.claim_within[state.decision.urgency]  # type: ignore[union-attr]
        await world.pass_time(within * (len(rungs) + 2))
        state = await world.until(handle, lambda s: s.claim.rung >= len(rungs))
    asked = [entry.text for entry in state.timeline if "is asked" in entry.text]
    assert asked[0] == "Still unclaimed: Engineering is asked"
    assert asked[-1] == "Still unclaimed: catch-all owner is asked"
    assert len(asked) == len(rungs)  # at its end the ladder asks more slowly
    owner = world.directory.people[world.policy.catch_all_owner]
    assert any("claim-reminder" in key for key, mail in world.mailer.sent.items() if owner.email in mail.to)


async def test_claim_stops_the_ladder_and_shows_in_the_chat(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        await world.until(handle, lambda s: s.people_have_it)
        await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-ivan"))
        await world.pass_time(timedelta(hours=2))
        state = await world.until(handle, lambda s: s.claim.announced)
    assert state.claim.rung == 0
    assert state.status is Status.WITH_AGENT
    assert len(world.chat.updates) == 1


async def test_second_person_is_told_who_has_the_case_and_may_take_it_over(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        await world.until(handle, lambda s: s.people_have_it)
        await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-ivan"))
        with pytest.raises(WorkflowUpdateFailedError) as caught:
            await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-noor"))
        assert "p-ivan has this case" in str(caught.value.cause)
        await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-noor", take_over=True))
        state = await handle.query(EscalationWorkflow.query_state)
    assert state.claim.claimed_by == "p-noor"


async def test_claim_without_activity_expires_and_the_ladder_resumes(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        await world.until(handle, lambda s: s.people_have_it)
        await world.pass_time(timedelta(minutes=30))
        await world.until(handle, lambda s: s.claim.rung > 0)
        await handle.execute_update(EscalationWorkflow.claim, ClaimInput(person_id="p-ivan"))
        await world.pass_time(timedelta(hours=3))
        await handle.execute_update(
            EscalationWorkflow.add_message, MessageInput(message_id="a1", author="p-ivan", text="Still on it.")
        )
        await world.pass_time(timedelta(hours=3))
        assert (await handle.query(EscalationWorkflow.query_state)).claim.claimed_by == "p-ivan"
        await world.pass_time(world.policy.timers.claim_expires_after)
        state = await world.until(handle, lambda s: s.claim.claimed_by is None)
        assert state.claim.expired_claims == 1
        await world.pass_time(timedelta(minutes=30))
        state = await world.until(handle, lambda s: s.claim.rung > 0)
    lines = [entry.text for entry in state.timeline]
    expired = next(number for number, line in enumerate(lines) if "expired without activity" in line)
    asked = [line for line in lines[expired:] if "is asked" in line]
    assert asked[0] == "Still unclaimed: Engineering is asked"  # from the first rung again


async def test_first_response_warns_at_each_threshold_then_breaches_and_moves_the_ladder(world: World) -> None:
    world.change_timers(claim_within={urgency: timedelta(days=9) for urgency in world.policy.timers.claim_within})
    async with world.worker():
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        await world.until(handle, lambda s: s.people_have_it)
        target = world.policy.sla.targets[(await handle.query(EscalationWorkflow.query_state)).priority]
        await world.pass_time(target.first_response + timedelta(seconds=30))
        state = await world.until(handle, lambda s: s.sla_breaches == 1 and s.claim.rung == 1)
    lines = [entry.text for entry in state.timeline if entry.kind.value == "sla"]
    assert [line for line in lines if line.startswith("first response")] == [
        "first response: 50 % of its time is gone",
        "first response: 75 % of its time is gone",
        "first response: 90 % of its time is gone",
        "first response: breached",
    ]
    lead = world.directory.people[world.policy.team("engineering").lead]
    told = [key for key, mail in world.mailer.sent.items() if lead.email in mail.to and "sla/first_response" in key]
    assert [key.rpartition("first_response-")[2].partition("-")[0] for key in told] == ["90", "100"]


async def test_resolution_pauses_while_the_customer_has_the_word(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket())
        state = await world.until(handle, lambda s: s.last_word_at is not None)
        counted = state.clocks[ClockName.RESOLUTION].counted
        assert state.clocks[ClockName.RESOLUTION].running_since is None
        assert state.clocks[ClockName.FIRST_RESPONSE].met_at is not None
        await world.pass_time(timedelta(hours=20))
        await handle.execute_update(
            EscalationWorkflow.add_message, MessageInput(message_id="m1", text="It still does not work, what now?")
        )
        state = await handle.query(EscalationWorkflow.query_state)
    assert state.clocks[ClockName.RESOLUTION].counted == counted
    assert state.clocks[ClockName.RESOLUTION].running_since is not None
    assert ClockName.NEXT_RESPONSE in state.clocks


async def test_a_priority_that_rises_sets_the_clocks_anew(world: World) -> None:
    async with world.worker():
        handle = await world.submit(a_ticket())
        before = await world.until(handle, lambda s: s.last_word_at is not None)
        await handle.execute_update(
            EscalationWorkflow.add_message, MessageInput(message_id="m1", text="It does not work. URGENT please!")
        )
        state = await world.until(handle, lambda s: s.priority.rank < before.priority.rank)
    clock, targets = state.clocks[ClockName.RESOLUTION], world.policy.sla.targets
    assert clock.target == targets[state.priority].resolution < targets[before.priority].resolution
    assert clock.counted >= before.clocks[ClockName.RESOLUTION].counted
