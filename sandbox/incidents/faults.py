"""Which fault strikes whom, how it grows and how it is seen from outside."""

from __future__ import annotations

import random
from dataclasses import dataclass

from sandbox.incidents.system import Part, System
from sandbox.incidents.voices import APPLICATIONS, VOICES

NEEDS_CHANGE = {"bad_deployment": 1.0, "bad_configuration": 1.0, "connection_pool": 0.6, "memory_leak": 0.6,
                "slow_dependency": 0.35, "disk_full": 0.4, "traffic_surge": 0.25, "clock_skew": 0.3,
                "dns_failure": 0.5, "certificate": 0.25}  # fmt: skip
"""How often a change brought it about."""

CHANGE_KINDS = {"bad_deployment": "deployment", "bad_configuration": "configuration", "memory_leak": "deployment",
                "disk_full": "configuration", "traffic_surge": "feature_flag", "clock_skew": "infrastructure",
                "dns_failure": "infrastructure", "certificate": "secret"}  # fmt: skip

SEEN_AS = {
    "bad_deployment": {"failed": 1.0},
    "bad_configuration": {"failed": 1.0},
    "connection_pool": {"failed": 0.6, "timeout": 0.4},
    "memory_leak": {"timeout": 0.4, "refused": 0.4, "failed": 0.2},
    "slow_dependency": {"timeout": 1.0},
    "disk_full": {"failed": 1.0},
    "traffic_surge": {"throttled": 0.5, "timeout": 0.5},
    "clock_skew": {"denied": 1.0},
    "certificate": {"certificate": 1.0},
    "dns_failure": {"dns": 1.0},
}
"""How callers see it, by kind of fault."""

SLOWER = {"connection_pool": (4, 15), "memory_leak": (2, 8), "slow_dependency": (8, 40), "traffic_surge": (3, 12)}
"""How many times slower it gets."""

_TOLD_BY_CALLERS = ("certificate", "dns_failure", "slow_dependency")
"""Where the one at fault may say nothing: somebody who calls it must have a log, else nobody could know."""


@dataclass(frozen=True)
class Fault:
    """One fault, in minutes from the beginning of the evidence."""

    service: str
    kind: str
    onset: int
    level: float
    """Share of requests that it hurts once it is fully there."""
    ramp: int
    """Minutes until then."""
    flaps: bool
    slower: float
    grows_from: int
    """When memory, disk or whatever fills began to fill; the onset itself where nothing does."""
    change_at: float | None
    """When the change came that brought it about."""
    change_kind: str | None
    scenario: int
    skew_seconds: int
    blind: bool
    """A DNS failure of the service's own resolver, not of its record."""

    def at(self, minute: int) -> float:
        """Its share of hurt requests in a minute."""
        if minute < self.onset:
            return 0.0
        if self.flaps and (minute - self.onset) % 7 in (3, 4):
            return self.level * 0.15
        if self.kind == "memory_leak" and (minute - self.onset) % 11 == 10:
            return self.level * 0.3
        return self.level * min(1.0, (minute - self.onset + 1) / self.ramp)


def eligible(system: System, kind: str) -> list[Part]:
    """Who can suffer from a kind of fault."""
    return [part for part in system.parts if _can_suffer(system, part, kind)]


def _can_suffer(system: System, part: Part, kind: str) -> bool:
    application = part.kind == "service" and part.voice in APPLICATIONS
    if kind in _TOLD_BY_CALLERS and not any(system.part(call.caller).has_logs for call in system.callers(part.name)):
        return False
    if kind == "certificate":
        return part.kind in ("service", "external")
    if kind == "dns_failure":
        return part.kind != "gateway"
    if kind == "slow_dependency":
        leaf = application and not system.callees(part.name)
        return leaf or part.kind in ("database", "cache", "queue", "external")
    if kind == "clock_skew":
        return application and part.has_logs
    return kind in VOICES[part.voice].faults and part.has_logs


def strike(rng: random.Random, system: System, kind: str, onset: int, taken: set[str]) -> Fault | None:
    """Let a fault of a kind befall somebody.

    Args:
        rng: decides whom.
        system: the system.
        kind: one of `KINDS`.
        onset: minute in which the first request is hurt.
        taken: who must be spared, such as those who already have one.

    Returns:
        None when nobody can suffer from it.
    """
    choice = [part for part in eligible(system, kind) if part.name not in taken]
    if not choice:
        return None
    part = rng.choice(choice)
    change_at = _change_at(rng, kind, onset)
    return Fault(
        service=part.name,
        kind=kind,
        onset=onset,
        level=rng.uniform(0.4, 0.95),
        ramp=rng.randint(3, 10) if kind in ("memory_leak", "traffic_surge", "connection_pool") else rng.randint(1, 3),
        flaps=kind in ("dns_failure", "slow_dependency") and rng.random() < 0.25,
        slower=rng.uniform(*SLOWER.get(kind, (0, 0.4))),
        grows_from=_grows_from(rng, kind, onset, change_at),
        change_at=change_at,
        change_kind=None if change_at is None else _change_kind(rng, kind, part),
        scenario=rng.randrange(12),
        skew_seconds=rng.choice((-1, 1)) * rng.randint(90, 900),
        blind=_may_be_blind(system, part, kind) and rng.random() < 0.5,
    )  # fmt: skip


def _may_be_blind(system: System, part: Part, kind: str) -> bool:
    speaks = part.voice in APPLICATIONS and part.has_logs
    return kind == "dns_failure" and speaks and len(system.callees(part.name)) > 1


def _change_at(rng: random.Random, kind: str, onset: int) -> float | None:
    if rng.random() >= NEEDS_CHANGE[kind]:
        return None
    if kind in ("memory_leak", "disk_full"):
        return onset - min(onset * 0.9, rng.uniform(30, 200))
    return onset - rng.choice((rng.uniform(0.3, 2.5), rng.uniform(0.3, 2.5), rng.uniform(2, 9)))


def _grows_from(rng: random.Random, kind: str, onset: int, change_at: float | None) -> int:
    if kind not in ("memory_leak", "disk_full"):
        return onset
    return int(change_at) if change_at is not None else max(0, onset - rng.randint(40, 240))


def _change_kind(rng: random.Random, kind: str, part: Part) -> str:
    if kind == "connection_pool":
        return rng.choice(("configuration", "deployment")) if part.kind == "service" else "configuration"
    if kind == "slow_dependency":
        return "migration" if part.kind == "database" else "configuration" if part.kind != "service" else "deployment"
    return CHANGE_KINDS[kind]
