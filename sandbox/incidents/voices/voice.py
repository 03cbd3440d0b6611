"""What one kind of software writes into its log.

Templates hold fields in braces: `{host}`, `{peer}` and `{port}` are whom it calls, `{svc}`, `{cap}` and `{pkg}` itself;
the others are made up for every line (`sandbox/incidents/pen.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Said = tuple[str, str]
"""Level and template."""
Scenario = tuple[Said, ...]
"""Lines that one way to fail writes, the most frequent first."""


@dataclass(frozen=True)
class Voice:
    """One framework, server or store."""

    name: str
    layouts: tuple[str, ...]
    loggers: tuple[str, ...]
    normal: tuple[Said, ...]
    chatter: tuple[Said, ...]
    """Warnings that are always there and mean nothing."""
    mishaps: tuple[Said, ...]
    """Errors that happen now and then, whatever the state of the system."""
    boot: tuple[Said, ...]
    calls: Mapping[str, tuple[Said, ...]] = field(default_factory=dict)
    """How a failed call to another service is written, by what was wrong with it."""
    store_calls: Mapping[str, tuple[Said, ...]] = field(default_factory=dict)
    """The same for databases, caches and queues, where it differs."""
    vague: tuple[Said, ...] = ()
    """A failed request, without a word on why."""
    faults: Mapping[str, tuple[Scenario, ...]] = field(default_factory=dict)
    """What it writes when it is itself the one that is broken, by kind of fault."""
