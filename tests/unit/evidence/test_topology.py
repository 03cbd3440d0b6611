"""Who calls whom, in the shapes that people write it, and what hangs on what."""

from __future__ import annotations

import json

import pytest

from domain.troubleshooting.topology import Topology
from integrations.evidence.documents import Unreadable
from integrations.evidence.topology import hanging_on, read_topology
from tests.tool_world import call_of, run
from tests.unit.evidence.shelf import Shelf

CALLS = {("web", "orders"), ("orders", "payments"), ("orders", "db")}


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  web: {calls: [orders]}\n  orders: {calls: [payments, db], team: shop}\n  payments: {}\n  db: {kind: database}\n",  # noqa: E501 - as it stands in the file
        "services:\n- {name: web, depends_on: orders}\n- {name: orders, dependencies: [{name: payments}, {service: db}]}\n",  # noqa: E501 - as it stands in the file
        "web: [orders]\norders: [payments, db]\n",
        "- web: [orders]\n- orders: [payments, db]\n",
        '{"edges": [["web", "orders"], ["orders", "payments"], {"from": "orders", "to": "db"}]}',
        '{"nodes": [{"id": "web"}], "links": [{"source": "web", "target": "orders"}, {"source": "orders", "target": "payments"}, {"source": "orders", "target": "db"}]}',  # noqa: E501 - as it stands in the file
        '[["web", "orders"], ["orders", "payments"], ["orders", "db"]]',
        "topology:\n  edges:\n  - web -> orders -> payments\n  - orders -> db\n",
        "services:\n  web:\n    image: web\n    depends_on:\n      orders: {condition: service_started}\n  orders:\n    depends_on: [payments, db]\n  payments: {image: p}\n  db: {image: 'postgres:16'}\n",  # noqa: E501 - as it stands in the file
        "x-common: &common\n  depends_on: [payments, db]\nservices:\n  orders:\n    <<: *common\n  web: {depends_on: [orders]}\n  db: {image: 'postgres:16'}\n",  # noqa: E501 - as it stands in the file
        "services:\n- name: db\n  called_by: [orders]\n- name: payments\n  called_by: [orders]\n- name: orders\n  called_by: [web]\n",  # noqa: E501 - as it stands in the file
    ],
)  # fmt: skip
def test_calls_are_read_from_many_shapes(text: str) -> None:
    topology, _ = read_topology(text)
    assert set(topology.calls) == CALLS
    assert set(topology.names()) == {"web", "orders", "payments", "db"}


def test_kinds_teams_and_health_addresses_are_kept() -> None:
    topology, _ = read_topology(
        "services:\n  orders: {team: shop, tier: 1, health_url: 'https://orders.example/health', calls: [cache]}\n"
        "  cache: {image: 'redis:7'}\n  evil: {health_url: 'file:///etc/passwd'}\n"
    )
    orders, cache, evil = topology.services
    assert (orders.team, orders.tier, orders.health_url) == ("shop", "1", "https://orders.example/health")
    assert cache.kind == "cache"
    assert evil.health_url is None


def test_who_depends_on_a_service_is_told_in_numbers_and_words() -> None:
    topology = Topology(calls=(("web", "orders"), ("app", "web"), ("orders", "db"), ("search", "index")))
    found = hanging_on(topology, ["db", "ghost"])
    assert (found.direct, found.indirect) == (("orders",), ("app", "web"))
    assert found.unknown == ("ghost",)
    assert found.share == 0.6
    assert found.single_points_of_failure == ("orders", "web")
    assert "3 of 6 services depend on db (60 %): 1 directly and 2 by way of others" in found.summary
    assert hanging_on(topology, ["web"]).relies_on == ("db", "orders")
    assert "Nothing in the topology calls app" in hanging_on(topology, ["app"]).summary


def test_services_that_call_in_a_circle_are_found() -> None:
    topology = Topology(calls=(("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")))
    found = hanging_on(topology, ["a"])
    assert found.cycles == (("a", "b", "c"),)
    assert found.direct == ("c",)


async def test_what_is_nested_without_end_is_refused_in_one_sentence(shelf: Shelf) -> None:
    piece = shelf.put('{"graph": ' * 700 + "{}" + "}" * 700, "deep.json")
    result = await run(shelf.box, await call_of(shelf.box, "topology.read", {"evidence": [piece]}))
    assert result.refusal is not None
    assert "deep.json" in result.refusal.sentence


async def test_the_tools_take_evidence_or_a_topology(shelf: Shelf) -> None:
    piece = shelf.put("web: [orders]\norders: [db]\n", "topology.yaml")
    topology = await shelf.ask("topology.read", piece)
    assert Topology.model_validate_json(json.dumps(topology)).upstream("db") == {"orders": 1, "web": 2}
    by_evidence = await shelf.ask("topology.blast_radius", piece, services=["db"])
    by_value = await shelf.ask("topology.blast_radius", services=["db"], topology=topology)
    assert by_evidence == by_value
    assert by_value["direct"] == ["orders"]


@pytest.mark.parametrize(
    "text",
    [
        "", "just words, no map: [", "42", "[]", "{}", "- " * 5000 + "x", "[" * 3000,
        "a: &a {x: y}\n" + "\n".join(f"k{n}: {{<<: *a}}" for n in range(600)),
    ],
)  # fmt: skip
def test_what_is_no_topology_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(Unreadable, match=r"\.$"):
        read_topology(text)


def test_parts_that_cannot_be_read_are_left_out_with_a_word() -> None:
    topology, faults = read_topology("services:\n- {name: a, calls: [b]}\n- {calls: [c]}\n- [1, 2]\n")
    assert topology.calls == (("a", "b"),)
    assert faults
