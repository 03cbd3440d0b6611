"""Metrics as CSV, wide or long. Not every part has each, some flap, and backups make peaks that mean nothing."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sandbox.incidents.effects import Course
from sandbox.incidents.faults import Fault
from sandbox.incidents.system import Part, System

NAMES = {
    "requests": ("requests", "http_requests_per_minute", "request_rate", "throughput_rpm"),
    "errors": ("errors", "http_5xx_per_minute", "error_count", "failed_requests"),
    "latency": ("latency_p95_ms", "http_request_duration_p99_ms", "response_time_ms", "latency_ms"),
    "cpu": ("cpu_percent", "cpu_usage_percent", "cpu_utilization"),
    "memory": ("memory_mb", "heap_used_mb", "rss_mb", "memory_used_percent"),
    "disk": ("disk_used_percent", "disk_usage_percent", "volume_used_percent"),
    "connections": ("db_connections_active", "pool_in_use", "connections_in_use", "active_connections"),
    "lag": ("consumer_lag", "queue_depth", "backlog"),
}

_MEGABYTES = 41.0
"""For one percent of memory, where memory is measured in megabytes."""
_USUAL = {
    "database": ("connections", "disk", "cpu", "latency"),
    "cache": ("memory", "cpu", "connections"),
    "queue": ("disk", "lag", "cpu"),
}


class _Gauge:
    """One part's measurements."""

    def __init__(self, rng: random.Random, part: Part, course: Course, faults: tuple[Fault, ...]) -> None:
        self._rng = rng
        self._part = part
        self._course = course
        self._faults = faults
        self._rate = 40 + 400 * part.weight * rng.random()
        self._idle = {"cpu": rng.uniform(8, 40), "memory": rng.uniform(25, 50), "disk": rng.uniform(30, 60),
                      "connections": rng.uniform(3, 9)}  # fmt: skip
        self._limit = rng.choice((10, 20, 30)) + 10
        self._backup = rng.randrange(0, 60)
        self._flaps = not faults and rng.random() < 0.15

    def read(self, what: str, minute: int) -> float:
        value: float = getattr(self, f"_{what}")(minute)
        return max(0.0, value * (1 + self._rng.gauss(0, 0.03)))

    def _requests(self, minute: int) -> float:
        return self._rate * self._course.load[minute]

    def _errors(self, minute: int) -> float:
        usual = self._rng.choice((0, 0, 0, 1, 2)) * (3 if self._flaps and minute % 23 == 0 else 1)
        return round(usual + self._requests(minute) * self._course.failing[minute])

    def _latency(self, minute: int) -> float:
        return self._part.base_ms * 1.6 * (1 + self._course.slower[minute]) * (1 + abs(self._rng.gauss(0, 0.08)))

    def _cpu(self, minute: int) -> float:
        value = self._idle["cpu"] * (0.5 + 0.5 * self._course.load[minute])
        if self._flaps and minute % 17 in (0, 1):
            value += 35
        if minute % 60 == self._backup:
            value += 15
        for fault in self._faults:
            value += {"traffic_surge": 55, "memory_leak": 30, "slow_dependency": 20}.get(fault.kind, 0) * fault.at(
                minute
            )
        return min(value, 97.0)

    def _memory(self, minute: int) -> float:
        value = self._idle["memory"]
        for fault in self._faults:
            if fault.kind != "memory_leak" or minute < fault.grows_from:
                continue
            # It grows until the process is killed and starts anew, each time sooner than people would like.
            length = max(1, fault.onset - fault.grows_from)
            age = minute - fault.grows_from if minute < fault.onset else length * 0.8 + (minute - fault.onset) % 11
            value += (93 - value) * min(1.0, age / length)
        return value

    def _disk(self, minute: int) -> float:
        value = self._idle["disk"] + 0.002 * minute
        for fault in self._faults:
            if fault.kind == "disk_full" and minute >= fault.grows_from:
                length = max(1, fault.onset - fault.grows_from)
                value += (100 - value) * min(1.0, (minute - fault.grows_from) / length)
                if minute >= fault.onset:
                    return 100.0
        return min(value, 100.0)

    def _connections(self, minute: int) -> float:
        value = self._idle["connections"] * (0.6 + 0.4 * self._course.load[minute])
        value *= 1 + min(1.5, 0.15 * self._course.slower[minute])
        full = max((fault.at(minute) for fault in self._faults if fault.kind == "connection_pool"), default=0.0)
        return self._limit if full > 0.2 else min(value, self._limit)

    def _lag(self, minute: int) -> float:
        broken = sum(self._course.failing[max(0, minute - back)] for back in range(20))
        return 20 + 900 * broken


