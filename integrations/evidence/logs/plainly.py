"""What logs say plainly although nothing is wrong: that there is no error among so many lines, or no line at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from integrations.evidence.logs.book import Book, Series
from integrations.evidence.logs.heads import Level
from integrations.evidence.logs.owners import Owner
from integrations.evidence.logs.sentences import example, moment
from integrations.evidence.printed import nothing_of

_MOST = 6
_ALIKE = 0.9
"""A share of lines from which on all are alike."""


def facts_of(book: Book, owners: Sequence[Owner]) -> tuple[str, ...]:
    """Sentences about quiet logs, where there are few: in a system of many services, quiet is nothing to tell."""
    empty = [
        nothing_of(owner.head)
        for number, owner in enumerate(owners)
        if owner.head is not None and owner.head.pod and number not in book.coverage and not _holds(book, number)
    ]
    by_service: dict[str | None, list[Series]] = {}
    for series in book.series.values():
        by_service.setdefault(series.service, []).append(series)
    quiet = list(_quiet(by_service)) if len(by_service) <= _MOST else []
    return tuple(dict.fromkeys([*empty[:_MOST], *quiet]))


def _holds(book: Book, number: int) -> bool:
    return any(series.opening[0] == number for series in book.series.values())


def _quiet(by_service: dict[str | None, list[Series]]) -> Iterator[str]:
    for service, found in by_service.items():
        total = sum(series.total for series in found)
        if not total or any(series.level >= Level.WARNING for series in found):
            continue
        most = max(found, key=lambda series: series.total)
        all_of_them = "All" if len(found) == 1 else "Nearly all"
        alike = f" {all_of_them} are like {example(most)}" if most.total >= _ALIKE * total else ""
        whose = f"The log of {service}" if service else "The log"
        yield f"{whose} has {total} lines{_span(found)}; none reports an error or a warning.{alike}"


def _span(found: Sequence[Series]) -> str:
    firsts = [place[2] for series in found for place in series.firsts.values()]
    lasts = [series.last[2] for series in found if series.counts]
    if not firsts or not lasts:
        return ""
    return f" from {moment(min(firsts)):%Y-%m-%d %H:%M} to {moment(max(lasts)):%Y-%m-%d %H:%M} UTC"
