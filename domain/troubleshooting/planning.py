"""What to look at next: first all that the user gave, then what would tell the open hypotheses apart.

The plan follows from the state alone. No call is planned twice; an empty plan means that nothing more can be learned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from domain.model import JsonValue
from domain.troubleshooting.checking import check_calls, measure_calls
from domain.troubleshooting.checks import Check
from domain.troubleshooting.evidence import EvidenceKind, EvidenceRef
from domain.troubleshooting.hypotheses import Hypothesis
from domain.troubleshooting.looks import (
    BY_HAND,
    METRICS,
    NAME,
    REFUTING_METRICS,
    LookKind,
    PlannedCall,
    metric_call,
    probe_call,
    search_call,
)
from domain.troubleshooting.state import IncidentState

MOST_PER_ROUND = 8
MOST_SUSPECTS = 3
_PIECES_PER_CALL = 50
_SERVICES_PER_CALL = 500
_SUPPOSED = 0.02
"""A hypothesis less likely than this is not worth a call of its own."""
_TABLE_OF_CHANGES = re.compile(r"(?:change|deploy|release|rollout)[\w.-]{0,60}\.(?:csv|tsv)(?:\.gz)?\Z", re.IGNORECASE)

CAPABILITIES = {
    EvidenceKind.TOPOLOGY: "topology.read",
    EvidenceKind.CHANGES: "changes.read",
    EvidenceKind.TRACES: "traces.analyse",
    EvidenceKind.KUBERNETES: "kubernetes.analyse",
    EvidenceKind.LOGS: "logs.analyse",
    EvidenceKind.NOTES: "logs.analyse",
    EvidenceKind.METRICS: "metrics.analyse",
}
_GIVES_NAMES = (EvidenceKind.TOPOLOGY, EvidenceKind.CHANGES, EvidenceKind.TRACES, EvidenceKind.KUBERNETES)
"""Read first: whoever reads logs and metrics then knows what the services are called."""
_TAKES_NAMES = frozenset({"logs.analyse", "metrics.analyse"})
_WHY = {
    "topology.read": "Read who calls whom",
    "changes.read": "Read what was changed",
    "traces.analyse": "Find which calls became slow or failed in the traces",
    "kubernetes.analyse": "Look at the state of the workloads",
    "logs.analyse": "Find new and more frequent errors in the logs, and when they began",
    "metrics.analyse": "Find what changed in the metrics, and when",
}


def next_calls(state: IncidentState, checks: Sequence[Check] = ()) -> tuple[PlannedCall, ...]:
    """The calls of the next round, the most telling first; empty when nothing more can be learned.

    Args:
        state: the incident as it stands.
        checks: what the engineers of its tenant look at by hand.
    """
    done = {call.digest for call in state.calls}
    planned: dict[str, PlannedCall] = {}
    for call in _candidates(state, checks):
        if call.digest not in done and call.digest not in planned:
            planned[call.digest] = call
            if len(planned) == MOST_PER_ROUND:
                break
    return tuple(planned.values())


def _candidates(state: IncidentState, checks: Sequence[Check]) -> Iterator[PlannedCall]:
    unread = _unread(state)
    if unread:
        first = [one for one in unread if _kind(one) in _GIVES_NAMES]
        yield from _readings(state, first or unread)
        yield from _first_search(state)
        return
    yield from _smaller_readings(state)
    yield from _first_search(state)
    yield from check_calls(state, checks)
    if state.cause is not None:
        yield from measure_calls(state)
        return
    suspects = _suspects(state)
    yield from _probes(state, suspects)
    yield from _metrics(state, suspects)
    yield from _wanted(state)
    yield from _readings_with_names(state)
    yield from _searches(state, suspects)


# What the user gave


def is_all_read(state: IncidentState) -> bool:
    """Whether every piece that the user gave was read, or could not be."""
    return not _unread(state)


def _unread(state: IncidentState) -> list[EvidenceRef]:
    """Pieces that no call read, well or not."""
    tried = {reference for call in state.calls for reference in call.reads}
    has_logs = any(_kind(one) is EvidenceKind.LOGS for one in state.evidence)
    return [
        one
        for one in state.evidence
        if one.reference not in tried and not (_kind(one) is EvidenceKind.NOTES and has_logs)
    ]


def _kind(one: EvidenceRef) -> EvidenceKind:
    """A table with a time in each row looks like a log; where it is called changes or deployments, it holds those."""
    if one.kind in (EvidenceKind.LOGS, EvidenceKind.NOTES) and _TABLE_OF_CHANGES.search(one.name[-120:]):
        return EvidenceKind.CHANGES
    return one.kind


def _readings(state: IncidentState, evidence: Iterable[EvidenceRef]) -> Iterator[PlannedCall]:
    """One call for all pieces of a kind, so that a reader sees them together."""
    pieces: dict[str, list[EvidenceRef]] = {}
    for one in evidence:
        pieces.setdefault(CAPABILITIES[_kind(one)], []).append(one)
    for capability in dict.fromkeys(CAPABILITIES.values()):
        of_kind = pieces.get(capability, [])
        for start in range(0, len(of_kind), _PIECES_PER_CALL):
            yield _reading(state, capability, of_kind[start : start + _PIECES_PER_CALL], _WHY[capability])


def _reading(state: IncidentState, capability: str, pieces: list[EvidenceRef], why: str) -> PlannedCall:
    arguments: dict[str, JsonValue] = {"evidence": [_argument(one) for one in pieces]}
    names = _names(state) if capability in _TAKES_NAMES else ()
    if names:
        arguments["services"] = list(names)
    if capability == "logs.analyse" and state.report.reported_at is not None:
        arguments["around"] = state.report.reported_at.isoformat()
    return PlannedCall(
        capability=capability,
        arguments=arguments,
        why=why,
        tells_apart=_ids(state.open_hypotheses),
        reads=tuple(dict.fromkeys(one.reference for one in pieces)),
        by_hand=BY_HAND[capability],
    )


def _argument(one: EvidenceRef) -> dict[str, JsonValue]:
    piece: dict[str, JsonValue] = {"reference": one.reference, "name": one.name[:255] or "evidence"}
    if one.service:
        piece["service"] = one.service[:100]
    return piece


def _names(state: IncidentState) -> tuple[str, ...]:
    """Services that are known: by the user's word, the topology and what was read."""
    said = (state.report.service, *state.report.health_urls, *(one.service for one in state.evidence))
    found = (name for one in state.observed for name in one.services)
    names = (name for name in (*said, *state.topology.names(), *found) if name and NAME.match(name))
    return tuple(sorted(dict.fromkeys(names)))[:_SERVICES_PER_CALL]


def _smaller_readings(state: IncidentState) -> Iterator[PlannedCall]:
    """Pieces that could not be read together are read one by one: one bad file must not hide the others."""
    by_reference: dict[str, EvidenceRef] = {one.reference: one for one in state.evidence}
    read = {reference for one in state.observed for reference in one.reads}
    for call in state.calls:
        if call.ok or len(call.reads) < 2 or call.capability not in _WHY:
            continue
        for reference in call.reads:
            one = by_reference.get(reference)
            if one is not None and reference not in read:
                yield _reading(state, call.capability, [one], f"{_WHY[call.capability]}: this piece alone")


def _readings_with_names(state: IncidentState) -> Iterator[PlannedCall]:
    """Logs once more, around the onset, when names of services have come to light that their reader did not know."""
    logs = [one for one in state.evidence if _kind(one) is EvidenceKind.LOGS]
    times = sum(1 for call in state.calls if call.capability == "logs.analyse" and call.ok)
    if not logs or times != 1 or len(logs) > _PIECES_PER_CALL:
        return
    with_names = _reading(state, "logs.analyse", logs, "Read the logs again, now that the services' names are known")
    if "services" not in with_names.arguments or any(with_names.digest == call.digest for call in state.calls):
        return
    onset = state.diagnosis.onset if state.diagnosis is not None else None
    around: dict[str, JsonValue] = {"around": onset.isoformat()} if onset is not None else {}
    yield with_names.model_copy(update={"arguments": {**with_names.arguments, **around}})


