"""What the plain vendors share: keys, repeats, faults, what stands, and what the outbox shows of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.described import Described
from tests.vendor_world import Outside

ORDER = {"reference": "O-1001", "items": [{"sku": "STOVE-1", "quantity": 2}]}
KEY = "playbook:acme:order-fulfilment:O-1001/reserve"


@pytest.fixture
async def api(world: Outside) -> AsyncIterator[Described]:
    async with Described("inventory", world.url("inventory")) as client:
        yield client


async def test_the_same_key_gives_the_first_answer_again_and_has_no_second_effect(
    world: Outside, api: Described
) -> None:
    first = await api.call("createReservation", ORDER, key=KEY)
    assert "Idempotent-Replayed" not in api.last_headers
    assert await api.call("createReservation", ORDER, key=KEY) == first
    assert api.last_headers["Idempotent-Replayed"] == "true"
    assert await world.count("inventory", KEY) == 1
    assert len((await api.call("findReservations", reference="O-1001"))["items"]) == 1


async def test_the_same_key_with_another_request_is_refused(world: Outside, api: Described) -> None:
    await api.call("createReservation", ORDER, key=KEY)
    other = ORDER | {"reference": "O-2"}
    assert await api.call("createReservation", other, key=KEY, refused=409) == "idempotency_key_reused"
    assert await world.count("inventory", KEY) == 1


async def test_a_refusal_is_not_remembered_under_its_key(world: Outside, api: Described) -> None:
    too_much = {"reference": "O-1", "items": [{"sku": "LAMP-LED", "quantity": 1}]}
    assert await api.call("createReservation", too_much, key=KEY, refused=409) == "out_of_stock"
    await world.ask("PATCH", "/api/objects/inventory/stock/LAMP-LED@berlin", json={"on_hand": 1})
    assert (await api.call("createReservation", too_much, key=KEY))["missing"] == []


async def test_a_lost_answer_left_its_effect_and_the_repeat_finds_it(world: Outside, api: Described) -> None:
    await world.fault("inventory", "drop", match="POST /v1/reservations")
    with pytest.raises(httpx.RemoteProtocolError):
        await api.call("createReservation", ORDER, key=KEY)
    assert await world.count("inventory", KEY) == 1
    await api.call("createReservation", ORDER, key=KEY)
    assert await world.count("inventory", KEY) == 1


@pytest.mark.parametrize(("kind", "effects"), [("stall", 1), ("hang", 0)])
async def test_a_request_that_is_never_answered_took_effect_or_not(
    world: Outside, api: Described, kind: str, effects: int
) -> None:
    await world.fault("inventory", kind)
    with pytest.raises(httpx.ReadTimeout):
        await api.call("createReservation", ORDER, key=KEY, wait_seconds=0.3)
    assert await world.count("inventory", KEY) == effects


async def test_a_delivery_that_happens_twice_is_counted_twice(world: Outside, api: Described) -> None:
    await world.fault("inventory", "duplicate")
    await api.call("createReservation", ORDER, key=KEY)
    assert await world.count("inventory", KEY) == 2
    assert [entry["repeated"] for entry in await world.messages("inventory")] == [False, True]


async def test_faults_refuse_throttle_and_delay(world: Outside, api: Described) -> None:
    await world.fault("inventory", "throttle", retry_after="7")
    assert await api.call("listWarehouses", refused=429) == "ratelimited"
    assert api.last_headers["Retry-After"] == "7"
    await world.fault("inventory", "fail", status=503)
    assert await api.call("listWarehouses", refused=503) == "internal_error"
    await world.fault("inventory", "delay", delay_ms=200)
    began = time.monotonic()
    await api.call("listWarehouses")
    assert time.monotonic() - began >= 0.2
    await world.fault("inventory", "down", times=None)
    with pytest.raises(httpx.ConnectError):
        await api.call("listWarehouses")
    await world.ask("DELETE", "/api/faults")
    await api.call("listWarehouses")


async def test_what_stands_is_all_of_it_after_it_went_well_and_nothing_after_it_was_undone(
    world: Outside, api: Described
) -> None:
    made = await api.call("createReservation", ORDER, key=KEY)
    (standing,) = await world.ask("GET", "/api/standing", params={"case": "O-1001"})
    assert standing == {
        "vendor": "inventory",
        "subject": f"reservation/{made['id']}",
        "kind": "reservation_made",
        "case": "O-1001",
        "key": KEY,
    }
    await api.call("releaseReservations", {"reference": "O-1001"}, key=f"{KEY}/undo")
    assert await world.ask("GET", "/api/standing") == []


async def test_each_effect_of_one_request_is_counted_for_itself(world: Outside, api: Described) -> None:
    for _ in range(2):
        await api.call("createReservation", ORDER)
    await api.call("releaseReservations", {"reference": "O-1001"}, key="undo")
    effects = await world.ask("GET", "/api/effects")
    assert {effect["count"] for effect in effects} == {1}
    assert sum(entry["kind"] == "reservation_released" for entry in await world.messages("inventory")) == 2


async def test_the_page_tells_plainly_what_happened_under_its_case(world: Outside, api: Described) -> None:
    await api.call("createReservation", ORDER | {"reference": "<b>O-7</b>"}, key=KEY)
    async with httpx.AsyncClient(base_url=world.url("outbox"), trust_env=False) as client:
        shown = (await client.get("/")).text
        only = (await client.get("/?vendor=stripe")).text
    assert "Case O-1001" in shown
    assert "Reservation made" in shown
    assert "2 x STOVE-1 (berlin)" in shown
    assert "<b>O-7</b>" not in shown
    assert "&lt;b&gt;O-7&lt;/b&gt;" in shown
    assert "STOVE-1" not in only


async def test_a_reset_forgets_and_what_is_there_from_the_start_is_there_again(world: Outside, api: Described) -> None:
    async with Described("deployments", world.url("deployments")) as cluster:
        await cluster.call("scaleService", {"replicas": 9}, service="search")
        await world.ask("POST", "/api/clock", json={"advance_seconds": 1e6})
        await world.ask("POST", "/api/reset")
        assert (await cluster.call("getService", service="search"))["replicas"] == 3
    assert await world.ask("GET", "/api/effects") == []


async def test_odd_requests_are_refused_in_words(world: Outside) -> None:
    headers = {"Authorization": "Bearer inventory-sandbox"}
    async with httpx.AsyncClient(base_url=world.url("inventory"), headers=headers, trust_env=False) as client:
        for body, field in (
            ({}, "reference"),
            ({"reference": "O-1", "items": []}, "items"),
            ({"reference": "O-1", "items": [{"sku": "A", "quantity": 0}]}, "items[0].quantity"),
            ({"reference": "O-1", "items": [{"sku": "A/B", "quantity": 1}]}, "items[0].sku"),
            (ORDER | {"typo": 1}, "typo"),
            ([], "body"),
        ):
            answer = await client.post("/v1/reservations", json=body)
            assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
        assert (await client.post("/v1/reservations", content=b"{")).status_code == 415
        json = {"Content-Type": "application/json"}
        assert (await client.post("/v1/reservations", content=b"{", headers=json)).status_code == 400
        assert (await client.get("/v1/nothing")).json()["error"]["code"] == "no_such_path"
        assert (await client.delete("/v1/warehouses")).json()["error"]["code"] == "method_not_allowed"
        assert (await client.get("/v1/stock/unknown-1")).status_code == 404
    assert await world.messages("inventory") == []
