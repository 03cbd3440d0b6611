"""Reads series from CSV, wide or long, and from what Prometheus's HTTP API answers."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from integrations.evidence.answers import name_of
from integrations.evidence.documents import Unreadable, values_of
from integrations.evidence.metrics.headings import SERVICE, SERVICE_LAST, prefixed, service_in, split_name
from integrations.evidence.metrics.meaning import meaning_of
from integrations.evidence.metrics.series import Series, cleaned
from integrations.evidence.moments import moment

MOST_CELLS = 2_000_000
_MOST_SERIES = 2_000
_LONGEST_LINE = 1_000_000
_TIME = frozenset(
    {"time", "timestamp", "ts", "date", "datetime", "at", "when", "epoch", "minute", "unixtime", "unix", "_time"}
    | {"@timestamp", "event_time", "collected_at", "time_utc", "timestamp_utc", "t", "clock", "time_ms", "timestamp_ms"}
)
_METRIC = (
    "metric",
    "metric_name",
    "__name__",
    "measure",
    "measurement",
    "kpi",
    "series",
    "indicator",
    "field",
    "_field",
    "name",
    "key",
    "signal",
)
_VALUE = ("value", "val", "_value", "reading", "avg", "average", "mean", "sample", "data", "y", "amount", "number")
_NOTHING = frozenset({"", "-", "nan", "null", "none", "na", "n/a", "undefined", "missing"})


@dataclass
class _Points:
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Reading:
    """What a file holds."""

    series: tuple[Series, ...]
    relative: bool = False
    """Its times count from a start that it does not name."""
    cut: bool = False
    """It holds more than was read."""


def read_series(text: str, *, name: str, service: str | None) -> Reading:
    """Every series of a file.

    Args:
        text: the file's content.
        name: as the user calls it; says what is measured where the columns only name services.
        service: whose metrics these are, where the file does not say.

    Raises:
        Unreadable: there is no table with times and numbers in it.
    """
    if text.lstrip()[:1] in ("{", "["):
        found = [one for value in values_of(text) for one in prometheus_series(value, service=service)]
        if not found:
            raise Unreadable("The JSON holds no series of Prometheus: upload its answer to query_range, or CSV.")
        return Reading(tuple(found))
    if max((text.find("\n", 0, _LONGEST_LINE), text.find("\r", 0, _LONGEST_LINE))) < 0:
        raise Unreadable("The file has no lines that could be a table: upload CSV with a time column.")
    return _Table(text, name, service).read()


class _Table:
    """One CSV table on its way to series."""

    def __init__(self, text: str, name: str, service: str | None) -> None:
        self._stem = name.replace("\\", "/").rsplit("/", 1)[-1].split(".")[0]
        self._service = service
        self._delimiter = _delimiter(text)
        self._rows = _rows(text, self._delimiter)
        self._relative = False
        self._cells = 0

    def read(self) -> Reading:
        header = [cell.strip().strip('"') for cell in next(self._rows, [])]
        low = [cell.lower().replace(" ", "_") for cell in header]
        first = next(self._rows, [])
        time = next((at for at, cell in enumerate(low) if cell in _TIME), None)
        if time is None:
            time = next((at for at, cell in enumerate(first[: len(header)]) if moment(cell) is not None), None)
        if time is None or len(header) < 2:
            raise Unreadable("The table has no column with times: give one the heading time.")
        rows = _chained(first, self._rows)
        value = next((low.index(word) for word in _VALUE if word in low), None)
        metric = next((low.index(word) for word in _METRIC if word in low and low.index(word) != value), None)
        if value is not None and (metric is not None or len(header) <= 4):
            points = self._long(rows, low, time, metric, value)
        else:
            points = self._wide(rows, header, time)
        series = [
            cleaned(Series(measured, whose, tuple(p.times), tuple(p.values), dict(extra)))
            for (measured, whose, extra), p in points.items()
        ]
        kept = tuple(one for one in series if len(one.values) > 1)
        if not kept:
            raise Unreadable("The table has no column with numbers over time: check what was exported.")
        return Reading(kept, self._relative, self._cells >= MOST_CELLS)

    def _long(
        self, rows: Iterable[list[str]], low: list[str], time: int, metric: int | None, value: int
    ) -> dict[Any, _Points]:
        used = {time, value, metric}
        service = next(
            (low.index(word) for word in (*SERVICE, *SERVICE_LAST) if word in low and low.index(word) not in used),
            None,
        )
        labels = [at for at in range(len(low)) if at not in {*used, service}]
        points: dict[Any, _Points] = {}
        for row in self._counted(rows):
            if len(row) <= max(time, value):
                continue
            at, number = self._time(row[time]), self._number(row[value])
            if at is None or number is None:
                continue
            said = [(low[place], row[place].strip()[:100]) for place in labels if place < len(row)]
            extra = tuple(pair for pair in said if pair[1] and not _is_number(pair[1]))
            measured = row[metric].strip()[:200] if metric is not None and metric < len(row) else self._stem
            whose = name_of(row[service]) if service is not None and service < len(row) else None
            if whose is None and (split := split_name(measured, self._service)) is not None:
                whose, measured, more = split
                extra = (*extra, *more)
            self._add(points, (measured, whose, extra), at, number)
        return points

    def _wide(self, rows: Iterable[list[str]], header: list[str], time: int) -> dict[Any, _Points]:
        keys = self._columns(header, time)
        points: dict[Any, _Points] = {key: _Points() for key in keys.values()}
        for row in self._counted(rows):
            at = self._time(row[time]) if time < len(row) else None
            if at is None:
                continue
            for place, key in keys.items():
                number = self._number(row[place]) if place < len(row) else None
                if number is not None:
                    points[key].times.append(at)
                    points[key].values.append(number)
        return points

    def _columns(self, header: list[str], time: int) -> dict[int, Any]:
        places = [at for at, cell in enumerate(header) if at != time and cell][:_MOST_SERIES]
        shared = prefixed([header[at] for at in places])
        keys: dict[int, Any] = {}
        for at in places:
            cell = header[at][:300]
            split = split_name(cell, self._service)
            if split is not None and split[0] is None and cell in shared:
                split = (*shared[cell], ())
            if split is not None and split[0] in (None, self._service) and meaning_of(cell) is None:
                # Only services head the columns; the file's name says what is measured.
                split = (name_of(cell), self._stem, ()) if meaning_of(self._stem) is not None else split
            if split is not None:
                whose, measured, labels = split
                keys[at] = (measured, whose, labels)
        return keys

    def _add(self, points: dict[Any, _Points], key: Any, at: float, number: float) -> None:
        found = points.get(key)
        if found is None:
            if len(points) >= _MOST_SERIES:
                return
            found = points[key] = _Points()
        found.times.append(at)
        found.values.append(number)

    def _counted(self, rows: Iterable[list[str]]) -> Iterator[list[str]]:
        for row in rows:
            self._cells += len(row)
            if self._cells >= MOST_CELLS:
                return
            yield row

    def _time(self, cell: str) -> float | None:
        at = moment(cell)
        if at is not None:
            return at.timestamp()
        number = self._number(cell)
        if number is not None and 0 <= number < 3e8:
            self._relative = True
            return number
        return None

    def _number(self, cell: str) -> float | None:
        text = cell.strip().strip('"')
        if text.lower() in _NOTHING or len(text) > 60:
            return None
        if self._delimiter == ";" and "," in text:
            text = text.replace(".", "").replace(",", ".")
        try:
            number = float(text.rstrip("%"))
        except ValueError:
            return _with_unit(text)
        return number if math.isfinite(number) else None


_UNIT = re.compile(
    r"^([-+]?[\d.]{1,30})\s?(ms|s|µs|us|ns|m|h|d|b|kb|mb|gb|tb|kib|mib|gib|tib|ki|mi|gi|k|req/s|rps|/s|c|cores)?$",
    re.IGNORECASE,
)
_FACTORS = {
    "ms": 0.001,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
    "kb": 1e3,
    "mb": 1e6,
    "gb": 1e9,
    "tb": 1e12,
    "kib": 2.0**10,
    "mib": 2.0**20,
    "gib": 2.0**30,
    "tib": 2.0**40,
    "ki": 2.0**10,
    "mi": 2.0**20,
    "gi": 2.0**30,
    "k": 1e3,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}


def _with_unit(text: str) -> float | None:
    """Grafana writes numbers with units: `12.5 ms`, `1.2 GiB`; one unit becomes seconds or bytes."""
    found = _UNIT.match(text)
    try:
        return float(found[1]) * _FACTORS.get((found[2] or "").lower(), 1.0) if found is not None else None
    except ValueError:
        return None


def prometheus_series(value: Any, *, service: str | None = None) -> list[Series]:
    """The series of an answer of Prometheus: the whole, its `data`, or its `result`."""
    for key in ("data", "result"):
        if isinstance(value, dict) and key in value:
            value = value[key]
    rows = value if isinstance(value, list) else []
    found = []
    for row in rows[:_MOST_SERIES]:
        labels = row.get("metric") if isinstance(row, dict) else None
        points = row.get("values") if isinstance(row, dict) else None
        if not isinstance(labels, dict) or not isinstance(points, list):
            continue
        plain = {str(key)[:100]: str(one)[:300] for key, one in labels.items()}
        read = [pair for pair in map(_point, points) if pair is not None]
        if len(read) > 1:
            times, values = zip(*read, strict=True)
            metric = plain.get("__name__", "value")
            found.append(cleaned(Series(metric, service_in(plain) or service, times, values, plain)))
    return found


def _point(pair: Any) -> tuple[float, float] | None:
    try:
        return float(pair[0]), float(pair[1])
    except (TypeError, ValueError, IndexError, KeyError):
        return None


def _delimiter(text: str) -> str:
    lines = [line for line in text[:20_000].splitlines() if line.strip() and not line.startswith("#")][:5]
    counts = {mark: min((line.count(mark) for line in lines), default=0) for mark in ("\t", ";", ",", "|")}
    return max(counts, key=lambda mark: counts[mark]) if any(counts.values()) else ","


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    lines = (line[:_LONGEST_LINE] for line in io.StringIO(text) if line.strip() and not line.startswith("#"))
    try:
        yield from csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    except csv.Error:
        return


def _chained(first: list[str], rest: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from rest


def _is_number(text: str) -> bool:
    number: Callable[[str], float] = float
    try:
        number(text)
    except ValueError:
        return False
    return True
