"""The configuration of a deployed service: numbered versions, of which the last one is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox import fields
from sandbox.fields import Refused
from sandbox.rest import Call, Way

if TYPE_CHECKING:
    from sandbox.deployments import DeploymentSimulator
    from sandbox.world import World

_FIRST = {"log_level": "info", "timeout_ms": 2000, "pool_size": 20, "feature_new_cart": False}


def values_of(world: World, vendor: str, service: str) -> dict[str, Any]:
    """What is in force in a service now."""
    kept = world.find(vendor, "config", service)
    values = kept["versions"][-1]["values"] if kept else _FIRST
    return dict(values) if isinstance(values, dict) else {}


class ServiceConfig:
    """The part of a cluster that keeps configuration."""

    def __init__(self, cluster: DeploymentSimulator) -> None:
        self._cluster = cluster

    def ways(self) -> list[Way]:
        """Every operation."""
        config = "/v1/services/{service}/config"
        return [
            Way("GET", config, lambda call: self._versions(call.path("service"))[-1]),
            Way("PUT", config, self._put),
            Way("GET", f"{config}/versions", lambda call: {"items": self._versions(call.path("service"))}),
            Way("POST", f"{config}/rollback", self._roll_back),
        ]

    def _versions(self, name: str) -> list[dict[str, Any]]:
        self._cluster.service(name)
        first = {"version": 1, "values": _FIRST, "based_on": None, "created_at": "2026-01-01T00:00:00Z"}
        kept = self._cluster.world.find(self._cluster.name, "config", name)
        return list(kept["versions"]) if kept else [first]

    def _put(self, call: Call) -> dict[str, Any]:
        asked = call.take(
            values=fields.anything(), expected_version=fields.whole(1, default=None), reason=fields.text(None)
        )
        last = self._versions(call.path("service"))[-1]["version"]
        if asked["expected_version"] not in (None, last):
            raise Refused(409, "version_conflict", "Somebody changed the configuration.", current_version=last)
        return self._add(call, "config_changed", asked["values"], None)

    def _roll_back(self, call: Call) -> dict[str, Any]:
        asked = call.take(version=fields.whole(1), reason=fields.text(None))
        known = {row["version"]: row for row in self._versions(call.path("service"))}
        if asked["version"] not in known:
            raise Refused(404, "not_found", "There is no such version of the configuration.")
        last = max(known)
        if asked["version"] in (last, known[last]["based_on"]):
            return known[last]
        self._cluster.heal(call.path("service"), "config")
        return self._add(call, "config_rolled_back", known[asked["version"]]["values"], asked["version"])

    def _add(self, call: Call, kind: str, values: dict[str, Any], based_on: int | None) -> dict[str, Any]:
        name = call.path("service")
        versions = self._versions(name)
        made = {
            "version": versions[-1]["version"] + 1,
            "values": values,
            "based_on": based_on,
            "created_at": self._cluster.stamp(),
        }
        self._cluster.keep("config", {"id": name, "versions": [*versions, made]})
        self._cluster.save(self._cluster.service(name) | {"config_version": made["version"]})
        word = f"as in version {based_on}" if based_on else "changed"
        title = f"{name}: configuration {made['version']}, {word}"
        self._cluster.record(call, kind, f"config/{name}", title, values, standing=based_on is None)
        return made
