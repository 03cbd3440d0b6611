"""Reads one file, line by line, into the book.

A line's shape decides its level, service and meaning, so these are found once per shape; a line of a known shape costs
a stamp, a mask and a count.
"""

from __future__ import annotations

import re
from dataclasses import replace

from integrations.evidence.logs import stacks
from integrations.evidence.logs.book import Book, Place
from integrations.evidence.logs.heads import KLOG_LETTERS, Level, head_of, klog_letter
from integrations.evidence.logs.lifecycle import event_of
from integrations.evidence.logs.lines import Entry, access_entry, json_entry
from integrations.evidence.logs.masking import shape_of
from integrations.evidence.logs.names import Names
from integrations.evidence.logs.opening import LONGEST_LINE
from integrations.evidence.logs.shapes import Known, Shapes
from integrations.evidence.logs.stamps import Stamps
from integrations.evidence.logs.took import took

_PREFIX = re.compile(r"([\w.-]{1,80}) {0,40}\| |\[pod/([\w.-]{1,120})/([\w.-]{1,120})\] ")
_LEVEL_FIRST = re.compile(r"\[?(?:ERROR|WARN|WARNING|FATAL|CRITICAL|INFO|DEBUG|SEVERE|NOTICE)\b")
_LOGFMT_STAMP = re.compile(r'(?:time|ts|timestamp|t)="?')
_SYSLOG = re.compile(r"<\d{1,3}>|[A-Z][a-z]{2} {1,2}\d")
_BRACKETED = re.compile(r"\[([^\[\]]{20,30})\]")
_FOLDED = "#012"
"""How rsyslog writes the end of a line within an entry."""


