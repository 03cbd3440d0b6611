"""A carrier: rates, shipments with label and tracking, cancelling before pick-up, returns.

A shipment is picked up 24 hours after its label was made and delivered after 72, by the sandbox's clock. Abroad it
needs a customs declaration; dangerous goods do not fly; nothing goes to `KP`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from starlette.responses import PlainTextResponse, Response

from sandbox import fields
from sandbox.fields import Refused
from sandbox.inventory import WAREHOUSES
from sandbox.rest import Call, JsonVendor, Way

PICKED_UP_AFTER = timedelta(hours=24)
DELIVERED_AFTER = timedelta(hours=72)
_NOT_SERVED = ("KP",)
_PRICES = {"standard": (590, 4), "express": (1490, 1)}
"""Service: price in minor units, and days. Abroad it costs as much again."""
_REFERENCE = fields.text(longest=200)
_COUNTRY = fields.text(pattern=r"[A-Z]{2}")
_ADDRESS = {
    "name": fields.text(),
    "line1": fields.text(),
    "line2": fields.text(None),
    "city": fields.text(),
    "postal_code": fields.text(longest=20),
    "country": _COUNTRY,
}
_ITEM = {
    "sku": fields.text(longest=64),
    "quantity": fields.whole(1, 100_000),
    "hazardous": fields.flag(default=False),
}
_CUSTOMS = {
    "contents": fields.text(),
    "value": fields.whole(1),
    "currency": fields.text(pattern=r"[A-Z]{3}"),
    "harmonised_code": fields.text(None, longest=20),
}


class ShippingSimulator(JsonVendor):
    """One merchant's account with a carrier."""

    name = "shipping"

    def ways(self) -> list[Way]:
        return [
            Way("GET", "/v1/rates", self._rates),
            Way("GET", "/v1/shipments", self._list),
            Way("POST", "/v1/shipments", self._create, 201),
            Way("POST", "/v1/shipments/cancel", self._cancel_all),
            Way("GET", "/v1/shipments/{id}", lambda call: self._shipment(call.path("id"))),
            Way("GET", "/v1/shipments/{id}/label", self._label),
            Way("POST", "/v1/shipments/{id}/cancel", self._cancel),
            Way("GET", "/v1/tracking/{number}", self._track),
            Way("GET", "/v1/returns", lambda call: {"items": self.all("return", reference=call.query("reference"))}),
            Way("POST", "/v1/returns", self._return, 201),
        ]

    # Reading

    def _rates(self, call: Call) -> dict[str, Any]:
        if call.query("warehouse") not in WAREHOUSES:
            raise fields.invalid("warehouse", f"is one of {', '.join(WAREHOUSES)}.")
        country = str(_COUNTRY.read("country", call.query("country")))
        _check_served(country)
        rates = [
            {"service": service, "price": _price(service, call.query("warehouse"), country), "days": days}
            for service, (_, days) in _PRICES.items()
        ]
        return {"items": rates}

    def _shipment(self, identity: str) -> dict[str, Any]:
        """A shipment as it is by now."""
        made = self.find("shipment", identity)
        age = self.world.now() - datetime.fromisoformat(made["created_at"])
        if made["status"] == "label_created" and age >= PICKED_UP_AFTER:
            made["status"] = "picked_up"
        if made["status"] == "picked_up" and age >= DELIVERED_AFTER:
            made["status"] = "delivered"
        return self.keep("shipment", made)

    def _of(self, reference: str) -> list[dict[str, Any]]:
        return [self._shipment(row["id"]) for row in self.all("shipment", reference=reference)]

    def _list(self, call: Call) -> dict[str, Any]:
        return {"items": self._of(call.query("reference"))}

    def _label(self, call: Call) -> Response:
        made = self._shipment(call.path("id"))
        to = made["to"]
        lines = (to["name"], to["line1"], f"{to['postal_code']} {to['city']}", to["country"], made["tracking_number"])
        printed = "\n".join(f"^FO50,{50 + 40 * place}^A0,30^FD{line}^FS" for place, line in enumerate(lines))
        return PlainTextResponse(f"^XA\n{printed}\n^XZ\n")

    def _track(self, call: Call) -> dict[str, Any]:
        number = call.path("number")
        made = next((row for row in self.all("shipment") if row["tracking_number"] == number), None)
        if made is None:
            raise Refused(404, "not_found", "There is no such tracking number.")
        made = self._shipment(made["id"])
        begun = datetime.fromisoformat(made["created_at"])
        reached = {"label_created": 1, "cancelled": 1, "picked_up": 2, "delivered": 3}[made["status"]]
        events = [
            {"status": "label_created", "at": made["created_at"]},
            {"status": "picked_up", "at": (begun + PICKED_UP_AFTER).isoformat()},
            {"status": "delivered", "at": (begun + DELIVERED_AFTER).isoformat()},
        ]
        return {"tracking_number": number, "status": made["status"], "events": events[:reached]}

    # Writing

    def _create(self, call: Call) -> dict[str, Any]:
        asked = call.take(
            reference=_REFERENCE,
            warehouse=fields.one_of(*WAREHOUSES),
            to=fields.part(_ADDRESS),
            items=fields.rows(fields.part(_ITEM), most=100),
            service=fields.one_of(*_PRICES, default="standard"),
            customs=fields.part(_CUSTOMS, default=None),
        )
        country = asked["to"]["country"]
        _check_served(country)
        if country != WAREHOUSES[asked["warehouse"]]["country"] and asked["customs"] is None:
            raise Refused(422, "customs_required", "A shipment abroad needs a customs declaration.", field="customs")
        if asked["service"] == "express" and any(item["hazardous"] for item in asked["items"]):
            raise Refused(422, "hazardous_not_by_air", "Dangerous goods go by standard service only.", field="service")
        identity = self.next_id("shipment", "shp")
        made = {
            "id": identity,
            **asked,
            "status": "label_created",
            "tracking_number": f"SBX{identity.removeprefix('shp_')}DE",
            "label_path": f"/v1/shipments/{identity}/label",
            "cost": _price(asked["service"], asked["warehouse"], country),
            "created_at": self.stamp(),
        }
        self.keep("shipment", made)
        self._tell(call, "shipment_created", made, "label made")
        return made

    def _cancel(self, call: Call) -> dict[str, Any]:
        made = self._shipment(call.path("id"))
        if made["status"] in ("picked_up", "delivered"):
            raise Refused(409, "already_picked_up", _GONE)
        return self._withdraw(call, made)

    def _cancel_all(self, call: Call) -> dict[str, Any]:
        known = self._of(call.take(reference=_REFERENCE)["reference"])
        if any(row["status"] in ("picked_up", "delivered") for row in known):
            raise Refused(409, "already_picked_up", _GONE)
        return {"cancelled": [self._withdraw(call, row) for row in known if row["status"] != "cancelled"]}

    def _withdraw(self, call: Call, made: dict[str, Any]) -> dict[str, Any]:
        if made["status"] != "cancelled":
            made["status"] = "cancelled"
            self.keep("shipment", made)
            self._tell(call, "shipment_cancelled", made, "cancelled", standing=False)
        return made

    def _return(self, call: Call) -> dict[str, Any]:
        asked = call.take(
            reference=_REFERENCE,
            shipment_id=fields.text(),
            items=fields.rows(fields.part(_ITEM), most=100),
            reason=fields.text(None, longest=500),
        )
        sent = self._shipment(asked["shipment_id"])
        if sent["status"] not in ("picked_up", "delivered"):
            raise Refused(409, "not_sent_yet", "The shipment has not left: cancel it.")
        identity = self.next_id("return", "rtn")
        number = f"SBX{identity.removeprefix('rtn_')}RT"
        made = {
            "id": identity, **asked, "status": "label_created", "tracking_number": number, "created_at": self.stamp(),
        }  # fmt: skip
        self.keep("return", made)
        facts = {"Reference": made["reference"], "Shipment": sent["id"], "Tracking": number}
        # A label for goods that come back takes nothing back by itself: it is neither in force nor undone.
        self.record(
            call, "return_label", f"return/{identity}", f"Return label {identity}", facts, reference=made["reference"]
        )
        return made

    def _tell(self, call: Call, kind: str, made: dict[str, Any], word: str, *, standing: bool = True) -> None:
        facts = {
            "Reference": made["reference"],
            "From": made["warehouse"],
            "To": f"{made['to']['city']}, {made['to']['country']}",
            "Items": ", ".join(f"{item['quantity']} x {item['sku']}" for item in made["items"]),
            "Tracking": made["tracking_number"],
        }
        self.record(
            call, kind, f"shipment/{made['id']}", f"Shipment {made['id']}: {word}", facts,
            reference=made["reference"], standing=standing,
        )  # fmt: skip


_GONE = "The carrier has picked it up: let it come back as a return."


def _check_served(country: str) -> None:
    if country in _NOT_SERVED:
        raise Refused(422, "country_not_served", "We do not deliver to that country.", field="country")


def _price(service: str, warehouse: str, country: str) -> dict[str, Any]:
    amount, _ = _PRICES[service]
    return {"amount": amount * (1 if WAREHOUSES[warehouse]["country"] == country else 2), "currency": "EUR"}
