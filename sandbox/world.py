"""What the simulators remember: a journal of everything they received, and the state of the vendors' objects.

Both are in one SQLite file, so that a restart of the sandbox shows the same outbox and answers the same look-ups.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_WORKFLOW_KEY = re.compile(r"[a-z]+:[^:/]+:(?:[^:/]+:)?([A-Za-z0-9._-]{1,64})(?:/|\Z)")
"""A key begins with a workflow id: `escalation:tenant:case`, or `playbook:tenant:name:case`."""
_REFERENCE = re.compile(r"([A-Za-z0-9._-]{1,64})(?:[/:]|\Z)")
_NAMED_CASE = re.compile(r"\[?\b[Cc]ase (?:incident:)?([A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9])")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (number INTEGER PRIMARY KEY AUTOINCREMENT, vendor TEXT, entry TEXT);
CREATE TABLE IF NOT EXISTS objects (vendor TEXT, kind TEXT, id TEXT, place INTEGER, body TEXT,
                                    PRIMARY KEY (vendor, kind, id));
"""


@dataclass
class Entry:
    """One thing that reached a vendor and took effect there."""

    vendor: str
    """One of `sandbox.faults.VENDORS`."""
    kind: str
    """Such as `mail`, `message`, `message_changed`, `ticket_changed`, `refund`."""
    key: str
    """What makes a repeat recognisable: Message-ID, key in the metadata, idempotency key."""
    body: dict[str, Any]
    effects: list[str] = field(default_factory=list)
    """What the effect is counted by; for mail one per recipient. The key alone when empty."""
    subject: str | None = None
    """What it was done to, such as `reservation/res_1`, where an effect can be taken back."""
    standing: bool | None = None
    """Whether the subject is in force after it: made and not taken back. None where that cannot be."""
    case: str | None = None
    repeated: bool = False
    """Whether one of the effects was there before."""
    at: str = ""
    number: int = 0


def case_in(key: str, *texts: str) -> str | None:
    """The case that something belongs to, as far as its key or its text tells."""
    found = _WORKFLOW_KEY.match(key)
    for text in texts:
        found = found or _NAMED_CASE.search(text)
    return found[1] if found else None


def case_of(reference: str) -> str | None:
    """The case in a client's own reference: in a workflow key, or the word before a slash, as in `O-1001/berlin`."""
    found = _WORKFLOW_KEY.match(reference) or _REFERENCE.match(reference)
    return found[1] if found else None


