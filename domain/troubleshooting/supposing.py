"""What a language model may add to an investigation: causes to consider, and looks that would tell them apart.

Its answer is data. It may name a service and a fault that we know, findings that we showed it, and looks from a short
list; whatever else it says is dropped. So text that reaches it from a log can move its opinion, and start nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator, Field

from domain.llm.model_answers import Few, Line, ModelAnswer, Word
from domain.model import JsonValue, Value
from domain.tools.tool import call_digest
from domain.triage.classification import Origin
from domain.troubleshooting.evidence import Finding
from domain.troubleshooting.hypotheses import FaultKind, Supposition
from domain.troubleshooting.looks import METRICS, NAME, Look, LookKind
from domain.troubleshooting.state import IncidentState

_FINDINGS, _CHANGES, _CALLS, _SERVICES, _HYPOTHESES = 40, 15, 80, 60, 8
_FINDING_TEXT = 240
_MOST_SUPPOSED = 5
_MOST_LOOKS = 4
_SEARCHED = 300
_LABEL = re.compile(r"F?(\d{1,3})\Z")


def _number(said: object) -> object:
    """`F7`, `f7` and `7` are finding 7; the type refuses whatever is no number."""
    if isinstance(said, str):
        match = _LABEL.match(said.strip().upper())
        return int(match.group(1)) if match else 0
    return said


class SupposedCause(ModelAnswer):
    """A cause that a model considers."""

    service: Line
    fault: Word[FaultKind]
    findings: Few[Annotated[int, Field(ge=0), BeforeValidator(_number)]] = ()
    because: Line = ""


class WantedLook(ModelAnswer):
    """A look that a model wants."""

    kind: Word[LookKind]
    service: Line = ""
    metric: Line = ""
    text: Line = ""


class SupposeAnswer(ModelAnswer):
    """What a model is asked to fill in."""

    causes: Few[SupposedCause] = ()
    looks: Few[WantedLook] = ()


class Supposed(Value):
    """What of an answer counts."""

    causes: tuple[Supposition, ...] = ()
    looks: tuple[Look, ...] = ()
    dropped: int = 0
    """Causes and looks that name nothing we know."""
    origin: Origin


class Material(Value):
    """What a model is shown of an incident. Small: it stands in the history of each question."""

    title: str
    description: str
    findings: tuple[Finding, ...]
    services: tuple[str, ...]
    health: tuple[str, ...]
    """Services with a known health address."""
    context: dict[str, JsonValue]

    @property
    def digest(self) -> str:
        """Of the facts in it: the same facts are not shown twice, whatever is made of them meanwhile."""
        facts = {name: self.context[name] for name in ("findings", "changes", "refuted")}
        return call_digest("suppose", facts)[:16]


def material(state: IncidentState) -> Material:
    """What a model is shown, the strongest findings first.

    Args:
        state: the incident after at least one thought.
    """
    findings = tuple(
        sorted((one for seen in state.observed for one in seen.findings), key=lambda one: -one.strength)[:_FINDINGS]
    )
    services = _services(state, findings)
    addresses = {one.name for one in state.topology.services if one.health_url} | set(state.report.health_urls)
    diagnosis = state.diagnosis
    changes = {change.change_id: change for seen in state.observed for change in seen.changes}
    latest = sorted(changes.values(), key=lambda change: change.at, reverse=True)[:_CHANGES]
    context: dict[str, JsonValue] = {
        "title": state.report.title,
        "description": state.report.description[:2_000],
        "onset": diagnosis.onset.isoformat() if diagnosis is not None and diagnosis.onset is not None else None,
        "services": list(services),
        "calls": [f"{caller} -> {callee}" for caller, callee in state.topology.calls[:_CALLS]],
        "findings": [_shown(number, one) for number, one in enumerate(findings, 1)],
        "changes": [
            {"at": one.at.isoformat(), "kind": one.kind, "service": one.service, "what": one.summary[:_FINDING_TEXT]}
            for one in latest
        ],
        "supposed_by_rules": [
            {"service": one.service, "fault": one.fault.value, "probability": round(one.posterior, 2)}
            for one in state.open_hypotheses[:_HYPOTHESES]
            if one.service is not None
        ],
        "refuted": list(state.refuted[:_HYPOTHESES]),
        "why_rules_name_none": diagnosis.why_not if diagnosis is not None else "",
        "metrics": sorted(METRICS),
        "services_with_health_address": sorted(addresses & set(services)),
    }
    return Material(
        title=state.report.title,
        description=state.report.description,
        findings=findings,
        services=services,
        health=tuple(sorted(addresses & set(services))),
        context=context,
    )


def counted(answer: SupposeAnswer, shown: Material, origin: Origin) -> Supposed:
    """The part of an answer that counts.

    Args:
        answer: as the model gave it.
        shown: what it was shown; it can name nothing else.
        origin: who answered.
    """
    causes = tuple(cause for one in answer.causes if (cause := _cause(one, shown, origin)) is not None)
    looks = tuple(look for one in answer.looks if (look := _look(one, shown)) is not None)
    distinct = {(one.service, one.fault): one for one in reversed(causes)}
    return Supposed(
        causes=tuple(reversed(distinct.values()))[:_MOST_SUPPOSED],
        looks=tuple(dict.fromkeys(looks))[:_MOST_LOOKS],
        dropped=len(answer.causes) + len(answer.looks) - len(causes) - len(looks),
        origin=origin,
    )


def _cause(one: SupposedCause, shown: Material, origin: Origin) -> Supposition | None:
    service = _known(one.service, shown.services)
    if service is None or one.fault is FaultKind.UNKNOWN:
        return None
    cited = {number for number in one.findings if 1 <= number <= len(shown.findings)}
    about = [shown.findings[number - 1] for number in cited]
    return Supposition(
        service=service,
        fault=one.fault,
        cites=sum(1 for finding in about if service in (finding.service, finding.about)),
        because=one.because,
        made_by=origin.provider,
    )


def _look(one: WantedLook, shown: Material) -> Look | None:
    if one.kind is LookKind.KNOWLEDGE:
        return Look(kind=one.kind, text=one.text[:_SEARCHED]) if one.text.strip() else None
    service = _known(one.service, shown.health if one.kind is LookKind.HEALTH else shown.services)
    if service is None or not NAME.match(service):
        return None
    if one.kind is LookKind.HEALTH:
        return Look(kind=one.kind, service=service)
    metric = one.metric.strip().casefold().replace(" ", "_")
    return Look(kind=one.kind, service=service, metric=metric) if metric in METRICS else None


def _known(said: str, names: Iterable[str]) -> str | None:
    """The name that is meant, as we write it."""
    folded = said.strip().casefold()
    return next((name for name in names if name.casefold() == folded), None)


def _services(state: IncidentState, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    suspected = (one.service for one in state.open_hypotheses)
    named = (name for one in findings for name in (one.service, one.about))
    every = (name for name in (*suspected, *named, *state.topology.names()) if name)
    return tuple(dict.fromkeys(every))[:_SERVICES]


def _shown(number: int, one: Finding) -> dict[str, JsonValue]:
    return {
        "id": f"F{number}",
        "sign": one.sign.value,
        "service": one.service,
        "about": one.about,
        "at": one.at.isoformat() if one.at is not None else None,
        "strength": round(one.strength, 2),
        "text": one.text[:_FINDING_TEXT],
    }
