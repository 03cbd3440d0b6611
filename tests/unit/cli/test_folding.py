"""A timeline that says many times the same says it once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.cases.timeline import TimelineEntry, TimelineKind
from starters.folding import folded

BEGAN = datetime(2026, 3, 2, tzinfo=UTC)


def timeline(*texts: str) -> list[TimelineEntry]:
    return [
        TimelineEntry(number=number, at=BEGAN + timedelta(hours=number), kind=TimelineKind.CLAIM, text=text)
        for number, text in enumerate(texts)
    ]


def test_equal_entries_in_a_row_are_one_with_their_number_and_the_last_ones_time() -> None:
    seen = list(folded(timeline("asked", "still unclaimed", "still unclaimed", "claimed", "still unclaimed")))
    assert [entry.text for entry in seen] == ["asked", "still unclaimed (2 times)", "claimed", "still unclaimed"]
    assert [entry.number for entry in seen] == [0, 2, 3, 4]
