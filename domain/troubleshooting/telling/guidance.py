"""Answers without a model: structured guidance from what is known of this incident, and static guidance for its kind.

They are the third and the fourth of the model's fallbacks; each answer says which of the two it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from domain.troubleshooting.classification import classify
from domain.troubleshooting.fixing.remedies import by_hand
from domain.troubleshooting.hypotheses import Hypothesis
from domain.troubleshooting.incident import IncidentClassification
from domain.troubleshooting.keeping import cut
from domain.troubleshooting.records import QueryRecord
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.telling.asked import (
    asks_for_logs,
    clearest,
    facts_for,
    findings_for,
    known_names,
    line_of,
    names_in,
    unknown_names_in,
)
from domain.troubleshooting.telling.glossary import FIRST_STEPS, PRACTICES, meanings_in
from domain.troubleshooting.telling.moments import moment
from domain.troubleshooting.terms import ModelFallback, QueryIntent, TechnicalDomain

_WEIGHED = 4
_HYPOTHESES = 3
_OF_A_SERVICE = 4
_CLEAREST = 3
_UNOWNED = 2
_PLAIN = 0.3
LONGEST = 1_400


class _Question(NamedTuple):
    """What is asked."""

    text: str
    kind: IncidentClassification


def answer_by_rules(state: IncidentState, query: QueryRecord) -> tuple[str, ModelFallback]:
    """Answer a question without a model.

    Args:
        state: of the incident.
        query: the question; its intent is found where it has none yet.

    Returns:
        The answer as plain text, and which level it is: structured where something of this incident is known that
        answers the question, static otherwise.
    """
    kind = classify(query.text, known_services=state.known().topology.names()[:200])
    question = _Question(query.text, kind)
    facts = facts_for(state, query.text)
    lines = (
        list(_STRUCTURED[query.intent or kind.intent](state, question)) if _wants_more(state, question, facts) else []
    )
    if facts or lines:
        lines = list(dict.fromkeys([*facts, *lines]))
        return cut("\n".join(lines), LONGEST), ModelFallback.STRUCTURED_GUIDANCE
    return cut("\n".join(static_guidance(query.text, kind)), LONGEST), ModelFallback.STATIC_GUIDANCE


def _wants_more(state: IncidentState, question: _Question, facts: tuple[str, ...]) -> bool:
    """Whether plain facts are not all that there is to say."""
    return not facts or state.cause is not None or bool(findings_for(state, question.text))


def static_guidance(text: str, kind: IncidentClassification) -> tuple[str, ...]:
    """What holds for every incident of a kind; never empty.

    Args:
        text: the question.
        kind: what it is about.
    """
    words = meanings_in(text)
    if words and kind.intent in (QueryIntent.EXPLANATION, QueryIntent.TROUBLESHOOTING):
        return (*words, *(FIRST_STEPS[kind.domain] if kind.intent is QueryIntent.TROUBLESHOOTING else ()))
    if kind.intent is QueryIntent.BEST_PRACTICES:
        return PRACTICES.get(kind.domain, PRACTICES[TechnicalDomain.GENERAL])
    if kind.intent is QueryIntent.CONFIGURATION:
        return (
            "Nothing that is known here says which setting to use: look at the service's own documentation.",
            "Change one setting at a time, note the value before, and watch errors and response time for 30 minutes.",
        )
    if kind.intent is QueryIntent.STATUS_CHECK:
        return ("Nothing is known yet. Ask again once evidence was read.",)
    return FIRST_STEPS[kind.domain]


# Structured guidance, by what is asked for. An empty answer leaves the question to static guidance.


def _status(state: IncidentState, question: _Question) -> Iterator[str]:
    yield f"Status: {state.current_status().label}; phase: {state.trouble_phase.label}."
    yield from _of_services(state, question)
    yield from _radius(state)
    cause = state.cause
    if cause is not None:
        yield f"Cause: {cause.sentence} ({cause.posterior:.0%})"
    yield from _proposal(state)
    if state.pending_approvals:
        yield f"{len(state.pending_approvals)} decisions wait for people."
    if state.escalated_because:
        yield f"People have it: {state.escalated_because}"


def _why(state: IncidentState, question: _Question) -> Iterator[str]:
    diagnosis, cause = state.diagnosis, state.cause
    if diagnosis is None:
        return
    if cause is not None:
        yield f"Cause: {cause.sentence} ({cause.posterior:.0%})"
        yield from _evidence(cause)
    else:
        # What is asked about stands first: that the cause of everything is not known is no answer to it.
        about = list(_of_services(state, question))
        yield from [*about, *_of_nobody(state, about)] if about else _clearest(state, question)
        yield f"The cause is not known. {diagnosis.why_not}".strip()
        for one in state.open_hypotheses[:_HYPOTHESES]:
            yield f"- {one.posterior:.0%}: {one.sentence}"
            if one.refuted_by:
                yield f"  Test: {one.refuted_by}"
    if cause is not None:
        yield from _of_services(state, question)
    yield from _radius(state)


def _of_nobody(state: IncidentState, told: list[str]) -> Iterator[str]:
    """Findings of which nothing says whose they are: they may well be about what was asked."""
    unowned = [one for one in clearest(state, 60) if one.service is None and one.strength >= _PLAIN]
    lines = [line for one in unowned if (line := f"- {line_of(one)}") not in told]
    if lines:
        yield "Nothing says whose these are:"
        yield from lines[:_UNOWNED]


def _clearest(state: IncidentState, question: _Question) -> Iterator[str]:
    """What there is, where nothing is about what was asked."""
    found = clearest(state, _CLEAREST)
    unknown = unknown_names_in(question.text, known_names(state))
    if found and unknown:
        yield f"No finding is about {', '.join(unknown)}. The clearest of all:"
    yield from (f"- {line_of(one)}" for one in found)


def _what_to_do(state: IncidentState, question: _Question) -> Iterator[str]:
    lines = list(_why(state, question))
    if not lines:
        return
    yield from lines
    yield from _proposal(state)
    likely = state.cause or next(iter(state.open_hypotheses), None)
    if likely is not None and state.solution is None:
        yield "By hand:"
        yield from (f"- {step}" for step in by_hand(likely.fault, likely.service))


def _explained(state: IncidentState, question: _Question) -> Iterator[str]:
    lines = list(_of_services(state, question))
    asks_for_words = bool(meanings_in(question.text))
    yield from lines or (() if asks_for_words else _clearest(state, question))


def _nothing(state: IncidentState, question: _Question) -> Iterator[str]:
    yield from ()


_STRUCTURED: dict[QueryIntent, Callable[[IncidentState, _Question], Iterator[str]]] = {
    QueryIntent.STATUS_CHECK: _status,
    QueryIntent.ROOT_CAUSE_ANALYSIS: _why,
    QueryIntent.TROUBLESHOOTING: _what_to_do,
    QueryIntent.INCIDENT_RESPONSE: _what_to_do,
    QueryIntent.EXPLANATION: _explained,
    QueryIntent.CONFIGURATION: _nothing,
    QueryIntent.BEST_PRACTICES: _nothing,
}


def _evidence(cause: Hypothesis) -> Iterator[str]:
    for weighed in cause.evidence_for[:_WEIGHED]:
        yield f"- for: {weighed.text}{f' ({weighed.source})' if weighed.source else ''}"
    for weighed in cause.evidence_against[:_WEIGHED]:
        yield f"- against: {weighed.text}"
    if cause.refuted_by:
        yield f"It would be refuted by: {cause.refuted_by}"


def _radius(state: IncidentState) -> Iterator[str]:
    diagnosis = state.diagnosis
    if diagnosis is not None and diagnosis.blast_radius.affected:
        since = f" since {moment(diagnosis.onset)}" if diagnosis.onset is not None else ""
        yield f"Affected{since}: {', '.join(diagnosis.blast_radius.affected[:8])}."


def _proposal(state: IncidentState) -> Iterator[str]:
    solution, execution, watch = state.solution, state.execution, state.monitoring
    if solution is not None:
        yield f"Proposed: {solution.title}. Risk: {solution.risk} Undo: {solution.undo}"
    if execution is not None:
        yield f"Carried out: {execution.status.replace('_', ' ')}. {execution.sentence}"
    if watch is not None and not watch.ended_at:
        yield f"It is watched until {moment(watch.until)}: {watch.good} of {watch.looks} looks were good."


def _of_services(state: IncidentState, question: _Question) -> Iterator[str]:
    """What is known of the services that the question names, and of the words that it quotes."""
    topology = state.known().topology
    names = set(topology.names())
    told = findings_for(state, question.text)
    in_order, done = asks_for_logs(question.text), set[str | None]()
    for name in dict.fromkeys([*question.kind.entities.services, *names_in(question.text, known_names(state))]):
        findings = [one for seen in state.observed for one in seen.findings if one.service == name]
        changes = [one for seen in state.observed for one in seen.changes if one.service == name]
        if name not in names and not findings and not changes:
            continue
        callers, callees = topology.callers(name), topology.callees(name)
        if callers or callees or not findings:
            nobody = "nobody known"
            yield f"{name}: called by {', '.join(callers[:6]) or nobody}; calls {', '.join(callees[:6]) or nobody}."
        strongest = sorted(findings, key=lambda one: -one.strength)[:_OF_A_SERVICE]
        shown = [one for one in told if one.service == name] if in_order else strongest
        yield from (f"- {line_of(one, dated=in_order, sourced=not in_order)}" for one in shown)
        yield from (
            f"- changed at {moment(one.at)}: {one.summary} [{one.change_id}]" for one in changes[-_OF_A_SERVICE:]
        )
        if not findings:
            yield "- shows no symptoms in the evidence."
            continue
        done.add(name)
    yield from (f"- {line_of(one, dated=in_order)}" for one in told if one.service not in done)
