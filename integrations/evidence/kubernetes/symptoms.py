"""What is wrong with a workload, gathered from many lines that say the same, and told once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from domain.troubleshooting.evidence import Finding, Sign
from integrations.evidence.answers import earliest, latest, numbers, said


@dataclass(frozen=True)
class Where:
    """What the lines around a row say: whose output it is."""

    namespace: str | None = None
    workload: str | None = None
    pod: str | None = None
    selector: str | None = None
    """Node selector, where the description shows one."""


@dataclass(frozen=True)
class Symptom:
    """One thing that one place says."""

    sign: Sign
    cause: str
    """The same words for the same trouble, such as `image` or `unready`: those of one workload are told once."""
    text: str
    """What a good engineer would conclude; `{who}` stands for the workload."""
    strength: float
    workload: str | None = None
    namespace: str | None = None
    about: str | None = None
    pod: str | None = None
    at: datetime | None = None
    ago: timedelta | None = None
    """How long before the output was taken it began, where no time is given."""
    until: datetime | None = None
    count: float = 1
    line: int = 0
    is_own_word: bool = False
    """The workload's own log says it."""


@dataclass
class Gathered:
    """All symptoms, and what was seen besides."""

    symptoms: list[Symptom] = field(default_factory=list)
    pods: dict[tuple[str, str], str] = field(default_factory=dict)
    """Namespace and name of every pod, with its status."""
    objects: set[str] = field(default_factory=set)
    """Names of workloads and services."""
    moments: list[datetime] = field(default_factory=list)
    """Every time that the text gives: the last is about when it was printed."""
    empty_namespaces: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    """What it says plainly without being trouble."""
    logs_of: set[str] = field(default_factory=set)
    """Pods whose logs were read."""
    missing: list[tuple[str, str | None]] = field(default_factory=list)
    """Names that were looked for and not found, and the namespace in which, where one was named."""
    selectors: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each service."""
    labels: list[dict[str, str]] = field(default_factory=list)
    """Of each pod."""

    def add(self, symptom: Symptom) -> None:
        """Keep it, unless there are far too many."""
        if len(self.symptoms) < 20_000:
            self.symptoms.append(symptom)
            if symptom.cause == "missing" and symptom.about:
                self.missing.append((symptom.about, symptom.namespace))
            if symptom.workload:
                self.objects.add(symptom.workload)


_EXPLAINED = {
    "crash": ("memory", "configuration", "start", "log"),
    "pending": ("placing", "volume", "quota"),
    "unready": ("probe", "crash", "image", "configuration", "start"),
    "unavailable": ("probe", "crash", "image", "configuration", "start", "placing", "memory", "quota"),
    "backoff": ("crash",),
}
"""A trouble that others explain is told weaker beside them."""


_ENDS = frozenset(("crash", "failed", "job"))
"""Troubles of a workload whose program ends."""
_LAST_WORDS = 0.1
_PLAIN = 0.8
_DOUBTLESS = 0.9


def causes_in(pieces: Iterable[Gathered]) -> dict[str | None, set[str]]:
    """What troubles each workload has, in all pieces together."""
    causes: dict[str | None, set[str]] = {}
    for gathered in pieces:
        for symptom in gathered.symptoms:
            causes.setdefault(symptom.workload, set()).add(symptom.cause)
    return causes


def findings_of(
    gathered: Gathered, *, causes: Mapping[str | None, set[str]], as_of: datetime | None, source: str
) -> list[Finding]:
    """One finding per workload, trouble and culprit.

    Args:
        gathered: of one piece.
        causes: what all pieces together say of each workload: one trouble may explain another.
        as_of: when it was printed.
        source: tool and piece.
    """
    groups: dict[tuple[str | None, str, str | None], list[Symptom]] = {}
    for symptom in gathered.symptoms:
        groups.setdefault((symptom.workload, symptom.cause, symptom.about), []).append(symptom)
    now = as_of or latest(gathered.moments)
    found = []
    for (workload, cause, _), many in groups.items():
        best = max(many, key=lambda one: (one.strength, len(one.text)))
        strength = _weighed(best, causes.get(workload, set()), cause)
        found.append(_finding(replace(best, strength=strength), many, now, source))
    return found


def _weighed(best: Symptom, others: Collection[str], cause: str) -> float:
    """Weaker beside what explains it; beyond doubt when a program that ends says plainly itself why."""
    if any(other in others for other in _EXPLAINED.get(cause, ())):
        return best.strength - 0.2
    if best.is_own_word and best.workload and best.strength >= _PLAIN and not _ENDS.isdisjoint(others):
        return max(best.strength, min(_DOUBTLESS, best.strength + _LAST_WORDS))
    return best.strength


def _finding(best: Symptom, many: list[Symptom], now: datetime | None, source: str) -> Finding:
    pods = sorted({one.pod for one in many if one.pod})
    who = best.workload or "the cluster"
    place = f" in {best.namespace}" if best.namespace else ""
    several = f" ({len(pods)} pods)" if len(pods) > 1 else ""
    text = best.text.replace("{who}", f"{who}{place}{several}", 1).replace("{who}", who)
    return Finding(
        sign=best.sign,
        service=best.workload,
        about=best.about,
        at=earliest(_began(one, now) for one in many),
        until=latest(one.until for one in many),
        strength=round(max(0.1, min(0.95, best.strength)), 3),
        text=said(text),
        numbers=numbers(
            count=max(one.count for one in many) if len(many) == 1 else sum(one.count for one in many),
            pods=float(len(pods)) if pods else None,
            first_line=float(min(one.line for one in many)) if best.line else None,
        ),
        source=f"{source}{f' line {best.line}' if best.line else ''}"[:300],
    )


def _began(symptom: Symptom, now: datetime | None) -> datetime | None:
    if symptom.at is not None or symptom.ago is None or now is None:
        return symptom.at
    try:
        return now - symptom.ago
    except OverflowError:
        return None


def counted(pods: Iterable[tuple[tuple[str, str], str]]) -> dict[str, dict[str, int]]:
    """How many pods each namespace has, by status."""
    counts: dict[str, dict[str, int]] = {}
    for (namespace, _), status in pods:
        by_status = counts.setdefault(namespace or "unknown", {})
        by_status[status] = by_status.get(status, 0) + 1
    return counts
