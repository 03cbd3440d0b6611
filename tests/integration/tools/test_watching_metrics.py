"""Metrics of a Prometheus server over real HTTP: what changed, and whether a fix brought a metric back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.errors import VendorRefused, VendorUnavailable
from integrations.prometheus import PrometheusMetrics
from integrations.tools.builtin.watching import WatchTools
from integrations.tools.python import PythonTools
from integrations.tools.toolbox import Tools
from tests.tool_world import call_of, run, toolbox
from tests.vendor_world import Outside, outside

NOW = datetime(2026, 3, 1, 14, tzinfo=UTC)
BROKE = NOW - timedelta(minutes=20)
ERRORS = 'service:error_ratio:rate5m{service="checkout"}'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Outside]:
    async with outside(tmp_path / "sandbox") as running:
        # It ran all day, so that there is something to compare with.
        path = "/api/objects/deployments/history/checkout"
        shares = [{"version": "v1", "track": "stable", "percent": 100}]
        await running.ask("PATCH", path, json={"states": [{"at": 0, "shares": shares}]})
        yield running


@pytest.fixture
def box(world: Outside) -> Tools:
    metrics = PrometheusMetrics(base_url=world.url("metrics"), timeout_seconds=3)
    return toolbox(PythonTools(WatchTools(metrics, now=lambda: NOW)))


async def trouble(world: Outside, **more: Any) -> None:
    bad = {"service": "checkout", "error_ratio": 0.3, "since": BROKE.timestamp(), **more}
    await world.ask("PATCH", "/api/objects/deployments/trouble/bad", json=bad)


async def watch(box: Tools, **arguments: Any) -> Any:
    result = await run(box, await call_of(box, "metrics.watch", arguments))
    assert result.refusal is None, result.refusal
    return result.output


def day(hour: int) -> str:
    return (NOW - timedelta(hours=hour)).isoformat()


async def test_a_change_is_found_by_query_and_by_service_and_measure(world: Outside, box: Tools) -> None:
    await trouble(world)
    for asked in ({"query": ERRORS}, {"service": "checkout", "metric": "error_ratio"}):
        output = await watch(box, **asked)
        (finding,) = output["findings"]
        assert (finding["sign"], finding["service"]) == ("errors", "checkout")
        assert abs(datetime.fromisoformat(finding["at"]) - BROKE) <= timedelta(minutes=1)
        assert output["verdict"] == "not_compared"


async def test_after_a_fix_a_metric_is_as_good_better_or_worse_than_before(world: Outside, box: Tools) -> None:
    before = {"before_start": day(6), "before_end": day(5)}
    fine = await watch(box, query=ERRORS, **before)
    assert (fine["verdict"], fine["now"], fine["before"]) == ("as_good", 0.002, 0.002)
    await trouble(world, since=(NOW - timedelta(hours=1)).timestamp())
    worse = await watch(box, query=ERRORS, **before)
    assert worse["verdict"] == "regressed"
    assert "worse than it may be (0.3 now, 0.002 before)" in worse["summary"]
    back = await watch(box, query=ERRORS, start=day(3), end=day(2), before_start=day(1), before_end=NOW.isoformat())
    assert back["verdict"] == "better"


async def test_a_threshold_decides_where_one_is_given(world: Outside, box: Tools) -> None:
    assert (await watch(box, query=ERRORS, threshold=0.01))["verdict"] == "as_good"
    assert (await watch(box, query=ERRORS, threshold=0.001))["verdict"] == "regressed"
    # Less of what should be up is worse, by its name.
    assert (await watch(box, query='up{service="checkout"}', threshold=0.9))["verdict"] == "as_good"
    assert (await watch(box, query='up{service="checkout"}', threshold=1.1))["verdict"] == "regressed"


async def test_nothing_to_see_is_said_and_never_taken_for_good(box: Tools) -> None:
    output = await watch(box, query='up{service="no-such"}', threshold=1)
    assert (output["verdict"], output["findings"]) == ("no_data", [])
    assert (await watch(box, service="checkout", metric="no_such_thing"))["verdict"] == "no_data"


async def test_wrong_questions_are_refused_and_outages_are_told_apart(world: Outside, box: Tools) -> None:
    with pytest.raises(VendorRefused):
        await watch(box, query="up{{")
    await world.fault("metrics", "fail", status=503)
    with pytest.raises(VendorUnavailable):
        await watch(box, query="up")


@pytest.mark.parametrize(
    "arguments",
    [
        {}, {"service": "checkout"}, {"query": "up", "start": "2026-03-01T12:00:00"},
        {"query": "up", "before_start": day(2)},
        {"query": "up", "start": day(1), "end": day(2)}, {"query": "up", "minutes": 20_000, "step_seconds": 1},
        {"service": 'x"} or up{a="', "metric": "up"},
    ],
)  # fmt: skip
async def test_questions_that_cannot_be_asked_are_refused_before_anything_is_sent(
    box: Tools, arguments: dict[str, Any]
) -> None:
    result = await run(box, await call_of(box, "metrics.watch", arguments))
    assert result.refusal is not None
    assert result.refusal.sentence.endswith(".")
