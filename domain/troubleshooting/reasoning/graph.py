"""The graph of services, indexed once, with calls that only the evidence shows; and what a name in a line means."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.troubleshooting.evidence import Finding, Sign
from domain.troubleshooting.topology import Topology

_SUFFIXES = ("-service", "-svc", "-api", "-server", "-primary", "-master", "-app")
_CALLS_SHOWN = frozenset(
    {Sign.TIMEOUT, Sign.UNREACHABLE, Sign.ERRORS, Sign.LATENCY, Sign.NEW_ERROR, Sign.POOL_EXHAUSTED, Sign.DNS}
    | {Sign.CERTIFICATE}
)
"""Who blames another in one of these called it."""
_MOST_LABELS = 6
_ENTRIES = frozenset({"gateway", "entry", "frontend", "loadbalancer", "load_balancer", "ingress", "edge", "web"})
_SILENT = frozenset({"database", "cache", "queue", "external", "vendor", "broker", "storage", "dns", "host", "network"})


@dataclass(frozen=True, slots=True)
class Names:
    """Names as evidence writes them -> the one name of a service."""

    known: dict[str, str]
    _read: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def of(topology: Topology, services: Iterable[str | None], blamed: Iterable[str | None]) -> Names:
        """The topology's spelling wins, then that of services; a name that means one of these is no other."""
        listed: dict[str, str] = {}
        # `api.acmepay.example` beside `acmepay` is an address of it and no service of its own.
        for name in sorted(topology.names(), key=lambda one: "." in one):
            if "." not in name or Names(listed)._resolved(name) == name.strip():
                listed.setdefault(_plain(name), name.strip())
        names = Names(dict(listed))
        for name in sorted({one for one in services if one and one.strip()}):
            # `orders-service` is the topology's `orders`; where neither is listed they stay two.
            if Names(listed)._resolved(name) == name.strip():
                names.known.setdefault(_plain(name), name.strip())
        for name in sorted({one for one in blamed if one and one.strip()}):
            if names._resolved(name) == name.strip():
                names.known.setdefault(_plain(name), name.strip())
        return names

    def service(self, name: str | None) -> str | None:
        """The service that a name, host or `host:port` means; the name itself when it is none that is known."""
        if name is None or not name.strip():
            return None
        if name not in self._read:
            self._read[name] = self._resolved(name)
        return self._read[name]

    def _resolved(self, name: str) -> str:
        plain = _plain(name)
        for form in (plain, *_labels(plain)):
            for known in (form, *_with_and_without(form)):
                if known in self.known:
                    return self.known[known]
        return name.strip()


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def _labels(plain: str) -> list[str]:
    """What of a host's name may be the service's: `orders.shop.internal:8080` -> orders, shop, internal."""
    host = plain.rsplit("//", 1)[-1].split("/", 1)[0].split(":", 1)[0]
    return [host, *(label for label in host.split(".")[:_MOST_LABELS] if len(label) > 1 and not label.isdigit())]


def _with_and_without(plain: str) -> list[str]:
    return [plain.removesuffix(end) for end in _SUFFIXES if plain.endswith(end)] + [plain + end for end in _SUFFIXES]


@dataclass(slots=True)
class Graph:
    """Who calls whom, both ways."""

    kinds: dict[str, str] = field(default_factory=dict)
    tiers: dict[str, str] = field(default_factory=dict)
    callers: dict[str, list[str]] = field(default_factory=dict)
    callees: dict[str, list[str]] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    """Services that the topology names; the others are only named by evidence."""
    _upstream: dict[str, dict[str, int]] = field(default_factory=dict)
    _downstream: dict[str, dict[str, int]] = field(default_factory=dict)

    @staticmethod
    def of(topology: Topology, findings: Iterable[Finding], names: Names) -> Graph:
        """The topology, with the calls that findings show where it has none between the two.

        Args:
            topology: As people or traces gave it; may be empty.
            findings: Their `about` shows calls.
            names: To tell services apart.

        Returns:
            A graph that keeps what it walked; it is made once for a diagnosis.
        """
        graph = Graph(given=frozenset(topology.names()))
        for one in topology.services:
            graph.kinds[one.name] = one.kind.strip().lower()
            if one.tier:
                graph.tiers[one.name] = one.tier
        for caller, callee in topology.calls:
            graph._join(caller, callee)
        shown = set()
        for found in findings:
            service, about = names.service(found.service), names.service(found.about)
            if service and about and service != about and found.sign in _CALLS_SHOWN:
                shown.add((service, about))
        for caller, callee in sorted(shown):
            if (callee, caller) not in shown and caller not in graph.callees.get(callee, ()):
                graph._join(caller, callee)
        return graph

    def _join(self, caller: str, callee: str) -> None:
        if caller != callee and callee not in self.callees.setdefault(caller, []):
            self.callees[caller].append(callee)
            self.callers.setdefault(callee, []).append(caller)

    def names(self) -> list[str]:
        """Every service, in order."""
        return sorted({*self.given, *self.callers, *self.callees})

    def upstream(self, name: str) -> dict[str, int]:
        """Everybody who depends on a service, with the number of calls between."""
        if name not in self._upstream:
            self._upstream[name] = _reached([name], self.callers)
        return self._upstream[name]

    def downstream(self, name: str) -> dict[str, int]:
        """Everybody whom a service depends on, with the number of calls between."""
        if name not in self._downstream:
            self._downstream[name] = _reached([name], self.callees)
        return self._downstream[name]

    def who_depend_on(self, names: Iterable[str]) -> set[str]:
        """Everybody upstream of any of some services."""
        return set(_reached(names, self.callers))

    def who_serve(self, names: Iterable[str]) -> set[str]:
        """Everybody downstream of any of some services."""
        return set(_reached(names, self.callees))

    def is_entry(self, name: str) -> bool:
        """Whether requests from outside arrive here."""
        return self.kinds.get(name) in _ENTRIES or (name in self.callees and not self.callers.get(name))

    def keeps_no_logs(self, name: str) -> bool:
        """Whether one seldom has evidence of it: databases, vendors, and whatever the topology does not list."""
        return self.kinds.get(name, "service") in _SILENT or name not in self.given

    def keeps_data(self, name: str) -> bool:
        """Whether it answers others and calls nobody: databases and caches."""
        return self.kinds.get(name) in ("database", "cache")

    def is_store(self, name: str) -> bool:
        """Whether it is one of the user's own that services keep things in: databases, caches and queues."""
        return self.kinds.get(name) in ("database", "cache", "queue", "broker", "storage")

    def resolver(self) -> str | None:
        """The service that resolves names for the others, where there is one."""
        marked = (name for name in self.names() if self.kinds.get(name) == "dns" or "dns" in name.lower())
        return next(marked, None)

    def is_database(self, name: str) -> bool:
        """Whether people mean it when they say "the database"."""
        plain = name.lower()
        marks = ("postgres", "mysql", "mongo", "maria", "oracle", "database", "-db", "db-", "_db")
        return self.kinds.get(name) == "database" or plain == "db" or any(mark in plain for mark in marks)


def _reached(names: Iterable[str], neighbours: dict[str, list[str]]) -> dict[str, int]:
    begun = set(names)
    found: dict[str, int] = {}
    waiting = deque((name, 0) for name in sorted(begun))
    while waiting:
        here, distance = waiting.popleft()
        for other in neighbours.get(here, ()):
            if other not in begun and other not in found:
                found[other] = distance + 1
                waiting.append((other, distance + 1))
    return found
