"""The sender of webhooks: the order of each case, the schedule of retries, disabling and coming back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError
from temporalio.testing import WorkflowEnvironment

from activities.webhooks import EndpointName, SendWebhookInput, WebhookActivities
from domain.cases.terms import Channels
from domain.errors import VendorRefused, VendorUnavailable
from domain.webhooks.events import DeliveryRules, DeliveryStatus, WebhookAttempt, WebhookDelivery
from runtime.configuration.policies import Configuration
from tests.workflows.webhook_world import DOWN, TAKEN, WebhookWorld, webhook_world
from workflows.webhooks import WebhookWorkflow


@pytest.fixture
async def world(
    environment: WorkflowEnvironment, configuration: Configuration, tmp_path: Path
) -> AsyncIterator[WebhookWorld]:
    async with webhook_world(environment, configuration, tmp_path) as world, world.worker():
        yield world


async def test_events_of_each_case_arrive_in_order_and_the_sender_ends(world: WebhookWorld) -> None:
    for name in ("T-1", "T-2", "T-3"):
        await world.lives(name, changes=4)
    assert await (await world.wake()).result() == 12
    for name in ("T-1", "T-2", "T-3"):
        numbers = [one.number for one, _ in world.receiver.told if one.workflow_id.endswith(name)]
        assert numbers == sorted(numbers)
        assert len(numbers) == 4
    assert await world.waiting() == 0


async def test_an_endpoint_that_is_down_is_asked_later_and_later_and_no_event_is_lost_or_overtaken(
    world: WebhookWorld,
) -> None:
    await world.lives(changes=2)
    failures = iter(range(9))
    world.receiver.rule = lambda _: DOWN if next(failures, None) is not None else TAKEN
    assert await (await world.wake()).result() == 2
    first = world.receiver.ids[0]
    assert world.receiver.ids[:10] == [first] * 10, "a later event of the case waits behind the first"
    waits = world.receiver.waits[:9]
    for number, wait in enumerate(waits):
        whole = min(5 * 2**number, 3600)
        assert 0.74 * whole <= wait <= 1.3 * whole + 5, (number, wait)
    by_chance = [abs(waits[number] / (5 * 2**number) - 1) for number in range(3, 9)]
    assert max(by_chance) > 0.02, "all who failed together would come back together"


async def test_a_receiver_that_says_when_to_come_back_is_asked_then(world: WebhookWorld) -> None:
    await world.lives(changes=1)
    busy = WebhookAttempt(delivered=False, outcome="429", retry_after=timedelta(minutes=20))
    answers = iter([busy, TAKEN])
    world.receiver.rule = lambda _: next(answers)
    assert await (await world.wake()).result() == 1
    assert 1200 <= world.receiver.waits[0] < 1300


async def test_one_event_that_is_not_taken_holds_up_its_own_case_only_and_is_left_out_after_days(
    world: WebhookWorld,
) -> None:
    await world.lives("T-1", changes=2)
    await world.lives("T-2", changes=1)
    poison = (await world.outbox.heads("default", "portal", limit=1))[0].event_id
    others = 0

    def rule(delivery: WebhookDelivery) -> WebhookAttempt:
        return WebhookAttempt(delivered=False, outcome="400") if delivery.event_id == poison else TAKEN

    world.receiver.rule = rule
    world.delivery_rules = DeliveryRules(retry_longest=timedelta(hours=4))
    sender = await world.wake()
    await world.until(lambda: len(world.receiver.told) >= 2)
    for day in range(5):
        others += 1
        await world.lives(f"T-{10 + day}", changes=1)
        await world.wake()
        await world.environment.sleep(timedelta(hours=20))
    await sender.result()
    told = {delivery.event_id for delivery, _ in world.receiver.told if delivery.event_id != poison}
    assert len(told) == 2 + others, "the case goes on after what was left out"
    left, _ = await world.outbox.deliveries("default", "portal", status="given_up")
    assert [one.event_id for one in left] == [poison]
    assert (await world.outbox.health("default"))["portal"].disabled_at is None


async def test_an_endpoint_that_takes_nothing_for_days_is_disabled_once_and_people_are_told(
    world: WebhookWorld,
) -> None:
    await world.lives(changes=3)
    world.delivery_rules = DeliveryRules(retry_longest=timedelta(hours=4))
    world.receiver.rule = lambda _: DOWN
    assert await (await world.wake()).result() == 0
    health = (await world.outbox.health("default"))["portal"]
    assert health.disabled_by == "surehand"
    assert health.why_disabled
    assert health.why_disabled.startswith("It took nothing since")
    lasted = world.receiver.told[-1][1] - world.receiver.told[0][1]
    assert timedelta(days=3) <= lasted < timedelta(days=3, hours=6)
    [mail] = world.mailer.sent.values()
    assert "portal" in mail.subject
    assert len(world.chat.on(world.policies.policy.emergency_channel)) == 1
    assert await world.waiting() == 3
    told = len(world.receiver.told)
    assert await (await world.wake()).result() == 0
    assert len(world.receiver.told) == told, "told although it is disabled"
    world.receiver.rule = lambda _: TAKEN
    await world.outbox.enable("default", "portal")
    assert await (await world.wake(at_once=True)).result() == 3


async def test_410_disables_at_once(world: WebhookWorld) -> None:
    await world.lives(changes=2)
    world.receiver.rule = lambda _: WebhookAttempt(delivered=False, outcome="410", gone=True)
    assert await (await world.wake()).result() == 0
    assert len(world.receiver.told) == 1
    why = (await world.outbox.health("default"))["portal"].why_disabled
    assert why is not None
    assert "410" in why
    assert len(world.mailer.sent) == 1


async def test_a_notice_that_cannot_be_sent_keeps_the_endpoint_disabled_all_the_same(world: WebhookWorld) -> None:
    await world.lives(changes=1)
    world.receiver.rule = lambda _: WebhookAttempt(delivered=False, outcome="410", gone=True)
    world.mailer.always = lambda _: VendorRefused("mail", "550", "The mail server refuses it.")
    assert await (await world.wake()).result() == 0
    assert (await world.outbox.health("default"))["portal"].disabled_at is not None
    assert len(world.chat.posted) == 1


async def test_a_replay_goes_out_again_under_its_own_id(world: WebhookWorld) -> None:
    await world.lives(changes=3)
    await (await world.wake()).result()
    first = list(world.receiver.ids)
    assert await world.outbox.replay("default", "portal", event_id=first[1]) == 1
    assert await (await world.wake()).result() == 1
    assert world.receiver.ids == [*first, first[1]]
    assert await world.outbox.replay("default", "portal") == 3
    assert await (await world.wake()).result() == 3
    assert world.receiver.ids[4:] == first


async def test_a_person_who_enables_does_not_wait_for_the_next_try(world: WebhookWorld) -> None:
    await world.lives(changes=1)
    world.delivery_rules = DeliveryRules(retry_first=timedelta(minutes=50))
    answers = iter([DOWN, TAKEN])
    world.receiver.rule = lambda _: next(answers)
    sender = await world.wake()
    await world.until_it_pauses(sender)
    await world.outbox.enable("default", "portal")
    await world.wake(at_once=True)
    await world.until(lambda: len(world.receiver.told) == 2)
    await sender.result()
    assert world.receiver.waits[0] < 600


async def test_a_long_failure_goes_on_in_new_runs_and_forgets_neither_its_pace_nor_since_when(
    world: WebhookWorld,
) -> None:
    world.continue_after_events = 40
    world.delivery_rules = DeliveryRules(disable_after=timedelta(hours=12))
    await world.lives(changes=2)
    world.receiver.rule = lambda _: DOWN
    sender = await world.wake()
    assert await sender.result() == 0
    assert world.receiver.waits[-1] > 2600, "the pace began anew"
    lasted = world.receiver.told[-1][1] - world.receiver.told[0][1]
    assert timedelta(hours=12) <= lasted < timedelta(hours=13, minutes=30)
    state = await world.client.get_workflow_handle_for(WebhookWorkflow.run, world.workflow_id).query(
        WebhookWorkflow.query_state
    )
    assert state.runs > 1


async def test_a_sender_that_is_cancelled_leaves_what_waits_to_the_next(world: WebhookWorld) -> None:
    await world.lives(changes=2)
    world.receiver.rule = lambda _: DOWN
    sender = await world.wake()
    await world.until_it_pauses(sender)
    await sender.cancel()
    with pytest.raises(WorkflowFailureError) as failed:
        await sender.result()
    assert isinstance(failed.value.cause, CancelledError)
    assert await world.waiting() == 2
    world.receiver.rule = lambda _: TAKEN
    assert await (await world.wake()).result() == 2


async def test_what_is_sent_while_the_store_is_down_is_not_sent_once_more_after_it_was_written(
    world: WebhookWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.lives(changes=1)
    record, failures = world.outbox.record_attempt, iter(range(2))

    async def fails(*words: object) -> None:
        if next(failures, None) is not None:
            raise VendorUnavailable("store", "locked", "The store is locked.")
        await record(*words)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(world.outbox, "record_attempt", fails)
    assert await (await world.wake()).result() == 1
    assert set(world.receiver.ids) == {world.receiver.ids[0]}, "a repeat has another id"
    assert len(world.receiver.ids) == 3
    found, _ = await world.outbox.deliveries("default", "portal")
    assert [(one.status, one.attempts) for one in found] == [(DeliveryStatus.DELIVERED, 1)]


async def test_an_attempt_that_was_written_down_is_not_made_again_by_a_repeat_of_the_activity(
    world: WebhookWorld,
) -> None:
    await world.lives(changes=1)
    await (await world.wake()).result()
    [told], _ = await world.outbox.deliveries("default", "portal")
    webhooks = WebhookActivities(world.outbox, world.receiver, world, world.policies, Channels())
    to = EndpointName(tenant="default", endpoint="portal")
    assert (await webhooks.send_webhook(SendWebhookInput(to=to, number=told.number))).delivered
    assert len(world.receiver.told) == 1


async def test_an_endpoint_that_is_no_longer_configured_is_told_nothing(world: WebhookWorld) -> None:
    await world.lives(changes=1)
    world.known.clear()
    assert await (await world.wake()).result() == 0
    assert world.receiver.told == []
