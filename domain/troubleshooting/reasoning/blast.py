"""Whom an incident reaches: who is affected, who is next, how bad it is, and why one says so."""

from __future__ import annotations

from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.reasoning.candidates import Scene
from domain.troubleshooting.topology import BlastRadius

_SEEN = 0.2
_HARD = frozenset({Sign.ERRORS, Sign.NEW_ERROR, Sign.UNREACHABLE, Sign.CRASH, Sign.TIMEOUT, Sign.CERTIFICATE})
_FIRST_TIERS = ("critical", "tier 1", "tier-1", "tier1", "1", "gold", "p1", "tier 0", "tier-0", "tier0", "0")
_LEVELS = ("low", "medium", "high", "critical")
_MOST_OF = 0.5


def blast_radius(scene: Scene) -> BlastRadius:
    """Whom the incident reaches, by the evidence and the graph.

    Args:
        scene: Signals with weights, and the graph.

    Returns:
        Affected services with the worst first; unknown severity and scope when nothing is known to be affected.
    """
    mass: dict[str, float] = {}
    hard: set[str] = set()
    for one in scene.signals:
        if one.stale or one.weight < _SEEN:
            continue
        for name, share in ((one.service, 1.0), (one.about if one.about in scene.graph.given else None, 0.7)):
            if name:
                mass[name] = mass.get(name, 0.0) + share * one.weight
                if one.sign in _HARD:
                    hard.add(name)
    affected = sorted(mass, key=lambda name: (-mass[name], name))
    if not affected:
        return BlastRadius(reasons=("No symptom is known to belong to a service.",))
    at_risk = tuple(sorted(scene.graph.who_depend_on(affected) - set(affected)))
    severity, why = _severity(affected, hard, scene)
    scope, how_far = _scope(affected, scene)
    return BlastRadius(
        affected=tuple(affected),
        at_risk=at_risk,
        severity=severity,
        scope=scope,
        reasons=(*why, how_far, *_risk(at_risk)),
    )


def _severity(affected: list[str], hard: set[str], scene: Scene) -> tuple[str, list[str]]:
    level, why = 0, []
    if hard:
        level += 1
        why.append(f"Requests fail at {_some(sorted(hard))}.")
    else:
        why.append("Nothing is known to fail yet; it is slow or close to a limit.")
    entries = sorted(name for name in affected if scene.graph.is_entry(name))
    if entries:
        level += 1
        why.append(f"It reaches users at {_some(entries)}.")
    firsts = sorted(name for name in affected if scene.graph.tiers.get(name, "").strip().lower() in _FIRST_TIERS)
    if firsts:
        level += 1
        why.append(f"{_some(firsts)} is of the first tier.")
    if len(affected) >= 3 and not firsts:
        level += 1
        why.append(f"{len(affected)} services show it.")
    return _LEVELS[min(level, len(_LEVELS) - 1)], why


def _scope(affected: list[str], scene: Scene) -> tuple[str, str]:
    known = len(scene.graph.names())
    if len(affected) == 1:
        return "one service", f"Only {affected[0]} shows symptoms."
    if known >= 4 and len(affected) > _MOST_OF * known:
        return "most of the system", f"{len(affected)} of {known} services are affected."
    return "several services", f"{len(affected)} services are affected: {_some(affected)}."


def _risk(at_risk: tuple[str, ...]) -> list[str]:
    if not at_risk:
        return []
    return [f"{_some(list(at_risk))} depend on them and show nothing yet."]


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown
