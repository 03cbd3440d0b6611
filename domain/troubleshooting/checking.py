"""Which checks are worth making: those that tell the leading hypotheses apart, the most telling first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from urllib.parse import urlsplit

from domain.troubleshooting.checks import Check
from domain.troubleshooting.hypotheses import FaultKind, Hypothesis
from domain.troubleshooting.looks import NAME, PlannedCall, metric_call
from domain.troubleshooting.reasoning.likelihoods import OWN
from domain.troubleshooting.state import IncidentState

MOST_CHECKS = 6
"""In one round."""
_LEADING = 6
_SUPPOSED = 0.02
"""A hypothesis less likely than this is not worth a check of its own."""
_CONFIRMING = 0.01
"""What a check is worth that tells nothing apart and may still refute."""
_MEASURING = frozenset({"metrics.watch", "metrics.query"})
_HELD = 2
"""Checks that are made of a cause that is accepted already, before anything is done about it."""


def check_calls(state: IncidentState, checks: Sequence[Check]) -> Iterator[PlannedCall]:
    """The calls of all checks that tell something of the leading hypotheses, the most telling first.

    A check that parts what is likely in two halves tells most; one that fits none of the leading faults is not made.
    Once a cause is accepted, it is looked at as engineers would before they act: by the checks for just that fault.

    Args:
        state: the incident.
        checks: of its tenant.
    """
    cause = state.cause
    leading = (cause,) if cause is not None else _leading(state)
    found: dict[str, tuple[float, str, PlannedCall]] = {}
    for check in checks:
        for one in leading:
            call = _call(state, check, one, leading)
            if call is not None and call.digest not in found:
                found[call.digest] = (_worth(call, leading), check.name, call)
    ranked = sorted(found.values(), key=lambda entry: (-entry[0], entry[1], entry[2].digest))
    for _, _, call in ranked[: MOST_CHECKS if cause is None else _HELD]:
        yield call


def measure_calls(state: IncidentState) -> Iterator[PlannedCall]:
    """Whether the metrics server has the metric of an uploaded file that proves the cause: then it can be watched.

    Args:
        state: the incident.
    """
    cause = state.cause
    if cause is None or cause.service is None or not _MEASURING.issubset(state.capabilities or ()):
        return
    own = [one for seen in state.observed for one in seen.findings if one.service == cause.service and one.metric]
    proving = [one for one in own if OWN[cause.fault].get(one.sign, 0.0) > 0]
    if not proving or any(one.query for one in proving):
        return
    best = max(proving, key=lambda one: one.strength)
    if NAME.match(best.metric) and NAME.match(cause.service) and state.diagnosis is not None:
        why = f"See whether the metrics server has {best.metric} of {cause.service}, to watch it after a fix"
        yield metric_call(cause.service, best.metric, state.diagnosis.onset, why, (cause.hypothesis_id,))


def known_of(state: IncidentState, hypothesis: Hypothesis) -> dict[str, str]:
    """What placeholders of a check stand for: only what somebody wrote down or recorded, never a line of a log.

    Args:
        state: the incident.
        hypothesis: which cause is looked at.
    """
    known: dict[str, str] = {}
    service, change = hypothesis.service, hypothesis.change
    if service is not None and service in _named(state):
        known["service"] = service
        host = _host(state, service)
        if host:
            known["host"] = host
    if change is not None:
        known["change_id"] = change.change_id
    if state.diagnosis is not None and state.diagnosis.onset is not None:
        known["onset"] = state.diagnosis.onset.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return known


def _leading(state: IncidentState) -> tuple[Hypothesis, ...]:
    likely = [one for one in state.open_hypotheses if one.posterior >= _SUPPOSED]
    return tuple(one for one in likely if one.service is not None or one.fault is not FaultKind.UNKNOWN)[:_LEADING]


def _call(
    state: IncidentState, check: Check, hypothesis: Hypothesis, leading: Sequence[Hypothesis]
) -> PlannedCall | None:
    service = hypothesis.service
    if not check.fits(service, hypothesis.fault):
        return None
    arguments = check.filled(known_of(state, hypothesis))
    if arguments is None:
        return None
    title = check.named(service)
    return PlannedCall(
        capability=check.asks,
        arguments=arguments,
        why=f"{title} (check {check.name})",
        tells_apart=tuple(one.hypothesis_id for one in leading if one.service == service and _told(check, one)),
        by_hand=check.by_hand or f"look at this yourself: {title}.",
        check=check.asked(service),
    )


def _told(check: Check, one: Hypothesis) -> bool:
    return check.fits(one.service, one.fault) and one.fault is not FaultKind.UNKNOWN


def _worth(call: PlannedCall, leading: Sequence[Hypothesis]) -> float:
    mass = sum(one.posterior for one in leading if one.hypothesis_id in call.tells_apart)
    return mass * (1.0 - min(1.0, mass)) + _CONFIRMING * mass


def _named(state: IncidentState) -> frozenset[str]:
    """Services that the topology, the user, change records, metrics, traces or the cluster name."""
    said = (state.report.service, *state.report.health_urls, *(one.service for one in state.evidence))
    read = (
        name
        for one in state.observed
        if one.capability != "logs.analyse"
        for name in (*one.services, *(change.service for change in one.changes))
    )
    return frozenset(name for name in (*state.topology.names(), *said, *read) if name)


def _host(state: IncidentState, service: str) -> str:
    url = state.report.health_urls.get(service) or next(
        (one.health_url for one in state.topology.services if one.name == service), None
    )
    try:
        return urlsplit(url or "").hostname or ""
    except ValueError:
        return ""
