"""What logs say plainly although nothing is wrong: that there is no error among so many lines, or no line at all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from integrations.evidence.logs.book import Book, Series
from integrations.evidence.logs.heads import Level
from integrations.evidence.logs.owners import Owner
from integrations.evidence.logs.sentences import example, moment
from integrations.evidence.printed import nothing_of, plural

_MOST = 6
_ALIKE = 0.9
"""A share of lines from which on all are alike."""


def facts_of(book: Book, owners: Sequence[Owner], twins: Collection[int] = ()) -> tuple[str, ...]:
    """Sentences about quiet logs, where there are few: in a system of many services, quiet is nothing to tell.

    Args:
        book: what was counted.
        owners: whose each file is, by number.
        twins: numbers of files that were not read, for they say the same as others.
    """
    empty = [
        nothing_of(owner.head)
        for number, owner in enumerate(owners)
        if owner.head is not None and owner.head.pod and not _is_read(book, number) and number not in twins
    ]
    by_service: dict[str | None, list[Series]] = {}
    for series in book.series.values():
        by_service.setdefault(series.service, []).append(series)
    quiet = list(_quiet(by_service)) if len(by_service) <= _MOST else []
    return tuple(dict.fromkeys([*empty[:_MOST], *quiet]))


def _is_read(book: Book, number: int) -> bool:
    return number in book.coverage or any(series.opening[0] == number for series in book.series.values())


def _quiet(by_service: dict[str | None, list[Series]]) -> Iterator[str]:
    for service, found in by_service.items():
        total = sum(series.total for series in found)
        most = max(found, key=lambda series: series.total)
        if not most.example.strip("{}[] ") or any(series.level >= Level.WARNING for series in found):
            continue
        all_of_them = "All" if len(found) == 1 else "Nearly all"
        alike = f" {all_of_them} are like {example(most)}" if most.total >= _ALIKE * total else ""
        whose = f"The log of {service}" if service else "The log"
        yield f"{whose} has {plural(total, 'line')}{_span(found)}; none reports an error or a warning.{alike}"


def _span(found: Sequence[Series]) -> str:
    firsts = [place[2] for series in found for place in series.firsts.values()]
    lasts = [series.last[2] for series in found if series.counts]
    if not firsts or not lasts:
        return ""
    return f" from {moment(min(firsts)):%Y-%m-%d %H:%M} to {moment(max(lasts)):%Y-%m-%d %H:%M} UTC"
