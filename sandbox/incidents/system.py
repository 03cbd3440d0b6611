"""A made-up system: services in layers, what they store things in, whom they call."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

from sandbox.incidents.naming import TEAMS, Names
from sandbox.incidents.voices import APPLICATIONS, GATEWAYS, VOICES

PORTS = {"gateway": 8443, "service": 8080, "database": 5432, "cache": 6379, "queue": 9092, "external": 443}


@dataclass(frozen=True)
class Part:
    """One service, store, queue or vendor."""

    name: str
    kind: str
    voice: str
    layout: str
    zone_minutes: int
    """Offset of its clock's zone from UTC."""
    host: str
    weight: float
    """How much it writes, against the others."""
    base_ms: float
    team: str
    tier: str
    has_logs: bool

    @property
    def port(self) -> int:
        """Where it listens."""
        return PORTS[self.kind]


@dataclass(frozen=True)
class Call:
    """Who needs whom, and how much."""

    caller: str
    callee: str
    use: float
    """Share of the caller's requests that need it."""
    rescue: float
    """Share of failed calls that a retry or a fallback saves."""
    lag_minutes: int
    """How long it takes until trouble shows at the caller."""


@dataclass(frozen=True)
class System:
    """The graph, entry first and every caller before those it calls."""

    names: Names
    parts: tuple[Part, ...]
    calls: tuple[Call, ...]

    @property
    def entry(self) -> Part:
        """Where requests come in."""
        return self.parts[0]

    def part(self, name: str) -> Part:
        """One of them."""
        return next(part for part in self.parts if part.name == name)

    def callees(self, name: str) -> list[Call]:
        """What a part calls."""
        return [call for call in self.calls if call.caller == name]

    def callers(self, name: str) -> list[Call]:
        """Who calls a part."""
        return [call for call in self.calls if call.callee == name]

    def above(self, name: str) -> set[str]:
        """Everybody who needs a part, directly or not."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for call in self.callers(waiting.pop()):
                if call.caller not in found:
                    found.add(call.caller)
                    waiting.append(call.caller)
        return found


class _Builder:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._names = Names(rng)
        self._zone = rng.choice((0, 0, 0, 60, 120, -300, 330))
        one_house = rng.random() < 0.4
        self._applications = (rng.choice(APPLICATIONS),) if one_house else APPLICATIONS
        self._layouts = {voice.name: rng.choice(voice.layouts) for voice in VOICES.values()}
        self._one_layout = rng.random() < 0.6
        self._calls: dict[tuple[str, str], Call] = {}

    def build(self) -> System:
        rng = self._rng
        services = rng.randint(3, 16)
        entry = self._part(self._names.gateway(), "gateway", rng.choice(GATEWAYS))
        layers: list[list[Part]] = [[entry]]
        while services > 0:
            size = min(services, rng.randint(1, max(2, services // 2)))
            layers.append([self._application() for _ in range(size)])
            services -= size
        for upper, lower in itertools.pairwise(layers):
            self._join(upper, lower)
        if len(layers) > 3:
            self._call(rng.choice(layers[1]), rng.choice(layers[3]))
        applications = [part for layer in layers[1:] for part in layer]
        stores = [*self._databases(applications), *self._shared(applications), *self._vendors(applications)]
        return System(self._names, (entry, *applications, *stores), tuple(self._calls.values()))

    def _application(self) -> Part:
        return self._part(self._names.service(), "service", self._rng.choice(self._applications))

    def _databases(self, owners: list[Part]) -> list[Part]:
        made = []
        for owner in owners:
            if self._rng.random() < 0.4:
                made.append(self._part(self._names.database(owner.name), "database", "postgres"))
                self._call(owner, made[-1], use=self._rng.uniform(0.6, 1.0))
        return made

    def _shared(self, users: list[Part]) -> list[Part]:
        made = []
        for kind, voice, name in (("cache", "redis", self._names.cache()), ("queue", "kafka", self._names.queue())):
            if self._rng.random() < 0.5:
                made.append(self._part(name, kind, voice))
                for user in self._rng.sample(users, min(len(users), self._rng.randint(1, 4))):
                    self._call(user, made[-1], use=self._rng.uniform(0.3, 0.8))
        return made

    def _vendors(self, users: list[Part]) -> list[Part]:
        made = []
        for _ in range(self._rng.choice((0, 1, 1, 2))):
            made.append(self._part(self._names.vendor(), "external", "silent"))
            for user in self._rng.sample(users, min(len(users), self._rng.randint(1, 2))):
                self._call(user, made[-1])
        return made

    def _join(self, upper: list[Part], lower: list[Part]) -> None:
        for part in lower:
            self._call(self._rng.choice(upper), part)
        for part in upper:
            for other in self._rng.sample(lower, min(len(lower), self._rng.randint(0, 2))):
                self._call(part, other)

    def _call(self, caller: Part, callee: Part, use: float | None = None) -> None:
        rng = self._rng
        self._calls.setdefault(
            (caller.name, callee.name),
            Call(
                caller=caller.name,
                callee=callee.name,
                use=rng.uniform(0.4, 1.0) if use is None else use,
                rescue=rng.choice((0.0, 0.0, 0.2, 0.4)),
                lag_minutes=rng.choice((0, 0, 0, 1, 1, 2)),
            ),
        )

    def _part(self, name: str, kind: str, voice: str) -> Part:
        rng = self._rng
        layouts = VOICES[voice].layouts
        return Part(
            name=name,
            kind=kind,
            voice=voice,
            layout=self._layouts[voice] if self._one_layout else rng.choice(layouts),
            zone_minutes=self._zone if rng.random() < 0.7 else 0,
            host=self._names.host(name, kind),
            weight={"gateway": 3.0, "database": 0.5, "cache": 0.2, "queue": 0.3, "external": 0.0}.get(
                kind, rng.uniform(0.4, 2.0)
            ),
            base_ms=rng.uniform(4, 20) if kind in ("database", "cache", "queue") else rng.uniform(20, 250),
            team=rng.choice(TEAMS),
            tier=rng.choice(("1", "1", "2", "2", "3")),
            has_logs=kind != "external" and (kind == "gateway" or rng.random() < 0.93),
        )


def build(rng: random.Random) -> System:
    """Make up a system of 5 to 25 parts.

    Args:
        rng: decides everything.
    """
    while True:
        system = _Builder(rng).build()
        if 5 <= len(system.parts) <= 25:
            return system
