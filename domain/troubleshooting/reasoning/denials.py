"""Denials: what was looked for and is not there. They speak against whatever would show it.

Silence of a log says little, for nobody may have asked. A check that was made and came out well says much: as much
against a fault as the symptom would say for it, times how sure the check is. A denial touches nothing else: neither
the onset nor the timeline, and no fault that does not need the symptom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain.troubleshooting.evidence import Finding, Sign
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.reasoning.graph import Names
from domain.troubleshooting.reasoning.likelihoods import BLAMED, DEFINING, OWN

_TELLING = 1.0
"""Nats from which a symptom belongs to a fault that has no symptom of its own alone."""
_AGAIN = 0.25
"""A further denial of the same fault adds little."""


@dataclass(frozen=True, slots=True)
class Denial:
    """One symptom that a service does not show."""

    service: str
    sign: Sign
    blamed: bool
    """Others were asked whether they complain of it."""
    strength: float
    text: str
    source: str


def gather_denials(denied: Iterable[Finding], names: Names) -> tuple[Denial, ...]:
    """Denials without repetition, the clearest first; in whatever order they came.

    Args:
        denied: what was looked for and not found.
        names: to tell services apart.
    """
    best: dict[tuple[str, str, bool, str], Denial] = {}
    for one in denied:
        service = names.service(one.about) or names.service(one.service)
        if service is None or one.strength <= 0:
            continue
        denial = Denial(service, one.sign, one.about is not None, one.strength, one.text, one.source)
        key = (service, one.sign.value, denial.blamed, one.source)
        if key not in best or _rank(denial) < _rank(best[key]):
            best[key] = denial
    return tuple(sorted(best.values(), key=_rank))


def denied_nats(service: str | None, fault: FaultKind, denied: Iterable[Denial]) -> list[tuple[float, Denial]]:
    """By how many nats each denial lowers a fault of a service; never above zero.

    Args:
        service: whose fault; None for what several share, which no denial of one service touches.
        fault: which.
        denied: from `gather_denials`.
    """
    found: list[tuple[float, Denial]] = []
    for one in denied:
        if one.service == service and needs(fault, one.sign):
            table = BLAMED if one.blamed else OWN
            nats = max(0.0, table[fault].get(one.sign, 0.0)) * one.strength
            if nats > 0:
                found.append((-nats * (_AGAIN if found else 1.0), one))
    return found


def needs(fault: FaultKind, sign: Sign) -> bool:
    """Whether a fault hardly stands without a symptom."""
    if fault is FaultKind.UNKNOWN:
        return False
    defining = DEFINING.get(fault)
    return defining is sign if defining is not None else OWN[fault].get(sign, 0.0) >= _TELLING


def _rank(one: Denial) -> tuple[float, str, str, bool, str, str]:
    return (-one.strength, one.service, one.sign.value, one.blamed, one.source, one.text)
