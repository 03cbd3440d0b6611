"""The catalogue of metrics on the SDK's own exporter: names, labels, buckets, and no end of values."""

from __future__ import annotations

import re

import httpx
import pytest

from domain.measures import METRICS, VENDOR_CALLS, MetricKind
from runtime.settings.environment import load_settings
from runtime.telemetry.logs import create_runtime
from runtime.telemetry.measures import Measures
from runtime.temporal.dev_server import free_port


@pytest.fixture(scope="module")
def shown() -> str:
    """What Prometheus would read after everything happened once."""
    address = f"127.0.0.1:{free_port()}"
    runtime = create_runtime(load_settings(environ={"SUREHAND_WORKER__METRICS_ADDRESS": address}))
    measures = Measures(runtime.metric_meter)
    for metric in METRICS:
        labels = dict.fromkeys(metric.labels, "x")
        if metric.kind is MetricKind.COUNTER:
            measures.count(metric, **labels)
        elif metric.kind is MetricKind.GAUGE:
            measures.show(metric, 2.0, **labels)
        else:
            measures.observe(metric, 0.3, **labels)
    for number in range(500):
        measures.count(VENDOR_CALLS, vendor=f"vendor-{number}", outcome="ok")
    return httpx.get(f"http://{address}/metrics", trust_env=False, timeout=30).text


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_each_metric_is_exported_under_its_name_with_its_labels_and_buckets(shown: str, metric) -> None:
    kind = {MetricKind.COUNTER: "counter", MetricKind.GAUGE: "gauge"}.get(metric.kind, "histogram")
    assert f"# TYPE {metric.name} {kind}\n" in shown
    suffix = "_count" if kind == "histogram" else ""
    (line, *_) = [one for one in shown.splitlines() if one.startswith(f"{metric.name}{suffix}{{")]
    assert set(re.findall(r"(\w+)=", line)) == set(metric.labels)
    bounds = re.findall(rf"{metric.name}_bucket{{.*le=\"([^\"]+)\"", shown)
    assert [float(bound) for bound in bounds if bound != "+Inf"] == list(metric.buckets)


def test_a_label_has_no_more_values_than_configuration_can_have(shown: str) -> None:
    vendors = set(re.findall(r"surehand_vendor_calls_total{.*vendor=\"([^\"]+)\"", shown))
    assert "other" in vendors
    assert len(vendors) <= 201
