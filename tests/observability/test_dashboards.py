"""Dashboards, alerts and scrape configuration: each name and label in them is one that the processes export."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import temporalio.bridge.temporal_sdk_bridge as sdk
import yaml

from domain.measures import METRICS
from starters.service.inbox.polling import _Counts
from starters.service.monitoring.metrics import Metrics
from starters.service.monitoring.standing import Standing
from tests.observability.observed_world import ObservedWorld, Span

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
DASHBOARDS = sorted((ROOT / "compose/grafana/dashboards").glob("*.json"))
GROUPS = yaml.safe_load((ROOT / "compose/prometheus/rules/surehand.yml").read_text("utf-8"))["groups"]
ALERTS = [rule for group in GROUPS for rule in group["rules"]]
SCRAPED = yaml.safe_load((ROOT / "compose/prometheus/prometheus.yml").read_text("utf-8"))["scrape_configs"]
BY_PROMETHEUS = {"up"}
_NAME = re.compile(r"\b(?:surehand|temporal)_[a-z_]+\b|\bup\b")
_SELECTED = re.compile(r"\b([a-z_]+)\{([^}]*)\}")
_GROUPED = re.compile(r"\bby \(([^)]*)\)")
_SUFFIX = re.compile(r"_(?:bucket|sum|count)$")


def panels() -> list[tuple[str, dict[str, Any]]]:
    return [(path.stem, panel) for path in DASHBOARDS for panel in json.loads(path.read_text("utf-8"))["panels"]]


def expressions() -> list[str]:
    shown = [target["expr"] for _, panel in panels() for target in panel["targets"]]
    return [*shown, *(alert["expr"] for alert in ALERTS)]


def names_in(expression: str) -> set[str]:
    """Metrics, without the words inside quotes and without labels."""
    bare = re.sub(r'"[^"]*"', "", expression)
    return set(_NAME.findall(_GROUPED.sub("", re.sub(r"\{[^}]*\}", "", bare))))


def exported(text: str) -> dict[str, set[str]]:
    """Name of a metric -> names of its labels, as a process shows them."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            found.setdefault(line.split()[2], set())
        elif match := re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ", line):
            name = match.group(1)
            name = name if name in found else _SUFFIX.sub("", name)
            found.setdefault(name, set()).update(re.findall(r"(\w+)=\"", match.group(2) or ""))
    return found


@pytest.fixture(scope="session")
def known(world: ObservedWorld, spans: list[Span]) -> dict[str, set[str]]:
    """What both processes export, and what they will once it happens: ours by the catalogue, the SDK's by its names."""
    catalogue = {metric.name: set(metric.labels) for metric in METRICS}
    with world.client() as client:
        client.get("/api/v1/cases").raise_for_status()
    shown = {**exported(world.metrics("worker")), **exported(world.metrics("service"))}
    # What has labels and no value yet shows none of them; a service without mailboxes counts none.
    registry = Metrics().registry
    _Counts(registry)
    collectors = {one for one in vars(registry)["_names_to_collectors"].values() if hasattr(one, "_labelnames")}
    for one in collectors:
        name = f"{one._name}_total" if one._type == "counter" else one._name
        shown.setdefault(name, set()).update(one._labelnames)
    for family in Standing().collect():
        shown[family.name].update(family._labelnames)
    return {**catalogue, **shown}


def test_every_metric_that_is_shown_or_watched_is_exported(known: dict[str, set[str]]) -> None:
    used = {
        _SUFFIX.sub("", name) if _SUFFIX.sub("", name) in known else name for e in expressions() for name in names_in(e)
    }
    assert len(used) > 30
    missing = {name for name in used if name not in known} - BY_PROMETHEUS
    # The SDK shows failures when there was one: its own library must know the name.
    library = Path(sdk.__file__).read_bytes()
    failures = {name for name in missing if name.removeprefix("temporal_").encode() in library}
    assert missing == failures
    assert failures <= {"temporal_workflow_task_execution_failed", "temporal_request_failure"}


def test_every_label_that_is_selected_is_one_of_the_metric(known: dict[str, set[str]]) -> None:
    checked = 0
    for expression in expressions():
        for name, inside in _SELECTED.findall(expression):
            metric = known.get(_SUFFIX.sub("", name)) or known.get(name)
            if metric is None:
                continue
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", inside))
            assert labels <= metric | {"job", "instance"}, expression
            checked += 1
        for inside in _GROUPED.findall(expression):
            wanted = {label.strip() for label in inside.split(",")} - {"le", "instance", "job", "failure_reason"}
            wanted -= {"operation", "status_code"}
            metrics = [known.get(_SUFFIX.sub("", name)) or known.get(name) or set() for name in names_in(expression)]
            assert not wanted or any(wanted <= labels for labels in metrics), expression
    assert checked > 20


