"""The product's sender and the sandbox's receiver were written apart, and understand each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from domain.webhooks.events import DeliveryStatus, Subscription, WebhookAttempt, WebhookDelivery, enveloped
from integrations.webhook_sender import HttpWebhookSender
from sandbox.receiver import SECRETS, is_signed
from tests.vendor_world import Outside, outside

OTHER = "whsec_" + "A" * 43 + "="
AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Outside]:
    async with outside(tmp_path) as running:
        yield running


def a_delivery(event_id: str = "evt_1", body: str | None = None) -> WebhookDelivery:
    kind = "com.surehand.case.opened"
    return WebhookDelivery(
        number=1,
        tenant="acme",
        endpoint="portal",
        event_id=event_id,
        workflow_id="escalation:acme:T-1",
        kind=kind,
        body=body or enveloped(event_id, kind, "acme", AT, {"id": "T-1", "status": "triaging"}, subject="T-1"),
        status=DeliveryStatus.WAITING,
        created_at=AT,
    )


async def send(world: Outside, delivery: WebhookDelivery, *secrets: str, **more: Any) -> WebhookAttempt:
    url = world.url("receiver")
    names = tuple(f"s{number}" for number in range(len(secrets)))
    held = {name: SecretStr(secret) for name, secret in zip(names, secrets, strict=True)}
    place = url.removeprefix("http://")
    sender = HttpWebhookSender(held, internal=(place,), timeout=timedelta(seconds=5), **more)
    to = Subscription(name="portal", tenant="acme", url=f"{url}/hooks/portal", secrets=names)
    return await sender.send(to, delivery)


async def test_what_is_signed_with_either_secret_is_taken_and_a_repeat_is_known(world: Outside) -> None:
    for secrets in ((SECRETS[0],), (SECRETS[1],), (OTHER, SECRETS[1])):
        assert (await send(world, a_delivery(), *secrets)).outcome == "204"
    taken = await world.messages("receiver")
    assert [(one["key"], one["repeated"], one["case"]) for one in taken] == [
        ("evt_1", False, "T-1"), ("evt_1", True, "T-1"), ("evt_1", True, "T-1"),
    ]  # fmt: skip


async def test_what_another_secret_signed_or_long_ago_is_refused(world: Outside) -> None:
    assert (await send(world, a_delivery(), OTHER)).outcome == "401"
    assert (await send(world, a_delivery(), SECRETS[0], now=lambda: AT)).outcome == "401"
    assert (await send(world, a_delivery(body='{"id":"evt_2"}'), SECRETS[0])).outcome == "400"
    assert await world.messages("receiver") == []


@pytest.mark.parametrize(
    ("fault", "more", "outcome", "taken"),
    [
        ("fail", {"status": 410}, "410", 0),
        ("throttle", {"retry_after": "7"}, "429", 0),
        ("drop", {}, "connection", 1),
        ("redirect", {}, "302", 1),
        ("down", {"times": None}, "connection", 0),
    ],
)
async def test_a_receiver_in_trouble_is_a_failed_attempt(
    world: Outside, fault: str, more: dict[str, Any], outcome: str, taken: int
) -> None:
    await world.fault("receiver", fault, **more)
    attempt = await send(world, a_delivery(), SECRETS[0])
    assert (attempt.delivered, attempt.outcome, attempt.gone) == (False, outcome, outcome == "410")
    assert attempt.retry_after == (timedelta(seconds=7) if fault == "throttle" else None)
    assert len(await world.messages("receiver")) == taken


def test_strange_headers_are_not_believed() -> None:
    good = {"webhook-id": "a", "webhook-timestamp": "1000", "webhook-signature": "v1,x"}
    for change in (
        {"webhook-timestamp": "1e3"},
        {"webhook-timestamp": "-1"},
        {"webhook-id": ""},
        {"webhook-signature": "v1,\u00e9"},
    ):
        assert not is_signed({**good, **change}, b"{}", 1000)
