"""How much of a limit is used: made of a metric and the limit that stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from integrations.evidence.metrics.meaning import meaning_of
from integrations.evidence.metrics.series import Series


def shares_of_limits(pieces: Sequence[tuple[str, Series]]) -> list[tuple[str, Series]]:
    """`..._in_use` beside `..._max` of the same service: how much of it is used."""
    made: list[tuple[str, Series]] = []
    by_service: dict[str | None, list[tuple[str, Series]]] = {}
    for name, one in pieces:
        by_service.setdefault(one.service, []).append((name, one))
    for many in by_service.values():
        limits = [one for _, one in many if any(w in one.metric.lower() for w in ("_max", "max_", "limit", ".max"))]
        for name, one in many:
            limit = next(
                (other for other in limits if other is not one and _same_resource(one.metric, other.metric)), None
            )
            if limit is not None and (top := median(limit.values)) > 0 and max(one.values) <= 1.05 * top:
                metric = f"{one.metric}_used_share"
                made.append(
                    (name, replace(one, metric=metric, values=tuple(value / top for value in one.values), query=""))
                )
    return made


def _same_resource(used: str, limit: str) -> bool:
    low = used.lower()
    if meaning_of(used) is None or any(word in low for word in ("max", "limit", "wait", "pending", "idle", "free")):
        return False
    stem = low
    for word in ("_in_use", "_inuse", "_active", "_used", "_open", "_usage", "_bytes", "_current", "_count"):
        stem = stem.replace(word, "")
    bare = limit.lower()
    for word in ("_max", "max_", ".max", "_limit", "_bytes", "_size"):
        bare = bare.replace(word, "")
    return len(stem) > 2 and stem == bare