# What tells hypotheses apart


def _suspects(state: IncidentState) -> tuple[Hypothesis, ...]:
    likely = [one for one in state.open_hypotheses if one.service is not None and one.posterior >= _SUPPOSED]
    by_service: dict[str | None, Hypothesis] = {}
    for one in likely:
        by_service.setdefault(one.service, one)
    return tuple(by_service.values())[:MOST_SUSPECTS]


def _probes(state: IncidentState, suspects: tuple[Hypothesis, ...]) -> Iterator[PlannedCall]:
    """Whether a suspected service answers. Before there is any suspect: whatever the user gave an address for."""
    addresses = _addresses(state)
    named = [one.service for one in suspects] or [state.report.service, *state.report.health_urls]
    for name in list(dict.fromkeys(named))[:MOST_SUSPECTS]:
        url = addresses.get(name or "")
        if name and url:
            yield probe_call(name, url, _ids(one for one in state.open_hypotheses if one.service == name))


def _metrics(state: IncidentState, suspects: tuple[Hypothesis, ...]) -> Iterator[PlannedCall]:
    """The metric that would refute a hypothesis by staying as it was, from before the onset until after it."""
    onset = state.diagnosis.onset if state.diagnosis is not None else None
    for one in suspects:
        metric = REFUTING_METRICS.get(one.fault)
        if metric is not None and one.service is not None and NAME.match(one.service):
            why = f"See whether {metric.replace('_', ' ')} of {one.service} changed; if not, no {one.fault.label}"
            yield metric_call(one.service, metric, onset, why, (one.hypothesis_id,))


def _first_search(state: IncidentState) -> Iterator[PlannedCall]:
    yield search_call(state.report.text, (), "Look for incidents and failures like this one", ())


def _wanted(state: IncidentState) -> Iterator[PlannedCall]:
    """What a language model wants to know, as calls of ours."""
    onset = state.diagnosis.onset if state.diagnosis is not None else None
    addresses = _addresses(state)
    for look in state.looks:
        if look.kind is LookKind.KNOWLEDGE:
            yield search_call(look.text, (), "Look up what a language model thought of", ())
            continue
        service = look.service or ""
        tells = _ids(one for one in state.open_hypotheses if one.service == service)
        if look.kind is LookKind.HEALTH and service in addresses:
            yield probe_call(service, addresses[service], tells)
        elif look.kind is LookKind.METRIC and look.metric in METRICS and NAME.match(service):
            named = str(look.metric).replace("_", " ")
            why = f"See whether {named} of {service} changed, as a language model asked"
            yield metric_call(service, str(look.metric), onset, why, tells)


def _addresses(state: IncidentState) -> dict[str, str]:
    """Where each service says whether it is well, as the topology and the report give it."""
    addresses = {service.name: service.health_url for service in state.topology.services if service.health_url}
    return {**addresses, **state.report.health_urls}


def _searches(state: IncidentState, suspects: tuple[Hypothesis, ...]) -> Iterator[PlannedCall]:
    """What is known of failures that show the same signs as the likeliest suspect."""
    for one in suspects[:1]:
        own = {
            finding.sign.value for seen in state.observed for finding in seen.findings if finding.service == one.service
        }
        yield search_call(one.fault.label, tuple(sorted(own)), f"Look up: {one.sentence}", (one.hypothesis_id,))


def _ids(hypotheses: Iterable[Hypothesis]) -> tuple[str, ...]:
    return tuple(one.hypothesis_id for one in hypotheses)[:MOST_PER_ROUND]
