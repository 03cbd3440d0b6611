"""The shipped playbook `order-fulfilment`, end to end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.service import RPCError

from domain.cases.terms import UnparkAction
from domain.playbook.messages import PlaybookResult
from tests.playbooks.enumerating import EffectfulStep, effectful_steps
from tests.playbooks.world import PlaybooksWorld, Run

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "order-fulfilment"
STEPS = effectful_steps(NAME)
ADDRESS = {"name": "Ann Lee", "line1": "Main St 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
WENT_OUT = ["accounting invoice_paid", "inventory reservation_committed", "stripe payment_captured"]
CANCELLED, ARRIVED = "com.surehand.order.cancelled", "com.surehand.stock.arrived"


def order(*items: tuple[str, int, int], **changes: Any) -> dict[str, Any]:
    """Four tents, more than one warehouse has, unless told otherwise."""
    return {
        "order": "O-1001",
        "customer": {"id": "cus_ann", "name": "Ann Lee", "email": "ann@example.com"},
        "payment_method": "pm_card_visa",
        "currency": "EUR",
        "items": [
            {"sku": sku, "quantity": quantity, "unit_amount": amount}
            for sku, quantity, amount in items or [("TENT-2P", 4, 10_000)]
        ],
        "shipping_amount": 3_000,
        "ship_to": ADDRESS,
        **changes,
    }


def boots(mode: str, **changes: Any) -> dict[str, Any]:
    """Five pairs, of which three are in stock."""
    return order(("BOOT-42", 5, 8_000), on_shortage=mode, **changes)


def outcome(result: PlaybookResult) -> Any:
    assert result.error is None, result.error
    return result.output


# Three ways through the playbook that together reach each of its steps.


async def through_three_warehouses(world: PlaybooksWorld) -> Run:
    return await world.start(NAME, order(("TENT-2P", 4, 10_000), ("STOVE-1", 1, 4_950), prefer_warehouse="osaka"))


async def through_a_wait(world: PlaybooksWorld) -> Run:
    """A week's wait, so that the card is held anew; then the goods come."""
    run = await world.start(NAME, boots("back_order"))
    await world.pass_time(days=7)
    await world.set_object("inventory/stock/BOOT-42@berlin", on_hand=5)
    with suppress(RPCError):  # it may have ended by then, where a step is made to fail
        await world.tell(run, ARRIVED)
    return run


async def through_an_expired_hold(world: PlaybooksWorld) -> Run:
    async def expire(call: object) -> None:
        (payment,) = [entry["body"]["object"]["id"] for entry in await world.vendors.messages("stripe")]
        await world.set_object(f"stripe/authorisation/{payment}", expires_at=0)

    world.watched.before.setdefault("/do/1/fulfil/try/6/ship/fork/branches/0/fromBerlin", expire)
    return await world.start(NAME, order())


Way = Callable[[PlaybooksWorld], Awaitable[Run]]
WAYS: tuple[Way, ...] = (through_three_warehouses, through_a_wait, through_an_expired_hold)


def way_to(step: EffectfulStep) -> Way:
    if "waitForGoods" in step.reference:
        return through_a_wait
    return through_an_expired_hold if "OnceMore" in step.reference else through_three_warehouses


async def test_the_ways_of_these_tests_reach_every_step_that_changes_something(world: PlaybooksWorld) -> None:
    for way in WAYS:
        await world.vendors.ask("POST", "/api/reset")
        result = await world.result(await way(world))
        assert outcome(result)["status"] == "fulfilled", result
    assert {step.reference for step in STEPS} <= set(world.watched.reached)


# Success


async def test_an_order_is_shipped_from_each_warehouse_paid_booked_and_told(world: PlaybooksWorld) -> None:
    result = await world.run(NAME, order())
    output = outcome(result)
    assert (result.status, output["status"], output["missing"]) == ("completed", "fulfilled", [])
    assert [shipment["warehouse"] for shipment in output["shipments"]] == ["berlin", "austin"]
    # What the carrier takes is less than the customer agreed to: 5.90 at home and 11.80 from abroad.
    assert output["captured"] == 417.7
    assert await world.standing() == sorted([*WENT_OUT, *["shipping shipment_created"] * 2])
    (mail,) = await world.mails()
    assert "on its way" in mail
    assert all(shipment["tracking_number"] in mail for shipment in output["shipments"])
    assert "417.7 EUR" in mail
    assert await world.kinds("hubspot") == ["contact_changed"]


