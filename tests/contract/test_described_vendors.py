"""The simulators against the OpenAPI documents that the product is configured with, operation by operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.described import DOCUMENTS, Described
from tests.vendor_world import Outside, outside

TO = {"name": "Ann", "line1": "Main St 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}


async def inventory(api: Described, world: Outside) -> None:
    items = [{"sku": "TENT-2P", "quantity": 4}, {"sku": "GAS-230", "quantity": 1, "warehouse": "austin"}]
    await api.call("listWarehouses")
    before = await api.call("getStock", sku="TENT-2P")
    made = await api.call("createReservation", {"reference": "O-1", "items": items, "prefer_warehouse": "berlin"})
    assert (await api.call("getReservation", id=made["id"])) == made
    assert (await api.call("findReservations", reference="O-1", status="reserved"))["items"] == [made]
    await api.call("releaseReservation", id=made["id"])
    assert await api.call("getStock", sku="TENT-2P") == before
    second = await api.call("createReservation", {"reference": "O-2", "items": items})
    await api.call("commitReservation", id=second["id"])
    back = [{"sku": "TENT-2P", "quantity": 1, "warehouse": "berlin", "condition": "damaged"}]
    await api.call("returnToStock", {"reference": "O-2", "items": back, "reservation_id": second["id"]})
    await api.call("returnToStock", {"reference": "O-3", "items": back})
    assert len((await api.call("findReturns", reference="O-2"))["items"]) == 1
    await api.call("createReservation", {"reference": "O-4", "items": items[1:]})
    assert len((await api.call("releaseReservations", {"reference": "O-4"}))["released"]) == 1


async def shipping(api: Described, world: Outside) -> None:
    order: dict[str, Any] = {
        "reference": "O-1",
        "warehouse": "berlin",
        "to": TO,
        "items": [{"sku": "GAS-230", "quantity": 1, "hazardous": True}],
    }
    await api.call("listRates", warehouse="berlin", country="US")
    first = await api.call("createShipment", order)
    await api.call("getShipment", id=first["id"])
    assert "Main St 1" in await api.call("getLabel", id=first["id"])
    await api.call("cancelShipment", id=first["id"])
    await api.call("createShipment", order | {"reference": "O-2"})
    assert len((await api.call("cancelShipments", {"reference": "O-2"}))["cancelled"]) == 1
    customs = {"contents": "Tents", "value": 24_900, "currency": "EUR"}
    abroad = order | {"to": TO | {"country": "US"}, "customs": customs, "reference": "O-3", "service": "standard"}
    third = await api.call("createShipment", abroad)
    assert len((await api.call("findShipments", reference="O-3"))["items"]) == 1
    await world.ask("POST", "/api/clock", json={"advance_seconds": 80 * 3600})
    tracked = await api.call("trackShipment", number=third["tracking_number"])
    assert [event["status"] for event in tracked["events"]] == ["label_created", "picked_up", "delivered"]
    back = {"reference": "O-3", "shipment_id": third["id"], "items": order["items"], "reason": "Too small"}
    made = await api.call("createReturnLabel", back)
    assert (await api.call("findReturnLabels", reference="O-3"))["items"] == [made]


async def accounting(api: Described, world: Outside) -> None:
    lines = [{"description": "Tent", "quantity": 2, "unit_amount": 1000}]
    order: dict[str, Any] = {"reference": "O-1", "customer": {"id": "cus_1"}, "currency": "EUR", "lines": lines}
    made = await api.call("createInvoice", order | {"shipping_amount": 590, "tax_amount": 100})
    assert made["total"] == 2690
    paid = await api.call("payInvoice", {"amount": 2690, "payment_reference": "pi_1"}, id=made["id"])
    assert paid["status"] == "paid"
    note = {"reference": "O-1", "invoice_id": made["id"], "amount": 1000, "reason": "Returned"}
    await api.call("createCreditNote", note)
    assert (await api.call("getInvoice", id=made["id"]))["credited"] == 1000
    assert len((await api.call("findCreditNotes", reference="O-1"))["items"]) == 1
    second = await api.call("createInvoice", order | {"reference": "O-2"})
    await api.call("voidInvoice", {"reason": "Cancelled"}, id=second["id"])
    assert (await api.call("findInvoices", reference="O-2", status="void"))["items"][0]["id"] == second["id"]
    booking = {
        "reference": "O-3",
        "currency": "EUR",
        "memo": "Sale",
        "lines": [{"account": "1200", "debit": 500}, {"account": "8400", "credit": 500}],
    }
    entry = await api.call("createJournalEntry", booking)
    turned = await api.call("reverseJournalEntry", {"reason": "Wrong"}, id=entry["id"])
    assert turned["reverses"] == entry["id"]
    assert (await api.call("getJournalEntry", id=entry["id"]))["reversed_by"] == turned["id"]
    assert len((await api.call("findJournalEntries", reference="O-3"))["items"]) == 2
    await api.call("createInvoice", order | {"reference": "O-4"})
    await api.call("createJournalEntry", booking | {"reference": "O-4"})
    undone = await api.call("reverseReference", {"reference": "O-4", "reason": "Undone"})
    assert [len(undone["voided"]), len(undone["reversed"])] == [1, 1]


async def deployments(api: Described, world: Outside) -> None:
    one = {"service": "checkout"}
    assert "checkout" in [row["name"] for row in (await api.call("listServices"))["items"]]
    await api.call("startCanary", {"version": "v2", "percent": 5}, **one)
    assert (await api.call("setTraffic", {"canary_percent": 50}, **one))["canary_percent"] == 50
    assert (await api.call("promote", {"version": "v2"}, **one))["stable_version"] == "v2"
    assert (await api.call("rollBack", {"to_version": "v1", "reason": "Errors"}, **one))["stable_version"] == "v1"
    assert (await api.call("restartService", {"reason": "Leak"}, **one))["restarts"] == 1
    assert (await api.call("scaleService", {"replicas": 5}, **one))["replicas"] == 5
    assert (await api.call("getService", **one))["previous_version"] == "v2"
    first = await api.call("getConfig", **one)
    await api.call("putConfig", {"values": {"pool_size": 1}, "expected_version": 1}, **one)
    back = await api.call("rollBackConfig", {"version": 1}, **one)
    assert (back["version"], back["values"]) == (3, first["values"])
    assert len((await api.call("listConfigVersions", **one))["items"]) == 3
    (old,) = (await api.call("listCredentials", **one))["items"]
    new = await api.call("createCredential", {"reason": "Rotation"}, **one)
    assert (await api.call("verifyCredential", id=new["id"], **one))["verified"] is True
    assert (await api.call("revokeCredential", id=old["id"], **one))["status"] == "revoked"


async def fleet(api: Described, world: Outside) -> None:
    first = await api.call("listDevices", firmware="2.3.0", limit=2)
    rest = await api.call("listDevices", firmware="2.3.0", cursor=first["next_cursor"])
    assert len(first["items"] + rest["items"]) == 6
    one = first["items"][0]["id"]
    assert (await api.call("pushFirmware", {"version": "2.4.2"}, id=one))["firmware"] == "2.4.2"
    assert (await api.call("rollBackFirmware", {"reason": "Slow"}, id=one))["firmware"] == "2.3.0"
    await api.call("restartDevice", {"reason": "Stuck"}, id=one)
    await api.call("getDevice", id=one)
    assert all(check["passed"] for check in (await api.call("getDeviceHealth", id=one))["checks"])
    ids = ["dev-001", "dev-002", "dev-024"]
    made = await api.call("createRollout", {"reference": "CHG-1", "version": "2.5.0-bad", "device_ids": ids})
    assert [row["updated"] for row in made["results"]] == [True, True, False]
    assert (await api.call("getDeviceHealth", id="dev-001"))["health"] == "degraded"
    assert (await api.call("getRollout", id=made["id"])) == made
    assert (await api.call("rollBackRollout", {}, id=made["id"]))["status"] == "rolled_back"
    assert (await api.call("getDevice", id="dev-001"))["firmware"] == "2.4.1"
    assert len((await api.call("findRollouts", reference="CHG-1"))["items"]) == 1


async def documents(api: Described, world: Outside) -> None:
    one = {"id": "contract-acme"}
    assert len((await api.call("listDocuments", kind="contract", status="draft"))["items"]) == 1
    assert "Liability" in (await api.call("getDocument", **one))["content"]
    review = {"reference": "REV-1", "reviewer": "ann", "verdict": "request_changes", "score": 40, "findings": ["2."]}
    made = await api.call("recordReview", review, **one)
    assert (await api.call("listReviews", reference="REV-1", **one))["items"] == [made]
    await api.call("withdrawReview", {"reason": "Mistake"}, review=made["id"], **one)
    await api.call("setDocumentStatus", {"status": "approved", "expected_version": 1}, **one)
    assert (await api.call("setDocumentStatus", {"status": "published"}, **one))["version"] == 3


async def mailing(api: Described, world: Outside) -> None:
    one = {"id": "ann"}
    await api.call("saveContact", {"tags": ["new"], "email": "ann@example.org"}, **one)
    assert (await api.call("getContact", **one))["tags"] == ["new"]
    await api.call("reportEvent", {"type": "purchase", "data": {"order": "O-1"}}, **one)
    assert len((await api.call("listEvents", type="purchase", since="2026-01-01T00:00:00Z", **one))["items"]) == 1
    assert (await api.call("getCart", id="cart-ann"))["contact_id"] == "ann"
    mail = {"reference": "CART-9/1", "contact_id": "ann", "campaign": "cart", "subject": "Hi", "text": "Text"}
    made = await api.call("sendMessage", mail | {"link": "https://shop.example.com/cart"})
    assert (await api.call("getMessage", id=made["id"])) == made
    assert (await api.call("findMessages", reference="CART-9/1", contact_id="ann", campaign="cart"))["items"] == [made]


async def market(api: Described, world: Outside) -> None:
    one = {"id": "ACME-2026-11-20"}
    assert len((await api.call("listInstruments"))["items"]) == 3
    ticks = (await api.call("listTicks", batch=one["id"], after=2, limit=10))["items"]
    assert [tick["sequence"] for tick in ticks][:2] == [3, 4]
    held = await api.call("quarantineTicks", {"reference": "MD-1", "sequences": [3, 4], "reason": "Odd"}, **one)
    assert (await api.call("findQuarantines", batch=one["id"], reference="MD-1"))["items"] == [held]
    published = (await api.call("publishBatch", {"reference": "MD-1"}, **one))["published"]
    assert published[:3] == [1, 2, 5]
    assert (await api.call("withdrawBatch", {"reference": "MD-1"}, **one))["status"] == "received"
    assert (await api.call("releaseQuarantine", {"reason": "Fine"}, id=held["id"]))["status"] == "released"
    assert (await api.call("getBatch", **one))["published"] == []


Tour = Callable[[Described, Outside], Awaitable[None]]
TOURS: dict[str, Tour] = {
    tour.__name__: tour for tour in (inventory, shipping, accounting, deployments, fleet, documents, mailing, market)
}


def test_every_document_has_a_tour() -> None:
    assert {path.stem for path in DOCUMENTS.glob("*.yaml")} == set(TOURS)


@pytest.mark.parametrize("name", TOURS)
async def test_every_operation_takes_and_gives_what_its_document_says(name: str, tmp_path: Path) -> None:
    async with outside(tmp_path) as world, Described(name, world.url(name)) as api:
        await TOURS[name](api, world)
        assert api.exercised == set(api.operations())


@pytest.mark.parametrize("name", TOURS)
async def test_every_operation_refuses_a_missing_and_a_foreign_key(name: str, tmp_path: Path) -> None:
    foreign = "shipping-sandbox" if name != "shipping" else "sk_test_sandbox"
    async with outside(tmp_path) as world:
        for token in ("wrong", foreign):
            async with Described(name, world.url(name), token) as api:
                for operation_id, (_, path, operation) in api.operations().items():
                    given = {part.split("}")[0]: "x" for part in path.split("{")[1:]}
                    for parameter in operation.get("parameters", []):
                        if parameter.get("required") and parameter["in"] == "query":
                            given[parameter["name"]] = {"warehouse": "berlin", "country": "DE"}.get(
                                parameter["name"], "x"
                            )
                    assert await api.call(operation_id, refused=401, **given) == "unauthorized"


@pytest.mark.parametrize("name", TOURS)
def test_every_schema_is_one_and_every_write_takes_a_key(name: str) -> None:
    api = Described(name, "http://127.0.0.1:1")
    for schema in api.document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for method, _, operation in api.operations().values():
        taken = [api._resolved(parameter)["name"] for parameter in operation.get("parameters", [])]
        assert ("Idempotency-Key" in taken) == (method != "get"), operation["operationId"]
        assert operation["summary"]