def _measured(rng: random.Random, part: Part, faults: tuple[Fault, ...]) -> list[str]:
    if part.kind == "external" or rng.random() < 0.08:
        return []
    usual = _USUAL.get(part.kind, ("requests", "errors", "latency", "cpu", "memory"))
    chosen = [what for what in usual if rng.random() < 0.85]
    telling = {
        "memory_leak": "memory",
        "disk_full": "disk",
        "connection_pool": "connections",
        "traffic_surge": "requests",
    }
    for fault in faults:
        what = telling.get(fault.kind)
        if what and what not in chosen and rng.random() < 0.7:
            chosen.append(what)
    # Others have them too: that a metric is there must not give the faulty one away.
    chosen += [what for what in ("disk", "connections") if what not in chosen and rng.random() < 0.3]
    return chosen


def write(
    rng: random.Random,
    file: Path,
    *,
    system: System,
    courses: dict[str, Course],
    faults: tuple[Fault, ...],
    begins: datetime,
    minutes: int,
    hidden: frozenset[str],
) -> None:
    """Write what was measured.

    Args:
        rng: decides what is measured and how it is named.
        file: where to.
        system: the system.
        courses: how everybody fares.
        faults: what struck.
        begins: the first minute.
        minutes: how many.
        hidden: parts that nothing was measured of.
    """
    names = {what: rng.choice(choice) for what, choice in NAMES.items()}
    step = rng.choice((1, 1, 1, 2, 5)) if minutes > 90 else 1
    readings: list[tuple[str, str, _Gauge]] = []
    for part in system.parts:
        mine = tuple(fault for fault in faults if fault.service == part.name)
        gauge = _Gauge(rng, part, courses[part.name], mine)
        wanted = _measured(rng, part, mine)
        readings += [(part.name, what, gauge) for what in wanted if part.name not in hidden]
    stamp = _stamps(rng, begins)
    head = rng.choice(("time", "timestamp", "ts"))
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        if rng.random() < 0.5:
            rows.writerow([head, *(f"{part}.{names[what]}" for part, what, _ in readings)])
            for minute in range(0, minutes, step):
                rows.writerow(
                    [stamp(minute), *(_shown(gauge, what, minute, names[what]) for _, what, gauge in readings)]
                )
            return
        rows.writerow([head, rng.choice(("service", "service", "job", "app")), rng.choice(("metric", "name")), "value"])
        for minute in range(0, minutes, step):
            for service, what, gauge in readings:
                rows.writerow([stamp(minute), service, names[what], _shown(gauge, what, minute, names[what])])


def _shown(gauge: _Gauge, what: str, minute: int, name: str) -> str:
    value = gauge.read(what, minute)
    if what == "disk":
        value = min(value, 100.0)
    if name.endswith("_mb"):
        value *= _MEGABYTES
    return f"{value:.1f}" if what in ("cpu", "memory", "disk", "latency") else str(round(value))


def _stamps(rng: random.Random, begins: datetime) -> Callable[[int], str]:
    style = rng.randrange(3)
    if style == 0:
        return lambda minute: (begins + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if style == 1:
        return lambda minute: str(int(begins.timestamp()) + 60 * minute)
    return lambda minute: (begins + timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M:%S+00:00")
