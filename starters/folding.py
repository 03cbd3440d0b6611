"""A timeline for a person: what happened many times in a row is said once, with how often."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from domain.cases.timeline import TimelineEntry


def folded(entries: Iterable[TimelineEntry]) -> Iterator[TimelineEntry]:
    """The entries in their order; of equal ones in a row only the last, with their number.

    Args:
        entries: oldest first.
    """
    for _, equal in groupby(entries, key=lambda entry: (entry.kind, entry.actor, entry.text)):
        *before, last = equal
        yield last.model_copy(update={"text": f"{last.text} ({len(before) + 1} times)"}) if before else last
