"""A fleet of devices in three plants: firmware, health, roll-outs.

Firmware with `bad` in its name makes a device unwell. Device `dev-024` is offline, `dev-007` and `dev-015` are unwell.
"""

from __future__ import annotations

from typing import Any

from sandbox import fields
from sandbox.fields import Refused
from sandbox.rest import Call, JsonVendor, Way

PLANTS = ("hamburg", "leipzig", "ulm")
DEVICES = 24
_FIRMWARE = fields.text(longest=40, pattern=r"[A-Za-z0-9._-]+")
_REASON = fields.text(None, longest=500)
_PAGE = 50


class FleetSimulator(JsonVendor):
    """One manufacturer's devices."""

    name = "fleet"

    def seed(self) -> None:
        for number in range(1, DEVICES + 1):
            identity = f"dev-{number:03}"
            unwell = number in (7, 15)
            device = {
                "id": identity,
                "plant": PLANTS[number % len(PLANTS)],
                "model": "PX-2" if number % 2 else "PX-3",
                "firmware": "2.3.0" if number % 4 == 0 else "2.4.1",
                "previous_firmware": None,
                "health": "offline" if number == DEVICES else "degraded" if unwell else "healthy",
                "temperature_celsius": 81.5 if unwell else 46.0,
                "error_count": 37 if unwell else 0,
                "restarts": 0,
                "updated_at": "2026-01-01T00:00:00Z",
            }
            self.keep("device", device)

    def ways(self) -> list[Way]:
        return [
            Way("GET", "/v1/devices", self._list),
            Way("GET", "/v1/devices/{id}", lambda call: self.find("device", call.path("id"))),
            Way("GET", "/v1/devices/{id}/health", self._health),
            Way("POST", "/v1/devices/{id}/firmware", self._push),
            Way("POST", "/v1/devices/{id}/rollback", self._roll_back),
            Way("POST", "/v1/devices/{id}/restart", self._restart),
            Way("GET", "/v1/rollouts", lambda call: {"items": self.all("rollout", reference=call.query("reference"))}),
            Way("POST", "/v1/rollouts", self._roll_out, 201),
            Way("GET", "/v1/rollouts/{id}", lambda call: self.find("rollout", call.path("id"))),
            Way("POST", "/v1/rollouts/{id}/rollback", self._take_back),
        ]

    def _list(self, call: Call) -> dict[str, Any]:
        wanted = {name: call.query(name) for name in ("firmware", "plant", "model", "health")}
        found = self.all("device", **wanted)
        start, limit = call.query("cursor", "0"), call.query("limit", str(_PAGE))
        if not (start.isdigit() and limit.isdigit() and 1 <= int(limit) <= _PAGE):
            raise fields.invalid("limit", f"is a number from 1 to {_PAGE}.")
        end = int(start) + int(limit)
        return {"items": found[int(start) : end], "next_cursor": str(end) if end < len(found) else None}

    def _health(self, call: Call) -> dict[str, Any]:
        device = self.find("device", call.path("id"))
        checks = [
            {"name": "reachable", "passed": device["health"] != "offline"},
            {"name": "temperature", "passed": device["temperature_celsius"] < 75},
            {"name": "errors", "passed": device["error_count"] < 10},
        ]
        return {"id": device["id"], "health": device["health"], "firmware": device["firmware"], "checks": checks}

    # One device

    def _reachable(self, call: Call) -> dict[str, Any]:
        device = self.find("device", call.path("id"))
        if device["health"] == "offline":
            raise Refused(409, "device_offline", "The device does not answer.")
        return device

    def _push(self, call: Call) -> dict[str, Any]:
        asked = call.take(version=_FIRMWARE, reason=_REASON)
        return self._install(call, self._reachable(call), asked["version"], "firmware_pushed", standing=True)

    def _roll_back(self, call: Call) -> dict[str, Any]:
        asked = call.take(to_version=fields.text(None, longest=40), reason=_REASON)
        device = self._reachable(call)
        target = asked["to_version"] or device["previous_firmware"]
        if target is None:
            raise Refused(409, "nothing_to_roll_back", "The device has no earlier firmware.")
        return self._install(call, device, target, "firmware_rolled_back", standing=False)

    def _install(
        self, call: Call, device: dict[str, Any], version: str, kind: str, *, standing: bool
    ) -> dict[str, Any]:
        if device["firmware"] == version:
            return device
        device |= {"previous_firmware": device["firmware"], "firmware": version}
        _set_health(device, well="bad" not in version)
        word = f"firmware {version}" if standing else f"back to firmware {version}"
        return self._done(call, kind, device, word, standing=standing)

    def _restart(self, call: Call) -> dict[str, Any]:
        call.take(reason=_REASON)
        device = self._reachable(call)
        device["restarts"] += 1
        _set_health(device, well="bad" not in device["firmware"])
        return self._done(call, "device_restarted", device, "restarted", standing=None)

    def _done(
        self, call: Call, kind: str, device: dict[str, Any], word: str, *, standing: bool | None
    ) -> dict[str, Any]:
        device["updated_at"] = self.stamp()
        self.keep("device", device)
        facts = {"Plant": device["plant"], "Model": device["model"], "Health": device["health"]}
        title = f"Device {device['id']}: {word}"
        self.record(call, kind, f"firmware/{device['id']}", title, facts, standing=standing)
        return device

    # Many devices

    def _roll_out(self, call: Call) -> dict[str, Any]:
        asked = call.take(
            reference=fields.text(longest=200),
            version=_FIRMWARE,
            device_ids=fields.rows(fields.text(longest=40), most=500),
        )
        devices = [self.find("device", identity) for identity in dict.fromkeys(asked["device_ids"])]
        results = []
        for device in devices:
            before = device["firmware"]
            online = device["health"] != "offline"
            results.append({"device_id": device["id"], "updated": online, "from_version": before})
            if online:
                self._install(call, device, asked["version"], "firmware_pushed", standing=True)
        made = {
            "id": self.next_id("rollout", "rol"),
            "reference": asked["reference"],
            "version": asked["version"],
            "status": "done" if all(row["updated"] for row in results) else "partial",
            "results": results,
            "created_at": self.stamp(),
        }
        return self.keep("rollout", made)

    def _take_back(self, call: Call) -> dict[str, Any]:
        call.take(reason=_REASON)
        made = self.find("rollout", call.path("id"))
        for row in made["results"] if made["status"] != "rolled_back" else []:
            device = self.find("device", row["device_id"])
            # A device that was given something else meanwhile is left alone.
            if row["updated"] and device["firmware"] == made["version"]:
                self._install(call, device, row["from_version"], "firmware_rolled_back", standing=False)
        made["status"] = "rolled_back"
        return self.keep("rollout", made)


def _set_health(device: dict[str, Any], *, well: bool) -> None:
    device["health"] = "healthy" if well else "degraded"
    device |= {"temperature_celsius": 46.0, "error_count": 0} if well else {"error_count": 52}
