"""What metrics tell: shifts, growth and limits, in whatever shape the file has, and nothing where nothing happened."""

from __future__ import annotations

import gzip
import json
import math
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.evidence.documents import Unreadable
from integrations.evidence.metrics.analysing import analyse
from integrations.evidence.metrics.meaning import meaning_of, named_in
from integrations.evidence.metrics.reading import read_series
from integrations.evidence.metrics.shifts import find_shift, find_trend
from tests.unit.evidence.shelf import Shelf

START = 1_790_000_000
BROKE = 150


def table(columns: dict[str, Callable[[int], object]], *, points: int = 240, step: int = 60) -> str:
    rows = [",".join(["time", *columns])]
    for at in range(points):
        rows.append(",".join([str(START + at * step), *(str(column(at)) for column in columns.values())]))
    return "\n".join(rows)


def judged(text: str, name: str = "metrics.csv", **more: Any) -> Any:
    reading = read_series(text, name=name, service=more.pop("service", None))
    return analyse([(name, reading.series)], relative=reading.relative, **more)


def noisy(seed: int = 1) -> Callable[[float, float], float]:
    rng = random.Random(seed)
    return rng.gauss


def signs(found: Any) -> set[tuple[str, str | None]]:
    return {(one.sign.value, one.service) for one in found.findings}


def test_a_shift_is_found_with_its_onset_and_its_levels() -> None:
    normal = noisy()
    found = judged(
        table(
            {
                "checkout.error_rate": lambda at: max(0, normal(0.01, 0.003)) + (0.17 if at >= BROKE else 0),
                "checkout.latency_p95_ms": lambda at: normal(200, 15) * (4 if at >= BROKE else 1),
                "search.error_rate": lambda at: max(0, normal(0.01, 0.004)),
            }
        )
    )
    assert signs(found) == {("errors", "checkout"), ("latency", "checkout")}
    errors = next(one for one in found.findings if one.sign == "errors")
    assert errors.at is not None
    assert abs(errors.at.timestamp() - START - BROKE * 60) <= 120
    assert errors.numbers["before"] == pytest.approx(0.01, abs=0.005)
    assert errors.numbers["after"] == pytest.approx(0.18, abs=0.02)
    assert errors.strength > 0.7
    assert "checkout.latency_p95_ms" in errors.text
    assert found.begins == datetime.fromtimestamp(START, UTC)


def test_a_metric_that_names_a_dependency_blames_it() -> None:
    normal = noisy()
    found = judged(
        table(
            {
                "checkout.payments_latency_ms": lambda at: normal(90, 8) * (6 if at >= BROKE else 1),
                'errors_rate{service="cart",dependency="stock"}': lambda at: 0.001 if at < BROKE else 0.3,
            }
        ).replace(
            'errors_rate{service="cart",dependency="stock"}', '"errors_rate{service=""cart"",dependency=""stock""}"'
        )
    )
    assert {(one.service, one.about) for one in found.findings} == {("checkout", "payments"), ("cart", "stock")}


def test_a_leak_a_filling_disk_and_a_full_pool_are_found() -> None:
    normal = noisy()
    found = judged(
        table(
            {
                "orders.heap_used_mb": lambda at: 400 + max(0, at - 80) * 4 + normal(0, 5) + (at % 10) * 6,
                "db.disk_used_percent": lambda at: 60 + at * 0.15 + normal(0, 0.3),
                "db.connections_in_use": lambda at: normal(20, 3) if at < BROKE else normal(98, 1),
                "db.connections_max": lambda at: 100,
            }
        )
    )
    assert signs(found) == {("memory", "orders"), ("disk", "db"), ("pool_exhausted", "db")}
    leak = next(one for one in found.findings if one.sign == "memory")
    assert leak.at is not None
    assert abs(leak.at.timestamp() - START - 80 * 60) < 15 * 60
    assert "used up in" in next(one.text for one in found.findings if one.sign == "disk")


def test_limits_count_where_there_was_no_change() -> None:
    found = judged(
        table(
            {
                "api.certificate_days_left": lambda at: -0.5 - at / 1440,
                "mail.disk_used_percent": lambda at: 97 + (at % 2) * 0.1,
                "auth.clock_offset_seconds": lambda at: 45 + (at % 3) * 0.01,
            }
        )
    )
    assert signs(found) == {("certificate", "api"), ("disk", "mail"), ("clock", "auth")}


