"""The credentials of a deployed service. Only a reference to a vault is ever given out, never a secret.

A new credential works, except when its object is set to `{"works": false}` through the outbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox import fields
from sandbox.fields import Refused
from sandbox.rest import Call, Way

if TYPE_CHECKING:
    from sandbox.deployments import DeploymentSimulator


class Credentials:
    """The part of a cluster that rotates credentials: make a new one, verify it, revoke the old one."""

    def __init__(self, cluster: DeploymentSimulator) -> None:
        self._cluster = cluster

    def ways(self) -> list[Way]:
        """Every operation."""
        credentials = "/v1/services/{service}/credentials"
        return [
            Way("GET", credentials, lambda call: {"items": [_shown(row) for row in self._of(call.path("service"))]}),
            Way("POST", credentials, self._create, 201),
            Way("POST", f"{credentials}/{{id}}/verify", self._verify),
            Way("POST", f"{credentials}/{{id}}/revoke", self._revoke),
        ]

    def _of(self, service: str) -> list[dict[str, Any]]:
        self._cluster.service(service)
        known = self._cluster.all("credential", service=service)
        return known or [self._make(service, verified=True)]

    def _one(self, call: Call) -> dict[str, Any]:
        known = {row["id"]: row for row in self._of(call.path("service"))}
        if call.path("id") not in known:
            raise Refused(404, "not_found", "The service has no such credential.")
        return known[call.path("id")]

    def _make(self, service: str, *, verified: bool) -> dict[str, Any]:
        identity = self._cluster.next_id("credential", "crd")
        made = {
            "id": identity,
            "service": service,
            "status": "active",
            "verified": verified,
            "works": True,
            "secret_reference": f"vault:services/{service}/{identity}",
            "created_at": self._cluster.stamp(),
        }
        return self._cluster.keep("credential", made)

    def _create(self, call: Call) -> dict[str, Any]:
        call.take(reason=fields.text(None))
        service = call.path("service")
        active = [row for row in self._of(service) if row["status"] == "active"]
        if len(active) >= 2:
            raise Refused(409, "too_many_credentials", "A service has at most two: revoke one.")
        made = self._make(service, verified=False)
        return self._done(call, "credential_made", made, "made", standing=True)

    def _verify(self, call: Call) -> dict[str, Any]:
        call.take()
        made = self._one(call)
        if made["status"] != "active" or not made["works"]:
            raise Refused(409, "credential_refused", "The service could not sign in with that credential.")
        made["verified"] = True
        return self._done(call, "credential_verified", made, "verified", standing=True)

    def _revoke(self, call: Call) -> dict[str, Any]:
        call.take(reason=fields.text(None))
        made = self._one(call)
        if made["status"] == "revoked":
            return _shown(made)
        others = [row for row in self._of(made["service"]) if row["id"] != made["id"]]
        if not any(row["status"] == "active" and row["verified"] for row in others):
            raise Refused(409, "last_credential", "The service would have none that is verified: verify another.")
        made["status"] = "revoked"
        self._cluster.heal(made["service"], "credential")
        return self._done(call, "credential_revoked", made, "revoked", standing=False)

    def _done(self, call: Call, kind: str, made: dict[str, Any], word: str, *, standing: bool) -> dict[str, Any]:
        self._cluster.keep("credential", made)
        title = f"{made['service']}: credential {made['id']} {word}"
        facts = {"Vault": made["secret_reference"]}
        self._cluster.record(call, kind, f"credential/{made['id']}", title, facts, standing=standing)
        return _shown(made)


def _shown(made: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if name != "works"}
