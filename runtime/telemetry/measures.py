"""Counts and times on the Temporal SDK's own meter, so that one address shows Prometheus the SDK's metrics and ours."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from temporalio.common import MetricCounter, MetricGaugeFloat, MetricHistogramFloat, MetricMeter

from domain.measures import METRICS, Metric

BUCKETS: Mapping[str, tuple[float, ...]] = {metric.name: metric.buckets for metric in METRICS if metric.buckets}
"""For `PrometheusConfig.histogram_bucket_overrides`."""
OTHER = "other"
_MOST_VALUES = 200
"""Of one label. Configuration bounds them; should something else slip in, the rest is counted together."""


class Measures:
    """Counts for one process.

    Args:
        meter: of the SDK's runtime; the default keeps nothing.
    """

    def __init__(self, meter: MetricMeter = MetricMeter.noop) -> None:
        self._meter = meter
        self._seen: dict[tuple[str, str], set[str]] = {}
        self._instrument = cache(self._make)

    def count(self, metric: Metric, amount: int = 1, /, **labels: str) -> None:
        """Add to a counter."""
        self._instrument(metric).add(amount, self._bounded(metric, labels))

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Add a value to a histogram."""
        self._instrument(metric).record(max(value, 0.0), self._bounded(metric, labels))

    def show(self, metric: Metric, value: float, **labels: str) -> None:
        """Set a gauge."""
        self._instrument(metric).set(value, self._bounded(metric, labels))

    def _bounded(self, metric: Metric, labels: Mapping[str, str]) -> dict[str, str]:
        return {name: self._known(metric.name, name, labels[name]) for name in metric.labels}

    def _known(self, metric: str, label: str, value: str) -> str:
        seen = self._seen.setdefault((metric, label), set())
        if value not in seen and len(seen) >= _MOST_VALUES:
            return OTHER
        seen.add(value)
        return value

    def _make(self, metric: Metric) -> Any:
        return made_on(self._meter, metric)


def made_on(meter: MetricMeter, metric: Metric) -> MetricCounter | MetricHistogramFloat | MetricGaugeFloat:
    """The instrument for a metric."""
    if metric.kind.value == "counter":
        return meter.create_counter(metric.name, metric.meaning)
    if metric.kind.value == "gauge":
        return meter.create_gauge_float(metric.name, metric.meaning)
    return meter.create_histogram_float(metric.name, metric.meaning)