def test_saw_teeth_the_time_of_day_and_rare_counts_are_no_findings() -> None:
    for seed in range(12):
        normal, rng = noisy(seed), random.Random(seed)
        found = judged(
            table(
                {
                    "a.latency_p95_ms": lambda at, rng=rng: rng.lognormvariate(5, 0.3),
                    "a.requests_per_second": lambda at, n=normal, s=seed: 200 + 120 * math.sin(at / 38 + s) + n(0, 15),
                    "a.cpu_percent": lambda at, n=normal, s=seed: 40 + 25 * math.sin(at / 38 + s) + n(0, 5),
                    "a.memory_mb": lambda at, n=normal, s=seed: 300 + (at * (1 + s % 7)) % 100 + n(0, 4),
                    "a.errors_per_minute": lambda at, rng=rng: rng.choice([0, 0, 0, 1, 2]),
                }
            )
        )
        assert found.findings == (), (seed, [one.text for one in found.findings])


def test_what_got_better_says_since_when() -> None:
    normal = noisy()
    found = judged(table({"a.latency_ms": lambda at: normal(100, 5) * (5 if 100 <= at < 140 else 1)}))
    assert {one.sign.value for one in found.findings} == {"latency", "restored"}
    slow = next(one for one in found.findings if one.sign == "latency")
    assert slow.until is not None
    assert abs(slow.until.timestamp() - START - 140 * 60) <= 180


def test_counters_become_rates_and_a_restart_is_no_drop() -> None:
    total = [0]

    def count(at: int) -> int:
        total[0] = 0 if at == 60 else total[0] + 30 + at % 3 + (400 if at >= BROKE else 0)
        return total[0]

    found = judged(table({"http_errors_total": count}), service="api")
    assert signs(found) == {("errors", "api")}
    assert "per second" in found.findings[0].text


@pytest.mark.parametrize(
    "text",
    [
        "service,metric,time,value\n{rows}",
        "Timestamp;App;KPI;Val\n{rows}",
        "value,metric_name,service,ts,endpoint\n{rows}",
    ],
)
def test_long_tables_are_read_in_any_order(text: str) -> None:
    header, lines = text.split("\n", maxsplit=1)[0], []
    mark = ";" if ";" in header else ","
    for at in range(80):
        value = 0.4 if at >= 50 else 0.01
        when = datetime.fromtimestamp(START + 60 * at, UTC)
        cells = {"service": "api", "metric": "error_rate", "time": when.isoformat(), "value": str(value)}
        cells |= {"timestamp": when.strftime("%Y-%m-%d %H:%M:%S"), "app": "api", "kpi": "error_rate"}
        cells |= {"val": str(value).replace(".", ","), "metric_name": "error_rate", "endpoint": "/pay"}
        cells |= {"ts": str(START * 1000 + 60_000 * at)}
        lines.append(mark.join(cells[word.lower()] for word in header.split(mark)))
    found = judged("\n".join([header, *lines]))
    assert signs(found) == {("errors", "api")}
    assert found.findings[0].at is not None
    assert abs(found.findings[0].at.timestamp() - START - 50 * 60) <= 60


@pytest.mark.parametrize("column", ['latency_p95{{service="{0}"}}', "{0}_latency_p95", "{0}/latency_p95", "{0}"])
def test_services_are_found_in_headings_of_many_shapes(column: str) -> None:
    header = ["time", *('"' + column.format(name).replace('"', '""') + '"' for name in ("cart", "stock"))]
    rows = [f"{START + 60 * at},{100 if at < 50 else 900},{100}" for at in range(80)]
    found = judged("\n".join([",".join(header), *rows]), name="latency.csv")
    assert signs(found) == {("latency", "cart")}
    assert set(found.services) == {"cart", "stock"}


def test_gaps_and_nonsense_between_the_values_are_left_out() -> None:
    holes = {3: "", 7: "NaN", 9: "-", 11: "inf", 20: "1e400", 30: "=cmd|' /C calc'!A0", 40: "9" * 4000}
    found = judged(table({"a.latency_ms": lambda at: holes.get(at, 100 + at % 5 + (600 if at >= BROKE else 0))}))
    assert signs(found) == {("latency", "a")}


