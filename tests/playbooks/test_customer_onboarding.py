"""The shipped playbook `customer-onboarding`, end to end. A month passes in milliseconds."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from tests.playbooks.enumerating import EffectfulStep, effectful_steps
from tests.playbooks.world import PlaybooksWorld, Run

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "customer-onboarding"
STEPS = effectful_steps(NAME)
RECEIVED = "com.surehand.documents.received"


def customer(plan: str) -> dict[str, Any]:
    return {"customer": {"id": "ann", "email": "ann@example.com", "name": "Ann"}, "plan": plan}


async def subjects(world: PlaybooksWorld) -> list[str]:
    return [mail.splitlines()[0] for mail in await world.mails() if not mail.startswith("[Case")]


async def business(world: PlaybooksWorld) -> Run:
    """With documents that come at once and an account manager."""
    run = await world.start(NAME, customer("business"))
    state = await world.until(run, lambda s: s.waiting_for_event > 0 or s.closed or bool(s.ending))
    if state.waiting_for_event:
        await world.tell(run, RECEIVED)
        await world.decide(run)
    return run


async def test_a_free_customer_is_welcomed_and_asked_after_a_week(world: PlaybooksWorld) -> None:
    result: Any = (await world.run(NAME, customer("free"))).output
    assert result == {"status": "done", "documents": "not_needed", "reminders": 0, "manager": None}
    assert await subjects(world) == ["Welcome", "How is it going?"]
    contact = (await world.vendors.ask("GET", "/api/objects/mailing/contact"))[0]
    assert contact["tags"] == ["customer", "free"]


async def test_a_business_customer_sends_documents_and_gets_an_account_manager(world: PlaybooksWorld) -> None:
    result: Any = (await world.result(await business(world))).output
    assert (result["status"], result["documents"], bool(result["manager"])) == ("done", "received", True)
    assert (await subjects(world)).count("How is it going?") == 2
    assert "Your account manager" in await subjects(world)


async def test_missing_documents_are_asked_for_again_and_then_given_to_people(world: PlaybooksWorld) -> None:
    given = {**customer("standard"), "documents": ["Passport"]}
    run = await world.start(NAME, given)
    counts = []
    for days in (2, 2, 4, 7):
        await world.pass_time(days=days)
        counts.append((await subjects(world)).count("A reminder: we need some documents"))
    assert counts == [0, 1, 2, 2]
    result: Any = (await world.result(run)).output
    assert (result["status"], result["reminders"]) == ("documents_missing", 2)
    assert any("sent no documents" in str(entry["body"]) for entry in await world.vendors.messages("slack"))


async def test_a_business_customer_whom_nobody_takes_on_is_onboarded_all_the_same(world: PlaybooksWorld) -> None:
    run = await world.start(NAME, customer("business"))
    await world.until(run, lambda s: s.waiting_for_event > 0)
    await world.tell(run, RECEIVED)
    result: Any = (await world.result(run)).output
    assert (result["status"], result["manager"]) == ("done", None)


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_a_step_refused_for_good_takes_the_account_back(world: PlaybooksWorld, step: EffectfulStep) -> None:
    world.refuse_at(step.reference)
    result = await world.result(await business(world))
    assert (result.status, result.left) == ("faulted", ())
    if step is not STEPS[0]:
        (profile,) = await world.vendors.ask("GET", "/api/objects/hubspot/contact")
        assert "stopped" in str(profile)


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_a_run_cancelled_at_a_step_takes_the_account_back(world: PlaybooksWorld, step: EffectfulStep) -> None:
    world.cancel_at(step.reference)
    run = await business(world)
    with pytest.raises(WorkflowFailureError):
        await world.result(run)
    assert await world.standing() == []
