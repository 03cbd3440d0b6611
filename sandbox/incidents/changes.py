"""Change records as organisations keep them. Most are harmless, some of these close to the onset."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml

from sandbox.incidents.faults import Fault
from sandbox.incidents.naming import versions
from sandbox.incidents.system import Part, System

_KINDS = {
    "deployment": ("deployment", "deploy", "release"),
    "configuration": ("configuration", "config", "config_change"),
    "feature_flag": ("feature_flag", "flag", "feature-flag"),
    "migration": ("migration", "schema_migration", "db-migration"),
    "infrastructure": ("infrastructure", "infra", "infrastructure"),
    "secret": ("secret", "secret_rotation", "certificate"),
    "scaling": ("scaling", "scale", "scaling"),
}
_WORDS = {
    "id": ("id", "change_id", "key", "number", "ref"),
    "at": ("at", "time", "timestamp", "applied_at", "started_at", "date"),
    "kind": ("kind", "type", "category"),
    "service": ("service", "component", "app", "application", "target"),
    "summary": ("summary", "title", "description", "message"),
    "version": ("version", "to", "new_version", "after"),
    "before": ("before", "from", "previous_version", "old"),
    "author": ("author", "by", "user", "changed_by"),
}
_SETTINGS = (
    ("log_level", "info", "debug"), ("MAX_POOL_SIZE", "30", "8"), ("REQUEST_TIMEOUT", "30s", "5s"),
    ("RETENTION_HOURS", "24", "240"), ("BATCH_SIZE", "100", "500"), ("REGION_MAP", "eu-1", "eu-1,eu-2"),
    ("CACHE_TTL", "60", "30"), ("TOKEN_TTL", "3600", "900"), ("WORKERS", "8", "12"), ("FEED_ENDPOINT", "v1", "v2"),
)  # fmt: skip
_ROLES = ("deploy-bot", "u1043", "u2291", "ci", "platform-oncall", "u877", "argocd")


@dataclass(frozen=True)
class Record:
    """One change."""

    change_id: str
    at: float
    """Minutes from the beginning."""
    kind: str
    service: str
    summary: str
    version: str | None
    before: str | None
    author: str


class Ledger:
    """Makes records up. What one says does not depend on whether it does harm."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._number = rng.randint(100, 9000)
        self._style = rng.choice(("CHG-{}", "{}", "DEP-{}", "chg{:06d}", "R{}"))
        self._versions: dict[str, Iterator[str]] = {}
        self._now: dict[str, str] = {}

    def version_of(self, service: str) -> str:
        """What a service runs now."""
        if service not in self._now:
            self._versions[service] = versions(self._rng)
            self._now[service] = next(self._versions[service])
        return self._now[service]

    def record(self, at: float, kind: str, service: str) -> Record:
        """Make a change up."""
        rng = self._rng
        self._number += rng.randint(1, 9)
        version: str | None = None
        before: str | None = None
        if kind == "deployment":
            before = self.version_of(service)
            version = self._now[service] = next(self._versions[service])
            text = rng.choice(
                ("Release {v}", "Deploy {v} to production", "{s} {v}: small fixes", "Rollout of {v} ({s})")
            ).format(v=version, s=service)
        elif kind == "configuration":
            name, before, version = rng.choice(_SETTINGS)
            text = rng.choice(("Set {n} to {a}", "{n}: {b} -> {a}", "Change {n}", "Update settings of {s}")).format(
                n=name, a=version, b=before, s=service
            )
        else:
            text = rng.choice(_TEXTS[kind]).format(s=service, n=rng.randint(1, 99))
        return Record(self._style.format(self._number), at, kind, service, text, version, before, rng.choice(_ROLES))


_TEXTS = {
    "feature_flag": ("Enable promo banner for everybody", "Turn on new search for 50 %", "Flag exp-{n} to 100 %"),
    "migration": ("Migration 00{n}: drop unused index", "Migration 00{n}: add column", "Backfill of table {n}"),
    "infrastructure": ("Move {s} to node group {n}", "Update base image of hosts", "Network change NET-{n}"),
    "secret": ("Rotate credentials of {s}", "Renew certificate of {s}", "Rotate key {n}"),
    "scaling": ("Scale {s} to {n} replicas", "Raise memory request of {s}"),
}
_HARMLESS = ("deployment", "deployment", "deployment", "configuration", "configuration", "feature_flag", "scaling",
             "infrastructure", "secret", "migration")  # fmt: skip


