"""What people said when they rejected a proposal, read as evidence.

"It is not the deployment, look at the database" counts against hypotheses about deployments and for those about
databases. A clause that names something and neither denies nor suggests it counts against it a little: it was said to
reject.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.reasoning.candidates import Candidate
from domain.troubleshooting.reasoning.graph import Graph

F = FaultKind

_LONGEST = 2_000
_MOST = 20
_AGAINST = -2.5
_FOR = 2.2
_NAMED = -0.8
_CLAUSES = re.compile(r"[.;,!?\n]|\bbut\b|\brather\b|\bso\b|\bhowever\b|\binstead\b")
_DENIES = re.compile(
    r"\bnot\b|n't\b|\bno\b|\bnever\b|\bwithout\b|\bruled? out\b|\bunrelated\b|\bfine\b|\bhealthy\b|\bok\b|\bokay\b"
    r"|\bwrong\b|\brolled (?:that |it )?back\b|\bneither\b|\bnor\b|\bexcluded?\b|\balready\b"
)
_SUGGESTS = re.compile(
    r"\blook(?:s|ing)? (?:at|into|like)\b|\bcheck\b|\bit(?:'s| is| was)\b|\bbecause of\b|\bcaused by\b|\bdue to\b"
    r"|\bsuspect\b|\bprobably\b|\blikely\b|\bi think\b|\bmust be\b|\bactually\b|\btry\b|\binvestigate\b|\bfocus\b"
    r"|\bmore likely\b|\bblame\b|\bis the (?:cause|culprit|problem)\b|\broot cause\b"
)
_FAULT_WORDS: Final[dict[FaultKind, tuple[str, ...]]] = {
    F.BAD_DEPLOYMENT: ("deployment", "deploy", "deployed", "release", "rollout", "version", "code"),
    F.BAD_CONFIGURATION: ("configuration", "config", "setting", "settings", "feature flag", "flag"),
    F.CONNECTION_POOL: ("pool", "connection pool", "connection leak"),
    F.CERTIFICATE: ("certificate", "cert", "tls", "ssl"),
    F.MEMORY_LEAK: ("memory", "memory leak", "leak", "oom", "heap"),
    F.DISK_FULL: ("disk", "disk space", "volume"),
    F.TRAFFIC_SURGE: ("traffic", "load", "surge", "spike"),
    F.CLOCK_SKEW: ("clock", "ntp", "time sync"),
    F.DNS_FAILURE: ("dns", "resolver", "name resolution"),
    F.CPU_SATURATION: ("cpu", "processor"),
    F.CRASH_LOOP: ("crash", "crashes", "crashing"),
    F.PERMISSION: ("permission", "permissions", "credentials", "password", "token"),
    F.SCHEDULING: ("scheduling", "node", "quota", "image"),
    F.DATA: ("migration", "schema", "deadlock", "lock", "query", "data"),
    F.QUEUE_BACKLOG: ("queue", "backlog", "lag"),
    F.OUTAGE: ("outage",),
}
_KIND_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "database": ("database", "databases", "db"),
    "cache": ("cache", "redis"),
    "external": ("vendor", "third party", "provider"),
    "queue": ("broker",),
}
_CHANGE_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "deployment": ("deployment", "deploy", "release", "rollout"),
    "configuration": ("configuration", "config", "setting"),
    "migration": ("migration",),
    "feature_flag": ("flag", "feature flag"),
}


@dataclass(frozen=True, slots=True)
class Objection:
    """One clause: what it names, and which way it speaks."""

    nats: float
    said: str
    services: frozenset[str]
    faults: frozenset[FaultKind]
    changes: frozenset[str]
    """Kinds and ids of changes."""

    @property
    def text(self) -> str:
        """For people."""
        return f'A person said: "{self.said[:120]}"'

    def speaks_of(self, one: Candidate) -> bool:
        """Whether it is about a candidate: everything that it names must fit, a fault by itself or by its change."""
        if self.services and one.service not in self.services:
            return False
        if self.faults or self.changes:
            made = one.made.change if one.made else None
            by_change = made is not None and (made.kind in self.changes or made.change_id in self.changes)
            # To suggest a fault is to suggest that one; to deny a deployment is to deny whatever it brought about.
            return one.fault in self.faults or by_change
        return bool(self.services)


def objections(rejected: Iterable[str], graph: Graph, change_ids: Iterable[str]) -> list[Objection]:
    """Clauses that name something.

    Args:
        rejected: What people said, each a text of its own.
        graph: Whose services they may name.
        change_ids: Changes they may name.

    Returns:
        In the order they were said; texts are cut at 2,000 characters, and the last 20 are read.
    """
    names = graph.names()
    databases = frozenset(name for name in names if graph.is_database(name))
    ids = list(change_ids)
    read = []
    for text in list(rejected)[-_MOST:]:
        for clause in _CLAUSES.split(text[:_LONGEST].lower().replace("\u2019", "'")):
            one = _read(clause.strip(), names, databases, ids, graph)
            if one is not None:
                read.append(one)
    return read


def _read(clause: str, names: list[str], databases: frozenset[str], ids: list[str], graph: Graph) -> Objection | None:
    named = _longest([name for name in names if _says(clause, name)])
    for kind, words in _KIND_WORDS.items():
        if any(_says(clause, word) for word in words):
            named |= databases if kind == "database" else {name for name in names if graph.kinds.get(name) == kind}
    without = clause
    for name in named:
        without = without.replace(name.lower(), " ")
    faults = frozenset(fault for fault, words in _FAULT_WORDS.items() if any(_says(without, word) for word in words))
    kinds = {kind for kind, words in _CHANGE_WORDS.items() if any(_says(without, word) for word in words)}
    kinds |= {one for one in ids if len(one) > 2 and _says(clause, one)}
    if not named and not faults and not kinds:
        return None
    denies, suggests = _DENIES.search(clause), _SUGGESTS.search(clause)
    nats = _AGAINST if denies else _FOR if suggests else _NAMED
    return Objection(nats, clause, frozenset(named), faults, frozenset(kinds))


def _longest(found: list[str]) -> set[str]:
    """`orders-db` is meant, and not `orders`, where both would fit."""
    return {name for name in found if not any(name != other and name.lower() in other.lower() for other in found)}


def _says(clause: str, word: str) -> bool:
    plain = re.sub(r"(?:\\-|_|\\ )", "[- _]", re.escape(word.lower()))
    return re.search(rf"(?<![\w-]){plain}(?![\w])", clause) is not None
