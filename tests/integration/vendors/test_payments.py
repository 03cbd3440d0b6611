"""Card payments in two steps against a simulated Stripe account: once per key, declines by class, undo any time."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from domain.errors import NotFoundAtVendor, OutcomeUnknown, VendorRefused, VendorThrottled, VendorUnavailable
from domain.money.payments import Payment, PaymentStatus
from integrations.stripe.payments import StripePayments
from tests.vendor_world import WORKFLOW, Outside

KEY = "rk_test_key_that_must_not_show"
LOST = ["drop", "html", "truncated", "empty", "charset"]
MADE = f"{WORKFLOW}/authorise"


@pytest.fixture
def payments(world: Outside) -> StripePayments:
    return StripePayments(base_url=world.url("stripe"), key=SecretStr(KEY), timeout_seconds=2)


async def held(payments: StripePayments, amount: float = 80.5, card: str = "pm_card_visa", key: str = MADE) -> Payment:
    return await payments.authorise("cus_1", amount, "EUR", card, reference="ORDER-7", key=key)


async def kinds(world: Outside) -> list[str]:
    return [entry["kind"] for entry in await world.messages("stripe")]


async def expire(world: Outside, payment: str) -> None:
    await world.ask("PATCH", f"/api/objects/stripe/authorisation/{payment}", json={"expires_at": 0})


async def test_payment_is_authorised_and_captured_once_each(world: Outside, payments: StripePayments) -> None:
    first, again = await held(payments), await held(payments)
    assert first == again
    assert (first.status, first.amount, first.currency, first.reference) == (
        PaymentStatus.AUTHORISED, 80.5, "EUR", "ORDER-7"
    )  # fmt: skip
    assert first.expires_at is not None
    for _ in range(2):
        taken = await payments.capture(first.payment, key=f"{WORKFLOW}/capture")
        assert (taken.status, taken.captured, taken.refunded) == (PaymentStatus.CAPTURED, 80.5, 0)
    assert await kinds(world) == ["payment_authorised", "payment_captured"]


@pytest.mark.parametrize("kind", LOST)
async def test_authorisation_whose_answer_was_lost_is_found(
    world: Outside, payments: StripePayments, kind: str
) -> None:
    await world.fault("stripe", kind, match="POST")
    with pytest.raises(OutcomeUnknown):
        await held(payments)
    assert (await held(payments)).status is PaymentStatus.AUTHORISED
    assert await kinds(world) == ["payment_authorised"]


@pytest.mark.parametrize("kind", LOST)
async def test_lost_answers_of_capture_and_refund_are_found(
    world: Outside, payments: StripePayments, kind: str
) -> None:
    payment = (await held(payments)).payment
    await world.fault("stripe", kind, match="/capture")
    with pytest.raises(OutcomeUnknown):
        await payments.capture(payment, key="capture")
    assert (await payments.capture(payment, key="capture")).captured == 80.5
    await world.fault("stripe", kind, match="POST /v1/refunds")
    with pytest.raises(OutcomeUnknown):
        await payments.refund(payment, 10, key="refund")
    assert (await payments.refund(payment, 10, key="refund")).amount == 10
    assert await kinds(world) == ["payment_authorised", "payment_captured", "refund"]


async def test_two_keys_are_two_payments(world: Outside, payments: StripePayments) -> None:
    assert (await held(payments, key="a")).payment != (await held(payments, key="b")).payment


@pytest.mark.parametrize(
    ("card", "code", "kind"),
    [
        ("pm_card_chargeDeclined", "generic_decline", "permanent"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds", "permanent"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "permanent"),
        ("pm_card_authenticationRequired", "authentication_required", "permanent"),
        ("pm_card_chargeDeclinedFraudulent", "fraudulent", "fraud"),
        ("pm_card_chargeDeclinedStolenCard", "stolen_card", "fraud"),
    ],
)
async def test_decline_for_good_says_why_each_time(
    world: Outside, payments: StripePayments, card: str, code: str, kind: str
) -> None:
    for _ in range(2):
        with pytest.raises(VendorRefused) as caught:
            await held(payments, card=card)
        assert caught.value.code == code
        data: Any = caught.value.data
        assert (data["class"], data["decline_code"]) == (kind, code)
        assert data["payment"].startswith("pi_")
    found = await payments.find(customer="cus_1", reference="ORDER-7")
    assert found is not None
    assert (found.status, found.decline_code) == (PaymentStatus.DECLINED, code)


async def test_passing_decline_may_be_tried_again_and_makes_one_payment(
    world: Outside, payments: StripePayments
) -> None:
    for _ in range(2):
        with pytest.raises(VendorUnavailable) as caught:
            await held(payments, card="pm_card_chargeDeclinedProcessingError")
        assert caught.value.code == "processing_error"
    declined = await payments.find(customer="cus_1", reference="ORDER-7")
    assert declined is not None
    # By now the card works: the declined payment is confirmed again, and no second one is made.
    for _ in range(2):
        assert (await held(payments)).payment == declined.payment
    assert await kinds(world) == ["payment_authorised"]


async def test_throttled_and_failing_vendor_are_told_apart(world: Outside, payments: StripePayments) -> None:
    await world.fault("stripe", "throttle", retry_after="3", match="POST")
    with pytest.raises(VendorThrottled) as caught:
        await held(payments)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after.total_seconds() == 3
    await world.fault("stripe", "fail", status=503, match="POST")
    with pytest.raises(VendorUnavailable):
        await held(payments)
    assert await kinds(world) == []


async def test_expired_authorisation_is_recognised(world: Outside, payments: StripePayments) -> None:
    payment = (await held(payments)).payment
    await expire(world, payment)
    with pytest.raises(VendorRefused) as caught:
        await payments.capture(payment, key="capture")
    assert caught.value.code == "authorisation_expired"
    found = await payments.find(payment)
    assert found is not None
    assert found.status is PaymentStatus.EXPIRED
    gone = await payments.void(payment, key="void")
    assert gone is not None
    assert gone.status is PaymentStatus.EXPIRED


async def test_part_is_captured_and_the_rest_is_not_called_a_refund(payments: StripePayments) -> None:
    payment = (await held(payments, 100)).payment
    taken = await payments.capture(payment, 60, key="capture")
    assert (taken.status, taken.captured, taken.refunded) == (PaymentStatus.CAPTURED, 60, 0)
    with pytest.raises(VendorRefused, match="another amount"):
        await payments.capture(payment, 70, key="other")
    assert (await payments.refund(payment, key="refund")).amount == 60


async def test_void_is_fine_twice_when_never_made_and_after_a_decline(world: Outside, payments: StripePayments) -> None:
    payment = (await held(payments)).payment
    for _ in range(2):
        gone = await payments.void(payment, key="void")
        assert gone is not None
        assert gone.status is PaymentStatus.VOIDED
    assert await payments.void("pi_never_made", key="void-2") is None
    assert await payments.void(None, customer="cus_1", made_by="never-made", key="void-3") is None
    with pytest.raises(VendorRefused):
        await held(payments, card="pm_card_chargeDeclined", key="declined")
    assert await payments.void(None, customer="cus_1", made_by="declined", key="void-4") is not None
    assert (await kinds(world)).count("payment_cancelled") == 2


async def test_void_finds_an_authorisation_that_nobody_knows_the_id_of(
    world: Outside, payments: StripePayments
) -> None:
    await world.fault("stripe", "drop", match="POST")
    with pytest.raises(OutcomeUnknown):
        await held(payments)
    gone = await payments.void(None, customer="cus_1", made_by=MADE, key="void")
    assert gone is not None
    assert gone.status is PaymentStatus.VOIDED


async def test_captured_payment_is_not_voided_but_refunded_and_then_voiding_is_fine(
    world: Outside, payments: StripePayments
) -> None:
    payment = (await held(payments)).payment
    await payments.capture(payment, key="capture")
    with pytest.raises(VendorRefused, match="refund it"):
        await payments.void(payment, key="void")
    for _ in range(2):
        assert (await payments.refund(payment, if_captured=True, key="undo")).amount == 80.5
    gone = await payments.void(payment, key="void")
    assert gone is not None
    assert gone.status is PaymentStatus.REFUNDED
    assert await kinds(world) == ["payment_authorised", "payment_captured", "refund"]


async def test_undo_of_a_capture_that_never_happened_moves_nothing(world: Outside, payments: StripePayments) -> None:
    payment = (await held(payments)).payment
    assert (await payments.refund(payment, if_captured=True, key="undo")).refund is None
    with pytest.raises(VendorRefused, match="void it"):
        await payments.refund(payment, key="refund")
    assert await kinds(world) == ["payment_authorised"]


async def test_more_than_is_left_is_not_refunded(payments: StripePayments) -> None:
    payment = (await held(payments, 50)).payment
    await payments.capture(payment, key="capture")
    await payments.refund(payment, 30, key="a")
    found = await payments.find(payment)
    assert found is not None
    assert (found.status, found.refunded) == (PaymentStatus.PARTLY_REFUNDED, 30)
    with pytest.raises(VendorRefused, match="lower it"):
        await payments.refund(payment, 30, key="b")


async def test_unknown_payment_is_said_to_be_unknown(payments: StripePayments) -> None:
    assert await payments.find("pi_never_made") is None
    assert await payments.find(customer="cus_1", reference="NO-SUCH") is None
    with pytest.raises(NotFoundAtVendor):
        await payments.capture("pi_never_made", key="capture")
    with pytest.raises(VendorRefused, match="Give the payment"):
        await payments.find(customer="cus_1")


async def test_the_key_stands_in_no_repr_and_no_error(world: Outside, payments: StripePayments) -> None:
    await world.fault("stripe", "fail", status=401)
    with pytest.raises(VendorRefused, match="API_KEY") as caught:
        await held(payments)
    assert KEY not in repr(payments._http) + repr(caught.value) + str(caught.value)
