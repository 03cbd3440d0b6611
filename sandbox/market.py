"""A market data feed: batches of ticks with what goes wrong in such feeds, to be checked, set aside and published.

Every weekday has a batch per instrument, the same each time it is read. In each are a sequence number twice, a gap, a
price off by a decimal place, a negative price, a tick from yesterday, and one without a volume.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox import fields
from sandbox.fields import Refused
from sandbox.rest import Call, JsonVendor, Way

INSTRUMENTS = {"ACME": 102.5, "GLOBEX": 41.2, "INITECH": 7.85}
"""Symbol and opening price."""
TICKS = 60
_ODD_PLACES = {"repeated": 11, "gap": 19, "decimal": 27, "negative": 35, "stale": 43, "no_volume": 51}
_REFERENCE = fields.text(longest=200)


class MarketSimulator(JsonVendor):
    """One data vendor."""

    name = "market"

    def ways(self) -> list[Way]:
        return [
            Way("GET", "/v1/instruments", self._instruments),
            Way("GET", "/v1/ticks", self._ticks),
            Way("GET", "/v1/batches/{id}", lambda call: self._batch(call.path("id"))),
            Way("POST", "/v1/batches/{id}/quarantines", self._quarantine, 201),
            Way("POST", "/v1/batches/{id}/publish", self._publish),
            Way("POST", "/v1/batches/{id}/withdraw", self._withdraw),
            Way("GET", "/v1/quarantines", self._quarantines),
            Way("POST", "/v1/quarantines/{id}/release", self._release),
        ]

    # Reading

    def _instruments(self, call: Call) -> dict[str, Any]:
        return {"items": [{"symbol": symbol, "currency": "EUR"} for symbol in INSTRUMENTS]}

    def _batch(self, identity: str) -> dict[str, Any]:
        symbol, _, day = identity.partition("-")
        try:
            date = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            date = None
        if symbol not in INSTRUMENTS or date is None or date.weekday() > 4:
            raise Refused(404, "not_found", "There is no such batch: it is called SYMBOL-YYYY-MM-DD, on a weekday.")
        born = {"id": identity, "symbol": symbol, "date": day, "status": "received", "published": [], "ticks": TICKS}
        return born | (self.world.find(self.name, "batch", identity) or {})

    def _ticks(self, call: Call) -> dict[str, Any]:
        """Of one batch, after a sequence number."""
        batch, after, limit = self._batch(call.query("batch")), call.query("after", "0"), call.query("limit", "1000")
        if not (after.isdigit() and limit.isdigit() and 1 <= int(limit) <= 1_000):
            raise fields.invalid("limit", "is a number from 1 to 1000, and `after` a sequence number.")
        ticks = [tick for tick in ticks_of(batch) if tick["sequence"] > int(after)]
        return {"items": ticks[: int(limit)]}

    def _quarantines(self, call: Call) -> dict[str, Any]:
        wanted = {"batch_id": call.query("batch"), "reference": call.query("reference")}
        return {"items": self.all("quarantine", **wanted)}

    # Writing

    def _quarantine(self, call: Call) -> dict[str, Any]:
        asked = call.take(
            reference=_REFERENCE,
            sequences=fields.rows(fields.whole(1), most=TICKS * 2),
            reason=fields.text(longest=500),
        )
        batch = self._batch(call.path("id"))
        if batch["status"] == "published":
            raise Refused(409, "already_published", "The batch is published: withdraw it first.")
        if not {tick["sequence"] for tick in ticks_of(batch)} >= set(asked["sequences"]):
            raise fields.invalid("sequences", "are those of ticks in the batch.")
        identity = self.next_id("quarantine", "qua")
        made = {"id": identity, "batch_id": batch["id"], **asked, "status": "held", "created_at": self.stamp()}
        self.keep("quarantine", made)
        self._tell(call, "ticks_quarantined", f"quarantine/{identity}", made, standing=True)
        return made

    def _release(self, call: Call) -> dict[str, Any]:
        call.take(reason=fields.text(None))
        made = self.find("quarantine", call.path("id"))
        if made["status"] == "held":
            made["status"] = "released"
            self.keep("quarantine", made)
            self._tell(call, "ticks_released", f"quarantine/{made['id']}", made, standing=False)
        return made

    def _publish(self, call: Call) -> dict[str, Any]:
        asked = call.take(reference=_REFERENCE)
        batch = self._batch(call.path("id"))
        if batch["status"] == "published":
            return batch
        held = {
            sequence
            for row in self.all("quarantine", batch_id=batch["id"], status="held")
            for sequence in row["sequences"]
        }
        batch["published"] = sorted({tick["sequence"] for tick in ticks_of(batch)} - held)
        batch["status"] = "published"
        self.keep("batch", batch)
        told = {"batch_id": batch["id"], "sequences": batch["published"], "reference": asked["reference"]}
        self._tell(call, "batch_published", f"batch/{batch['id']}", told, standing=True)
        return batch

    def _withdraw(self, call: Call) -> dict[str, Any]:
        asked = call.take(reference=_REFERENCE)
        batch = self._batch(call.path("id"))
        if batch["status"] == "published":
            batch |= {"status": "received", "published": []}
            self.keep("batch", batch)
            told = {"batch_id": batch["id"], "sequences": [], "reference": asked["reference"]}
            self._tell(call, "batch_withdrawn", f"batch/{batch['id']}", told, standing=False)
        return batch

    def _tell(self, call: Call, kind: str, subject: str, made: dict[str, Any], *, standing: bool) -> None:
        facts = {"Reference": made["reference"], "Ticks": len(made["sequences"]), "Reason": made.get("reason", "-")}
        title = f"Batch {made['batch_id']}: {kind.replace('_', ' ')}"
        self.record(call, kind, subject, title, facts, reference=made["reference"], standing=standing)


def ticks_of(batch: dict[str, Any]) -> list[dict[str, Any]]:
    """The ticks of a batch, the odd ones among them."""
    dice = random.Random(batch["id"])
    at = datetime.strptime(batch["date"], "%Y-%m-%d").replace(hour=9, tzinfo=UTC)
    price, ticks, sequence = INSTRUMENTS[batch["symbol"]], [], 0
    for place in range(batch["ticks"]):
        sequence += 4 if place == _ODD_PLACES["gap"] else 0 if place == _ODD_PLACES["repeated"] else 1
        price = round(price * (1 + dice.uniform(-0.002, 0.002)), 4)
        tick: dict[str, Any] = {
            "sequence": sequence,
            "symbol": batch["symbol"],
            "at": (at + timedelta(seconds=place)).isoformat(),
            "price": price,
            "volume": dice.randint(1, 500),
            "venue": "XETR",
        }
        ticks.append(tick | _oddity(place, tick, at))
    return ticks


def _oddity(place: int, tick: dict[str, Any], at: datetime) -> dict[str, Any]:
    if place == _ODD_PLACES["decimal"]:
        return {"price": round(tick["price"] * 10, 4)}
    if place == _ODD_PLACES["negative"]:
        return {"price": -tick["price"]}
    if place == _ODD_PLACES["stale"]:
        return {"at": (at - timedelta(days=1)).isoformat()}
    if place == _ODD_PLACES["no_volume"]:
        return {"volume": None}
    return {}
