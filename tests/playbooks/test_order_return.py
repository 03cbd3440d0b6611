"""The shipped playbook `order-return`, end to end, on an order that the shipped `order-fulfilment` sent."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from domain.cases.terms import UnparkAction
from tests.playbooks.enumerating import EffectfulStep, effectful_steps
from tests.playbooks.world import PlaybooksWorld, Run

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "order-return"
STEPS = effectful_steps(NAME)
CUSTOMER = {"id": "cus_ann", "email": "ann@example.com"}
ADDRESS = {"name": "Ann Lee", "line1": "Main St 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
RECEIVED = "com.surehand.return.received"


async def sent_order(world: PlaybooksWorld) -> dict[str, Any]:
    """What a return of one stove of two needs to know."""
    items = [{"sku": "STOVE-1", "quantity": 2, "unit_amount": 4_000}]
    order = {
        "order": "O-1001", "customer": CUSTOMER, "payment_method": "pm_card_visa", "currency": "EUR",
        "items": items, "ship_to": ADDRESS,
    }  # fmt: skip
    made: Any = (await world.run("order-fulfilment", order)).output
    await world.vendors_wait(days=4)
    return {
        "order": "O-1001", "customer": CUSTOMER, "currency": "EUR", "payment": made["payment"],
        "invoice": made["invoice"]["id"], "shipment": made["shipments"][0]["id"],
        "reservation": made["reservations"][0],
        "items": [{"sku": "STOVE-1", "quantity": 1, "warehouse": "berlin", "unit_amount": 4_000}],
    }  # fmt: skip


async def come_back(world: PlaybooksWorld, **changes: Any) -> Run:
    """A return whose goods have come."""
    run = await world.start(NAME, {**await sent_order(world), **changes})
    await world.until(run, lambda s: s.waiting_for_event > 0 or s.closed or bool(s.parked))
    await world.tell(run, RECEIVED, {"damaged": []})
    return run


async def test_goods_come_back_and_the_money_goes_back_once_people_approve(world: PlaybooksWorld) -> None:
    run = await come_back(world)
    await world.until(run, lambda s: any(request.rungs for request in s.pending_approvals))
    assert "refund" not in await world.kinds("stripe")
    await world.decide(run)
    result: Any = (await world.result(run)).output
    assert (result["status"], result["amount"]) == ("refunded", 40)
    assert (await world.kinds("stripe"))[-1] == "refund"
    assert (await world.kinds("inventory"))[-1] == "stock_returned"
    assert (await world.kinds("accounting"))[-1] == "invoice_credited"
    assert "go back to the card" in (await world.mails())[-1]


async def test_an_exchange_is_settled_with_credit(world: PlaybooksWorld) -> None:
    run = await come_back(world, settle="store_credit")
    await world.decide(run)
    result: Any = (await world.result(run)).output
    assert result["status"] == "credited"
    assert (await world.kinds("stripe"))[-1] == "credit"


async def test_damaged_goods_are_not_sold_again(world: PlaybooksWorld) -> None:
    run = await world.start(NAME, await sent_order(world))
    await world.until(run, lambda s: s.waiting_for_event > 0)
    await world.tell(run, RECEIVED, {"damaged": ["STOVE-1"]})
    await world.decide(run)
    await world.result(run)
    (back,) = await world.vendors.ask("GET", "/api/objects/inventory/return")
    assert back["items"][0]["condition"] == "damaged"


async def test_goods_that_never_come_back_change_nothing(world: PlaybooksWorld) -> None:
    given = await sent_order(world)
    before = await world.standing()
    result: Any = (await world.run(NAME, given)).output
    assert (result["status"], await world.standing()) == ("not_returned", before)


async def test_an_order_that_has_not_left_is_to_be_cancelled_instead(world: PlaybooksWorld) -> None:
    given = await sent_order(world)
    young = {"status": "label_created", "created_at": "2999-01-01T00:00:00+00:00"}
    await world.set_object(f"shipping/shipment/{given['shipment']}", **young)
    result: Any = (await world.run(NAME, given)).output
    assert result["status"] == "not_sent_yet"


async def test_a_refund_that_nobody_approves_waits_and_can_be_given_up(world: PlaybooksWorld) -> None:
    run = await come_back(world)
    await world.decide(run, approve=False)
    await world.until(run, lambda s: bool(s.parked))
    await world.unpark(run, UnparkAction.GIVE_UP)
    assert (await world.result(run)).status == "faulted"
    assert "refund" not in await world.kinds("stripe")


def settling(step: EffectfulStep) -> dict[str, str]:
    return {"settle": "store_credit" if step.reference.endswith("storeCredit") else "refund"}


async def decided(world: PlaybooksWorld, run: Run) -> None:
    state = await world.until(
        run, lambda s: s.closed or bool(s.parked) or any(request.rungs for request in s.pending_approvals)
    )
    if state.pending_approvals:
        await world.decide(run)


def left_after(step: EffectfulStep) -> list[str]:
    """A credit note cannot be taken back, so a person is told of it."""
    return ["Writing the credit note (accounting.createCreditNote)"] if step.tool == "crm.update_profile" else []


@pytest.mark.parametrize("step", STEPS[1:], ids=str)
async def test_a_step_refused_for_good_waits_for_a_person_and_gives_no_money_away(
    world: PlaybooksWorld, step: EffectfulStep
) -> None:
    world.refuse_at(step.reference)
    run = await come_back(world, **settling(step))
    await decided(world, run)
    await world.until(run, lambda s: bool(s.parked))
    await world.unpark(run, UnparkAction.GIVE_UP)
    if left_after(step):
        state = await world.until(run, lambda s: "undo" in s.parked)
        assert state.parked["undo"].left_undone == left_after(step)
        await world.unpark(run, UnparkAction.SKIP)
    result = await world.result(run)
    assert (result.status, list(result.left)) == ("faulted", left_after(step))
    standing = await world.standing()
    assert not any(kind in ("stripe refund", "stripe credit") for kind in standing)


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_a_step_whose_answer_is_lost_happens_once(world: PlaybooksWorld, step: EffectfulStep) -> None:
    world.lose_answer_at(step.reference)
    run = await come_back(world, **settling(step))
    await world.decide(run)
    assert (await world.result(run)).status == "completed"
    assert await world.duplicates() == []


async def test_a_label_that_is_refused_ends_the_return(world: PlaybooksWorld) -> None:
    world.refuse_at(STEPS[0].reference)
    result = await world.run(NAME, await sent_order(world))
    assert (result.status, result.left) == ("faulted", ())


@pytest.mark.parametrize("step", [step for step in STEPS if step.tool.startswith("payments")], ids=str)
async def test_a_run_cancelled_while_money_moves_gives_none_away(world: PlaybooksWorld, step: EffectfulStep) -> None:
    world.cancel_at(step.reference)
    run = await come_back(world, **settling(step))
    await world.decide(run)
    with pytest.raises(WorkflowFailureError):
        await world.result(run)
    assert (await world.kinds("stripe"))[-1] in ("refund_cancelled", "credit_reversed")
