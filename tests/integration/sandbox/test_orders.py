"""Stock, shipments and books: what an order meets when something is short, gone, abroad or under way."""

from __future__ import annotations

from typing import Any

import httpx

from tests.described import Described
from tests.vendor_world import Outside

SHIPMENT: dict[str, Any] = {
    "reference": "O-1",
    "warehouse": "berlin",
    "to": {"name": "Ann", "line1": "Main St 1", "city": "Berlin", "postal_code": "10115", "country": "DE"},
    "items": [{"sku": "GAS-230", "quantity": 1, "hazardous": True}],
}


async def test_goods_come_from_several_warehouses_and_what_is_missing_is_said(world: Outside) -> None:
    async with Described("inventory", world.url("inventory")) as api:
        order = {"reference": "O-1", "items": [{"sku": "TENT-2P", "quantity": 7}]}
        assert await api.call("createReservation", order, refused=409) == "out_of_stock"
        made = await api.call("createReservation", order | {"allow_partial": True, "prefer_warehouse": "berlin"})
        assert [(row["warehouse"], row["quantity"]) for row in made["allocations"]] == [("berlin", 2), ("austin", 3)]
        assert made["missing"] == [{"sku": "TENT-2P", "quantity": 2}]
        assert made["status"] == "partially_reserved"
        again = order | {"allow_partial": True}
        assert await api.call("createReservation", again, refused=409) == "out_of_stock"


async def test_the_same_article_twice_in_an_order_is_not_reserved_twice_from_one_shelf(world: Outside) -> None:
    async with Described("inventory", world.url("inventory")) as api:
        item = {"sku": "BOOT-42", "quantity": 2}
        made = await api.call("createReservation", {"reference": "O-1", "items": [item, item], "allow_partial": True})
        assert sum(row["quantity"] for row in made["allocations"]) == 3
        assert (await api.call("getStock", sku="BOOT-42"))["available"] == 0


async def test_goods_that_left_are_not_released_and_stand_until_all_are_back(world: Outside) -> None:
    async with Described("inventory", world.url("inventory")) as api:
        made = await api.call("createReservation", {"reference": "O-1", "items": [{"sku": "STOVE-1", "quantity": 2}]})
        await api.call("commitReservation", id=made["id"])
        assert await api.call("releaseReservation", id=made["id"], refused=409) == "already_committed"
        assert await api.call("releaseReservations", {"reference": "O-1"}, refused=409) == "already_committed"
        back = {"reference": "O-1", "reservation_id": made["id"]}
        item = {"sku": "STOVE-1", "quantity": 1, "warehouse": "berlin"}
        for stands in (True, False):
            await api.call("returnToStock", back | {"items": [item]})
            assert bool(await world.ask("GET", "/api/standing")) == stands
        assert await api.call("returnToStock", back | {"items": [item]}, refused=409) == "not_sent"
        assert (await api.call("getStock", sku="STOVE-1"))["available"] == 24


async def test_a_carrier_refuses_what_it_may_not_take(world: Outside) -> None:
    async with Described("shipping", world.url("shipping")) as api:
        abroad = SHIPMENT | {"to": SHIPMENT["to"] | {"country": "US"}}
        embargoed = SHIPMENT | {"to": SHIPMENT["to"] | {"country": "KP"}}
        assert await api.call("createShipment", abroad, refused=422) == "customs_required"
        assert await api.call("createShipment", embargoed, refused=422) == "country_not_served"
        assert (
            await api.call("createShipment", SHIPMENT | {"service": "express"}, refused=422) == "hazardous_not_by_air"
        )
        assert await world.messages("shipping") == []


async def test_a_shipment_can_be_cancelled_until_it_is_picked_up(world: Outside) -> None:
    async with Described("shipping", world.url("shipping")) as api:
        made = await api.call("createShipment", SHIPMENT)
        early = {"reference": "O-1", "shipment_id": made["id"], "items": SHIPMENT["items"]}
        assert await api.call("createReturnLabel", early, refused=409) == "not_sent_yet"
        await world.ask("PATCH", f"/api/objects/shipping/shipment/{made['id']}", json={"status": "picked_up"})
        assert await api.call("cancelShipment", id=made["id"], refused=409) == "already_picked_up"
        assert await api.call("cancelShipments", {"reference": "O-1"}, refused=409) == "already_picked_up"
        assert len(await world.ask("GET", "/api/standing")) == 1


async def test_books_balance_and_are_corrected_instead_of_changed(world: Outside) -> None:
    async with Described("accounting", world.url("accounting")) as api:
        lines = [{"account": "1200", "debit": 5}, {"account": "8400", "credit": 4}]
        entry = {"reference": "O-1", "currency": "EUR", "lines": lines}
        assert await api.call("createJournalEntry", entry, refused=422) == "unbalanced"
        line = {"description": "Tent", "quantity": 1, "unit_amount": 100}
        order = {"reference": "O-1", "customer": {"id": "c"}, "currency": "EUR", "lines": [line]}
        made = await api.call("createInvoice", order)
        too_much = {"amount": 101, "payment_reference": "pi_1"}
        assert await api.call("payInvoice", too_much, id=made["id"], refused=422) == "amount_too_large"
        await api.call("createCreditNote", {"reference": "O-1", "invoice_id": made["id"], "amount": 40})
        assert await api.call("voidInvoice", {}, id=made["id"], refused=409) == "invoice_credited"
        assert await api.call("reverseReference", {"reference": "O-1"}, refused=409) == "invoice_credited"
        await api.call("createCreditNote", {"reference": "O-1", "invoice_id": made["id"], "amount": 60})
        assert await world.ask("GET", "/api/standing") == []


async def test_a_deal_and_a_note_are_found_by_reference_and_archived(world: Outside) -> None:
    headers = {"Authorization": "Bearer hubspot-sandbox", "Idempotency-Key": "playbook:a:order:O-1/deal"}
    async with httpx.AsyncClient(base_url=world.url("hubspot"), headers=headers, trust_env=False) as client:
        body = {
            "properties": {"dealname": "O-1", "amount": "10.00", "surehand_reference": "O-1"},
            "associations": [{"to": {"id": "C-1"}, "types": []}],
        }
        first = await client.post("/crm/v3/objects/deals", json=body)
        assert first.status_code == 201
        again = await client.post("/crm/v3/objects/deals", json=body)
        assert again.json() == first.json()
        assert again.headers["Idempotent-Replayed"] == "true"
        assert (await client.post("/crm/v3/objects/deals", json={"properties": {"dealname": "x"}})).status_code == 409
        wanted = {"propertyName": "surehand_reference", "operator": "EQ", "value": "O-1"}
        search = {"filterGroups": [{"filters": [wanted]}]}
        found = (await client.post("/crm/v3/objects/deals/search", json=search)).json()
        assert [row["id"] for row in found["results"]] == [first.json()["id"]]
        assert (await client.post("/crm/v3/objects/notes", json={"properties": {}})).status_code in (400, 409)
        assert (await client.get("/crm/v3/objects/notes/1")).status_code == 404
        assert len(await world.ask("GET", "/api/standing", params={"case": "O-1"})) == 1
        path = f"/crm/v3/objects/deals/{first.json()['id']}"
        assert (await client.delete(path)).status_code == 204
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404
    assert await world.ask("GET", "/api/standing") == []
    assert [entry["kind"] for entry in await world.messages("hubspot")] == ["deal_created", "deal_archived"]
