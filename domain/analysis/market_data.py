"""Validation of market data in stages: schema, range, time, continuity. What fails is set aside with its reason.

A record fails at the first stage that finds something wrong with it and is not looked at further, so that each number
in the report is one record. Warnings do not set a record aside. The digest names the exact records for the audit trail.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from pydantic import Field

from domain.model import JsonValue, Term, Value
from domain.tools.tool import canonical

MOST_RECORDS = 10_000
_MOST_LISTED = 200
_BEGINNING = 5
_LEAST_DEVIATION_PERCENT = 0.1
"""A price that hardly moves has hardly a spread, and its next tick would be unusual."""
_SPREAD_AT_LEAST = 8
"""Returns needed before outliers are judged by their spread."""


class Stage(Term):
    """What is looked at, in this order."""

    SCHEMA = "schema"
    RANGE = "range"
    TIME = "time"
    CONTINUITY = "continuity"


class MarketRules(Value):
    """Limits of one feed."""

    required: tuple[str, ...] = ("symbol", "timestamp", "price")
    max_price: float = Field(default=1_000_000, gt=0)
    max_change_percent: float = Field(default=20, gt=0)
    """From one price of a symbol to its next; more is set aside. Exchanges halt trading at 20 % within a day
    (NYSE rule 7.12, level 3)."""
    outlier_deviations: float = Field(default=6, gt=0)
    """A move this many robust deviations (1.4826 times the median absolute deviation) from the median is warned of."""
    max_age_seconds: float = Field(default=900, gt=0)
    max_gap_seconds: float | None = Field(default=None, gt=0)
    """Between two records of a symbol; None asks for none."""
    max_spread_percent: float = Field(default=5, gt=0)
    """Between bid and ask, of the middle; more is warned of."""
    max_rejected_percent: float = Field(default=1, ge=0, le=100)
    """More than this and the batch as a whole is not approved."""


class Finding(Value):
    """Something about one record."""

    index: int
    """Of the record in the batch, from 0."""
    symbol: str = ""
    stage: Stage
    code: str
    sentence: str


class StageReport(Value):
    """How many records went into a stage, and what came out."""

    stage: Stage
    looked_at: int
    rejected: int
    warned: int


class MarketReport(Value):
    """The outcome for a batch."""

    approved: bool
    risk: str
    """`low`, `medium` or `high`."""
    total: int
    accepted: int
    rejected_percent: float
    stages: tuple[StageReport, ...]
    rejected: tuple[Finding, ...]
    """The first of them; `total - accepted` counts all."""
    warnings: tuple[Finding, ...]
    symbols: tuple[str, ...]
    digest: str
    """SHA-256 of the records in canonical JSON."""
    skipped: tuple[str, ...] = ()
    """What could not be judged, and why."""
    reasons: tuple[str, ...]


class _Batch:
    """Records on their way through the stages."""

    def __init__(self, records: Sequence[JsonValue]) -> None:
        self.left: dict[int, JsonValue] = dict(enumerate(records))
        self.rejected: list[Finding] = []
        self.warnings: list[Finding] = []
        self.reports: list[StageReport] = []
        self.times: dict[int, datetime] = {}
        self._stage = Stage.SCHEMA
        self._before = (0, 0, 0)

    def begin(self, stage: Stage) -> None:
        self._stage = stage
        self._before = (len(self.left), len(self.rejected), len(self.warnings))

    def end(self) -> None:
        looked_at, rejected, warned = self._before
        self.reports.append(
            StageReport(
                stage=self._stage,
                looked_at=looked_at,
                rejected=len(self.rejected) - rejected,
                warned=len(self.warnings) - warned,
            )
        )

    def reject(self, index: int, code: str, sentence: str) -> None:
        self.rejected.append(self._finding(index, code, sentence))
        del self.left[index]

    def warn(self, index: int, code: str, sentence: str) -> None:
        self.warnings.append(self._finding(index, code, sentence))

    def _finding(self, index: int, code: str, sentence: str) -> Finding:
        record = self.left[index]
        symbol = str(record.get("symbol", ""))[:40] if isinstance(record, dict) else ""
        return Finding(index=index, symbol=symbol, stage=self._stage, code=code, sentence=sentence)

    def by_symbol(self) -> dict[str, list[int]]:
        """Indices of what is left, in the order of time."""
        rows: dict[str, list[int]] = {}
        for index in sorted(self.left, key=lambda index: (self.times[index], index)):
            rows.setdefault(self.left[index]["symbol"], []).append(index)
        return rows


def validate(
    records: Sequence[JsonValue], rules: MarketRules | None = None, *, as_of: datetime | None = None
) -> MarketReport:
    """Validate a batch of quotes, trades or bars.

    Args:
        records: objects with `symbol`, `timestamp` (ISO 8601 with a time zone), `price` or `close`, and where the feed
            has them `bid`, `ask`, `open`, `high`, `low`, `volume`, `currency`.
        rules: the feed's limits.
        as_of: with a time zone; age and future are judged by it, and skipped without it.
    """
    rules = rules or MarketRules()
    batch = _Batch(records)
    for stage, check in ((Stage.SCHEMA, _schema), (Stage.RANGE, _range)):
        batch.begin(stage)
        for index, record in list(batch.left.items()):
            check(batch, index, record, rules)
        batch.end()
    batch.begin(Stage.TIME)
    _time(batch, rules, as_of)
    batch.end()
    batch.begin(Stage.CONTINUITY)
    for rows in batch.by_symbol().values():
        _continuity(batch, rows, rules)
    batch.end()
    return _report(batch, records, rules, as_of)


def _schema(batch: _Batch, index: int, record: JsonValue, rules: MarketRules) -> None:
    if not isinstance(record, dict):
        return batch.reject(index, "not_an_object", "The record is no object.")
    missing = [name for name in rules.required if record.get(name) in (None, "")]
    if missing:
        return batch.reject(index, "missing_field", f"{', '.join(missing)} is missing.")
    if not isinstance(record.get("symbol"), str):
        return batch.reject(index, "bad_symbol", "symbol is a text.")
    odd = [name for name in _NUMBERS if record.get(name) is not None and not _is_number(record[name])]
    if odd:
        return batch.reject(index, "not_a_number", f"{', '.join(odd)}: a finite number is wanted.")
    at = _read_time(record.get("timestamp"))
    if at is None:
        return batch.reject(index, "bad_timestamp", "timestamp is a time in ISO 8601 with a time zone.")
    batch.times[index] = at
    return None


def _read_time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


_NUMBERS = ("price", "bid", "ask", "open", "high", "low", "close", "volume")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _range(batch: _Batch, index: int, record: JsonValue, rules: MarketRules) -> None:
    for name in ("price", "bid", "ask", "open", "high", "low", "close"):
        value = record.get(name)
        if value is not None and not 0 < value <= rules.max_price:
            return batch.reject(index, "out_of_range", f"{name} is above 0 and at most {rules.max_price:g}.")
    if (record.get("volume") or 0) < 0:
        return batch.reject(index, "negative_volume", "volume is not below 0.")
    bid, ask = record.get("bid"), record.get("ask")
    if bid is not None and ask is not None:
        if bid > ask:
            return batch.reject(index, "crossed_quote", "bid is not above ask.")
        if 200 * (ask - bid) / (ask + bid) > rules.max_spread_percent:
            batch.warn(index, "wide_spread", f"The spread is over {rules.max_spread_percent:g} %.")
    high, low = record.get("high"), record.get("low")
    inside = [record[name] for name in ("open", "close") if record.get(name) is not None]
    if high is not None and low is not None and (high < low or any(not low <= price <= high for price in inside)):
        return batch.reject(index, "inconsistent_bar", "open and close lie between low and high.")
    return None


def _time(batch: _Batch, rules: MarketRules, as_of: datetime | None) -> None:
    seen: set[tuple[str, datetime]] = set()
    for index, record in list(batch.left.items()):
        at = batch.times[index]
        if (record["symbol"], at) in seen:
            batch.reject(index, "duplicate", "There is a record of this symbol and time already.")
            continue
        seen.add((record["symbol"], at))
        if as_of is not None and at > as_of + timedelta(seconds=1):
            batch.reject(index, "in_the_future", "timestamp lies in the future.")
        elif as_of is not None and as_of - at > timedelta(seconds=rules.max_age_seconds):
            batch.reject(index, "stale", f"The record is older than {rules.max_age_seconds:g} seconds.")
    for rows in batch.by_symbol().values():
        for earlier, later in pairwise(rows):
            gap = (batch.times[later] - batch.times[earlier]).total_seconds()
            if rules.max_gap_seconds is not None and gap > rules.max_gap_seconds:
                batch.warn(later, "gap", f"Nothing came for {gap:g} seconds before it.")


def _continuity(batch: _Batch, rows: list[int], rules: MarketRules) -> None:
    """Each price against the last one that was accepted, so that one bad tick does not condemn the next good one.

    The first is held against the middle of the first few, so that a bad beginning does not condemn everything after it.
    """
    first_ones = [price for index in rows[:_BEGINNING] if (price := _price(batch.left[index])) is not None]
    last = median(first_ones) if len(first_ones) == _BEGINNING else None
    before: float | None = None
    moves: list[tuple[int, float]] = []
    for index in rows:
        price = _price(batch.left[index])
        if price is None:
            continue
        change = 100 * (price / last - 1) if last is not None else 0.0
        if abs(change) > rules.max_change_percent:
            batch.reject(index, "price_jump", f"The price moved by {change:+.1f} % from the one before.")
            continue
        if before is not None:
            moves.append((index, 100 * (price / before - 1)))
        last = before = price
    if len(moves) < _SPREAD_AT_LEAST:
        return
    middle = median(change for _, change in moves)
    spread = 1.4826 * median(abs(change - middle) for _, change in moves)
    deviation = max(spread, _LEAST_DEVIATION_PERCENT)
    for index, change in moves:
        if abs(change - middle) > rules.outlier_deviations * deviation:
            batch.warn(index, "outlier", f"A move of {change:+.2f} % is unusual for this symbol.")


def _price(record: JsonValue) -> float | None:
    value = record.get("price") if record.get("price") is not None else record.get("close")
    return float(value) if value is not None else None


def _report(batch: _Batch, records: Sequence[JsonValue], rules: MarketRules, as_of: datetime | None) -> MarketReport:
    share = round(100 * len(batch.rejected) / len(records), 2) if records else 0.0
    reasons = []
    if not records:
        reasons.append("The batch is empty.")
    if share > rules.max_rejected_percent:
        reasons.append(f"{share:g} % of the records were set aside; {rules.max_rejected_percent:g} % are allowed.")
    jumps = [finding for finding in batch.rejected if finding.code == "price_jump"]
    if jumps:
        reasons.append(
            f"{len(jumps)} prices jumped by more than {rules.max_change_percent:g} %: a person looks at them."
        )
    approved = not reasons
    risk = "high" if jumps or share > 5 * max(rules.max_rejected_percent, 1) else "medium" if reasons else "low"
    return MarketReport(
        approved=approved,
        risk="medium" if risk == "low" and batch.warnings else risk,
        total=len(records),
        accepted=len(batch.left),
        rejected_percent=share,
        stages=tuple(batch.reports),
        rejected=tuple(batch.rejected[:_MOST_LISTED]),
        warnings=tuple(batch.warnings[:_MOST_LISTED]),
        symbols=tuple(sorted({record["symbol"] for record in batch.left.values()}))[:_MOST_LISTED],
        digest=hashlib.sha256(canonical(list(records)).encode()).hexdigest(),
        skipped=() if as_of is not None else ("Age and future were not judged: no as_of was given.",),
        reasons=tuple(reasons) or ("Every stage is within its limits.",),
    )
