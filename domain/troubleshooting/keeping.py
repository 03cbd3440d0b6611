"""What an incident's state keeps when there is more than it may hold. A state travels with every continue-as-new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from domain.troubleshooting.evidence import Change, Finding, Findings
from domain.troubleshooting.hypotheses import Diagnosis, Hypothesis, HypothesisStatus, TimelineEvent, Weighed
from domain.troubleshooting.records import Observed
from domain.troubleshooting.topology import BlastRadius, Topology

KEPT_HYPOTHESES = 8
_KEPT_REFUTED = 3
KEPT_WEIGHED = 8
"""Of each hypothesis, for and against."""
KEPT_EVENTS = 30
FINDINGS_BYTES = 40_000
CHANGES_BYTES = 14_000
TOPOLOGY_BYTES = 16_000
DIAGNOSIS_BYTES = 22_000
_FINDING_TEXT = 180
"""For people only: the reasoning goes by sign, service, time and numbers, so short texts let more findings stay."""
_SENTENCE = 200
_LONG = 280
_FACT = 260
_MOST_FACTS = 12
_MOST_FACTS_TOGETHER = 30
_NAME = 120
_MOST_NAMES = 150
_MOST_DENIED = 12
"""Of one call."""
_DENIED_SHARE = 8
"""What was looked for and is not there takes at most so small a part of what findings take."""

Item = TypeVar("Item", bound=BaseModel)


def cut(text: str, most: int) -> str:
    """A text of at most `most` characters."""
    return text if len(text) <= most else text[: most - 3].rstrip() + "..."


def fitting(items: Iterable[Item], most_bytes: int) -> list[Item]:
    """The first items that fit into so many bytes of JSON together."""
    kept, used = [], 0
    for item in items:
        used += len(item.model_dump_json().encode("utf-8", "replace"))
        if used > most_bytes:
            break
        kept.append(item)
    return kept


def kept_observation(call_id: str, capability: str, found: Findings, reads: tuple[str, ...]) -> Observed:
    """What a call found, with every text at a length that fits."""
    return Observed(
        call_id=call_id,
        reads=reads,
        capability=capability,
        findings=[_short_finding(finding) for finding in found.findings],
        denied=[_short_finding(finding) for finding in found.denied[:_MOST_DENIED]],
        changes=[_short_change(change) for change in found.changes],
        facts=[cut(fact, _FACT) for fact in found.facts[:_MOST_FACTS]],
        services=[cut(name, _NAME) for name in found.services[:_MOST_NAMES]],
        calls=[(cut(caller, _NAME), cut(callee, _NAME)) for caller, callee in found.calls[:_MOST_NAMES]],
        begins=found.begins,
        ends=found.ends,
        left_out=found.left_out,
    )


def shrink(observed: list[Observed], findings_bytes: int = FINDINGS_BYTES, changes_bytes: int = CHANGES_BYTES) -> None:
    """Drop the weakest findings and the oldest changes until all observations together fit.

    Of each pair of service and sign the strongest stays longest, so that one noisy service crowds out no other.

    Args:
        observed: changed in place.
        findings_bytes: what all findings may take together, as JSON.
        changes_bytes: what all changes may take together.
    """
    ranked = sorted(
        ((number, finding) for number, one in enumerate(observed) for finding in one.findings),
        key=lambda pair: -pair[1].strength,
    )
    firsts: dict[tuple[str | None, str, int], int] = {}
    order = []
    for number, finding in ranked:
        place = (finding.service, finding.sign.value, number)
        firsts[place] = firsts.get(place, 0) + 1
        order.append((firsts[place], number, finding))
    order.sort(key=lambda entry: entry[0])
    _keep(observed, order, "findings", findings_bytes)
    newest = sorted(
        ((0, number, change) for number, one in enumerate(observed) for change in one.changes),
        key=lambda entry: entry[2].at,
        reverse=True,
    )
    _keep(observed, newest, "changes", changes_bytes)
    denied = sorted(
        ((0, number, finding) for number, one in enumerate(observed) for finding in one.denied),
        key=lambda entry: -entry[2].strength,
    )
    _keep(observed, denied, "denied", findings_bytes // _DENIED_SHARE)
    names_left, facts_left = _MOST_NAMES, _MOST_FACTS_TOGETHER
    for one in reversed(observed):
        one.facts = one.facts[:facts_left]
        facts_left -= len(one.facts)
    for one in observed:
        one.services, one.calls = one.services[:names_left], one.calls[:names_left]
        names_left -= max(len(one.services), len(one.calls))


def _keep(observed: list[Observed], order: Sequence[tuple[int, int, BaseModel]], field: str, most_bytes: int) -> None:
    kept = {id(item) for item in fitting([item for _, _, item in order], most_bytes)}
    for one in observed:
        before = getattr(one, field)
        after = [item for item in before if id(item) in kept]
        one.left_out += len(before) - len(after)
        setattr(one, field, after)


def kept_topology(topology: Topology, most_bytes: int = TOPOLOGY_BYTES) -> Topology:
    """A graph that fits; services come before calls."""
    services = fitting(topology.services, most_bytes // 2)
    calls, used = [], 0
    for caller, callee in topology.calls:
        used += len(caller.encode("utf-8", "replace")) + len(callee.encode("utf-8", "replace")) + 6
        if used > most_bytes // 2:
            break
        calls.append((caller, callee))
    return Topology(services=tuple(services), calls=tuple(calls))


def kept_diagnosis(diagnosis: Diagnosis, most_bytes: int = DIAGNOSIS_BYTES, *, events: int = KEPT_EVENTS) -> Diagnosis:
    """A diagnosis that fits: the most likely hypotheses, the accepted one always, each with its weightiest evidence.

    Args:
        diagnosis: whole.
        most_bytes: what the hypotheses may take together, as JSON.
        events: how many of the timeline stay.
    """
    named = {diagnosis.accepted, *diagnosis.also}
    first = [one for one in diagnosis.hypotheses if one.hypothesis_id in named]
    others = [one for one in diagnosis.hypotheses if one.hypothesis_id not in named]
    # What was refuted stays visible, however many causes are possible beside it.
    refuted = [one for one in others if one.status is HypothesisStatus.REFUTED][-_KEPT_REFUTED:]
    rest = [one for one in others if one.status is not HypothesisStatus.REFUTED]
    chosen = {id(one) for one in [*[*first, *rest][: KEPT_HYPOTHESES - len(refuted)], *refuted]}
    short = [_short_hypothesis(one) for one in diagnosis.hypotheses if id(one) in chosen]
    radius = diagnosis.blast_radius
    return diagnosis.model_copy(
        update={
            "hypotheses": tuple(_slimmed(short, most_bytes)),
            "why_not": cut(diagnosis.why_not, 600),
            "timeline": tuple(
                event.model_copy(update={"text": cut(event.text, _SENTENCE)}) for event in _events(diagnosis, events)
            ),
            "blast_radius": BlastRadius(
                affected=radius.affected[:50],
                at_risk=radius.at_risk[:50],
                severity=radius.severity,
                scope=radius.scope,
                reasons=tuple(cut(reason, _SENTENCE) for reason in radius.reasons[:10]),
            ),
        }
    )


def _events(diagnosis: Diagnosis, most: int) -> tuple[TimelineEvent, ...]:
    """Those nearest to the onset, in order."""
    onset = diagnosis.onset
    if len(diagnosis.timeline) <= most or onset is None:
        return diagnosis.timeline[:most]
    nearest = sorted(diagnosis.timeline, key=lambda event: abs((event.at - onset).total_seconds()))[:most]
    return tuple(sorted(nearest, key=lambda event: event.at))


def _slimmed(hypotheses: list[Hypothesis], most_bytes: int) -> list[Hypothesis]:
    """Hypotheses with as much of their evidence as fits."""
    for most in (KEPT_WEIGHED, 5, 3, 1):
        slim = [
            one.model_copy(
                update={
                    "evidence_for": _weightiest(one.evidence_for, most),
                    "evidence_against": _weightiest(one.evidence_against, most),
                }
            )
            for one in hypotheses
        ]
        if len(fitting(slim, most_bytes)) == len(slim):
            return slim
    return [one.model_copy(update={"evidence_for": (), "evidence_against": ()}) for one in hypotheses]


def _weightiest(weighed: tuple[Weighed, ...], most: int) -> tuple[Weighed, ...]:
    heaviest = sorted(weighed, key=lambda one: -abs(one.weight))[:most]
    return tuple(
        one.model_copy(update={"text": cut(one.text, _SENTENCE), "source": cut(one.source, _NAME)}) for one in heaviest
    )


def _short_hypothesis(one: Hypothesis) -> Hypothesis:
    return one.model_copy(
        update={
            "sentence": cut(one.sentence, _LONG),
            "refuted_by": cut(one.refuted_by, _LONG),
            "change": _short_change(one.change) if one.change is not None else None,
        }
    )


def _short_finding(finding: Finding) -> Finding:
    return finding.model_copy(
        update={
            "text": cut(finding.text, _FINDING_TEXT),
            "source": cut(finding.source, _NAME),
            "numbers": dict(list(finding.numbers.items())[:8]),
        }
    )


def _short_change(change: Change) -> Change:
    return change.model_copy(
        update={
            "summary": cut(change.summary, _SENTENCE),
            "version": cut(change.version, _NAME) if change.version is not None else None,
            "before": cut(change.before, _NAME) if change.before is not None else None,
        }
    )
