"""What was counted, by service: the minutes that its logs cover, its work, and where its lines stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from integrations.evidence.logs.book import Book, Place, Series
from integrations.evidence.logs.heads import Level
from integrations.evidence.logs.sentences import moment, redacted

TOOL = "logs.analyse"


@dataclass(frozen=True)
class Window:
    """The minutes that a service's logs cover, or all logs do."""

    first: int
    last: int
    width: int

    @property
    def length(self) -> int:
        """In minutes, or whatever is counted together."""
        return self.last - self.first + 1

    @property
    def per_minute(self) -> float:
        """What turns a count per cell into one per minute."""
        return 60.0 / self.width

    def counts(self, series: Series) -> list[int]:
        """Its counts, cell by cell."""
        return [series.counts.get(minute, 0) for minute in range(self.first, self.last + 1)]

    def moment(self, index: int) -> datetime:
        """When a cell begins."""
        return moment((self.first + index) * self.width)


class Counted:
    """A book, looked up by service."""

    def __init__(self, book: Book, files: Sequence[str], *, known: Collection[str] = ()) -> None:
        """Look up a book.

        Args:
            book: what was counted.
            files: the names of the files, by number.
            known: names of services that did not come out of a message.
        """
        self.book, self._files, self._known = book, files, frozenset(known)
        minutes = [minute for series in book.series.values() for minute in series.counts]
        self.whole = Window(min(minutes), max(minutes), book.width) if minutes else None
        self.by_service: dict[str | None, list[Series]] = {}
        for series in book.series.values():
            self.by_service.setdefault(series.service, []).append(series)
        self.lines = {name: sum(one.total for one in found) for name, found in self.by_service.items()}
        self._totals: dict[str | None, list[int]] = {}
        self._troubles: dict[str | None, list[int]] = {}
        self._windows: dict[str | None, Window] = {}

    def of(self, service: str | None) -> list[Series]:
        """Everything that a service wrote."""
        return self.by_service[service]

    def window(self, service: str | None) -> Window:
        """The minutes that a service's logs cover."""
        found = self._windows.get(service)
        if found is None:
            minutes = [minute for series in self.of(service) for minute in series.counts]
            assert self.whole is not None  # noqa: S101  # there is a finding only where there are minutes
            found = Window(min(minutes), max(minutes), self.book.width) if minutes else self.whole
            self._windows[service] = found
        return found

    def traffic(self, service: str | None) -> list[int]:
        """Lines below warning, cell by cell: what stands in for requests."""
        found = self._totals.get(service)
        if found is None:
            window = self.window(service)
            found = [0] * window.length
            for series in self.of(service):
                if series.level < Level.WARNING:
                    for minute, count in series.counts.items():
                        found[minute - window.first] += count
            self._totals[service] = found
        return found

    def troubles(self, service: str | None) -> list[int]:
        """Lines of trouble, cell by cell."""
        found = self._troubles.get(service)
        if found is None:
            window = self.window(service)
            found = [0] * window.length
            for series in self.of(service):
                if series.level >= Level.WARNING:
                    for minute, count in series.counts.items():
                        found[minute - window.first] += count
            self._troubles[service] = found
        return found

    def about(self, series: Series) -> str | None:
        """Whom its lines blame: unless the word turns out to be part of something personal or secret."""
        # What is hidden in the example is not a name to be shown beside it.
        if series.about is None or series.about in self._known or series.about in redacted(series.example):
            return series.about
        return None

    def source(self, first: Place, last: Place) -> str:
        """Where lines stand, for people."""
        name = self._files[first[0]]
        if first[0] == last[0]:
            return f"{TOOL} {name} lines {first[1]}-{max(first[1], last[1])}"
        return f"{TOOL} {name} line {first[1]} to {self._files[last[0]]} line {last[1]}"
