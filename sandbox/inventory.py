"""A warehouse system: stock by article and warehouse, reservations, returns.

Any article exists, with 10 pieces in each warehouse, except those that begin with `unknown` and those listed below.
Stock is set through the outbox: `PATCH /api/objects/inventory/stock/SKU@warehouse` with `{"on_hand": 3}`.
"""

from __future__ import annotations

from typing import Any

from sandbox import fields
from sandbox.fields import Refused
from sandbox.rest import Call, JsonVendor, Way

WAREHOUSES = {
    "berlin": {"id": "berlin", "name": "Berlin", "country": "DE"},
    "austin": {"id": "austin", "name": "Austin", "country": "US"},
    "osaka": {"id": "osaka", "name": "Osaka", "country": "JP"},
}
_ARTICLES = {
    # What one warehouse alone cannot send, what is nearly gone, what is gone, what needs care.
    "TENT-2P": ("Tent for two", False, {"berlin": 2, "austin": 3, "osaka": 0}),
    "STOVE-1": ("Camping stove", False, {"berlin": 20, "austin": 0, "osaka": 4}),
    "GAS-230": ("Gas cartridge, 230 g", True, {"berlin": 40, "austin": 25, "osaka": 0}),
    "BOOT-42": ("Hiking boots, 42", False, {"berlin": 1, "austin": 1, "osaka": 1}),
    "LAMP-LED": ("Head lamp", False, {"berlin": 0, "austin": 0, "osaka": 0}),
}
_USUAL = 10
_SKU = fields.text(longest=64, pattern=r"[A-Za-z0-9._-]+")
_QUANTITY = fields.whole(1, 100_000)
_REFERENCE = fields.text(longest=200)


