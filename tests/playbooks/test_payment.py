"""The shipped playbook `payment`, end to end: each class of errors, review, capture and undo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from domain.cases.terms import UnparkAction
from domain.playbook.messages import PlaybookResult
from tests.playbooks.enumerating import EffectfulStep, effectful_steps
from tests.playbooks.world import PlaybooksWorld, Run

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "payment"
STEPS = effectful_steps(NAME)
CAPTURE = "/do/6/take/try/0/capture"


def payment(**changes: Any) -> dict[str, Any]:
    return {
        "reference": "INV-7",
        "customer": {"id": "cus_ann", "email": "ann@example.com"},
        "amount": 49.5,
        "currency": "EUR",
        "payment_method": "pm_card_visa",
        **changes,
    }


def card(name: str) -> dict[str, Any]:
    return payment(payment_method=f"pm_card_chargeDeclined{name}")


def outcome(result: PlaybookResult) -> Any:
    assert result.error is None, result.error
    return result.output


# Three ways through the playbook that together reach each of its steps.


async def through_a_good_card(world: PlaybooksWorld) -> Run:
    return await world.start(NAME, payment())


async def through_an_expired_hold(world: PlaybooksWorld) -> Run:
    async def expire(call: Any) -> None:
        await world.set_object(f"stripe/authorisation/{call.arguments['payment']}", expires_at=0)

    world.watched.before.setdefault(CAPTURE, expire)
    return await world.start(NAME, payment())


async def through_a_rejection(world: PlaybooksWorld) -> Run:
    run = await world.start(NAME, payment(suspicious=True))
    await world.decide(run, approve=False)
    return run


WAYS: dict[str, Callable[[PlaybooksWorld], Awaitable[Run]]] = {
    "authorise": through_a_good_card,
    "capture": through_a_good_card,
    "release": through_a_rejection,
    "holdOnceMore": through_an_expired_hold,
    "captureOnceMore": through_an_expired_hold,
}


async def start(world: PlaybooksWorld, step: EffectfulStep) -> Run:
    return await WAYS[step.reference.rsplit("/", 1)[-1]](world)


async def test_the_ways_of_these_tests_reach_every_step_that_changes_something(world: PlaybooksWorld) -> None:
    for way in (through_a_good_card, through_an_expired_hold, through_a_rejection):
        await world.result(await way(world))
    assert {step.reference for step in STEPS} <= set(world.watched.reached)


# Classes of errors


async def test_a_good_card_is_held_and_charged_once_and_the_customer_thanked(world: PlaybooksWorld) -> None:
    result = outcome(await world.run(NAME, payment()))
    assert (result["status"], result["captured"], result["reviewed"]) == ("captured", 49.5, False)
    assert await world.kinds("stripe") == ["payment_authorised", "payment_captured"]
    assert "We received 49.5 EUR" in (await world.mails())[0]


@pytest.mark.parametrize("kind", ["fail", "drop", "html", "truncated", "empty"])
async def test_what_passes_is_tried_again_and_charged_once(world: PlaybooksWorld, kind: str) -> None:
    await world.vendors.fault("stripe", kind, times=3, match="POST /v1/payment_intents")
    result = outcome(await world.run(NAME, payment()))
    assert result["status"] == "captured"
    assert await world.kinds("stripe") == ["payment_authorised", "payment_captured"]


async def test_a_rate_limit_waits_as_told(world: PlaybooksWorld) -> None:
    await world.vendors.fault("stripe", "throttle", retry_after="1", match="POST /v1/payment_intents")
    run = await world.start(NAME, payment())
    assert outcome(await world.result(run))["status"] == "captured"
    events = (await run.fetch_history()).events
    scheduled = next(
        e.event_id
        for e in events
        if e.activity_task_scheduled_event_attributes.activity_type.name == "payments.authorise"
    )
    started = next(
        e.activity_task_started_event_attributes
        for e in events
        if e.activity_task_started_event_attributes.scheduled_event_id == scheduled
    )
    assert started.attempt >= 2


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("InsufficientFunds", "insufficient_funds", "too little money"),
        ("ExpiredCard", "expired_card", "The card has expired"),
        ("IncorrectCvc", "incorrect_cvc", "three digits on the back"),
        ("", "generic_decline", "another way to pay"),
    ],
)
async def test_a_decline_for_good_is_a_result_and_the_customer_is_told_what_to_do(
    world: PlaybooksWorld, name: str, code: str, words: str
) -> None:
    result = await world.run(NAME, card(name))
    assert (result.status, outcome(result)["status"], outcome(result)["reason"]) == ("completed", "declined", code)
    (mail,) = await world.mails()
    assert words in mail
    assert await world.standing() == []


async def test_a_bank_that_cannot_decide_is_parked_and_what_nobody_knows_is_named(world: PlaybooksWorld) -> None:
    run = await world.start(NAME, card("ProcessingError"))
    (parked,) = (await world.until_parked(run)).parked.values()
    assert parked.tool == "payments.authorise"
    await world.unpark(run, UnparkAction.GIVE_UP)
    state = await world.until_parked(run)
    assert state.parked["undo"].left_undone == ["Holding the amount on the card (payments.authorise)"]
    await world.unpark(run, UnparkAction.SKIP)
    assert (await world.result(run)).status == "faulted"
    assert await world.standing() == []


async def test_an_outage_is_parked_and_a_retry_charges_once(world: PlaybooksWorld) -> None:
    await world.vendors.fault("stripe", "down", times=None)
    run = await world.start(NAME, payment())
    await world.until_parked(run)
    await world.vendors.ask("DELETE", "/api/faults")
    await world.unpark(run, UnparkAction.RETRY)
    assert outcome(await world.result(run))["status"] == "captured"
    assert await world.kinds("stripe") == ["payment_authorised", "payment_captured"]


async def test_a_capture_that_stays_out_of_reach_is_parked_and_given_up_without_a_trace(world: PlaybooksWorld) -> None:
    await world.vendors.fault("stripe", "fail", times=None, match="/capture")
    run = await world.start(NAME, payment())
    await world.until_parked(run)
    await world.vendors.ask("DELETE", "/api/faults")
    await world.unpark(run, UnparkAction.GIVE_UP)
    assert (await world.result(run)).status == "faulted"
    assert await world.standing() == []


# Fraud


@pytest.mark.parametrize("name", ["Fraudulent", "StolenCard", "LostCard"])
async def test_possible_fraud_is_reviewed_and_the_customer_is_not_told_why(world: PlaybooksWorld, name: str) -> None:
    run = await world.start(NAME, card(name))
    await world.decide(run, approve=False)
    result = outcome(await world.result(run))
    assert (result["status"], result["class"]) == ("rejected", "fraud")
    mail = (await world.mails())[-1]
    assert "another way to pay" in mail
    assert not any(word in mail.lower() for word in ("fraud", "stolen", "lost"))


async def test_a_card_that_people_clear_is_tried_once_more(world: PlaybooksWorld) -> None:
    run = await world.start(NAME, card("Fraudulent"))
    await world.decide(run)
    result = outcome(await world.result(run))
    assert (result["status"], result["reason"]) == ("rejected", "fraudulent")
    assert world.watched.reached.count("/do/1/hold/try/0/authorise") == 2


@pytest.mark.parametrize(("approve", "status"), [(True, "captured"), (False, "rejected")])
async def test_a_suspicious_payment_is_captured_or_voided_as_people_say(
    world: PlaybooksWorld, *, approve: bool, status: str
) -> None:
    run = await world.start(NAME, payment(suspicious=True))
    await world.until(run, lambda s: any(request.rungs for request in s.pending_approvals))
    assert await world.kinds("stripe") == ["payment_authorised"]
    await world.decide(run, approve=approve)
    assert outcome(await world.result(run))["status"] == status
    assert (await world.kinds("stripe"))[-1] == ("payment_captured" if approve else "payment_cancelled")


async def test_a_review_that_nobody_does_lets_the_payment_go(world: PlaybooksWorld) -> None:
    result = outcome(await world.run(NAME, payment(suspicious=True)))
    assert result["status"] == "rejected"
    assert await world.standing() == []


# Any step


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_a_step_refused_for_good_leaves_no_money_behind(world: PlaybooksWorld, step: EffectfulStep) -> None:
    world.refuse_at(step.reference)
    result = await world.result(await start(world, step))
    assert (result.status, result.left) == ("faulted", ())
    assert await world.standing() == []


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_a_step_whose_answer_is_lost_happens_once(world: PlaybooksWorld, step: EffectfulStep) -> None:
    world.lose_answer_at(step.reference)
    result = outcome(await world.result(await start(world, step)))
    assert result["status"] == ("rejected" if step.tool == "payments.void" else "captured")
    assert await world.duplicates() == []


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_a_run_cancelled_at_a_step_leaves_no_money_behind(world: PlaybooksWorld, step: EffectfulStep) -> None:
    world.cancel_at(step.reference)
    run = await start(world, step)
    with pytest.raises(WorkflowFailureError):
        await world.result(run)
    assert await world.standing() == []
