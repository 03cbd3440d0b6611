"""A case is given to a named person: who may have it, what they are told, and what stands on record."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.cases.messages import ReassignInput
from tests.workflows.conftest import OUTAGE_TICKET, PASSWORD_TICKET, Handle, World, a_ticket
from workflows.escalation import EscalationWorkflow


def given(to: str, note: str = "They write in Dutch.") -> ReassignInput:
    return ReassignInput(person_id="p-ivan", to=to, note=note)


async def refusal(handle: Handle, word: ReassignInput) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update(EscalationWorkflow.reassign, word)
    assert isinstance(caught.value.cause, ApplicationError)
    return caught.value.cause.message


async def test_a_named_person_gets_the_case_and_the_note_and_it_is_on_record(world: World) -> None:
    async with world.worker():
        early = await world.submit(a_ticket(PASSWORD_TICKET, customer={"tier": "vip"}))
        assert "not handed over" in await refusal(early, given("p-tom"))
        handle = await world.submit(a_ticket(OUTAGE_TICKET))
        await world.until(handle, lambda s: s.people_have_it)
        for person, why in (("p-nobody", "is nobody"), ("p-ruth", "holds none of the roles agent")):
            assert why in await refusal(handle, given(person))
        assert "empty" in await refusal(handle, given("p-tom", "  "))

        accepted = await handle.execute_update(EscalationWorkflow.reassign, given("p-tom"))
        assert "p-tom has the case now" in accepted.text
        state = await world.until(handle, lambda s: s.claim.given_is_told)
        assert (state.claim.claimed_by, state.claim.given_by) == ("p-tom", "p-ivan")
        assert [
            line.actor for line in state.timeline if "gave the case to p-tom: They write in Dutch." in line.text
        ] == ["p-ivan"]
        assert "has this case already" in await refusal(handle, given("p-tom"))
        # Whoever had it is on record when it goes on to the next.
        await handle.execute_update(EscalationWorkflow.reassign, given("p-lena", "Holiday."))
        await world.until(handle, lambda s: bool(world.mailer.to("lena.brandt@example.com")) and s.claim.given_is_told)
        await handle.execute_update(EscalationWorkflow.resolve, {"person_id": "p-lena", "resolution": "Restarted."})
        await handle.result()
    mails = [mail for mail in world.mailer.to("tom.keller@example.com") if "is yours now" in mail.subject]
    assert len(mails) >= 1
    assert "They write in Dutch." in mails[0].text
    lines = await world.store.interventions_of(handle.id)
    assert [(line.action, line.person_id, line.problem, line.reason) for line in lines] == [
        ("reassign", "p-ivan", "nobody had it", "They write in Dutch."),
        ("reassign", "p-ivan", "p-tom had it", "Holiday."),
    ]
