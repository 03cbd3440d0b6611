"""A deployment target: services with a stable and a canary version, replicas, configuration and credentials.

What is done here moves the metrics (`sandbox/metrics.py`). A version with `bad` in its name gets worse once it has a
quarter of the traffic; `bad-50` once it has half. Any other version exists, except those that begin with `unknown`.
"""

from __future__ import annotations

from typing import Any

from sandbox import fields
from sandbox.credentials import Credentials
from sandbox.fields import Refused
from sandbox.rest import Call, JsonVendor, Way
from sandbox.service_config import ServiceConfig, values_of

MOST_REPLICAS = 20
SERVICES = {"checkout": "v1", "payments": "v7", "search": "v3", "notifications": "v2"}
_VERSION = fields.text(longest=64, pattern=r"[A-Za-z0-9._-]+")
_REASON = fields.text(None, longest=500)


class DeploymentSimulator(JsonVendor):
    """One cluster. The state of a service is one object; what it was before stands in its history."""

    name = "deployments"

    def seed(self) -> None:
        for service, version in SERVICES.items():
            self._make(service, version)

    def ways(self) -> list[Way]:
        one = "/v1/services/{service}"
        return [
            Way("GET", "/v1/services", lambda call: {"items": self.all("service")}),
            Way("GET", one, lambda call: self.service(call.path("service"))),
            Way("POST", f"{one}/canary", self._start_canary, 201),
            Way("PUT", f"{one}/traffic", self._set_traffic),
            Way("POST", f"{one}/promote", self._promote),
            Way("POST", f"{one}/rollback", self._roll_back),
            Way("POST", f"{one}/restart", self._restart),
            Way("PUT", f"{one}/replicas", self._scale),
            *ServiceConfig(self).ways(),
            *Credentials(self).ways(),
        ]

    def _make(self, service: str, version: str) -> None:
        made = {
            "name": service,
            "stable_version": version,
            "previous_version": None,
            "canary_version": None,
            "canary_percent": 0,
            "replicas": 3,
            "restarts": 0,
            "restarted_at": None,
            "config_version": 1,
            "revision": 0,
        }
        self.save(made)

    def service(self, name: str) -> dict[str, Any]:
        """One service; raises `Refused`."""
        return self.find("service", name)

    def save(self, service: dict[str, Any]) -> dict[str, Any]:
        """Keep a service, and for the metrics how it is from now on."""
        service["revision"] += 1
        name, now = service["name"], self.world.now().timestamp()
        history = self.world.find(self.name, "history", name) or {"id": name, "states": []}
        runs = {one: service[one] for one in ("stable_version", "config_version", "restarts")}
        last = history["states"][-1] if history["states"] else {}
        started = last["started"] if last.get("runs") == runs else now
        state = {"at": now, "shares": shares(service), "runs": runs, "started": started}
        history["states"].append(state | {"config": values_of(self.world, self.name, name)})
        self.keep("history", history)
        return self.keep("service", service, name)

    def heal(self, service: str, remedy: str) -> None:
        """End the troubles that this remedy ends (see `sandbox/metrics.py`)."""
        for trouble in self.all("trouble", service=service):
            if trouble.get("ends_with") == remedy:
                self.world.remove(self.name, "trouble", trouble["id"])

    # Versions and traffic

    def _start_canary(self, call: Call) -> dict[str, Any]:
        asked = call.take(version=_VERSION, percent=fields.whole(0, 100, default=0))
        service = self.service(call.path("service"))
        if asked["version"].startswith("unknown"):
            raise Refused(404, "unknown_version", "There is no such version.")
        if asked["version"] == service["stable_version"]:
            raise Refused(409, "already_stable", "That version has all of the traffic already.")
        if service["canary_version"] not in (None, asked["version"]):
            raise Refused(409, "canary_running", "Another version is being tried: promote it or roll it back.")
        service |= {"canary_version": asked["version"], "canary_percent": asked["percent"]}
        return self._done(call, service, "canary_started", f"{asked['version']} is tried", standing=True)

    def _set_traffic(self, call: Call) -> dict[str, Any]:
        asked = call.take(canary_percent=fields.whole(0, 100))
        service = self.service(call.path("service"))
        if service["canary_version"] is None:
            raise Refused(409, "no_canary", "No version is being tried: start a canary.")
        service["canary_percent"] = asked["canary_percent"]
        word = f"{service['canary_version']} gets {asked['canary_percent']} %"
        return self._done(call, service, "traffic_set", word, standing=True)

    def _promote(self, call: Call) -> dict[str, Any]:
        asked = call.take(version=_VERSION)
        service = self.service(call.path("service"))
        if service["stable_version"] == asked["version"] and service["canary_version"] is None:
            return service
        if service["canary_version"] != asked["version"]:
            raise Refused(409, "not_the_canary", "That version is not being tried.")
        service |= {
            "previous_version": service["stable_version"],
            "stable_version": asked["version"],
            "canary_version": None,
            "canary_percent": 0,
        }
        return self._done(call, service, "version_promoted", f"{asked['version']} is stable", standing=True)

    def _roll_back(self, call: Call) -> dict[str, Any]:
        """Takes a canary away; without one, goes back to the version before, or to the one that is named."""
        asked = call.take(to_version=fields.text(None, longest=64), reason=_REASON)
        service = self.service(call.path("service"))
        target = asked["to_version"] or (
            service["stable_version"] if service["canary_version"] else service["previous_version"]
        )
        if target is None:
            raise Refused(409, "nothing_to_roll_back", "There is no earlier version.")
        if target == service["stable_version"] and service["canary_version"] is None:
            return service
        service |= {"canary_version": None, "canary_percent": 0}
        if target != service["stable_version"]:
            service |= {"previous_version": service["stable_version"], "stable_version": target}
        self.heal(service["name"], "rollback")
        return self._done(call, service, "rolled_back", f"back to {target}", asked["reason"], standing=False)

    # Restart and replicas

    def _restart(self, call: Call) -> dict[str, Any]:
        asked = call.take(drain_seconds=fields.whole(0, 600, default=0), reason=_REASON)
        service = self.service(call.path("service"))
        service |= {"restarts": service["restarts"] + 1, "restarted_at": self.stamp()}
        self.heal(service["name"], "restart")
        word = f"drained for {asked['drain_seconds']} s and restarted" if asked["drain_seconds"] else "restarted"
        return self._done(call, service, "service_restarted", word, asked["reason"])

    def _scale(self, call: Call) -> dict[str, Any]:
        asked = call.take(replicas=fields.whole(0, 10_000), reason=_REASON)
        service = self.service(call.path("service"))
        if asked["replicas"] > MOST_REPLICAS:
            raise Refused(422, "over_quota", f"A service has at most {MOST_REPLICAS} replicas.", field="replicas")
        if asked["replicas"] > service["replicas"]:
            self.heal(service["name"], "scale")
        service["replicas"] = asked["replicas"]
        return self._done(call, service, "service_scaled", f"{asked['replicas']} replicas", asked["reason"])

    def _done(
        self, call: Call, service: dict[str, Any], kind: str, word: str, reason: str | None = None, *,
        standing: bool | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        self.save(service)
        facts = {
            "Stable": service["stable_version"],
            "Canary": f"{service['canary_version'] or '-'} ({service['canary_percent']} %)",
            "Replicas": service["replicas"],
        }
        if reason:
            facts["Reason"] = reason
        subject = f"release/{service['name']}"
        self.record(call, kind, subject, f"{service['name']}: {word}", facts, standing=standing)
        return service


def shares(service: dict[str, Any]) -> list[dict[str, Any]]:
    """Which version has how much of the traffic."""
    stable = {"version": service["stable_version"], "track": "stable", "percent": 100 - service["canary_percent"]}
    canary = {"version": service["canary_version"], "track": "canary", "percent": service["canary_percent"]}
    return [share for share in (stable, canary) if share["version"] is not None and share["percent"] > 0]
