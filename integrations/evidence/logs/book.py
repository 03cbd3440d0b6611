"""What was counted: per service, template and minute, in bounded memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from drain3.drain import LogCluster  # type: ignore[import-untyped]

from domain.troubleshooting.evidence import Sign
from integrations.evidence.logs.heads import Level
from integrations.evidence.logs.lifecycle import Event
from integrations.evidence.logs.masking import coarse_shape_of
from integrations.evidence.logs.mining import Miner

MINUTE = 60
_WIDER = 5
_MOST_CELLS = 300_000
"""Counts that are kept; when there would be more, minutes are counted together."""
_MOST_SERIES = 20_000
_MOST_EVENTS = 2_000
_MOST_OTHERS = 5_000
"""Beginnings of messages that are told apart where there are too many templates."""
_LONGEST_TEMPLATE = 600
MANY = "(many different lines)"

Place = tuple[int, int, int]
"""Number of the file, number of the line, seconds."""
Key = tuple[str | None, int, Level, Sign | None, str | None]


class Series:
    """Lines of one template, one service and one meaning."""

    __slots__ = (
        "about",
        "cluster",
        "counts",
        "example",
        "firsts",
        "last",
        "latencies",
        "level",
        "opening",
        "rest",
        "service",
        "sign",
        "total",
    )

    def __init__(self, key: Key, cluster: LogCluster, example: str, opening: Place, *, rest: bool = False) -> None:
        """`example` is the first such line; `opening` where it stands; `rest` says that others like it came before."""
        self.rest = rest
        self.service, _, self.level, self.sign, self.about = key
        self.cluster = cluster
        self.example = example
        self.opening = opening
        self.last = opening
        self.total = 0
        self.counts: dict[int, int] = {}
        self.firsts: dict[int, Place] = {}
        self.latencies: dict[int, list[float]] = {}
        """Per minute: how many, and sum and sum of squares of ln(milliseconds)."""

    @property
    def template(self) -> str:
        """The words that all its lines share."""
        return str(self.cluster.get_template())[:_LONGEST_TEMPLATE]

    def lasted(self, minute: int, milliseconds: float) -> None:
        """A line that says how long something took."""
        value = math.log(milliseconds + 1.0)
        cell = self.latencies.get(minute)
        if cell is None:
            self.latencies[minute] = [1.0, value, value * value]
        else:
            cell[0] += 1.0
            cell[1] += value
            cell[2] += value * value


@dataclass(frozen=True)
class Happened:
    """An event at its place."""

    event: Event
    service: str | None
    text: str
    place: Place


@dataclass
class Book:
    """All series of all files of one analysis."""

    width: int = MINUTE
    """Seconds that are counted together."""
    series: dict[Key, Series] = field(default_factory=dict)
    events: list[Happened] = field(default_factory=list)
    lines: int = 0
    entries: int = 0
    undated: int = 0
    shapes: int = 0
    """How many different lines were looked at word by word, in all files."""
    coverage: dict[int, list[int]] = field(default_factory=dict)
    """Per file, the first and last second."""
    _cells: int = 0
    _wholes: dict[str, LogCluster] = field(default_factory=dict)
    _miners: dict[tuple[str | None, bool], Miner] = field(default_factory=dict)

    def series_of(
        self,
        service: str | None,
        shape: str,
        level: Level,
        sign: Sign | None,
        about: str | None,
        *,
        example: str,
        place: Place,
        whole: bool = False,
    ) -> Series:
        """The series that a message of this shape belongs to.

        Args:
            service: who wrote it.
            shape: the message with all masked that differs from call to call.
            level: how bad it is.
            sign: what it means.
            about: whom it blames.
            example: for people.
            place: of the example.
            whole: the shape is a template as it is, and like no other.
        """
        cluster = self._whole(shape) if whole else self._mined(service, shape, level)
        rest = cluster is None or shape == MANY
        cluster = cluster or self._whole(coarse_shape_of(shape) if len(self._wholes) < _MOST_OTHERS else MANY)
        key: Key = (service, cluster.cluster_id, level, sign, about)
        found = self.series.get(key)
        if found is None:
            if len(self.series) >= _MOST_SERIES:
                rest, cluster = True, LogCluster([MANY], 0)
                key = (service, 0, level, sign, None)
                found = self.series.get(key)
            found = found or Series(key, cluster, example, place, rest=rest)
            self.series[key] = found
        return found

    def _whole(self, shape: str) -> LogCluster:
        found = self._wholes.get(shape)
        if found is None:
            found = LogCluster([shape], -1 - len(self._wholes))
            if len(self._wholes) < _MOST_SERIES:
                self._wholes[shape] = found
        return found

    def _mined(self, service: str | None, shape: str, level: Level) -> LogCluster | None:
        """The template of a message; None when its service has too many of them."""
        key = (service, level >= Level.WARNING)
        miner = self._miners.get(key)
        if miner is None:
            miner = self._miners[key] = Miner()
        return miner.template_of(shape[:_LONGEST_TEMPLATE])

    def count(self, series: Series, place: Place | None, milliseconds: float | None) -> None:
        """One more line; `place` is None when nothing says when it was written."""
        series.total += 1
        if place is None:
            self.undated += 1
            return
        minute = place[2] // self.width
        counts = series.counts
        if minute in counts:
            counts[minute] += 1
        else:
            counts[minute] = 1
            series.firsts[minute] = place
            self._cells += 1
            if self._cells > _MOST_CELLS:
                self._widen()
                minute = place[2] // self.width
        series.last = place
        if milliseconds is not None:
            series.lasted(minute, milliseconds)

    def happened(self, event: Event, service: str | None, text: str, place: Place) -> None:
        """Keep an event; of very many, the first and then no more."""
        if len(self.events) < _MOST_EVENTS:
            self.events.append(Happened(event, service, text[:400], place))

    def _widen(self) -> None:
        self.width *= _WIDER
        self._cells = 0
        for series in self.series.values():
            counts: dict[int, int] = {}
            firsts: dict[int, Place] = {}
            latencies: dict[int, list[float]] = {}
            for minute, count in series.counts.items():
                wide = minute // _WIDER
                counts[wide] = counts.get(wide, 0) + count
                firsts[wide] = _earlier(firsts.get(wide), series.firsts[minute])
            for minute, cell in series.latencies.items():
                old = latencies.get(minute // _WIDER, [0.0, 0.0, 0.0])
                latencies[minute // _WIDER] = [one + other for one, other in zip(old, cell, strict=True)]
            series.counts, series.firsts, series.latencies = counts, firsts, latencies
            self._cells += len(counts)

    def services(self) -> tuple[str, ...]:
        """Every service that wrote a line, by name."""
        return tuple(sorted({series.service for series in self.series.values() if series.service is not None}))


def _earlier(one: Place | None, other: Place) -> Place:
    return other if one is None or other[2] < one[2] else one
