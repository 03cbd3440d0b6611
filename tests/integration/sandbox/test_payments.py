"""Payments in two steps at the simulated Stripe account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.vendor_world import Outside

WEEK = 7 * 24 * 3600


class Account:
    def __init__(self, world: Outside) -> None:
        headers = {"Authorization": "Bearer sk_test_sandbox"}
        self._client = httpx.AsyncClient(base_url=f"{world.url('stripe')}/v1", headers=headers, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def post(self, path: str, key: str = "", **form: str) -> httpx.Response:
        return await self._client.post(path, data=form, headers={"Idempotency-Key": key} if key else {})

    async def get(self, path: str, **query: str) -> Any:
        return (await self._client.get(path, params=query)).json()

    async def authorise(self, method: str = "pm_card_visa", key: str = "", **more: str) -> httpx.Response:
        form = {
            "amount": "24900",
            "currency": "EUR",
            "capture_method": "manual",
            "confirm": "true",
            "payment_method": method,
            "customer": "cus_1",
            "metadata[order]": "O-1",
        }
        return await self.post("/payment_intents", key, **form | more)


@pytest.fixture
async def account(world: Outside) -> AsyncIterator[Account]:
    account = Account(world)
    yield account
    await account.close()


async def standing(world: Outside) -> list[Any]:
    found: list[Any] = await world.ask("GET", "/api/standing", params={"vendor": "stripe", "case": "O-1"})
    return found


async def test_a_payment_is_authorised_captured_and_refunded(world: Outside, account: Account) -> None:
    intent = (await account.authorise()).json()
    assert (intent["status"], intent["amount_capturable"], intent["amount_received"]) == ("requires_capture", 24900, 0)
    captured = (await account.post(f"/payment_intents/{intent['id']}/capture")).json()
    assert (captured["status"], captured["amount_received"]) == ("succeeded", 24900)
    assert len(await standing(world)) == 1
    again = await account.post(f"/payment_intents/{intent['id']}/capture")
    assert again.json()["error"]["code"] == "payment_intent_unexpected_state"
    for amount, left in (("10000", 1), ("14900", 0)):
        refund = (await account.post("/refunds", payment_intent=intent["id"], amount=amount)).json()
        assert (refund["object"], refund["payment_intent"]) == ("refund", intent["id"])
        assert len(await standing(world)) == left
    kinds = [entry["kind"] for entry in await world.messages("stripe")]
    assert kinds == ["payment_authorised", "payment_captured", "refund", "refund"]


async def test_less_can_be_captured_than_was_authorised_and_never_more(world: Outside, account: Account) -> None:
    intent = (await account.authorise()).json()
    path = f"/payment_intents/{intent['id']}/capture"
    assert (await account.post(path, amount_to_capture="24901")).json()["error"]["code"] == "amount_too_large"
    assert (await account.post(path, amount_to_capture="10000")).json()["amount_received"] == 10000
    too_much = await account.post("/refunds", payment_intent=intent["id"], amount="10001")
    assert too_much.status_code == 400
    assert (await account.post("/refunds", payment_intent=intent["id"])).json()["amount"] == 10000
    assert await standing(world) == []


async def test_a_voided_authorisation_leaves_nothing(world: Outside, account: Account) -> None:
    intent = (await account.authorise()).json()
    path = f"/payment_intents/{intent['id']}"
    gone = (await account.post(f"{path}/cancel", cancellation_reason="abandoned")).json()
    assert (gone["status"], gone["cancellation_reason"]) == ("canceled", "abandoned")
    assert await standing(world) == []
    for what in ("cancel", "capture", "confirm"):
        refused = await account.post(f"{path}/{what}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "payment_intent_unexpected_state")
    refund = await account.post("/refunds", payment_intent=intent["id"])
    assert refund.json()["error"]["code"] == "payment_intent_unexpected_state"


@pytest.mark.parametrize("knob", ["clock", "object"])
async def test_an_authorisation_that_nobody_captured_expires_after_seven_days(
    world: Outside, account: Account, knob: str
) -> None:
    intent = (await account.authorise()).json()
    if knob == "clock":
        await world.ask("POST", "/api/clock", json={"advance_seconds": WEEK - 60})
        assert (await account.get(f"/payment_intents/{intent['id']}"))["status"] == "requires_capture"
        await world.ask("POST", "/api/clock", json={"advance_seconds": 60})
    else:
        await world.ask("PATCH", f"/api/objects/stripe/authorisation/{intent['id']}", json={"expires_at": 0})
    refused = await account.post(f"/payment_intents/{intent['id']}/capture")
    error = refused.json()["error"]
    assert (refused.status_code, error["type"]) == (400, "invalid_request_error")
    assert error["code"] == "payment_intent_unexpected_state"
    assert "status of canceled" in error["message"]
    assert error["payment_intent"]["cancellation_reason"] == "automatic"
    assert await standing(world) == []


@pytest.mark.parametrize(
    ("method", "code", "decline"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedFraudulent", "card_declined", "fraudulent"),
        ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ],
)
async def test_test_cards_are_declined_as_documented(
    world: Outside, account: Account, method: str, code: str, decline: str | None
) -> None:
    declined = await account.authorise(method, key="once")
    error = declined.json()["error"]
    assert (declined.status_code, error["type"], error["code"]) == (402, "card_error", code)
    assert error.get("decline_code") == decline
    assert error["payment_intent"]["status"] == "requires_payment_method"
    again = await account.authorise(method, key="once")
    assert (again.status_code, again.json()) == (402, declined.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await world.messages("stripe") == []
    path = f"/payment_intents/{error['payment_intent']['id']}/confirm"
    assert (await account.post(path, payment_method="pm_card_visa")).json()["status"] == "requires_capture"


async def test_a_card_number_stands_for_its_payment_method(account: Account) -> None:
    declined = await account.authorise("", **{"payment_method_data[card][number]": "4000 0000 0000 9995"})
    assert declined.json()["error"]["decline_code"] == "insufficient_funds"


async def test_a_payment_is_found_by_what_its_metadata_says(account: Account) -> None:
    intent = (await account.authorise()).json()
    await account.authorise(**{"metadata[order]": "O-2"})
    found = await account.get("/payment_intents/search", query="metadata['order']:'O-1' AND status:'requires_capture'")
    assert [row["id"] for row in found["data"]] == [intent["id"]]
    assert (await account.get("/payment_intents/search", query="metadata['order']:'O-3'"))["data"] == []
    assert "error" in await account.get("/payment_intents/search", query="order is O-1")
    assert len((await account.get("/payment_intents", customer="cus_1"))["data"]) == 2


async def test_the_same_key_is_one_payment_and_with_another_amount_refused(world: Outside, account: Account) -> None:
    first = (await account.authorise(key="k")).json()
    assert (await account.authorise(key="k")).json() == first
    assert await world.count("stripe", "k") == 1
    reused = await account.authorise(key="k", amount="1")
    assert (reused.status_code, reused.json()["error"]["type"]) == (400, "idempotency_error")


async def test_rate_limits_and_lost_connections_come_from_faults(world: Outside, account: Account) -> None:
    await world.fault("stripe", "throttle", retry_after="3")
    limited = await account.authorise(key="k")
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "3")
    assert limited.json()["error"]["code"] == "rate_limit"
    await world.fault("stripe", "drop")
    with pytest.raises(httpx.RemoteProtocolError):
        await account.authorise(key="k")
    assert (await account.authorise(key="k")).json()["status"] == "requires_capture"
    assert await world.count("stripe", "k") == 1


async def test_a_customer_is_made_and_found(account: Account) -> None:
    made = (await account.post("/customers", "k", email="ann@example.com", **{"metadata[order]": "O-1"})).json()
    assert (await account.get(f"/customers/{made['id']}")) == made
    assert (await account.get("/customers", email="ann@example.com"))["data"] == [made]
    assert (await account.get("/customers/search", query="email:'ann@example.com'"))["data"] == [made]
