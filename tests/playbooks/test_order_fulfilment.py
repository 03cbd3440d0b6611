"""The shipped playbook `order-fulfilment`, end to end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.playbooks.world import PlaybooksWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADDRESS = {"name": "Ann Lee", "line1": "Main St 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}


def order(**changes: Any) -> dict[str, Any]:
    """Four tents, of which one warehouse has too few, and a stove."""
    return {
        "order": "O-1001",
        "customer": {"id": "cus_ann", "name": "Ann Lee", "email": "ann@example.com"},
        "payment_method": "pm_card_visa",
        "currency": "EUR",
        "items": [
            {"sku": "TENT-2P", "quantity": 4, "unit_amount": 10_000},
            {"sku": "STOVE-1", "quantity": 1, "unit_amount": 4_950},
        ],
        "shipping_amount": 3_000,
        "ship_to": ADDRESS,
        **changes,
    }


async def test_an_order_is_shipped_from_each_warehouse_paid_booked_and_told(world: PlaybooksWorld) -> None:
    result = await world.run("order-fulfilment", order())
    assert result.error is None, result.error
    assert result.status == "completed"
    output: Any = result.output
    print(output)
    print(await world.standing(), await world.mails())