class FileReader:
    """Reads one file."""

    def __init__(
        self, book: Book, number: int, names: Names, stamps: Stamps, *, service: str | None, sure: bool
    ) -> None:
        """Read into `book`.

        Args:
            book: of the whole analysis.
            number: of the file.
            names: of known services.
            stamps: for this file.
            service: whose lines these are, unless they say otherwise.
            sure: `service` is certain, so that a name in a line must be a known one to count.
        """
        self._book, self._number, self._names, self._stamps = book, number, names, stamps
        self._service, self._sure = service, sure
        self._shapes = Shapes(book, names, service=service, sure=sure)
        self._line = 0
        self._open: tuple[Known, Place | None, str, float | None] | None = None
        self._below: list[str] = []
        self._seconds: int | None = None
        self._access = False

    def skip(self, lines: int) -> None:
        """Lines that are passed over: they are counted, and not read."""
        self._line += lines

    def read(self, lines: list[str]) -> None:
        """Take the next lines."""
        head, shapes = self._stamps.head, self._shapes.known
        for line in lines:
            self._line += 1
            if not line or line.isspace():
                continue
            if len(line) > LONGEST_LINE:
                line = line[:LONGEST_LINE]  # noqa: PLW2901  # what is beyond is dropped
            if self._access and self._as_access(line):
                continue
            first = line[0]
            if first == "{" and self._as_json(line, None):
                continue
            stamp = head(line)
            if stamp is None:
                self._without_stamp(line)
                continue
            seconds, end = stamp
            rest = line[end:]
            folded: list[str] = []
            if _FOLDED in rest:
                rest, *folded = rest.split(_FOLDED)
            shape = shape_of(rest)
            if first in KLOG_LETTERS:
                shape = klog_letter(line) + shape
            known = shapes.get(shape)
            if known is None:
                known = self._meet(line, rest, shape, seconds)
                if known is None:
                    continue
            if self._open is not None:
                self._close()
            self._begin(known, seconds, rest, None)
            if folded:
                self._below = folded[: stacks.MOST_LINES]

    def finish(self) -> None:
        """The file is at its end."""
        self._close()
        self._book.lines += self._line

    def _begin(self, known: Known, seconds: int | None, text: str, milliseconds: float | None) -> None:
        """An entry begins; it is counted when the next one does, because lines below it may change what it means."""
        place: Place | None = None
        if seconds is not None:
            place = (self._number, self._line, seconds)
            self._seconds = seconds
        if known.timed and milliseconds is None:
            milliseconds = took(text)
        self._open = (known, place, text, milliseconds)

    def _close(self) -> None:
        if self._open is None:
            return
        known, place, text, milliseconds = self._open
        self._open = None
        self._book.entries += 1
        if place is not None:
            self._cover(place[2])
        series = known.series
        if self._below:
            series = self._shapes.raised(known, text, self._below, place or (self._number, self._line, 0)) or series
            self._below = []
        self._book.count(series, place, milliseconds)
        if known.eventful and place is not None:
            event = event_of(text, known.service)
            if event is not None:
                self._book.happened(event, known.service, text, place)

    def _cover(self, seconds: int) -> None:
        covered = self._book.coverage.get(self._number)
        if covered is None:
            self._book.coverage[self._number] = [seconds, seconds]
        elif seconds > covered[1]:
            covered[1] = seconds
        elif seconds < covered[0]:
            covered[0] = seconds

    @property
    def _here(self) -> Place:
        return (self._number, self._line, self._seconds or 0)

    def _meet(self, line: str, rest: str, shape: str, seconds: int) -> Known | None:
        """A shape that was not seen before in this file; None when the line turned out to be something else."""
        inner = rest.lstrip(" :-")
        if rest.startswith((" stdout ", " stderr ")):  # a container's log as the node writes it
            inner = rest[10:]
            stamped = self._stamps.head(inner)
            if inner.startswith("{") or stamped is not None:
                self._nested(inner, seconds)
                return None
        if inner.startswith("{") and self._as_json(inner, seconds):
            return None
        return self._shapes.stamped(
            inner, shape, self._here, klog=klog_letter(line), tagged=_SYSLOG.match(line) is not None
        )

    def _nested(self, inner: str, seconds: int) -> None:
        if inner.startswith("{") and self._as_json(inner, seconds):
            return
        stamp = self._stamps.head(inner)
        rest = inner[stamp[1] :] if stamp is not None else inner
        self._plain(rest, stamp[0] if stamp is not None else seconds, klog=klog_letter(inner))

    def _plain(
        self, rest: str, seconds: int | None, service: str | None = None, *, klog: str = "", tagged: bool = False
    ) -> None:
        """A line whose stamp, if any, is read."""
        rest, *folded = rest.split(_FOLDED) if _FOLDED in rest else [rest]
        known = self._shapes.plain(rest, self._here, service, klog=klog, tagged=tagged)
        self._close()
        self._begin(known, seconds, rest, None)
        self._below = folded[: stacks.MOST_LINES]

    def _as_json(self, line: str, seconds: int | None) -> bool:
        entry = json_entry(line, self._names)
        if entry is None:
            return False
        if entry.message.startswith("{") and entry.level is Level.UNKNOWN:
            inner = json_entry(entry.message, self._names)  # a container's log, wrapped once more
            if inner is not None:
                outer = entry
                # Whose container it is, the node knows; what the program calls itself there is often a logger.
                entry = replace(inner, service=inner.service or outer.service)
                seconds = inner.seconds or outer.seconds or seconds
        self._entered(entry, entry.seconds if entry.seconds is not None else seconds)
        return True

    def _entered(self, entry: Entry, seconds: int | None) -> None:
        """An entry whose fields are read."""
        message, level, service = entry.message, entry.level, entry.service
        if level is Level.UNKNOWN:
            stamp = self._stamps.head(message)
            head = head_of(message[stamp[1] :] if stamp is not None else message, self._names, may_name=not self._sure)
            level, message, service = head.level, head.message, service or head.service
            if entry.status is not None and entry.status >= 500:
                level = max(level, Level.ERROR)
            seconds = seconds if seconds is not None else (stamp[0] if stamp is not None else None)
        service = service or self._service if self._sure else service or entry.weak_service or self._service
        told = replace(entry, service=service, level=level, message=message)
        known = self._shapes.structured(told, self._here)
        self._close()
        self._begin(known, seconds, message, entry.milliseconds)
        self._below = list(entry.stack)[: stacks.MOST_LINES]

    def _as_access(self, line: str) -> bool:
        bracketed = _BRACKETED.search(line, 0, 400)
        stamp = self._stamps.head(bracketed.group(1)) if bracketed is not None else None
        entry = access_entry(line, stamp[0], self._names) if stamp is not None else None
        self._access = entry is not None
        if entry is not None:
            self._entered(entry, entry.seconds)
        return entry is not None

    def _without_stamp(self, line: str) -> None:
        if '] "' in line and self._as_access(line):
            return
        prefix = _PREFIX.match(line)
        if prefix is not None:
            self._prefixed(line[prefix.end() :], prefix.group(1) or prefix.group(3))
            return
        logfmt = _LOGFMT_STAMP.match(line)
        stamp = self._stamps.head(line[logfmt.end() :]) if logfmt is not None else None
        if logfmt is not None and stamp is not None:
            self._plain(line[logfmt.end() + stamp[1] :].lstrip('"'), stamp[0])
            return
        known = self._open[0] if self._open is not None else None
        if known is None or (_LEVEL_FIRST.match(line) and not line[0].isspace()):
            self._plain(line, self._seconds)
        elif known.level < Level.WARNING and not self._below and stacks.starts(line):
            # A program that ends writes its last words without a stamp: they are not part of what it said before.
            service = known.service
            self._close()
            raised = self._shapes.said(service, Level.ERROR, line[:600], line, self._here)
            self._begin(raised, self._seconds, line, None)
        elif len(self._below) < stacks.MOST_LINES:
            self._below.append(line)

    def _prefixed(self, line: str, name: str) -> None:
        """A line that a container's name stands before."""
        service = self._names.find(name) or self._names.named(re.sub(r"-\d{1,3}\Z", "", name))
        if line.startswith("{"):
            entry = json_entry(line, self._names)
            if entry is not None:
                said = entry if entry.service is not None else replace(entry, service=service, weak_service=None)
                self._entered(said, said.seconds)
                return
        stamp = self._stamps.head(line)
        if stamp is not None:
            tagged = _SYSLOG.match(line) is not None
            self._plain(line[stamp[1] :], stamp[0], service, klog=klog_letter(line), tagged=tagged)
        elif self._open is not None and (line[:1].isspace() or not _LEVEL_FIRST.match(line)):
            self._below.append(line)
        else:
            self._plain(line, self._seconds, service)