async def test_dangerous_goods_do_not_fly_and_abroad_goes_a_customs_declaration(world: PlaybooksWorld) -> None:
    given = order(("GAS-230", 2, 900), ("STOVE-1", 1, 4_950), service="express", prefer_warehouse="austin")
    result = await world.run(NAME, given)
    assert outcome(result)["status"] == "fulfilled"
    shipments = await world.vendors.ask("GET", "/api/objects/shipping/shipment")
    by_place = {made["warehouse"]: made for made in shipments}
    assert {place: made["service"] for place, made in by_place.items()} == {"austin": "standard", "berlin": "express"}
    assert by_place["austin"]["customs"]["value"] == 1_800
    assert by_place["berlin"]["customs"] is None


async def test_money_of_a_currency_without_cents_is_not_divided(world: PlaybooksWorld) -> None:
    result = await world.run(NAME, order(("STOVE-1", 1, 900), currency="jpy", shipping_amount=500))
    assert outcome(result)["status"] == "fulfilled"
    assert outcome(result)["captured"] == 1_400


# Not enough in stock


async def test_what_is_there_ships_and_only_that_is_charged(world: PlaybooksWorld) -> None:
    result = await world.run(NAME, boots("ship_available"))
    output = outcome(result)
    assert output["status"] == "partly_fulfilled"
    assert output["missing"] == [{"sku": "BOOT-42", "quantity": 2}]
    assert output["captured"] == 240 + 29.5
    (mail,) = await world.mails()
    assert "not charged: 2 x Hiking boots" in mail


@pytest.mark.parametrize("mode", ["refuse", "ship_available"])
async def test_an_order_without_its_goods_is_refused_and_the_customer_told(world: PlaybooksWorld, mode: str) -> None:
    items = ("LAMP-LED", 1, 2_000) if mode == "ship_available" else ("BOOT-42", 5, 8_000)
    result = await world.run(NAME, order(items, on_shortage=mode))
    assert (result.status, outcome(result)["status"]) == ("completed", "out_of_stock")
    assert await world.standing() == []
    assert await world.kinds("stripe") == []
    (mail,) = await world.mails()
    assert "Not everything is in stock" in mail


async def test_a_back_order_waits_and_goes_out_in_one_piece(world: PlaybooksWorld) -> None:
    result = await world.result(await through_a_wait(world))
    assert outcome(result)["status"] == "fulfilled"
    kinds = await world.kinds("stripe")
    # Held, let go and held again after six days, before the bank does; taken once.
    assert kinds == ["payment_authorised", "payment_cancelled", "payment_authorised", "payment_captured"]
    assert [mail.splitlines()[0] for mail in await world.mails()] == [
        "Your order O-1001 waits for goods",
        "Your order O-1001 is on its way",
    ]


async def test_goods_that_come_in_parts_are_kept_until_the_rest_is_there(world: PlaybooksWorld) -> None:
    run = await world.start(NAME, order(("LAMP-LED", 2, 2_000), on_shortage="back_order"))
    for place in ("berlin", "austin"):
        await world.until(run, lambda s: s.waiting_for_event > 0)
        await world.set_object(f"inventory/stock/LAMP-LED@{place}", on_hand=1, reserved=0)
        await world.tell(run, ARRIVED)
    result = await world.result(run)
    output = outcome(result)
    assert (output["status"], len(output["reservations"]), len(output["shipments"])) == ("fulfilled", 2, 2)


async def test_a_back_order_that_waits_too_long_is_given_up(world: PlaybooksWorld) -> None:
    result = await world.run(NAME, boots("back_order", wait_days=20))
    assert (result.status, outcome(result)["reason"]) == ("completed", "waited_too_long")
    assert await world.standing() == []
    assert (await world.kinds("stripe")).count("payment_authorised") == 4


async def test_a_hold_that_cannot_be_renewed_ends_the_order(world: PlaybooksWorld) -> None:
    world.refuse_at("/do/1/fulfil/try/4/backOrder/do/1/waitForGoods/do/5/holdAgain", status=402)
    result = await world.run(NAME, boots("back_order"))
    assert (result.status, outcome(result)["status"]) == ("completed", "payment_declined")
    assert await world.standing() == []


async def test_the_customer_cancels_while_the_order_waits(world: PlaybooksWorld) -> None:
    run = await world.start(NAME, boots("back_order"))
    await world.until(run, lambda s: s.waiting_for_event > 0)
    assert await world.standing() == ["inventory reservation_made", "stripe payment_authorised"]
    await world.tell(run, CANCELLED)
    result = await world.result(run)
    assert (result.status, outcome(result)["status"]) == ("completed", "cancelled")
    assert await world.standing() == []
    assert "You cancelled it" in (await world.mails())[-1]


# The card


