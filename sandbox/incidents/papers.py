"""What else a user hands in: the topology, and a few words on what is wrong."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from sandbox.incidents.effects import Course
from sandbox.incidents.system import Part, System


def write_topology(rng: random.Random, file: Path, system: System) -> None:
    """Write the graph in one of the shapes that people use.

    Args:
        rng: decides on the shape.
        file: where to.
        system: the system.
    """
    style = rng.randrange(3)
    detailed = rng.random() < 0.5
    parts = sorted(system.parts, key=lambda part: part.name) if rng.random() < 0.5 else list(system.parts)
    content: dict[str, Any]
    if style == 0:
        word = rng.choice(("calls", "depends_on", "dependencies"))
        content = {"services": [{"name": part.name, **_facts(part, detailed), word: _callees(system, part)}
                                for part in parts]}  # fmt: skip
    elif style == 1:
        word = rng.choice(("depends_on", "calls", "dependsOn"))
        content = {"services": {part.name: {**_facts(part, detailed), word: _callees(system, part)} for part in parts}}
    else:
        ends = rng.choice((("from", "to"), ("caller", "callee"), ("source", "target")))
        content = {
            "services": [{"name": part.name, **_facts(part, detailed)} for part in parts],
            "calls" if ends[0] == "caller" else "edges": [
                {ends[0]: call.caller, ends[1]: call.callee} for call in system.calls
            ],
        }
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _facts(part: Part, detailed: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {"type": part.kind}
    if detailed:
        facts |= {"team": part.team, "tier": part.tier}
    if part.kind == "external":
        facts["host"] = part.host
    return facts


def _callees(system: System, part: Part) -> list[str]:
    return [call.callee for call in system.callees(part.name)]


def description(
    rng: random.Random, system: System, courses: dict[str, Course], onset: datetime, onset_minute: int
) -> str:
    """What a user says: how it looks from the entry, and roughly since when.

    Args:
        rng: decides on the words.
        system: the system.
        courses: how everybody fares.
        onset: when it began.
        onset_minute: the same in minutes from the beginning.
    """
    entry = courses[system.entry.name]
    failing = max(entry.failing[onset_minute:])
    slower = max(entry.slower[onset_minute:])
    about = onset + timedelta(minutes=rng.uniform(2, 12))
    since = rng.choice((f"since about {about:%H:%M} UTC", "since a few minutes", f"It started around {about:%H:%M} UTC",
                        "for a while now"))  # fmt: skip
    name = system.entry.name
    if failing > 0.03:
        what = rng.choice((
            f"Customers see errors from {name}", f"{name} returns 5xx for part of the requests",
            "Users report that pages do not load", f"The error rate of {name} is up",
        ))  # fmt: skip
    elif slower > 0.5:
        what = rng.choice((f"{name} is slow", "Everything feels slow for customers", f"Latency alert on {name}"))
    else:
        what = rng.choice(("Single customers complain about failures", f"Something is off behind {name}"))
    return f"{what}, {since}." if since[0].islower() else f"{what}. {since}."
