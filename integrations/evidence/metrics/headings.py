"""Headings of columns and labels of series: which service, which metric, whom it names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from integrations.evidence.answers import name_of
from integrations.evidence.metrics.meaning import meaning_of, words_of

SERVICE = ("service", "service_name", "app", "application", "job", "component", "container", "deployment", "workload")
SERVICE_LAST = ("pod", "host", "instance", "node", "server", "target", "name", "resource", "entity", "source")
ABOUT = (
    "dependency",
    "upstream",
    "peer",
    "peer_service",
    "callee",
    "destination",
    "destination_service",
    "target_service",
    "remote",
    "db",
    "database",
    "volume",
    "mountpoint",
    "queue",
    "topic",
)
_LABELLED = re.compile(r"^\s*([^\s{}]{0,200})\s*\{(.{0,2000})\}\s*$")
_LABEL = re.compile(r"""([A-Za-z_][\w.]{0,100})\s{0,5}=~?\s{0,5}["']?([^"',}]{0,300})["']?""")
_POD = re.compile(r"^(.+?)-(?:[a-z0-9]{6,10}-[a-z0-9]{5}|\d{1,3})$")


def split_name(cell: str, service: str | None) -> tuple[str | None, str, tuple[tuple[str, str], ...]] | None:
    """Service, metric and labels of a column's heading or a series' name; None when it is nothing."""
    labelled = _LABELLED.match(cell)
    if labelled is not None:
        labels = dict(_LABEL.findall(labelled[2]))
        metric = labelled[1] or labels.get("__name__", "")
        whose = service_in(labels)
        if whose is None and metric.count("."):
            whose, _, metric = metric.partition(".")
        return whose or service, metric or "value", tuple(sorted(labels.items()))
    for separator in (".", "/", ":", "|", " - ", " "):
        whose, found, metric = cell.partition(separator)
        if found and whose and metric and meaning_of(metric) is not None and not _is_measure(whose):
            return name_of(whose), metric.strip(), ()
    whose, found, metric = cell.partition(".")
    if found and whose and metric:
        return name_of(whose), metric, ()
    return (service, cell.strip(), ()) if cell.strip() else None


def service_in(labels: Mapping[str, str]) -> str | None:
    """Whose a series is by its labels; a pod's name without what its replica set added."""
    for word in (*SERVICE, *SERVICE_LAST[:5]):
        value = labels.get(word)
        if value:
            found = _POD.match(value)
            return name_of(found[1] if found and word == "pod" else value)
    return None


def _is_measure(word: str) -> bool:
    return meaning_of(word) is not None or word.lower() in ("http", "grpc", "process", "node", "container", "jvm", "go")


def prefixed(cells: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Headings such as `cart_cpu`, `orders_cpu`, where several services share a measure: heading -> service, metric."""
    measures: dict[str, set[str]] = {}
    splits: dict[str, list[tuple[str, str]]] = {}
    for cell in cells:
        if "{" in cell or len(cell) > 200:
            continue
        for found in re.finditer(r"[_-]", cell):
            whose, metric = cell[: found.start()], cell[found.end() :]
            first = words_of(metric)[:1]
            if whose and first and meaning_of(metric) is not None and not _is_measure(whose):
                measures.setdefault(metric, set()).add(whose)
                splits.setdefault(cell, []).append((whose, metric))
    return {
        cell: max(pairs, key=lambda pair: (len(measures[pair[1]]), -len(pair[1])))
        for cell, pairs in splits.items()
        if max(len(measures[pair[1]]) for pair in pairs) > 1
    }
