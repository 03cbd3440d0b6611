"""Market data: what is wrong is set aside once, with its stage and reason, and the rest goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.analysis.market_data import MarketRules, validate

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
LOOSE = MarketRules(max_rejected_percent=50)


def quote(number: int = 0, **changes: Any) -> dict[str, Any]:
    at = NOW - timedelta(seconds=60 - number)
    return {"symbol": "ACME", "timestamp": at.isoformat(), "price": 100 + number % 3 * 0.1, "volume": 10, **changes}


def batch(*odd: dict[str, Any], good: int = 40) -> list[dict[str, Any]]:
    return [*(quote(number) for number in range(good)), *odd]


def test_clean_batch_is_approved_and_every_stage_saw_every_record() -> None:
    found = validate(batch(), as_of=NOW)
    assert (found.approved, found.risk, found.accepted, found.total) == (True, "low", 40, 40)
    assert [(stage.stage.value, stage.looked_at) for stage in found.stages] == [
        ("schema", 40), ("range", 40), ("time", 40), ("continuity", 40)
    ]  # fmt: skip
    assert found.symbols == ("ACME",)


@pytest.mark.parametrize(
    ("odd", "stage", "code"),
    [
        ("nothing", "schema", "not_an_object"),
        (quote(50, price=None), "schema", "missing_field"),
        (quote(50, price="100"), "schema", "not_a_number"),
        (quote(50, price=float("nan")), "schema", "not_a_number"),
        (quote(50, price=True), "schema", "not_a_number"),
        (quote(50, timestamp="yesterday"), "schema", "bad_timestamp"),
        (quote(50, timestamp="2026-03-02T15:00:00"), "schema", "bad_timestamp"),
        (quote(50, price=0), "range", "out_of_range"),
        (quote(50, price=-1), "range", "out_of_range"),
        (quote(50, volume=-5), "range", "negative_volume"),
        (quote(50, bid=101, ask=100), "range", "crossed_quote"),
        (quote(50, open=100, high=99, low=98), "range", "inconsistent_bar"),
        (quote(39), "time", "duplicate"),
        (quote(70), "time", "in_the_future"),
        (quote(50, timestamp="2026-03-01T15:00:00+00:00"), "time", "stale"),
        (quote(50, price=130), "continuity", "price_jump"),
    ],
)
def test_bad_record_is_set_aside_at_its_stage(odd: Any, stage: str, code: str) -> None:
    found = validate(batch(odd), LOOSE, as_of=NOW)
    assert [(one.index, one.stage.value, one.code) for one in found.rejected] == [(40, stage, code)]
    assert found.accepted == 40


def test_good_prices_after_a_bad_tick_stay_good() -> None:
    rows = batch(good=20)
    rows[0]["price"] = 1.0
    rows[10]["price"] = 500.0
    found = validate(rows, LOOSE, as_of=NOW)
    assert [one.index for one in found.rejected] == [0, 10]
    assert found.risk == "high"
    assert not found.approved


def test_too_many_bad_records_reject_the_batch() -> None:
    found = validate(batch(quote(50, price=-1)), as_of=NOW)
    assert not found.approved
    assert found.rejected_percent == 2.44
    assert "1 % are allowed" in found.reasons[0]


def test_unusual_move_gap_and_wide_spread_are_warned_of_and_kept() -> None:
    rows = [*batch(quote(59, price=108)), quote(40, symbol="ZED", bid=90, ask=110)]
    found = validate(rows, MarketRules(max_gap_seconds=10), as_of=NOW)
    assert {one.code for one in found.warnings} == {"outlier", "gap", "wide_spread"}
    assert (found.approved, found.risk, found.accepted) == (True, "medium", 42)


def test_bars_without_a_price_are_judged_by_their_close() -> None:
    rules = MarketRules(required=("symbol", "timestamp", "close"), max_rejected_percent=50)
    bars = [quote(n, price=None, open=100, high=101, low=99, close=100) for n in range(9)]
    found = validate([*bars, quote(9, price=None, open=150, high=151, low=149, close=150)], rules, as_of=NOW)
    assert [one.code for one in found.rejected] == ["price_jump"]


def test_without_a_clock_age_is_not_judged_and_the_report_says_so() -> None:
    found = validate([quote(0, timestamp="1999-01-01T00:00:00Z")])
    assert found.accepted == 1
    assert found.skipped


def test_empty_batch_is_not_approved() -> None:
    assert not validate([]).approved


def test_digest_names_the_exact_records() -> None:
    rows = batch()
    assert validate(rows).digest == validate([dict(reversed(row.items())) for row in rows]).digest
    assert validate(rows).digest != validate(rows[:-1]).digest
