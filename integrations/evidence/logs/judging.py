"""Findings from what was counted: new errors, more errors, slower calls, silent services, more traffic, starts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.troubleshooting.evidence import Finding, Sign
from integrations.evidence.logs.bare import is_bare
from integrations.evidence.logs.book import Book, Place, Series
from integrations.evidence.logs.heads import Level
from integrations.evidence.logs.meaning import DEFINITE
from integrations.evidence.logs.segments import Rise, rise_of, slower_of
from integrations.evidence.logs.sentences import clock, example, fit, moment, percent, rates, redacted, times, who

TOOL = "logs.analyse"
_WEAKEST = 0.1
_MOST_JUDGED = 2_500
"""Series of one analysis that are looked at, the largest first."""
_MOST_MINUTES = 3_000
_FAR = timedelta(hours=6)
_LEAST_EXPECTED = 20
"""Lines that are missing before a service counts as silent."""
_LEAST_RESTARTS = 3
_APART_SECONDS = 10
_LOOP_SECONDS = 1_800


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


class Judge:
    """Looks at everything that was counted."""

    def __init__(
        self, book: Book, files: Sequence[str], *, around: datetime | None = None, known: Collection[str] = ()
    ) -> None:
        """Judge a book.

        Args:
            book: what was counted.
            files: the names of the files, by number.
            around: when the incident was, where somebody said so.
            known: names of services that did not come out of a message.
        """
        self._book, self._files, self._around, self._known = book, files, around, frozenset(known)
        minutes = [minute for series in book.series.values() for minute in series.counts]
        self.whole = Window(min(minutes), max(minutes), book.width) if minutes else None
        self._by_service: dict[str | None, list[Series]] = {}
        for series in book.series.values():
            self._by_service.setdefault(series.service, []).append(series)
        self._lines = {name: sum(one.total for one in found) for name, found in self._by_service.items()}
        self._totals: dict[str | None, list[int]] = {}
        self._windows: dict[str | None, Window] = {}

    def findings(self) -> list[Finding]:
        """All of them, the strongest first."""
        found: list[Finding] = []
        if self.whole is None or self.whole.length > _MOST_MINUTES * 10:
            return sorted(self._undated(), key=lambda finding: -finding.strength)
        for service in self._by_service:
            found += self._of_service(service)
        for series in self._troubled():
            finding = self._trouble(series)
            if finding is not None:
                found.append(finding)
        found += self._slower()
        found += self._undated()
        near = [self._weighed(finding) for finding in found if finding.strength >= _WEAKEST]
        return sorted(near, key=lambda finding: (-finding.strength, finding.at or moment(0), finding.text))

    def _of(self, service: str | None) -> list[Series]:
        return self._by_service[service]

    def _troubled(self) -> list[Series]:
        trouble = [series for series in self._book.series.values() if series.level >= Level.WARNING and series.counts]
        return sorted(trouble, key=lambda series: -series.total)[:_MOST_JUDGED]

    def _window(self, service: str | None) -> Window:
        found = self._windows.get(service)
        if found is None:
            minutes = [minute for series in self._of(service) for minute in series.counts]
            assert self.whole is not None  # noqa: S101  # there is a finding only where there are minutes
            found = Window(min(minutes), max(minutes), self._book.width) if minutes else self.whole
            self._windows[service] = found
        return found

    def _traffic(self, service: str | None) -> list[int]:
        """Lines below warning, cell by cell: what stands in for requests."""
        found = self._totals.get(service)
        if found is None:
            window = self._window(service)
            found = [0] * window.length
            for series in self._of(service):
                if series.level < Level.WARNING:
                    for minute, count in series.counts.items():
                        found[minute - window.first] += count
            self._totals[service] = found
        return found

    def _trouble(self, series: Series) -> Finding | None:
        """What one template of errors or warnings says."""
        window = self._window(series.service)
        rise = rise_of(window.counts(series)) if window.length > 1 else None
        if rise is None:
            return self._steady(series, window)
        is_new = rise.before * rise.start < 0.5 + 0.01 * series.total
        clear = 1 - math.exp(-rise.gain / 22)
        weight = 0.95 if series.level >= Level.ERROR else 0.8
        if not is_new:
            weight *= min(1.0, 0.45 + 0.2 * math.log2(max(rise.ratio, 1.0)))
            weight *= 0.6 if rise.ratio < 1.5 * self._growth(series.service, rise) else 1.0
        strength = clear * weight
        if series.sign in DEFINITE:
            strength = max(strength, (0.4 if series.level >= Level.ERROR else 0.25) if is_new else 0.2)
        sign = series.sign or (Sign.NEW_ERROR if is_new and not is_bare(series.example) else Sign.ERRORS)
        first = self._first(series, window, rise)
        until = window.moment(rise.end) if rise.end < window.length else moment(series.last[2])
        numbers = self._numbers(series, window, rise, first)
        verb = "is new" if is_new else f"rises {times(rise.ratio)}"
        text = f"{who(series)} {verb} at {clock(first[2])}: {rates(numbers)}. {example(series)}"
        return Finding(
            sign=sign,
            service=series.service,
            about=self._about(series),
            at=moment(first[2]),
            until=max(until, moment(first[2])),
            strength=round(min(strength, 0.98), 3),
            text=fit(text),
            numbers=numbers,
            source=self._source(first, series.last),
        )

    def _steady(self, series: Series, window: Window) -> Finding | None:
        """Trouble at the same rate throughout: little news, unless it is definite by itself or much of the log."""
        share = series.total / max(1, self._lines[series.service])
        late = window.length > 1 and min(series.counts) - window.first > window.length * 0.5
        is_error = series.level >= Level.ERROR
        strength = 0.5 * min(1.0, share / 0.2) if share > 0.03 else 0.05
        if is_error and series.sign is not None and late:
            strength = max(strength, 0.12)
        if series.sign in DEFINITE:
            strength = max(strength, (0.4 if is_error else 0.25) if late or share > 0.2 else 0.15)
        if strength < _WEAKEST:
            return None
        first = series.firsts[min(series.counts)]
        rate = series.total / window.length * window.per_minute
        numbers = {
            "count": float(series.total),
            "after": round(rate, 3),
            "share": round(share, 4),
            "first_line": float(first[1]),
        }
        when = f"since {clock(first[2])}" if late else "as long as the log goes back"
        text = f"{who(series)} {series.total} times {when}, {percent(share)} of its lines. {example(series)}"
        return Finding(
            sign=series.sign or Sign.ERRORS,
            service=series.service,
            about=self._about(series),
            at=moment(first[2]),
            until=moment(series.last[2]),
            strength=round(strength, 3),
            text=fit(text),
            numbers=numbers,
            source=self._source(first, series.last),
        )

    def _growth(self, service: str | None, rise: Rise) -> float:
        """How many times more lines of work the service writes in a stretch than before it."""
        traffic = self._traffic(service)
        before, during = traffic[: rise.start], traffic[rise.start : rise.end]
        if not sum(before) or not sum(during):
            return 1.0
        return (sum(during) / len(during)) / (sum(before) / len(before))

    def _numbers(self, series: Series, window: Window, rise: Rise, first: Place) -> dict[str, float]:
        before, after = rise.before * window.per_minute, rise.after * window.per_minute
        counted = sum(count for minute, count in series.counts.items() if minute - window.first >= rise.start)
        numbers = {
            "count": float(counted),
            "before": round(before, 3),
            "after": round(after, 3),
            "first_line": float(first[1]),
        }
        if before > 0:
            numbers["ratio"] = round(after / before, 2)
        traffic = self._traffic(series.service)
        work = sum(traffic[rise.start : rise.end])
        errors = sum(window.counts(series)[rise.start : rise.end])
        numbers["share"] = round(errors / max(1, errors + work), 4)
        return numbers

    def _of_service(self, service: str | None) -> Iterator[Finding]:
        """What all lines of a service together say."""
        window, traffic = self._window(service), self._traffic(service)
        if window.length >= 4:
            # A file begins in the middle of its first cell: what is missing of it is no quiet before a rush.
            rise = rise_of([traffic[1], *traffic[1:]])
            if rise is not None and rise.before > 0 and rise.ratio >= 1.6:
                yield self._more_traffic(service, window, rise)
        if service is not None:
            silent = self._silence(service, window)
            if silent is not None:
                yield silent
            restarts = self._restarts(service)
            if restarts is not None:
                yield restarts

    def _more_traffic(self, service: str | None, window: Window, rise: Rise) -> Finding:
        clear = 1 - math.exp(-rise.gain / 22)
        strength = clear * min(0.8, 0.3 + 0.2 * math.log2(rise.ratio))
        before, after = rise.before * window.per_minute, rise.after * window.per_minute
        at = window.moment(rise.start)
        subject = service or "The log"
        rates = f"{before:.1f} lines of work per minute before, {after:.1f} after"
        text = f"{subject} does {times(rise.ratio)} as much from {at:%H:%M}: {rates}."
        return Finding(
            sign=Sign.TRAFFIC,
            service=service,
            at=at,
            until=window.moment(rise.end),
            strength=round(strength, 3),
            text=fit(text),
            numbers={"before": round(before, 2), "after": round(after, 2), "ratio": round(rise.ratio, 2)},
            source=TOOL,
        )

    def _silence(self, service: str, window: Window) -> Finding | None:
        """A service that wrote nothing for a while in which much was to be expected."""
        assert self.whole is not None  # noqa: S101  # as in `_window`
        minutes = sorted({minute for series in self._of(service) for minute in series.counts})
        if not minutes:
            return None
        ends = [*minutes[1:], self.whole.last + 1]
        gaps = sorted(((end - start - 1, start) for start, end in zip(minutes, ends, strict=True)), reverse=True)
        gap, start = gaps[0]
        usual = gaps[1][0] if len(gaps) > 1 else 0
        before = sum(
            count for series in self._of(service) for minute, count in series.counts.items() if minute <= start
        )
        rate = before / max(1, start - window.first + 1)
        elsewhere = self._others_at(service, start + 1, start + gap)
        if gap < 2 or gap < 3 * usual or rate * gap < _LEAST_EXPECTED or not elsewhere or start - window.first < 2:
            return None
        last = max(place for series in self._of(service) for minute, place in series.firsts.items() if minute == start)
        alone = not any(number == last[0] for number in elsewhere)
        at, resumed = moment((start + 1) * self.whole.width), start + gap < self.whole.last
        until = moment((start + gap + 1) * self.whole.width)
        again = f"until {until:%H:%M}" if resumed else "to the end of the log"
        text = (
            f"{service} writes nothing from {at:%H:%M} {again}, after {rate * window.per_minute:.1f} lines per minute."
        )
        return Finding(
            sign=Sign.UNREACHABLE,
            service=service,
            about=service,
            at=at,
            until=until,
            strength=round((0.5 if alone else 0.75) * (1 - math.exp(-rate * gap / 60)), 3),
            text=fit(text),
            numbers={
                "before": round(rate * window.per_minute, 3),
                "after": 0.0,
                "silent": 1.0,
                "first_line": float(last[1]),
            },
            source=self._source(last, last),
        )

    def _restarts(self, service: str) -> Finding | None:
        """A service that starts again and again: not once, as after a deployment, and not all instances together."""
        places = sorted(
            (one.place for one in self._book.events if one.service == service and one.event.kind == "start"),
            key=lambda place: place[2],
        )
        apart = [places[0]] if places else []
        apart += [later for earlier, later in itertools.pairwise(places) if later[2] - earlier[2] >= _APART_SECONDS]
        close = max((_within(apart, place[2]) for place in apart), key=len, default=[])
        if len(close) < _LEAST_RESTARTS:
            return None
        at, until = moment(close[0][2]), moment(close[-1][2])
        minutes = max(1.0, (close[-1][2] - close[0][2]) / 60)
        return Finding(
            sign=Sign.CRASH,
            service=service,
            at=at,
            until=until,
            strength=round(min(0.9, 0.4 + 0.1 * (len(close) - _LEAST_RESTARTS)), 3),
            text=f"{service} starts {len(close)} times from {at:%H:%M} to {until:%H:%M}.",
            numbers={
                "count": float(len(close)),
                "after": round(len(close) / minutes, 3),
                "first_line": float(close[0][1]),
            },
            source=self._source(close[0], close[-1]),
        )

    def _others_at(self, service: str, first: int, last: int) -> set[int]:
        """Files in which somebody else goes on writing in the second half of a stretch."""
        middle = (first + last + 1) // 2
        return {
            place[0]
            for series in self._book.series.values()
            if series.service != service
            for minute, place in series.firsts.items()
            if middle <= minute <= last
        }

    def _slower(self) -> Iterator[Finding]:
        timed = [series for series in self._book.series.values() if series.latencies and series.level < Level.WARNING]
        for series in sorted(timed, key=lambda one: -one.total)[: _MOST_JUDGED // 5]:
            window = self._window(series.service)
            if window.length < 4:
                continue
            empty = [0.0, 0.0, 0.0]
            cells = [series.latencies.get(minute, empty) for minute in range(window.first, window.last + 1)]
            slower = slower_of([(cell[0], cell[1], cell[2]) for cell in cells])
            if slower is None or slower.after < 1.4 * slower.before or slower.after - slower.before < 5:
                continue
            ratio = slower.after / max(slower.before, 1.0)
            strength = (1 - math.exp(-slower.gain / 22)) * min(0.92, 0.35 + 0.2 * math.log2(ratio))
            first = next(
                (series.firsts[m] for m in range(window.first + slower.start, window.last + 1) if m in series.firsts),
                series.opening,
            )
            about = f" on {self._about(series)}" if self._about(series) else ""
            times = f"{slower.before:.0f} ms before, {slower.after:.0f} ms after"
            text = f"{series.service or 'The log'} is slower{about} from {clock(first[2])}: {times}. {example(series)}"
            yield Finding(
                sign=Sign.LATENCY,
                service=series.service,
                about=self._about(series),
                at=moment(first[2]),
                until=window.moment(slower.end),
                strength=round(strength, 3),
                text=fit(text),
                numbers={
                    "before": round(slower.before, 1),
                    "after": round(slower.after, 1),
                    "ratio": round(ratio, 2),
                    "count": float(series.total),
                    "first_line": float(first[1]),
                },
                source=self._source(first, series.last),
            )

    def _undated(self) -> Iterator[Finding]:
        """Errors in lines of which nothing says when they were written."""
        lines = max(1, self._book.entries)
        for series in self._book.series.values():
            if series.counts or not series.total or series.level < Level.WARNING:
                continue
            share = series.total / lines
            strength = min(0.5, 0.15 + share + (0.2 if series.sign in DEFINITE else 0.0))
            yield Finding(
                sign=series.sign or Sign.ERRORS,
                service=series.service,
                about=self._about(series),
                strength=round(strength, 3),
                text=fit(f"{who(series)} {series.total} times; nothing says when. {example(series)}"),
                numbers={"count": float(series.total), "first_line": float(series.opening[1])},
                source=self._source(series.opening, series.last),
            )

    def _first(self, series: Series, window: Window, rise: Rise) -> Place:
        for index in range(rise.start, rise.end):
            place = series.firsts.get(window.first + index)
            if place is not None:
                return place
        return series.opening

    def _about(self, series: Series) -> str | None:
        """Whom its lines blame: unless the word turns out to be part of something personal or secret."""
        # What is hidden in the example is not a name to be shown beside it.
        if series.about is None or series.about in self._known or series.about in redacted(series.example):
            return series.about
        return None

    def _weighed(self, finding: Finding) -> Finding:
        """What began far from the incident says less of it."""
        if self._around is None or finding.at is None or abs(finding.at - self._around) <= _FAR:
            return finding
        return finding.model_copy(update={"strength": round(finding.strength / 2, 3)})

    def _source(self, first: Place, last: Place) -> str:
        name = self._files[first[0]]
        if first[0] == last[0]:
            return f"{TOOL} {name} lines {first[1]}-{max(first[1], last[1])}"
        return f"{TOOL} {name} line {first[1]} to {self._files[last[0]]} line {last[1]}"


def _within(places: list[Place], seconds: int) -> list[Place]:
    return [place for place in places if 0 <= place[2] - seconds <= _LOOP_SECONDS]
