"""The Stripe and HubSpot clients against the simulated accounts."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from domain.errors import OutcomeUnknown, VendorRefused, VendorUnavailable
from integrations.hubspot import HubSpotRecords
from integrations.stripe.billing import StripeBilling, minor_units
from tests.vendor_world import WORKFLOW, Outside

KEY = "sk_test_key_that_must_not_show"
LOST = ["drop", "html", "truncated", "empty", "charset"]


@pytest.fixture
def billing(world: Outside) -> StripeBilling:
    return StripeBilling(base_url=world.url("stripe"), key=SecretStr(KEY), timeout_seconds=2)


@pytest.fixture
def records(world: Outside) -> HubSpotRecords:
    return HubSpotRecords(base_url=world.url("hubspot"), token=SecretStr(KEY), timeout_seconds=2)


async def made(world: Outside, vendor: str = "stripe") -> list[tuple[str, Any]]:
    return [
        (entry["kind"], (entry["body"].get("object") or {}).get("amount")) for entry in await world.messages(vendor)
    ]


async def test_a_refund_is_made_once_in_minor_units(world: Outside, billing: StripeBilling) -> None:
    first = await billing.refund("cus_1", 120.5, "EUR", key=f"{WORKFLOW}/refund")
    assert await billing.refund("cus_1", 120.5, "EUR", key=f"{WORKFLOW}/refund") == first
    assert await made(world) == [("refund", 12_050)]
    (entry,) = await world.messages("stripe")
    assert entry["body"]["object"]["currency"] == "eur"
    assert entry["case"] == "TICK-1"


@pytest.mark.parametrize("kind", LOST)
async def test_a_refund_whose_answer_was_lost_is_found(world: Outside, billing: StripeBilling, kind: str) -> None:
    await world.fault("stripe", kind, match="POST")
    with pytest.raises(OutcomeUnknown):
        # The whole charge: a second choice of charge would differ from the first.
        await billing.refund("cus_1", 1_000, "USD", key=f"{WORKFLOW}/refund")
    refund = await billing.refund("cus_1", 1_000, "USD", key=f"{WORKFLOW}/refund")
    await billing.cancel_refund(refund, key=f"{WORKFLOW}/undo")
    assert await made(world) == [("refund", 100_000), ("refund_cancelled", 100_000)]


async def test_two_refunds_with_their_own_keys_are_two_refunds(world: Outside, billing: StripeBilling) -> None:
    assert await billing.refund("cus_1", 1, "USD", key="a") != await billing.refund("cus_1", 1, "USD", key="b")
    assert await made(world) == [("refund", 100), ("refund", 100)]


@pytest.mark.parametrize(("customer", "amount", "currency"), [("cus_1", 1_000.01, "USD"), ("cus_1", 1, "CHF")])
async def test_without_a_payment_to_refund_nothing_moves(
    world: Outside, billing: StripeBilling, customer: str, amount: float, currency: str
) -> None:
    with pytest.raises(VendorRefused, match="payment"):
        await billing.refund(customer, amount, currency, key="a")
    assert not await made(world)


async def test_cancelling_a_refund_twice_or_one_that_never_was_is_fine(world: Outside, billing: StripeBilling) -> None:
    refund = await billing.refund("cus_1", 1, "USD", key="a")
    await billing.cancel_refund(refund, key="undo")
    await billing.cancel_refund(refund, key="undo-again")
    await billing.cancel_refund("re_never_made", key="undo-never")
    assert [kind for kind, _ in await made(world)] == ["refund", "refund_cancelled"]


async def test_a_refund_that_has_gone_out_needs_a_person(billing: StripeBilling) -> None:
    refund = await billing.refund("cus_settled", 1, "USD", key="a")
    with pytest.raises(VendorRefused, match="succeeded and cannot be cancelled"):
        await billing.cancel_refund(refund, key="undo")


@pytest.mark.parametrize("kind", LOST)
async def test_a_credit_is_made_and_reversed_once(world: Outside, billing: StripeBilling, kind: str) -> None:
    await world.fault("stripe", kind, match="POST")
    with pytest.raises(OutcomeUnknown):
        await billing.credit("cus_1", 10, "USD", key=f"{WORKFLOW}/credit")
    credit = await billing.credit("cus_1", 10, "USD", key=f"{WORKFLOW}/credit")
    for _ in range(2):
        await billing.reverse_credit("cus_1", credit, key=f"{WORKFLOW}/undo")
    await billing.reverse_credit("cus_1", "cbtxn_never_made", key=f"{WORKFLOW}/undo-never")
    assert await made(world) == [("credit", -1_000), ("credit_reversed", 1_000)]


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [(0.29, "USD", 29), (19.99, "eur", 1_999), (500, "JPY", 500), (1.234, "KWD", 1_234), (1e-2, "USD", 1)],
)
def test_amounts_become_minor_units_exactly(amount: float, currency: str, units: int) -> None:
    assert minor_units(amount, currency) == units


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(0, "USD"), (-1, "USD"), (0.001, "USD"), (0.5, "JPY"), (float("nan"), "USD"), (float("inf"), "USD")],
)
def test_amounts_that_are_none_are_refused(amount: float, currency: str) -> None:
    with pytest.raises(VendorRefused):
        minor_units(amount, currency)


async def test_the_key_stands_in_no_repr_and_no_error(world: Outside, billing: StripeBilling) -> None:
    await world.fault("stripe", "fail", status=401)
    with pytest.raises(VendorRefused, match="API_KEY") as caught:
        await billing.refund("cus_1", 1, "USD", key="a")
    assert KEY not in repr(billing) + repr(billing._http) + repr(caught.value) + str(caught.value)


async def test_a_profile_is_written_and_an_unknown_contact_is_told(world: Outside, records: HubSpotRecords) -> None:
    assert await records.update_profile("CUST-1", {"escalation_risk_score": "92"}, key="k")
    assert not await records.update_profile("unknown-1", {"escalation_risk_score": "92"}, key="k")
    (entry,) = await world.messages("hubspot")
    assert entry["body"] == {"contact": "CUST-1", "properties": {"escalation_risk_score": "92"}}


async def test_a_contacts_id_cannot_leave_its_place_in_the_address(world: Outside, records: HubSpotRecords) -> None:
    await records.update_profile("../../x?y#z", {"a": "b"}, key="k")
    (entry,) = await world.messages("hubspot")
    assert entry["body"]["contact"] == "../../x?y#z"


async def test_a_crm_that_fails_may_be_tried_again(world: Outside, records: HubSpotRecords) -> None:
    await world.fault("hubspot", "fail", status=503)
    with pytest.raises(VendorUnavailable):
        await records.update_profile("CUST-1", {"a": "b"}, key="k")
    await world.fault("hubspot", "html")
    with pytest.raises(OutcomeUnknown):
        await records.update_profile("CUST-1", {"a": "b"}, key="k")
