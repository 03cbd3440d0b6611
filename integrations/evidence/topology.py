"""Reads who calls whom from YAML or JSON in the shapes people write it, and says what hangs on what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import networkx as nx  # type: ignore[import-untyped]

from domain.model import Value
from domain.troubleshooting.topology import Service, Topology
from integrations.evidence.answers import name_of
from integrations.evidence.documents import Unreadable, values_of

MOST_SERVICES = 1_000
MOST_CALLS = 4_000
_CALLING = (
    "calls depends_on dependson dependencies depends uses downstream requires links callees talks_to connects_to needs"
    " upstreams consumes"
)
_CALLS = tuple(_CALLING.split())
_CALLERS = ("called_by", "callers", "used_by", "dependents", "upstream", "consumers")
_EDGES = ("edges", "calls", "links", "connections", "relations", "relationships", "dependencies")
_NODES = ("services", "nodes", "components", "applications", "apps", "systems", "vertices", "resources")
_FROM = ("from", "source", "caller", "client", "src", "parent", "consumer", "upstream")
_TO = ("to", "target", "callee", "server", "dst", "destination", "child", "provider", "downstream", "depends_on")
_NAME = ("name", "id", "service", "key", "component", "label")
_KINDS = (
    ("database", ("postgres", "mysql", "mariadb", "mongo", "database", "oracle", "cassandra", "cockroach", "dynamo")),
    ("cache", ("redis", "memcached", "cache", "valkey")),
    ("queue", ("kafka", "rabbit", "queue", "nats", "sqs", "pulsar", "activemq")),
    ("gateway", ("gateway", "ingress", "nginx", "envoy", "traefik", "haproxy", "load-balancer")),
)  # fmt: skip


@dataclass
class _Graph:
    services: dict[str, dict[str, str | None]] = field(default_factory=dict)
    calls: dict[tuple[str, str], None] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, given: object, about: Mapping[str, Any] | None = None) -> str | None:
        name = name_of(given)
        if name is None or len(self.services) >= MOST_SERVICES:
            return None
        known = self.services.setdefault(name, {})
        for key, value in (about or {}).items():
            if isinstance(value, str | int) and value not in ("", None):
                known.setdefault(key, str(value)[:300])
        return name

    def call(self, caller: object, callee: object) -> None:
        first, second = self.add(caller), self.add(callee)
        if first and second and first != second and len(self.calls) < MOST_CALLS:
            self.calls[(first, second)] = None


class Hanging(Value):
    """What hangs on one or more services."""

    of: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    """Names that the topology does not have."""
    direct: tuple[str, ...] = ()
    """Who calls them."""
    indirect: tuple[str, ...] = ()
    """Who calls those, and so on."""
    share: float = 0.0
    """Of all other services, how many depend on them."""
    relies_on: tuple[str, ...] = ()
    """Whom they depend on, directly or not: where the cause may lie."""
    single_points_of_failure: tuple[str, ...] = ()
    """Services without which some could no longer reach what they call, the most needed first."""
    cycles: tuple[tuple[str, ...], ...] = ()
    """Services that call one another in a circle."""
    summary: str = ""


def read_topology(text: str) -> tuple[Topology, list[str]]:
    """The graph of a file, and a sentence for each part of it that could not be read.

    Raises:
        Unreadable: there is no service in it.
    """
    graph = _Graph()
    for value in values_of(text):
        _read(value, graph)
    if not graph.services:
        raise Unreadable("It names no services: list each with the services it calls.")
    services = tuple(_service(name, about) for name, about in graph.services.items())
    return Topology(services=services, calls=tuple(graph.calls)), list(dict.fromkeys(graph.faults))[:20]


def _read(value: Any, graph: _Graph) -> None:
    if isinstance(value, list):
        _list(value, graph)
        return
    if not isinstance(value, dict):
        graph.faults.append("A part is neither a list nor a map and was left out.")
        return
    low = {str(key).lower(): inner for key, inner in value.items()}
    for inner in (low.get(word) for word in ("topology", "graph", "system", "architecture")):
        if isinstance(inner, dict | list):
            _read(inner, graph)
            return
    nodes = [low[word] for word in _NODES if isinstance(low.get(word), dict | list)]
    for inner in nodes:
        _nodes(inner, graph)
    for word in _EDGES:
        edges = low.get(word)
        if isinstance(edges, list):
            _edges(edges, graph)
        elif isinstance(edges, dict) and word not in _NODES:
            _nodes(edges, graph)
    if not nodes and not any(word in low for word in _EDGES):
        if any(word in low for word in _NAME) and any(word in low for word in (*_CALLS, *_CALLERS)):
            _node(None, value, graph)
        else:
            _nodes(value, graph)


def _list(value: list[Any], graph: _Graph) -> None:
    if all(_is_edge(one) for one in value):
        _edges(value, graph)
    else:
        _nodes(value, graph)


def _nodes(value: dict[Any, Any] | list[Any], graph: _Graph) -> None:
    entries: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else ((None, one) for one in value)
    for name, about in entries:
        _node(name, about, graph)


def _node(name: Any, about: Any, graph: _Graph) -> None:
    if isinstance(about, dict):
        low = {str(key).lower(): inner for key, inner in about.items()}
        known = name if name is not None else next((low[word] for word in _NAME if word in low), None)
        if known is None and len(about) == 1 and not set(low).intersection((*_CALLS, *_CALLERS)):
            # - checkout: [payments, stock]
            (known, about), low = next(iter(about.items())), {}
            _node(known, about, graph)
            return
        own = graph.add(known, _about(low))
        if own is None:
            graph.faults.append("A service without a name was left out.")
            return
        for word in _CALLS:
            for callee in _names(low.get(word)):
                graph.call(own, callee)
        for word in _CALLERS:
            for caller in _names(low.get(word)):
                graph.call(caller, own)
    elif name is not None:
        own = graph.add(name)
        for callee in _names(about):
            graph.call(own, callee)
    elif graph.add(about) is None:
        graph.faults.append("An entry that is neither a service nor a name was left out.")


def _names(value: Any) -> list[Any]:
    """Names in a list, in a map as docker-compose has it, in `a, b`, or in maps with a name."""
    if isinstance(value, str):
        return [part for part in value.replace(";", ",").split(",") if part.strip()]
    if isinstance(value, dict):
        return list(value)
    if not isinstance(value, list):
        return []
    found = []
    for one in value:
        if isinstance(one, dict):
            low = {str(key).lower(): inner for key, inner in one.items()}
            found.append(next((low[word] for word in (*_TO, *_NAME) if word in low), next(iter(one), None)))
        else:
            found.append(str(one).partition(":")[0] if isinstance(one, str) else one)
    return found


def _about(low: Mapping[str, Any]) -> dict[str, Any]:
    health = low.get("health_url", low.get("healthcheck_url", low.get("health")))
    return {
        "kind": low.get("kind", low.get("type")),
        "team": low.get("team", low.get("owner")),
        "tier": low.get("tier", low.get("criticality")),
        "health_url": health if isinstance(health, str) and health.startswith(("http://", "https://")) else None,
        "image": low.get("image"),
    }


def _is_edge(one: Any) -> bool:
    if isinstance(one, list):
        return len(one) in (2, 3) and all(isinstance(end, str) for end in one[:2])
    if isinstance(one, str):
        return "->" in one or "→" in one
    return isinstance(one, dict) and _ends(one) is not None


def _ends(one: Mapping[Any, Any]) -> tuple[Any, Any] | None:
    low = {str(key).lower(): inner for key, inner in one.items()}
    first = next((low[word] for word in _FROM if isinstance(low.get(word), str)), None)
    second = next((low[word] for word in _TO if isinstance(low.get(word), str)), None)
    return (first, second) if first and second else None


def _edges(value: list[Any], graph: _Graph) -> None:
    for one in value:
        if isinstance(one, str) and ("->" in one or "→" in one):
            chain = [part.strip() for part in one.replace("→", "->").split("->")]
            for caller, callee in pairwise(chain):
                graph.call(caller, callee)
        elif isinstance(one, list) and len(one) >= 2:
            graph.call(one[0], one[1])
        elif isinstance(one, dict) and (ends := _ends(one)) is not None:
            graph.call(*ends)
        else:
            graph.faults.append("A call that does not say from whom to whom was left out.")


def _service(name: str, about: Mapping[str, str | None]) -> Service:
    words = f"{name} {about.get('image') or ''}".lower()
    guessed = next((kind for kind, marks in _KINDS if any(mark in words for mark in marks)), "service")
    return Service(
        name=name,
        kind=about.get("kind") or guessed,
        team=about.get("team"),
        tier=about.get("tier"),
        health_url=about.get("health_url"),
    )


def graph_of(topology: Topology) -> nx.DiGraph:
    """The topology as a directed graph: callers point at whom they call."""
    graph = nx.DiGraph()
    graph.add_nodes_from(topology.names())
    graph.add_edges_from(topology.calls)
    return graph


def cycles_in(topology: Topology) -> tuple[tuple[str, ...], ...]:
    """Services that call one another in a circle; each group once, in order of their names."""
    groups = (sorted(group) for group in nx.strongly_connected_components(graph_of(topology)) if len(group) > 1)
    return tuple(sorted(tuple(group) for group in groups))


def hanging_on(topology: Topology, services: Iterable[str]) -> Hanging:
    """Who is affected when services fail, directly or by way of others, and what only one service holds together."""
    asked = tuple(dict.fromkeys(services))
    known_by_name = {name.lower(): name for name in topology.names()}
    known = [known_by_name[name.lower()] for name in asked if name.lower() in known_by_name]
    graph = graph_of(topology)
    direct = {caller for name in known for caller in graph.predecessors(name)} - set(known)
    everybody = {caller for name in known for caller in nx.ancestors(graph, name)} - set(known)
    below = {callee for name in known for callee in nx.descendants(graph, name)} - set(known)
    single = sorted(
        nx.articulation_points(graph.to_undirected()), key=lambda name: (-len(nx.ancestors(graph, name)), name)
    )
    rest = max(1, graph.number_of_nodes() - len(known))
    found = Hanging(
        of=tuple(known),
        unknown=tuple(name for name in asked if name.lower() not in known_by_name),
        direct=tuple(sorted(direct)),
        indirect=tuple(sorted(everybody - direct)),
        share=round(len(everybody) / rest, 3),
        relies_on=tuple(sorted(below)),
        single_points_of_failure=tuple(single[:50]),
        cycles=cycles_in(topology)[:20],
    )
    return found.model_copy(update={"summary": _in_words(found, graph.number_of_nodes())})


def _in_words(found: Hanging, total: int) -> str:
    unknown = f" The topology does not have {', '.join(found.unknown[:5])}." if found.unknown else ""
    if not found.of:
        return f"Nothing can be said.{unknown}"
    affected = len(found.direct) + len(found.indirect)
    names = ", ".join(found.of[:5])
    if not affected:
        return f"Nothing in the topology calls {names}; {total} services were looked at.{unknown}"
    listed = ", ".join([*found.direct, *found.indirect][:6]) + (" and others" if affected > 6 else "")
    single = [name for name in found.of if name in found.single_points_of_failure]
    also = f" {', '.join(single)} is a single point of failure." if len(single) == 1 else ""
    also = f" {', '.join(single)} are single points of failure." if len(single) > 1 else also
    return (
        f"{affected} of {total} services depend on {names} ({round(100 * found.share)} %):"
        f" {len(found.direct)} directly and {len(found.indirect)} by way of others, {listed}.{also}{unknown}"
    )