def test_times_without_a_date_give_findings_without_a_time() -> None:
    rows = "\n".join(f"{at * 60},{100 if at < 50 else 900}" for at in range(80))
    found = judged("time,a.latency_ms\n" + rows)
    assert [one.at for one in found.findings] == [None]
    assert found.begins is None


def test_an_answer_of_prometheus_is_read_too() -> None:
    values = [[START + 30 * at, "0.9" if at >= 60 else "0.01"] for at in range(120)]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"__name__": "error_ratio", "pod": "cart-7f8b9c6d5-x2m4n"}, "values": values},
    ]}}  # fmt: skip
    found = judged(json.dumps(answer))
    assert signs(found) == {("errors", "cart")}


@pytest.mark.parametrize(
    ("metric", "sign"),
    [
        ("http_request_duration_seconds_p99", "latency"), ("errorRate", "errors"), ("jvm_memory_used_bytes", "memory"),
        ("container_cpu_cfs_throttled_periods_total", "cpu"), ("node_filesystem_avail_bytes", "disk"),
        ("hikaricp_connections_pending", "pool_exhausted"), ("kafka_consumer_lag", "queue"), ("rps", "traffic"),
        ("coredns_dns_errors_total", "dns"), ("tls_cert_expiry_days", "certificate"), ("ntp_offset_seconds", "clock"),
        ("pod_restarts", "crash"), ("success_rate", "errors"), ("http_429_responses", "throttled"),
    ],
)  # fmt: skip
def test_names_say_what_is_measured(metric: str, sign: str) -> None:
    meaning = meaning_of(metric)
    assert meaning is not None
    assert meaning.sign == sign


def test_only_measures_of_calls_blame_somebody() -> None:
    assert named_in("stock_api_timeouts", frozenset(), "cart") == "stock"
    assert named_in("user_db_latency_ms", frozenset({"user-db"}), "users") == "user-db"
    assert named_in("latency_p95_ms", frozenset(), "cart") is None
    assert named_in("payments_memory_mb", frozenset({"payments"}), "cart") is None


async def test_the_tool_reads_what_it_can_and_says_what_it_cannot(shelf: Shelf) -> None:
    good = table({"a.latency_ms": lambda at: 100 + at % 5 + (600 if at >= BROKE else 0)})
    output = await shelf.ask(
        "metrics.analyse",
        shelf.put(gzip.compress(good.encode()), "a.csv.gz"),
        shelf.put(b"\x00\x01\x02" * 500, "core.bin"),
        shelf.put("{" * 100_000, "deep.json"),
        shelf.put("x" * 1_000_000, "one-line.csv"),
        shelf.put("name,colour\nfoo,red\nbar,blue\n", "colours.csv"),
    )
    assert [one["service"] for one in output["findings"]] == ["a"]
    for name in ("core.bin", "deep.json", "one-line.csv", "colours.csv"):
        assert name in output["summary"]


@pytest.mark.parametrize("text", ["time,a\n", "hello world", "a,b\n1,2\n", "{}", "time,a.latency\nx,y\n"])
def test_what_is_no_table_of_metrics_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(Unreadable, match=r"\.$"):
        read_series(text, name="x", service=None)


def test_no_series_of_numbers_breaks_the_search_for_changes() -> None:
    rng = random.Random(7)
    for _ in range(80):
        length, falling = rng.randint(1, 60), rng.choice([-1, 0, 1])
        huge = rng.choice([1e-300, 1, 1e9, 1e300])
        values = [huge * (falling * at + rng.choice([0, rng.random(), -rng.random()])) for at in range(length)]
        for down in (False, True):
            shift = find_shift(values, down=down)
            assert shift is None or 0 <= shift.start < length
            trend = find_trend(values, down=down)
            assert trend is None or 0 <= trend.start < length


def test_what_was_done_to_a_series_is_nobody_whom_it_is_about() -> None:
    for metric in ("service:error_ratio:rate5m", "service:latency_seconds:p95", "job:requests_errors:sum1h"):
        assert named_in(metric, frozenset({"checkout"}), "checkout") is None