def make_up(
    rng: random.Random, system: System, faults: tuple[Fault, ...], minutes: int
) -> tuple[list[Record], dict[Fault, Record]]:
    """Make up every change in the time of the evidence and shortly before.

    Args:
        rng: decides.
        system: the system.
        faults: what strikes.
        minutes: length of the evidence.

    Returns:
        All records, oldest first; and for a fault that a change brought about, which.
    """
    wanted: list[tuple[float, str, str, Fault | None]] = []
    for fault in faults:
        if fault.change_at is not None and fault.change_kind is not None:
            wanted.append((fault.change_at, fault.change_kind, fault.service, fault))
    spared = {fault.service for fault in faults}
    owned = [part for part in system.parts if part.kind != "external"]
    for _ in range(rng.randint(4, 16)):
        at = rng.uniform(-600, minutes)
        part = rng.choice(owned)
        if part.name not in spared or at < min(fault.grows_from for fault in faults) - 60:
            wanted.append((at, _suitable(rng, part), part.name, None))
    others = [part for part in owned if part.name not in spared]
    for _ in range(rng.choice((0, 1, 1, 2, 3))) if others else ():
        part = rng.choice(others)
        wanted.append((faults[0].onset + rng.uniform(-20, 8), _suitable(rng, part), part.name, None))
    wanted.sort(key=lambda one: one[0])
    ledger = Ledger(rng)
    records: list[Record] = []
    causes: dict[Fault, Record] = {}
    for at, kind, service, because in wanted:
        records.append(ledger.record(at, kind, service))
        if because is not None:
            causes[because] = records[-1]
    return records, causes


def _suitable(rng: random.Random, part: Part) -> str:
    if part.kind in ("database", "cache", "queue"):
        return rng.choice(("configuration", "scaling", "infrastructure", "migration"))
    kind = rng.choice(_HARMLESS)
    return "deployment" if kind == "migration" else kind


def write(rng: random.Random, folder: Path, records: list[Record], begins: datetime) -> Path:
    """Write the records in one of the formats that are in use.

    Args:
        rng: decides on the format and its words.
        folder: where to.
        records: the changes.
        begins: the first minute.

    Returns:
        The file.
    """
    words = {what: rng.choice(choice) for what, choice in _WORDS.items()}
    kinds = {kind: rng.choice(choice) for kind, choice in _KINDS.items()}
    zone = timezone(timedelta(minutes=rng.choice((0, 0, 60, -300))))
    sparse = rng.random() < 0.5
    rows: list[dict[str, Any]] = []
    for record in records:
        at = (begins + timedelta(minutes=record.at)).astimezone(zone).replace(microsecond=0)
        row = {
            words["id"]: record.change_id,
            words["at"]: at.isoformat() if zone.utcoffset(None) else at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            words["kind"]: kinds[record.kind],
            words["service"]: record.service,
            words["summary"]: record.summary,
            words["version"]: record.version,
            words["before"]: record.before,
            words["author"]: record.author,
        }
        rows.append({key: value for key, value in row.items() if value is not None or not sparse})
    return _in_format(rng, folder, rows, list(words.values()))


def _in_format(rng: random.Random, folder: Path, rows: list[dict[str, Any]], columns: list[str]) -> Path:
    style = rng.choice(("json", "json_wrapped", "yaml", "csv"))
    if style == "csv":
        file = folder / "changes.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return file
    wrapped: Any = {"changes": rows} if style == "json_wrapped" or rng.random() < 0.4 else rows
    if style == "yaml":
        file = folder / "changes.yaml"
        file.write_text(yaml.safe_dump(wrapped, sort_keys=False), encoding="utf-8")
        return file
    file = folder / "changes.json"
    file.write_text(json.dumps(wrapped, indent=1) + "\n", encoding="utf-8")
    return file
