"""The shipped playbooks `email-sequence` and `cart-abandonment`, end to end. Days pass in milliseconds."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from temporalio.client import WorkflowFailureError

from domain.cases.terms import UnparkAction
from domain.playbook.messages import PlaybookResult
from tests.playbooks.enumerating import EffectfulStep, effectful_steps
from tests.playbooks.world import PlaybooksWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEQUENCE, CART = "email-sequence", "cart-abandonment"
WEBINAR = {"campaign": "launch", "contact": "ann", "link": "https://shop.example.com/launch"}
STEPS = [(name, step) for name in (SEQUENCE, CART) for step in effectful_steps(name)]
GIVEN: dict[str, Any] = {SEQUENCE: WEBINAR, CART: {"cart": "cart-ann"}}


def outcome(result: PlaybookResult) -> Any:
    assert result.error is None, result.error
    return result.output


async def sent(world: PlaybooksWorld) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await world.vendors.ask("GET", "/api/objects/mailing/message")
    return found


async def click(world: PlaybooksWorld, message: dict[str, Any], what: str = "click_path") -> None:
    async with httpx.AsyncClient(base_url=world.vendors.url("mailing"), trust_env=False) as reader:
        if what == "unsubscribe_path":
            answer = await reader.post(message[what])
        else:
            answer = await reader.get(message[what])
    assert answer.status_code < 400, answer.text


# The sequence


async def test_the_three_mails_go_out_on_their_days(world: PlaybooksWorld) -> None:
    run = await world.start(SEQUENCE, WEBINAR)
    counts = []
    for hours in (1, 22, 2, 46, 2):  # to 1, 23, 25, 71 and 73 hours
        await world.pass_time(hours=hours)
        counts.append(len(await sent(world)))
    assert counts == [1, 1, 2, 2, 3]
    result = outcome(await world.result(run))
    assert (result["status"], result["sent"], result["stopped_by"]) == ("finished", 3, None)
    assert [message["subject"][:6] for message in await sent(world)] == ["Thanks", "Specia", "Last c"]


async def test_opens_and_clicks_are_told_and_change_the_next_mail(world: PlaybooksWorld) -> None:
    run = await world.start(SEQUENCE, WEBINAR)
    await world.pass_time(hours=1)
    (first,) = await sent(world)
    await click(world, first, "open_path")
    await click(world, first)
    result = outcome(await world.result(run))
    assert result["tracking"][0] == {"subject": first["subject"], "opens": 1, "clicks": 1}
    assert "You had a look already" in (await sent(world))[1]["text"]


@pytest.mark.parametrize("word", ["purchase", "unsubscribe"])
async def test_an_event_stops_the_sequence(world: PlaybooksWorld, word: str) -> None:
    run = await world.start(SEQUENCE, WEBINAR)
    await world.pass_time(hours=1)
    await world.tell(run, f"com.surehand.contact.{word}")
    result = outcome(await world.result(run))
    assert (result["status"], result["stopped_by"], result["sent"]) == ("stopped", word, 1)


async def test_who_unsubscribes_on_the_list_gets_no_more_without_any_event(world: PlaybooksWorld) -> None:
    run = await world.start(SEQUENCE, WEBINAR)
    await world.pass_time(hours=1)
    await click(world, (await sent(world))[0], "unsubscribe_path")
    result = outcome(await world.result(run))
    assert (result["stopped_by"], len(await sent(world))) == ("unsubscribe", 1)


async def test_a_list_that_refuses_the_contact_at_the_last_moment_stops_the_sequence(world: PlaybooksWorld) -> None:
    async def unsubscribe(call: object) -> None:
        await world.set_object("mailing/contact/ann", email="ann@example.com", name="", tags=[], subscribed=False)

    (step,) = effectful_steps(SEQUENCE)
    world.watched.before[step.reference] = unsubscribe
    result = outcome(await world.run(SEQUENCE, WEBINAR))
    assert (result["stopped_by"], result["sent"]) == ("unsubscribe", 0)


async def test_mails_and_days_may_be_ones_own(world: PlaybooksWorld) -> None:
    mails = [{"day": day, "subject": f"Day {day}", "text": "Hello."} for day in (0, 3, 7, 14)]
    result = outcome(await world.run(SEQUENCE, {**WEBINAR, "mails": mails}))
    assert [row["subject"] for row in result["tracking"]] == ["Day 0", "Day 3", "Day 7", "Day 14"]


# The cart


async def test_the_offers_follow_an_abandoned_cart(world: PlaybooksWorld) -> None:
    run = await world.start(CART, {"cart": "cart-ann", "link": "https://shop.example.com/cart"})
    counts = []
    for minutes in (85, 10, 22 * 60, 90, 46 * 60, 3 * 60):
        await world.pass_time(minutes=minutes)
        counts.append(len(await sent(world)))
    assert counts == [0, 1, 1, 2, 2, 3]
    result = outcome(await world.result(run))
    assert (result["status"], result["sent"]) == ("finished", 3)
    first, second, third = await sent(world)
    assert "1 x Tent for two, 249 EUR" in first["text"]
    assert ("Code" in first["text"], "Code: TEN-cart-ann" in second["text"], "TENFREE" in third["text"]) == (
        False,
        True,
        True,
    )
    assert "utm_content=2" in second["link"]


async def test_a_warning_of_little_stock_is_true(world: PlaybooksWorld) -> None:
    await world.set_object("inventory/stock/TENT-2P@berlin", on_hand=0)
    await world.set_object("inventory/stock/TENT-2P@austin", on_hand=2)
    await world.run(CART, {"cart": "cart-ann"})
    assert all("Only 2 left." in message["text"] for message in await sent(world))


async def test_a_changed_cart_starts_the_clock_again(world: PlaybooksWorld) -> None:
    run = await world.start(CART, {"cart": "cart-ann"})
    await world.pass_time(minutes=80)
    await world.tell(run, "com.surehand.cart.updated")
    await world.pass_time(minutes=80)
    assert await sent(world) == []
    await world.pass_time(minutes=15)
    assert len(await sent(world)) == 1
    await world.tell(run, "com.surehand.contact.purchase")
    assert outcome(await world.result(run))["status"] == "bought"


@pytest.mark.parametrize(("fields", "why"), [({"checked_out": True}, "purchase"), ({"items": []}, "empty")])
async def test_a_cart_that_is_gone_gets_no_mail(world: PlaybooksWorld, fields: dict[str, Any], why: str) -> None:
    await world.set_object("mailing/cart/cart-ann", contact_id="ann", **fields)
    result = outcome(await world.run(CART, {"cart": "cart-ann"}))
    assert (result["stopped_by"], result["sent"]) == (why, 0)


async def test_an_article_that_nobody_knows_only_costs_the_warning(world: PlaybooksWorld) -> None:
    item = {"sku": "unknown-1", "title": "Something", "quantity": 1, "unit_amount": 100}
    await world.set_object("mailing/cart/cart-ann", contact_id="ann", items=[item], total=100)
    assert outcome(await world.run(CART, {"cart": "cart-ann"}))["sent"] == 3


# Any step


@pytest.mark.parametrize(("name", "step"), STEPS, ids=str)
async def test_a_mail_refused_for_good_ends_the_run_and_leaves_nothing_open(
    world: PlaybooksWorld, name: str, step: EffectfulStep
) -> None:
    world.refuse_at(step.reference)
    result = await world.run(name, GIVEN[name])
    assert (result.status, result.left) == ("faulted", ())
    assert (await sent(world), await world.standing()) == ([], [])


@pytest.mark.parametrize(("name", "step"), STEPS, ids=str)
async def test_a_mail_whose_answer_is_lost_goes_out_once(world: PlaybooksWorld, name: str, step: EffectfulStep) -> None:
    world.lose_answer_at(step.reference)
    assert outcome(await world.run(name, GIVEN[name]))["sent"] == 3
    assert (len(await sent(world)), await world.duplicates()) == (3, [])


@pytest.mark.parametrize(("name", "step"), STEPS, ids=str)
async def test_a_run_cancelled_while_it_mails_ends(world: PlaybooksWorld, name: str, step: EffectfulStep) -> None:
    world.cancel_at(step.reference)
    run = await world.start(name, GIVEN[name])
    with pytest.raises(WorkflowFailureError):
        await world.result(run)
    assert len(await sent(world)) <= 1


@pytest.mark.parametrize("name", [SEQUENCE, CART])
async def test_a_list_that_is_out_of_order_parks_the_mail(world: PlaybooksWorld, name: str) -> None:
    await world.vendors.fault("mailing", "fail", match="POST /v1/messages", times=None)
    run = await world.start(name, GIVEN[name])
    await world.pass_time(hours=3)
    await world.until_parked(run)
    await world.vendors.ask("DELETE", "/api/faults")
    await world.unpark(run, UnparkAction.RETRY)
    assert outcome(await world.result(run))["sent"] == 3
    assert await world.duplicates() == []
