"""The calls that an investigation can make, each built in one way, whoever thought of it.

Only names that are known and numbers of ours enter a call: no text from logs or from a model becomes an argument,
except what is searched for in the knowledge library.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from domain.model import JsonValue, Term, Value
from domain.tools.tool import call_digest
from domain.troubleshooting.checks import CheckAsked
from domain.troubleshooting.hypotheses import FaultKind

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}\Z")
"""What a service may be called where its name becomes an argument."""
_SEARCHED = 1_000
_BEFORE, _AFTER = timedelta(hours=1), timedelta(hours=1)
"""How much of a metric is looked at around the onset."""

BY_HAND = {
    "topology.read": "write down who calls whom, and upload it as YAML.",
    "changes.read": "list the deployments and configuration changes of the last day with their times.",
    "traces.analyse": "look in the tracing system for the slowest span of a failed request.",
    "kubernetes.analyse": "look at `kubectl get pods` and `kubectl get events` of the namespace.",
    "logs.analyse": "look for the first error line after the onset, and upload a smaller part of the logs.",
    "metrics.analyse": "look at error ratio, latency, CPU and memory of each service around the onset.",
    "knowledge.search": "ask whoever knows the service whether they saw this before.",
    "health.probe": "open the health address in a browser or with curl.",
    "metrics.watch": "look at the metric on a dashboard.",
}

REFUTING_METRICS: dict[FaultKind, str] = {
    FaultKind.BAD_DEPLOYMENT: "error_ratio",
    FaultKind.BAD_CONFIGURATION: "error_ratio",
    FaultKind.CONNECTION_POOL: "pool_in_use",
    FaultKind.MEMORY_LEAK: "memory",
    FaultKind.SLOW_DEPENDENCY: "latency",
    FaultKind.DISK_FULL: "disk",
    FaultKind.TRAFFIC_SURGE: "requests",
    FaultKind.CPU_SATURATION: "cpu",
    FaultKind.CRASH_LOOP: "restarts",
    FaultKind.OUTAGE: "up",
    FaultKind.QUEUE_BACKLOG: "queue_depth",
}
"""What would stay as it was if the fault were another one."""
METRICS = frozenset(REFUTING_METRICS.values())


class LookKind(Term):
    """What a model may ask to have looked at. All of it only reads, and all arguments are ours."""

    METRIC = "metric"
    HEALTH = "health"
    KNOWLEDGE = "knowledge"


class Look(Value):
    """Something that a model wants to know."""

    kind: LookKind
    service: str | None = None
    metric: str | None = None
    text: str = ""
    """Words to search the knowledge library for."""


class PlannedCall(Value):
    """One call worth making."""

    capability: str
    """Any tool with this capability will do; the best first, then the others."""
    arguments: dict[str, JsonValue]
    why: str
    """For people: "Look whether checkout answers"."""
    tells_apart: tuple[str, ...] = ()
    """Ids of the hypotheses that its answer speaks for or against; empty for a first look."""
    reads: tuple[str, ...] = ()
    """References of the evidence that is read."""
    by_hand: str = ""
    """What a person does instead, where no tool can."""
    check: CheckAsked | None = None
    """The check of the installation that it makes, by which its answer is read."""

    @property
    def digest(self) -> str:
        """Of capability and arguments."""
        return call_digest(self.capability, self.arguments)


def probe_call(service: str, url: str, tells_apart: tuple[str, ...]) -> PlannedCall:
    """Whether a service answers.

    Args:
        service: whose address it is.
        url: as the report or the topology gives it.
        tells_apart: ids of the hypotheses that the answer speaks for or against.
    """
    return PlannedCall(
        capability="health.probe",
        arguments={"url": url, "service": service},
        why=f"Look whether {service} answers",
        tells_apart=tells_apart,
        by_hand=BY_HAND["health.probe"],
    )


def metric_call(
    service: str, metric: str, onset: datetime | None, why: str, tells_apart: tuple[str, ...]
) -> PlannedCall:
    """How a metric of a service went, from before the onset until after it.

    Args:
        service: a known name, as `NAME` allows.
        metric: one of `REFUTING_METRICS`.
        onset: None when it is not known; then the tool looks at the time until now.
        why: for people.
        tells_apart: ids of the hypotheses that the answer speaks for or against.
    """
    span: dict[str, JsonValue] = (
        {"start": (onset - _BEFORE).isoformat(), "end": (onset + _AFTER).isoformat()} if onset is not None else {}
    )
    return PlannedCall(
        capability="metrics.watch",
        arguments={"service": service, "metric": metric, **span},
        why=why,
        tells_apart=tells_apart,
        by_hand=BY_HAND["metrics.watch"],
    )


def search_call(text: str, signs: tuple[str, ...], why: str, tells_apart: tuple[str, ...]) -> PlannedCall:
    """What is known of failures like this one.

    Args:
        text: what is looked for; its first 1,000 characters count.
        signs: symptoms that a known failure should show.
        why: for people.
        tells_apart: ids of the hypotheses that the answer speaks for or against.
    """
    arguments: dict[str, JsonValue] = {"text": text[:_SEARCHED]}
    if signs:
        arguments["signs"] = list(signs)
    return PlannedCall(
        capability="knowledge.search",
        arguments=arguments,
        why=why,
        tells_apart=tells_apart,
        by_hand=BY_HAND["knowledge.search"],
    )
