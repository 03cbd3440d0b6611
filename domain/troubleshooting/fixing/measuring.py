"""How one sees whether a fix worked: the measure that proved the trouble, its threshold, and where it is asked for.

The best measure is the one that showed the trouble: the metric at the server that gave it, held to its own level from
before the onset; or the check whose bad value showed the fault. Else it is the address that tells the health of the
service, or the metrics that the shipped playbooks go by. Where no tool can tell, that is said, and people look.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from domain.troubleshooting.checking import known_of
from domain.troubleshooting.checks import Check
from domain.troubleshooting.evidence import Finding, Sign
from domain.troubleshooting.fixing.remedies import watch_minutes
from domain.troubleshooting.hypotheses import Hypothesis
from domain.troubleshooting.incident import MeasureKind, MeasuringCheck, Success
from domain.troubleshooting.keeping import cut
from domain.troubleshooting.looks import NAME
from domain.troubleshooting.reasoning.likelihoods import BLAMED, OWN
from domain.troubleshooting.state import IncidentState

RECOVERED = 0.2
"""It counts as well again when no more than this share of the rise is left."""
MAX_ERROR_RATIO = 0.01
MAX_P95_SECONDS = 0.5
"""What the shipped playbooks take for well, and what the query below is held to."""
_PLAIN = 0.5
"""How clear a metric has to be where a check showed the fault, too."""
_ERROR_QUERY = "service:error_ratio:rate5m"
_LATENCY_QUERY = "service:latency_seconds:p95"
_SLOW = frozenset({Sign.LATENCY, Sign.TIMEOUT, Sign.CPU, Sign.MEMORY, Sign.TRAFFIC, Sign.QUEUE})
_WORDS = {
    Sign.ERRORS: "errors per minute",
    Sign.NEW_ERROR: "new errors per minute",
    Sign.LATENCY: "latency",
    Sign.TIMEOUT: "time-outs per minute",
    Sign.UNREACHABLE: "refused connections per minute",
    Sign.POOL_EXHAUSTED: "waits for a connection",
    Sign.MEMORY: "memory",
    Sign.DISK: "disk use",
    Sign.CPU: "CPU",
    Sign.TRAFFIC: "requests",
    Sign.QUEUE: "queue",
    Sign.CRASH: "restarts",
}


def success_of(state: IncidentState, cause: Hypothesis, checks: Sequence[Check] = ()) -> Success:
    """How success is measured, and why so.

    Args:
        state: the incident.
        cause: the accepted hypothesis.
        checks: what the engineers of its tenant look at by hand.
    """
    minutes = watch_minutes(cause.fault)
    shown = {
        "service": cause.service,
        "watch_minutes": minutes,
        "check_minutes": 1 if minutes <= 30 else 2,
        "health_url": _health_url(state, cause.service),
    }
    metric, check = _metric(state, cause), _check(state, cause, checks)
    if metric is not None and (check is None or metric.strength >= _PLAIN):
        return _by_metric(metric, shown)
    if check is not None:
        return _by_check(*check, shown)
    return _as_usual(state, cause, shown)


# The metric that proved it


def _metric(state: IncidentState, cause: Hypothesis) -> Finding | None:
    """The clearest finding that a metrics server gave, of the service or about it."""
    if not _can(state, "metrics.query"):
        return None
    found = [one for one in _with_numbers(state, cause) if one.query and _proves(one, cause)]
    return max(found, key=lambda one: (one.service == cause.service, one.strength), default=None)


def _by_metric(finding: Finding, shown: dict[str, Any]) -> Success:
    before, during = finding.numbers["before"], finding.numbers["after"]
    threshold, at_most = _threshold(before, during), during > before
    measure = f"{finding.metric or _WORDS.get(finding.sign, finding.sign.label)} of {finding.service or 'the system'}"
    said = (
        f"The metric {measure} is {'at most' if at_most else 'at least'} {threshold:.4g} and stays there for "
        f"{shown['watch_minutes']} minutes (before: {before:.4g}, during the incident: {during:.4g}); it is the metric "
        "that proved the trouble, asked for at the same metrics server"
    )
    return Success(
        **shown,
        kind=MeasureKind.METRIC,
        sentence=cut(said, 500) + ".",
        measure=cut(measure, 200),
        query=finding.query,
        proof=cut(measure, 200),
        before=before,
        during=during,
        threshold=threshold,
        at_most=at_most,
    )


# The check that showed it


def _check(state: IncidentState, cause: Hypothesis, checks: Sequence[Check]) -> tuple[MeasuringCheck, Finding] | None:
    """The clearest check that showed the fault, as it would be made again."""
    known = known_of(state, cause)
    by_name = {f"check:{one.name}": one for one in checks}
    found = []
    for finding in (one for seen in state.observed for one in seen.findings):
        check = by_name.get(finding.source.split(" ", 1)[0])
        if check is None or not check.fits(cause.service, cause.fault) or cause.fault not in check.tells:
            continue
        asked, arguments = check.asked(cause.service), check.filled(known)
        if asked is not None and arguments is not None and asked.service == finding.service and _can(state, check.asks):
            found.append((MeasuringCheck(asked=asked, capability=check.asks, arguments=arguments), finding))
    return max(found, key=lambda one: one[1].strength, default=None)


def _by_check(check: MeasuringCheck, finding: Finding, shown: dict[str, Any]) -> Success:
    reads = check.asked.reads
    during, unit = finding.numbers.get("value"), f" {reads.unit}" if reads.unit else ""
    good = "no line of it tells of trouble" if reads.lines else f"it is no longer {reads.bad.strip()}{unit}"
    now = f" (during the incident: {during:.4g}{unit})" if during is not None else ""
    said = (
        f"{check.asked.title}: {good} and stays so for {shown['watch_minutes']} minutes{now}; "
        f"it is the check {check.asked.name}, which showed the fault"
    )
    return Success(
        **shown,
        kind=MeasureKind.CHECK,
        check=check,
        sentence=cut(said, 500) + ".",
        measure=cut(check.asked.title, 200),
        proof=cut(check.asked.title, 200),
        during=during,
    )


# What is left


def _as_usual(state: IncidentState, cause: Hypothesis, shown: dict[str, Any]) -> Success:
    """The health address and the metrics that the shipped playbooks go by; the numbers of the proof are for people."""
    minutes, service = shown["watch_minutes"], cause.service or ""
    finding = max(_with_numbers(state, cause), key=lambda one: one.strength, default=None)
    slow = finding is not None and finding.sign in _SLOW
    name, measure, limit, unit = (
        (_LATENCY_QUERY, "95th percentile of the response time", MAX_P95_SECONDS, " s")
        if slow
        else (_ERROR_QUERY, "error ratio", MAX_ERROR_RATIO, "")
    )
    proof, before, during, told = "", None, None, ""
    if finding is not None:
        before, during = finding.numbers["before"], finding.numbers["after"]
        proof = f"{_WORDS.get(finding.sign, finding.sign.label)} of {finding.service}"
        if not finding.metric and "count" in finding.numbers:
            proof = f"log lines per minute of {finding.service or 'the system'} about {finding.sign.label}"
        limit_word = "at most" if during > before else "at least"
        told = f"{proof}: {limit_word} {_threshold(before, during):.4g}"
        told += f" (before: {before:.4g}, during the incident: {during:.4g})"
    given = {**shown, "proof": cut(proof, 200), "before": before, "during": during}
    if not _can(state, "metrics.query") and (shown["health_url"] is None or not _can(state, "health.probe")):
        look = told or f"whether {service or 'the service'} is well"
        said = f"No tool here can tell, so people look at it for {minutes} minutes: {look}"
        return Success(
            **{**given, "health_url": None}, kind=MeasureKind.PEOPLE, sentence=cut(said, 500) + ".", measure=proof
        )
    health = shown["health_url"] is not None
    said = (
        f"The health address of {service} says that it is well, and stays so for {minutes} minutes"
        if health
        else f"The {measure} of {service or 'the service'} is at most {limit:g}{unit} and stays there for {minutes}"
        " minutes, as the shipped playbooks take for well"
    )
    return Success(
        **given,
        kind=MeasureKind.HEALTH if health else MeasureKind.HOUSE,
        sentence=cut(f"{said}; {told}" if told else said, 500) + ".",
        measure=measure,
        query=f"{name}{{service={json.dumps(service)}}}" if NAME.match(service) else "",
        threshold=limit,
    )


def _threshold(before: float, during: float) -> float:
    return before + RECOVERED * (during - before)


def _proves(finding: Finding, cause: Hypothesis) -> bool:
    """Whether it moved, and speaks for this fault."""
    table = OWN if finding.service == cause.service else BLAMED
    return finding.numbers["before"] != finding.numbers["after"] and table[cause.fault].get(finding.sign, 0.0) > 0


def _with_numbers(state: IncidentState, cause: Hypothesis) -> list[Finding]:
    """Findings with numbers from before and after, of the service; else of those who blame it."""
    own, blaming = [], []
    for seen in state.observed:
        for finding in seen.findings:
            numbers = [finding.numbers.get("before"), finding.numbers.get("after")]
            if any(number is None or not math.isfinite(number) for number in numbers) or finding.sign is Sign.RESTORED:
                continue
            if finding.service == cause.service:
                own.append(finding)
            elif finding.about == cause.service:
                blaming.append(finding)
    return own or blaming


def _can(state: IncidentState, capability: str) -> bool:
    """Whether a tool here can do it, as far as anybody knows."""
    return state.capabilities is None or capability in state.capabilities


def _health_url(state: IncidentState, service: str | None) -> str | None:
    if service is None:
        return None
    known = next((one.health_url for one in state.topology.services if one.name == service), None)
    return state.report.health_urls.get(service) or known