def test_the_catalogue_is_on_a_dashboard_or_in_an_alert() -> None:
    used = {_SUFFIX.sub("", name) for e in expressions() for name in names_in(e)}
    assert {_SUFFIX.sub("", metric.name) for metric in METRICS} <= used


def test_the_docs_list_every_metric_and_no_other(known: dict[str, set[str]]) -> None:
    text = (ROOT / "docs/observability.md").read_text("utf-8")
    listed = set(re.findall(r"`(surehand_[a-z_]+)", text))
    assert listed <= set(known)
    assert {metric.name for metric in METRICS} <= listed
    assert {f"`{alert['alert']}`" for alert in ALERTS if alert["alert"] not in text} == set()


def test_every_alert_waits_says_how_bad_it_is_and_what_to_do() -> None:
    assert len(ALERTS) >= 15
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        assert re.fullmatch(r"\d+m", alert["for"]), alert["alert"]
        assert alert["labels"]["severity"] in ("critical", "warning")
        assert alert["annotations"]["summary"]
        assert re.match(r"[A-Z].*[a-z)`]\.\Z", alert["annotations"]["action"]), alert["alert"]


def test_dashboards_are_those_that_are_promised_and_their_panels_have_room() -> None:
    titles = [json.loads(path.read_text("utf-8"))["title"] for path in DASHBOARDS]
    assert titles == ["Cases and SLA", "Approvals and handoffs", "Service", "Vendors and model", "Temporal workers"]
    for _, panel in panels():
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["title"]
        assert panel["datasource"]["uid"] == "prometheus"


def test_what_is_scraped_is_there_with_the_port_that_it_serves() -> None:
    targets = {
        job["job_name"]: [*(f"{name}:{sd['port']}" for sd in job.get("dns_sd_configs", []) for name in sd["names"]),
                          *(t for static in job.get("static_configs", []) for t in static["targets"])]
        for job in SCRAPED
    }  # fmt: skip
    assert {host.split(":")[0] for hosts in targets.values() for host in hosts} - {"127.0.0.1"} <= set(COMPOSE)
    worker = COMPOSE["worker"]["environment"]["SUREHAND_WORKER__METRICS_ADDRESS"]
    assert targets["surehand-worker"] == [f"worker:{worker.split(':')[1]}"]
    service = COMPOSE["service"]["environment"]["SUREHAND_SERVICE__METRICS_ADDRESS"]
    assert targets["surehand-service"] == [f"service:{service.split(':')[1]}"]
    hosts = {target.split(":")[0] for some in targets.values() for target in some} - {"127.0.0.1"}
    assert all("watching" in COMPOSE[host]["networks"] for host in hosts)
    assert targets["temporal"] == [
        f"temporal:{COMPOSE['temporal']['environment']['PROMETHEUS_ENDPOINT'].split(':')[1]}"
    ]


def test_the_spans_of_the_containers_find_their_way_to_the_store() -> None:
    defaults = (ROOT / "compose/defaults.env").read_text("utf-8")
    assert "SUREHAND_TRACING__ENDPOINT=http://otel-collector:4318" in defaults
    told = yaml.safe_load((ROOT / "compose/otel/collector.yaml").read_text("utf-8"))
    assert told["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318")
    (pipeline,) = told["service"]["pipelines"].values()
    assert set(pipeline["receivers"]) <= set(told["receivers"])
    assert set(pipeline["processors"]) <= set(told["processors"])
    assert set(pipeline["exporters"]) <= set(told["exporters"])
    assert told["exporters"]["otlp_http"]["endpoint"].split("//")[1].split(":")[0] in COMPOSE
    sources = yaml.safe_load((ROOT / "compose/grafana/provisioning/datasources/surehand.yml").read_text("utf-8"))
    assert {re.split(r"[/:]+", source["url"])[1] for source in sources["datasources"]} <= set(COMPOSE)


def test_every_alert_leads_to_its_place_in_what_the_person_on_call_reads() -> None:
    headings = set(re.findall(r"^### (\w+)$", (ROOT / "docs/operating.md").read_text("utf-8"), re.MULTILINE))
    assert headings == {alert["alert"] for alert in ALERTS}
    for alert in ALERTS:
        # As GitHub and others make an anchor of a heading.
        assert alert["annotations"]["runbook"] == f"docs/operating.md#{alert['alert'].lower()}"