@pytest.mark.parametrize("card", ["chargeDeclinedInsufficientFunds", "chargeDeclinedFraudulent"])
async def test_a_declined_card_gives_the_goods_back(world: PlaybooksWorld, card: str) -> None:
    result = await world.run(NAME, order(payment_method=f"pm_card_{card}"))
    assert (result.status, outcome(result)["status"]) == ("completed", "payment_declined")
    assert await world.standing() == []
    assert "did not accept the payment" in (await world.mails())[-1]


async def test_a_hold_that_expired_is_renewed_before_the_money_is_taken(world: PlaybooksWorld) -> None:
    result = await world.result(await through_an_expired_hold(world))
    assert outcome(result)["status"] == "fulfilled"
    kinds = await world.kinds("stripe")
    assert kinds == ["payment_authorised", "payment_expired", "payment_authorised", "payment_captured"]


async def test_a_large_order_is_approved_by_people_before_it_is_held(world: PlaybooksWorld) -> None:
    run = await world.start(NAME, order(("STOVE-1", 20, 30_000)))
    await world.decide(run, approve=False)
    result = await world.result(run)
    assert outcome(result)["status"] == "refused"
    assert await world.standing() == []


# The carrier


async def test_a_country_that_is_not_served_costs_the_customer_nothing(world: PlaybooksWorld) -> None:
    result = await world.run(NAME, order(ship_to={**ADDRESS, "country": "KP"}))
    assert outcome(result)["reason"] == "country_not_served"
    assert await world.standing() == []
    assert "Nothing stays held or charged" in (await world.mails())[-1].replace(" Nothing", "Nothing")


# Any step fails for good


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_a_step_refused_for_good_leaves_nothing_behind(world: PlaybooksWorld, step: EffectfulStep) -> None:
    world.refuse_at(step.reference)
    run = await way_to(step)(world)
    if step.reference.startswith("/do/1/fulfil"):
        result = await world.result(run)
        assert (result.status, outcome(result)["status"]) == ("completed", "refused")
        assert "does not go out" in (await world.mails())[-1]
    else:
        # The goods are under way: a person decides.
        state = await world.until(run, lambda s: bool(s.parked))
        assert len(state.parked) == 1
        assert not any("on its way" in mail for mail in await world.mails())
        await world.unpark(run, UnparkAction.GIVE_UP)
        result = await world.result(run)
        assert result.status == "faulted"
    assert await world.standing() == []
    assert result.left == ()
    assert await world.duplicates() == []


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_a_step_whose_answer_is_lost_happens_once(world: PlaybooksWorld, step: EffectfulStep) -> None:
    world.lose_answer_at(step.reference)
    result = await world.result(await way_to(step)(world))
    assert outcome(result)["status"] == "fulfilled"
    assert await world.duplicates() == []
    assert set(WENT_OUT) <= set(await world.standing())


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_a_run_cancelled_at_a_step_leaves_nothing_behind(world: PlaybooksWorld, step: EffectfulStep) -> None:
    world.cancel_at(step.reference)
    run = await way_to(step)(world)
    with pytest.raises(WorkflowFailureError):
        await world.result(run)
    assert await world.standing() == []


# What cannot be taken back


async def test_a_parcel_that_was_picked_up_is_named_and_waits_for_a_person(world: PlaybooksWorld) -> None:
    world.refuse_at("/do/2/invoice")
    run = await world.start(NAME, order(("STOVE-1", 1, 4_950)))
    await world.until(run, lambda s: bool(s.parked))
    await world.vendors_wait(hours=25)
    await world.unpark(run, UnparkAction.GIVE_UP)
    state = await world.until(run, lambda s: "undo" in s.parked)
    assert state.parked["undo"].left_undone == ["Shipping from Berlin (shipping.createShipment)"]
    assert await world.standing() == ["shipping shipment_created"]
    await world.unpark(run, UnparkAction.SKIP)
    assert (await world.result(run)).left == ("Shipping from Berlin (shipping.createShipment)",)


async def test_books_that_are_out_of_order_wait_for_a_person_and_go_on(world: PlaybooksWorld) -> None:
    await world.vendors.fault("accounting", "down", times=None)
    run = await world.start(NAME, order())
    await world.until_parked(run)
    await world.vendors.ask("DELETE", "/api/faults")
    await world.unpark(run, UnparkAction.RETRY)
    result = await world.result(run)
    assert outcome(result)["status"] == "fulfilled"
    assert await world.duplicates() == []


async def test_an_address_that_takes_no_mail_does_not_stop_a_back_order(world: PlaybooksWorld) -> None:
    given = boots("back_order", customer={"id": "cus_ann", "email": "unknown@example.com"})
    run = await world.start(NAME, given)
    await world.until(run, lambda s: s.waiting_for_event > 0)
    await world.tell(run, CANCELLED)
    assert outcome(await world.result(run))["status"] == "cancelled"
    assert await world.standing() == []
