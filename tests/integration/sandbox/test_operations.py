"""The cluster with its metrics, and the fleet: what a release, a restart or new firmware does to them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.described import Described
from tests.vendor_world import Outside

ERRORS = "service:error_ratio:rate5m"


async def ask(world: Outside, path: str = "query", **parameters: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=world.url("metrics"), trust_env=False) as client:
        return await client.get(f"/api/v1/{path}", params=parameters)


async def errors(world: Outside, **labels: str) -> dict[str, float]:
    """Version -> error ratio."""
    matchers = ",".join(f'{name}="{value}"' for name, value in labels.items())
    answer = (await ask(world, query=f"{ERRORS}{{{matchers}}}")).json()
    assert answer["status"] == "success"
    return {row["metric"]["version"]: float(row["value"][1]) for row in answer["data"]["result"]}


async def test_a_bad_version_gets_worse_once_it_has_a_quarter_of_the_traffic(world: Outside) -> None:
    async with Described("deployments", world.url("deployments")) as api:
        await api.call("startCanary", {"version": "v-bad", "percent": 5}, service="checkout")
        assert await errors(world, service="checkout") == {"v1": 0.002, "v-bad": 0.002}
        await api.call("setTraffic", {"canary_percent": 25}, service="checkout")
        assert await errors(world, service="checkout", track="canary") == {"v-bad": 0.18}
        assert await errors(world, service="checkout", track="stable") == {"v1": 0.002}
        await api.call("rollBack", {}, service="checkout")
        assert await errors(world, service="checkout") == {"v1": 0.002}
        assert await world.ask("GET", "/api/standing") == []
        await api.call("startCanary", {"version": "v2-bad-50", "percent": 49}, service="checkout")
        assert (await errors(world, service="checkout"))["v2-bad-50"] == 0.002


async def test_a_range_shows_what_was_deployed_when(world: Outside) -> None:
    async with Described("deployments", world.url("deployments")) as api:
        await world.ask("POST", "/api/clock", json={"advance_seconds": 600})
        await api.call("startCanary", {"version": "v-bad", "percent": 50}, service="search")
        await world.ask("POST", "/api/clock", json={"advance_seconds": 600})
        await api.call("rollBack", {}, service="search")
    now = float((await ask(world, query="up")).json()["data"]["result"][0]["value"][0])
    query = {"query": f'{ERRORS}{{service="search"}}', "start": now - 1100, "end": now, "step": "5m"}
    answer = (await ask(world, "query_range", **query)).json()["data"]
    assert answer["resultType"] == "matrix"
    points = {row["metric"]["version"]: [float(value) for _, value in row["values"]] for row in answer["result"]}
    assert points == {"v3": [0.002] * 4, "v-bad": [0.18] * 2}


@pytest.mark.parametrize(
    ("remedy", "operation", "body"),
    [
        ("restart", "restartService", {"reason": "leak"}),
        ("scale", "scaleService", {"replicas": 6}),
        ("rollback", "rollBack", {"to_version": "v2"}),
        ("config", "rollBackConfig", {"version": 1}),
    ],
)
async def test_a_trouble_ends_with_its_own_remedy_and_with_no_other(
    world: Outside, remedy: str, operation: str, body: dict[str, Any]
) -> None:
    trouble = {"service": "search", "error_ratio": 0.4, "ends_with": remedy}
    await world.ask("PATCH", "/api/objects/deployments/trouble/t1", json=trouble)
    async with Described("deployments", world.url("deployments")) as api:
        await api.call("putConfig", {"values": {"pool_size": 1}}, service="search")
        other = ("scaleService", {"replicas": 4}) if remedy != "scale" else ("restartService", {})
        await api.call(other[0], other[1], service="search")
        assert await errors(world, service="search") == {"v3": 0.4}
        assert (await errors(world, service="payments"))["v7"] == 0.002
        await api.call(operation, body, service="search")
    assert set((await errors(world, service="search")).values()) == {0.002}


async def test_what_builds_up_comes_back_until_its_cause_is_gone(world: Outside) -> None:
    needs = {"service": "payments", "error_ratio": 0.3, "config": {"pool_size": 4}, "after_minutes": 10}
    await world.ask("PATCH", "/api/objects/deployments/trouble/pool", json=needs)

    async def minutes(many: int) -> float:
        await world.ask("POST", "/api/clock", json={"advance_seconds": 60 * many})
        (ratio,) = (await errors(world, service="payments")).values()
        return ratio

    async with Described("deployments", world.url("deployments")) as api:
        assert await minutes(30) == 0.002
        await api.call("putConfig", {"values": {"pool_size": 4}}, service="payments")
        assert [await minutes(9), await minutes(2)] == [0.002, 0.3]
        # It begins anew with whatever starts the service, and what does not start it makes no difference.
        await api.call("scaleService", {"replicas": 6}, service="payments")
        assert await minutes(0) == 0.3
        await api.call("rollBack", {"to_version": "v6"}, service="payments")
        assert [await minutes(9), await minutes(2)] == [0.002, 0.3]
        await api.call("restartService", {}, service="payments")
        assert [await minutes(9), await minutes(2)] == [0.002, 0.3]
        await api.call("rollBackConfig", {"version": 1}, service="payments")
        assert await minutes(60) == 0.002


async def test_queries_select_compare_and_are_refused_as_prometheus_does(world: Outside) -> None:
    some = (await ask(world, query='{__name__=~"up|service:cpu.*",service!="search"}')).json()["data"]["result"]
    assert {row["metric"]["__name__"] for row in some} == {"up", "service:cpu:utilisation"}
    assert "search" not in {row["metric"]["service"] for row in some}
    assert (await ask(world, query=f"{ERRORS} > 0.1")).json()["data"]["result"] == []
    assert len((await ask(world, query=f"{ERRORS} < 0.1")).json()["data"]["result"]) == 4
    assert (await ask(world, query="no_such_metric")).json()["data"]["result"] == []
    for query in ("", "up{", 'up{service="a" "b"}', 'up{service=~"("}', "rate(up[5m])"):
        refused = await ask(world, query=query)
        assert (refused.status_code, refused.json()["errorType"]) == (400, "bad_data"), query
    assert (await ask(world, "query_range", query="up", start=0, end=1, step=0)).status_code == 400
    assert (await ask(world, "query_range", query="up", start=0, end=1e6, step=1)).status_code == 400
    await world.fault("metrics", "fail", status=503)
    assert (await ask(world, query="up")).json()["status"] == "error"


async def test_a_cluster_refuses_what_would_leave_it_without(world: Outside) -> None:
    async with Described("deployments", world.url("deployments")) as api:
        one = {"service": "checkout"}
        (old,) = (await api.call("listCredentials", **one))["items"]
        assert await api.call("revokeCredential", {}, id=old["id"], refused=409, **one) == "last_credential"
        new = await api.call("createCredential", {}, **one)
        assert "vault:" in new["secret_reference"]
        assert await api.call("createCredential", {}, refused=409, **one) == "too_many_credentials"
        assert await api.call("revokeCredential", {}, id=old["id"], refused=409, **one) == "last_credential"
        await world.ask("PATCH", f"/api/objects/deployments/credential/{new['id']}", json={"works": False})
        assert await api.call("verifyCredential", id=new["id"], refused=409, **one) == "credential_refused"
        assert await api.call("scaleService", {"replicas": 21}, refused=422, **one) == "over_quota"
        assert await api.call("setTraffic", {"canary_percent": 5}, refused=409, **one) == "no_canary"
        assert await api.call("promote", {"version": "v2"}, refused=409, **one) == "not_the_canary"
        assert await api.call("rollBack", {}, refused=409, **one) == "nothing_to_roll_back"
        assert await api.call("startCanary", {"version": "unknown-1"}, refused=404, **one) == "unknown_version"
        assert await api.call("startCanary", {"version": "v1"}, refused=409, **one) == "already_stable"
        stale = {"values": {}, "expected_version": 7}
        assert await api.call("putConfig", stale, refused=409, **one) == "version_conflict"


async def test_undoing_a_canary_that_never_started_changes_nothing(world: Outside) -> None:
    async with Described("deployments", world.url("deployments")) as api:
        await api.call("startCanary", {"version": "v2"}, service="checkout")
        await api.call("promote", {"version": "v2"}, service="checkout")
        await api.call("rollBack", {"to_version": "v2"}, service="checkout")
        assert (await api.call("getService", service="checkout"))["stable_version"] == "v2"


async def test_a_device_that_is_offline_takes_nothing_and_a_restart_heals_one_with_good_firmware(
    world: Outside,
) -> None:
    async with Described("fleet", world.url("fleet")) as api:
        assert await api.call("pushFirmware", {"version": "2.5"}, id="dev-024", refused=409) == "device_offline"
        assert await api.call("rollBackFirmware", {}, id="dev-001", refused=409) == "nothing_to_roll_back"
        assert [row["id"] for row in (await api.call("listDevices", health="degraded"))["items"]] == [
            "dev-007",
            "dev-015",
        ]
        assert (await api.call("restartDevice", {}, id="dev-007"))["health"] == "healthy"
        made = {"reference": "CHG-1", "version": "2.5", "device_ids": ["dev-001", "dev-002"]}
        rollout = await api.call("createRollout", made)
        await api.call("pushFirmware", {"version": "2.6"}, id="dev-002")
        await api.call("rollBackRollout", {}, id=rollout["id"])
        assert (await api.call("getDevice", id="dev-001"))["firmware"] == "2.4.1"
        assert (await api.call("getDevice", id="dev-002"))["firmware"] == "2.6"