class World:
    """The memory of all simulators."""

    def __init__(self, data_dir: Path) -> None:
        """Keep it in a folder, which is made when it is not there."""
        data_dir.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(data_dir / "outbox.sqlite", isolation_level=None)
        # A crash of the machine may cost the last entries of a sandbox; a commit must not cost milliseconds.
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.executescript(_SCHEMA)
        self._counts: Counter[tuple[str, str]] = Counter()
        for entry in self.entries():
            self._count(entry)
        self._seeds: list[Callable[[], None]] = []

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def reset(self) -> None:
        """Forget everything."""
        self._database.execute("DELETE FROM journal")
        self._database.execute("DELETE FROM objects")
        self._counts.clear()
        for plant in self._seeds:
            plant()

    def plant(self, vendor: str, seed: Callable[[], None]) -> None:
        """Give a vendor what is there from the start: now when it has nothing yet, and after each `reset`."""
        self._seeds.append(seed)
        known = self._database.execute("SELECT 1 FROM objects WHERE vendor = ? LIMIT 1", (vendor,)).fetchone()
        if known is None:
            seed()

    # The clock

    def now(self) -> datetime:
        """The time of the outside world: this machine's, and ahead of it after `advance`."""
        return datetime.now(UTC) + timedelta(seconds=self._ahead())

    def advance(self, seconds: float) -> datetime:
        """Let time pass in the outside world, so that what expires there does; returns the new time."""
        self.keep("world", "clock", "ahead", {"seconds": self._ahead() + seconds})
        return self.now()

    def _ahead(self) -> float:
        return float((self.find("world", "clock", "ahead") or {"seconds": 0})["seconds"])

    # The journal

    def record(self, entry: Entry) -> Entry:
        """Write an entry down, numbered, dated, and marked when its effect was there before."""
        entry.at = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry.effects = entry.effects or [entry.key]
        entry.repeated = any(self._counts[entry.vendor, effect] for effect in entry.effects)
        self._count(entry)
        cursor = self._database.execute(
            "INSERT INTO journal (vendor, entry) VALUES (?, ?)", (entry.vendor, json.dumps(asdict(entry)))
        )
        entry.number = int(cursor.lastrowid or 0)
        return entry

    def entries(self, *, vendor: str | None = None, since: int = 0) -> Iterator[Entry]:
        """Entries in order, after the number `since`."""
        rows = self._database.execute("SELECT number, vendor, entry FROM journal WHERE number > ? ORDER BY 1", (since,))
        for number, of_vendor, text in rows.fetchall():
            if vendor is None or vendor == of_vendor:
                yield Entry(**{**json.loads(text), "number": number})

    def effects(self) -> list[dict[str, Any]]:
        """How often each effect happened; more than once is a duplicate that somebody received."""
        return [
            {"vendor": vendor, "key": effect, "count": count}
            for (vendor, effect), count in sorted(self._counts.items())
        ]

    def standing(self, *, vendor: str | None = None, case: str | None = None) -> list[dict[str, Any]]:
        """What was done and not taken back, by subject: all of it when a case went well, nothing when it was undone."""
        last: dict[tuple[str, str], Entry] = {}
        made: dict[tuple[str, str], Entry] = {}
        for entry in self.entries(vendor=vendor):
            if entry.subject is not None:
                made.setdefault((entry.vendor, entry.subject), entry)
                last[entry.vendor, entry.subject] = entry
        return [
            {
                "vendor": entry.vendor,
                "subject": entry.subject,
                "kind": entry.kind,
                "case": made[place].case,
                "key": made[place].key,
            }
            for place, entry in last.items()
            if entry.standing and case in (None, made[place].case)
        ]

    def _count(self, entry: Entry) -> None:
        self._counts.update((entry.vendor, effect) for effect in entry.effects)

    # The vendors' objects

    def find(self, vendor: str, kind: str, identity: str) -> dict[str, Any] | None:
        """One object, or None."""
        row = self._database.execute(
            "SELECT body FROM objects WHERE vendor = ? AND kind = ? AND id = ?", (vendor, kind, identity)
        ).fetchone()
        found: dict[str, Any] | None = json.loads(row[0]) if row else None
        return found

    def all(self, vendor: str, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind, in the order they were made."""
        rows = self._database.execute(
            "SELECT body FROM objects WHERE vendor = ? AND kind = ? ORDER BY place", (vendor, kind)
        )
        return [json.loads(row[0]) for row in rows.fetchall()]

    def keep(self, vendor: str, kind: str, identity: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make or replace an object; returns it."""
        self._database.execute(
            """INSERT INTO objects (vendor, kind, id, place, body)
               VALUES (?, ?, ?, (SELECT coalesce(max(place), 0) + 1 FROM objects), ?)
               ON CONFLICT DO UPDATE SET body = excluded.body""",
            (vendor, kind, identity, json.dumps(body)),
        )
        return body

    def remove(self, vendor: str, kind: str, identity: str) -> None:
        """Remove an object."""
        self._database.execute("DELETE FROM objects WHERE vendor = ? AND kind = ? AND id = ?", (vendor, kind, identity))

    def next_number(self, vendor: str, kind: str) -> int:
        """1, 2, 3 ... for the ids of a kind."""
        current = self.find(vendor, "counter", kind) or {"value": 0}
        self.keep(vendor, "counter", kind, {"value": current["value"] + 1})
        return int(current["value"]) + 1
