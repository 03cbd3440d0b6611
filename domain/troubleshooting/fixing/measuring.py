"""How one sees whether a fix worked: the measure that proved the trouble, its threshold, and where it is asked for."""

from __future__ import annotations

import json
import math
import re

from domain.troubleshooting.evidence import Finding, Sign
from domain.troubleshooting.fixing.remedies import watch_minutes
from domain.troubleshooting.hypotheses import Hypothesis
from domain.troubleshooting.incident import Success
from domain.troubleshooting.keeping import cut
from domain.troubleshooting.state import IncidentState

RECOVERED = 0.2
"""It counts as well again when no more than this share of the rise is left."""
MAX_ERROR_RATIO = 0.01
MAX_P95_SECONDS = 0.5
"""What the shipped playbooks take for well, and what the query below is held to."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}\Z")
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


def success_of(state: IncidentState, cause: Hypothesis) -> Success:
    """How success is measured, by the strongest finding with numbers before and after.

    Where an address tells the health of the service it is looked at; a metrics server is asked for the error ratio or
    the response time that the shipped playbooks go by. Without either, people judge by the numbers of the finding.

    Args:
        state: the incident.
        cause: the accepted hypothesis.
    """
    minutes = watch_minutes(cause.fault)
    finding = _proof(state, cause)
    slow = finding is not None and finding.sign in _SLOW
    name, measure, limit, unit = (
        (_LATENCY_QUERY, "95th percentile of the response time", MAX_P95_SECONDS, " s")
        if slow
        else (_ERROR_QUERY, "error ratio", MAX_ERROR_RATIO, "")
    )
    service = cause.service or ""
    said = (
        f"The {measure} of {service or 'the service'} is at most {limit:g}{unit} and stays there for {minutes} minutes"
    )
    proof, before, during = "", None, None
    if finding is not None:
        before, during = finding.numbers["before"], finding.numbers["after"]
        proof = f"{_WORDS.get(finding.sign, finding.sign.label)} of {finding.service}"
        limit_word = "at most" if during > before else "at least"
        said += f"; {proof}: {limit_word} {_threshold(before, during):.4g}"
        said += f" (before: {before:.4g}, during the incident: {during:.4g})"
    return Success(
        sentence=cut(said, 500) + ".",
        service=cause.service,
        measure=measure,
        query=f"{name}{{service={json.dumps(service)}}}" if _NAME.match(service) else "",
        health_url=_health_url(state, cause.service),
        proof=cut(proof, 200),
        before=before,
        during=during,
        threshold=limit,
        watch_minutes=minutes,
        check_minutes=1 if minutes <= 30 else 2,
    )


def _threshold(before: float, during: float) -> float:
    return before + RECOVERED * (during - before)


def _proof(state: IncidentState, cause: Hypothesis) -> Finding | None:
    """The clearest finding with numbers, of the service or of those who blame it."""
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
    candidates = own or blaming
    return max(candidates, key=lambda finding: finding.strength, default=None)


def _health_url(state: IncidentState, service: str | None) -> str | None:
    if service is None:
        return None
    known = next((one.health_url for one in state.topology.services if one.name == service), None)
    return state.report.health_urls.get(service) or known
