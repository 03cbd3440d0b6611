"""Names and ages as kubectl prints them."""

from __future__ import annotations

import re
from datetime import timedelta

# Kubernetes makes its suffixes of these, so that they form no words (apimachinery, util/rand).
_SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
_REPLICA_SET = re.compile(rf"^(.{{1,200}}?)-(?:{_SAFE}{{6,10}}|[0-9a-f]{{8,10}})-[a-z0-9]{{5}}$")
_SUFFIX = re.compile(rf"^(.{{1,200}}?)-{_SAFE}{{5}}$")
_HASH = re.compile(rf"^(.{{1,200}}?)-(?:{_SAFE}{{8,10}}|[0-9a-f]{{8,10}})$")
_ORDINAL = re.compile(r"^(.{1,200}?)-\d{1,3}$")
_SCHEDULED = re.compile(r"^(.{1,200}?)-\d{8,10}$")
_AGE = re.compile(r"(\d{1,9})(y|d|h|m|s)")
_SECONDS = {"y": 365 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}


def workload_of(pod: str, kind: str = "pod") -> str:
    """The deployment, job or set that a pod belongs to, by its name: `api-7f8b9c6d5-x2m4n` -> `api`."""
    low = kind.lower().rstrip("s")
    if low == "replicaset":
        found = _HASH.match(pod)
        return found[1] if found else pod
    if low == "job":
        found = _SCHEDULED.match(pod)
        return found[1] if found else pod
    if low != "pod":
        return pod
    for pattern in (_REPLICA_SET, _SUFFIX, _ORDINAL):
        found = pattern.match(pod)
        if found is not None:
            scheduled = _SCHEDULED.match(found[1])
            return scheduled[1] if scheduled else found[1]
    return pod


def age(text: str) -> timedelta | None:
    """`3m5s`, `2d3h` or `23h` as a span; None when it is none."""
    parts = _AGE.findall(text[:40])
    return timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in parts)) if parts else None