class InventorySimulator(JsonVendor):
    """One merchant's stock."""

    name = "inventory"

    def ways(self) -> list[Way]:
        return [
            Way("GET", "/v1/warehouses", lambda call: {"items": list(WAREHOUSES.values())}),
            Way("GET", "/v1/stock/{sku}", self._stock),
            Way("GET", "/v1/reservations", self._reservations),
            Way("POST", "/v1/reservations", self._reserve, 201),
            Way("POST", "/v1/reservations/release", self._release_all),
            Way("GET", "/v1/reservations/{id}", lambda call: self.find("reservation", call.path("id"))),
            Way("POST", "/v1/reservations/{id}/release", self._release),
            Way("POST", "/v1/reservations/{id}/commit", self._commit),
            Way("GET", "/v1/returns", lambda call: {"items": self.all("return", reference=call.query("reference"))}),
            Way("POST", "/v1/returns", self._return, 201),
        ]

    # Stock

    def _shelf(self, sku: str, warehouse: str) -> dict[str, Any]:
        """An article's stock in one warehouse."""
        on_hand = _ARTICLES[sku][2][warehouse] if sku in _ARTICLES else _USUAL
        usual = {"sku": sku, "warehouse": warehouse, "on_hand": on_hand, "reserved": 0}
        known = self.world.find(self.name, "stock", f"{sku}@{warehouse}") or {}
        return {name: known.get(name, value) for name, value in usual.items()}

    def _shelves(self, sku: str) -> list[dict[str, Any]]:
        if sku.startswith("unknown"):
            raise Refused(404, "unknown_sku", "There is no such article.", sku=sku)
        shelves = [self._shelf(sku, warehouse) for warehouse in WAREHOUSES]
        return [shelf | {"available": max(shelf["on_hand"] - shelf["reserved"], 0)} for shelf in shelves]

    def _change(self, sku: str, warehouse: str, *, on_hand: int = 0, reserved: int = 0) -> None:
        shelf = self._shelf(sku, warehouse)
        shelf["on_hand"] += on_hand
        shelf["reserved"] += reserved
        self.keep("stock", shelf, f"{sku}@{warehouse}")

    def _stock(self, call: Call) -> dict[str, Any]:
        sku = call.path("sku")
        shelves = self._shelves(sku)
        title, hazardous, _ = _ARTICLES.get(sku, (sku, False, {}))
        available = sum(shelf["available"] for shelf in shelves)
        return {"sku": sku, "title": title, "hazardous": hazardous, "available": available, "warehouses": shelves}

    # Reservations

    def _reservations(self, call: Call) -> dict[str, Any]:
        wanted = {name: call.query(name) for name in ("reference", "status")}
        return {"items": self.all("reservation", **wanted)}

    def _reserve(self, call: Call) -> dict[str, Any]:
        item = {"sku": _SKU, "quantity": _QUANTITY, "warehouse": fields.one_of(*WAREHOUSES, default=None)}
        asked = call.take(
            reference=_REFERENCE,
            items=fields.rows(fields.part(item), most=100),
            allow_partial=fields.flag(default=False),
            prefer_warehouse=fields.one_of(*WAREHOUSES, default=None),
        )
        allocations, missing = self._allocate(asked["items"], asked["prefer_warehouse"])
        if missing and not (asked["allow_partial"] and allocations):
            raise Refused(409, "out_of_stock", "Not everything is in stock.", missing=missing)
        made = {
            "id": self.next_id("reservation", "res"),
            "reference": asked["reference"],
            "status": "partially_reserved" if missing else "reserved",
            "allocations": allocations,
            "missing": missing,
            "created_at": self.stamp(),
        }
        for row in allocations:
            self._change(row["sku"], row["warehouse"], reserved=row["quantity"])
        self.keep("reservation", made)
        self._tell(call, "reservation_made", made)
        return made

    def _allocate(
        self, items: list[dict[str, Any]], prefer: str | None
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Spread each article over as few warehouses as hold it, the preferred one first, then the fullest."""
        taken: dict[tuple[str, str], int] = {}
        missing = []
        for item in items:
            left = item["quantity"]
            shelves = [shelf for shelf in self._shelves(item["sku"]) if item["warehouse"] in (None, shelf["warehouse"])]
            for shelf in sorted(shelves, key=lambda shelf: (shelf["warehouse"] != prefer, -shelf["available"])):
                place = (shelf["sku"], shelf["warehouse"])
                quantity = min(left, shelf["available"] - taken.get(place, 0))
                if quantity > 0:
                    taken[place] = taken.get(place, 0) + quantity
                    left -= quantity
            if left:
                missing.append({"sku": item["sku"], "quantity": left})
        rows = [{"sku": sku, "warehouse": place, "quantity": count} for (sku, place), count in taken.items()]
        return rows, missing

    def _release(self, call: Call) -> dict[str, Any]:
        return self._let_go(call, self.find("reservation", call.path("id")))

    def _release_all(self, call: Call) -> dict[str, Any]:
        asked = call.take(reference=_REFERENCE)
        known = self.all("reservation", reference=asked["reference"])
        if any(row["status"] == "committed" for row in known):
            raise Refused(409, "already_committed", _LEFT)
        return {"released": [self._let_go(call, row) for row in known if row["status"] != "released"]}

    def _let_go(self, call: Call, made: dict[str, Any]) -> dict[str, Any]:
        if made["status"] == "committed":
            raise Refused(409, "already_committed", _LEFT)
        if made["status"] == "released":
            return made
        for row in made["allocations"]:
            self._change(row["sku"], row["warehouse"], reserved=-row["quantity"])
        made["status"] = "released"
        self.keep("reservation", made)
        self._tell(call, "reservation_released", made, standing=False)
        return made

    def _commit(self, call: Call) -> dict[str, Any]:
        made = self.find("reservation", call.path("id"))
        if made["status"] == "released":
            raise Refused(409, "already_released", "The reservation was released: reserve again.")
        if made["status"] == "committed":
            return made
        for row in made["allocations"]:
            self._change(row["sku"], row["warehouse"], on_hand=-row["quantity"], reserved=-row["quantity"])
        made["status"] = "committed"
        self.keep("reservation", made)
        self._tell(call, "reservation_committed", made)
        return made

    # Returns

    def _return(self, call: Call) -> dict[str, Any]:
        item = {
            "sku": _SKU,
            "quantity": _QUANTITY,
            "warehouse": fields.one_of(*WAREHOUSES),
            "condition": fields.one_of("sellable", "damaged", default="sellable"),
        }
        asked = call.take(
            reference=_REFERENCE,
            items=fields.rows(fields.part(item), most=100),
            reservation_id=fields.text(None),
        )
        if asked["reservation_id"] is not None:
            self._check_was_sent(self.find("reservation", asked["reservation_id"]), asked["items"])
        made = {"id": self.next_id("return", "ret"), **asked, "status": "received", "created_at": self.stamp()}
        for row in asked["items"]:
            # Damaged goods come back and are not sold again.
            self._change(row["sku"], row["warehouse"], on_hand=row["quantity"] if row["condition"] == "sellable" else 0)
        self.keep("return", made)
        reservation, standing = f"return/{made['id']}", None
        if made["reservation_id"] is not None:
            sent = self.find("reservation", made["reservation_id"])
            reservation, standing = f"reservation/{sent['id']}", self._came_back(sent) != _by_sku(sent["allocations"])
        facts = {"Reference": made["reference"], "Items": _listed(made["items"])}
        self.record(
            call, "stock_returned", reservation, f"Return {made['id']}: back in stock", facts,
            reference=made["reference"], standing=standing,
        )  # fmt: skip
        return made

    def _came_back(self, reservation: dict[str, Any]) -> dict[str, int]:
        counts: dict[str, int] = {}
        for row in self.all("return", reservation_id=reservation["id"]):
            for item in row["items"]:
                counts[item["sku"]] = counts.get(item["sku"], 0) + item["quantity"]
        return counts

    def _check_was_sent(self, reservation: dict[str, Any], items: list[dict[str, Any]]) -> None:
        counts = self._came_back(reservation)
        for item in items:
            counts[item["sku"]] = counts.get(item["sku"], 0) + item["quantity"]
        sent = _by_sku(reservation["allocations"])
        if reservation["status"] != "committed" or any(count > sent.get(sku, 0) for sku, count in counts.items()):
            raise Refused(409, "not_sent", "More comes back than was sent with that reservation.")

    def _tell(self, call: Call, kind: str, made: dict[str, Any], *, standing: bool = True) -> None:
        words = {"reservation_made": "reserved", "reservation_released": "released", "reservation_committed": "sent"}
        facts = {"Reference": made["reference"], "Items": _listed(made["allocations"])}
        if made["missing"]:
            facts["Missing"] = _listed(made["missing"])
        self.record(
            call, kind, f"reservation/{made['id']}", f"Reservation {made['id']}: {words[kind]}", facts,
            reference=made["reference"], standing=standing,
        )  # fmt: skip


_LEFT = "The goods have left the warehouse: take them back as a return."


def _by_sku(rows: list[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["sku"]] = counts.get(row["sku"], 0) + row["quantity"]
    return counts


def _listed(rows: list[dict[str, Any]]) -> str:
    return ", ".join(
        f"{row['quantity']} x {row['sku']}" + (f" ({row['warehouse']})" if "warehouse" in row else "") for row in rows
    )
