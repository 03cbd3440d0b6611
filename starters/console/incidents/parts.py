"""The parts of an incident's page: possible causes with what speaks for and against them, the services, proposals."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from domain.troubleshooting.evidence import EvidenceRef
from domain.troubleshooting.hypotheses import Hypothesis, TimelineEvent
from domain.troubleshooting.incident import RejectedSolution
from domain.troubleshooting.records import (
    CallMade,
    ExecutionState,
    LinkedTicket,
    MonitoringState,
    PhaseTransition,
    QueryRecord,
)
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.telling.asked import clearest, facts_of, line_of
from starters.cli.words import ago, label
from starters.console.drawings.graph import drawn

_HYPOTHESES = 8
_EVENTS = 30
_TICKETS = 50
_CALLS = 70
_FINDINGS = 12


@dataclass(frozen=True)
class Proposal:
    """A solution that was put forward, and what came of it."""

    title: str
    risk: str
    undo: str
    worked_when: str
    steps: tuple[str, ...]
    word: str


@dataclass(frozen=True)
class IncidentParts:
    """What only an incident has."""

    cause: Hypothesis | None
    why_not: str
    """Why no cause is named; empty while nothing was diagnosed."""
    hypotheses: tuple[Hypothesis, ...]
    refuted_because: dict[str, str]
    services: Markup
    service_lines: tuple[str, ...]
    """The same for who cannot see the drawing."""
    events: tuple[TimelineEvent, ...]
    proposals: tuple[Proposal, ...]
    execution: ExecutionState | None
    run: str
    """The run that carries the solution out, as its page is named."""
    watch: MonitoringState | None
    queries: tuple[QueryRecord, ...]
    tickets: tuple[tuple[str, str], ...]
    evidence: tuple[EvidenceRef, ...]
    found: tuple[str, ...]
    """What the evidence shows, the clearest first."""
    calls: tuple[CallMade, ...]
    """What was looked at, the latest first."""
    phases: tuple[PhaseTransition, ...]
    fallbacks: tuple[str, ...]
    """What was answered by less than the best."""
    supposed: tuple[str, ...]
    """What a language model supposes; a hint and no evidence."""
    also: tuple[str, ...]
    """Further faults that hold beside the cause."""
    causes: tuple[tuple[str, str], ...]
    """Ids and sentences of those that a person may confirm."""


def parts_of(state: IncidentState) -> IncidentParts:
    """The parts, the most pressing first."""
    diagnosis, cause = state.diagnosis, state.cause
    hypotheses = diagnosis.hypotheses if diagnosis is not None else ()
    said = {one.solution_id: one for one in state.rejected}
    marks = marks_of(state)
    run = state.execution.run if state.execution is not None else ""
    return IncidentParts(
        cause=cause,
        why_not=diagnosis.why_not if diagnosis is not None and cause is None else "",
        hypotheses=tuple(one for one in hypotheses if cause is None or one.hypothesis_id != cause.hypothesis_id)[
            :_HYPOTHESES
        ],
        refuted_because={one.hypothesis_id: one.reason for one in state.rejected if one.refutes},
        services=drawn(state.topology, marks),
        service_lines=tuple(
            f"{name}{f' ({marks[name]})' if name in marks else ''} calls {', '.join(callees)}"
            for name in state.topology.names()
            if (callees := state.topology.callees(name))
        ),
        events=(diagnosis.timeline if diagnosis is not None else ())[-_EVENTS:],
        proposals=tuple(
            Proposal(
                title=one.title,
                risk=one.risk,
                undo=one.undo,
                worked_when=one.success.sentence,
                steps=one.steps,
                word=_said_of(said.get(one.solution_id)),
            )
            for one in reversed(state.solutions)
        ),
        execution=state.execution,
        run=run.split(":", 2)[2] if run.count(":") >= 2 else "",
        watch=state.monitoring,
        queries=tuple(state.queries),
        tickets=tuple(
            (one.ticket_id, f"linked {ago(one.linked_at)} by {one.linked_by}{_told(one)}")
            for one in state.linked[:_TICKETS]
        ),
        evidence=tuple(state.evidence),
        found=(
            *(line_of(one, dated=True, sourced=True) for one in clearest(state, _FINDINGS)),
            *facts_of(state),
        ),
        calls=tuple(reversed(state.calls[-_CALLS:])),
        phases=tuple(state.transitions),
        fallbacks=tuple(
            dict.fromkeys(
                f"{label(one.chain)}: {one.what}, by {label(one.level)}{f' ({one.why})' if one.why else ''}"
                for one in state.fallbacks
            )
        ),
        supposed=tuple(
            f"{label(one.fault.value)} of {one.service}: {one.because or 'no reason given'} ({one.made_by})"
            for one in state.supposed
        ),
        also=tuple(
            also.sentence
            for name in (diagnosis.also if diagnosis is not None else ())
            if diagnosis is not None and (also := diagnosis.find(name)) is not None
        ),
        causes=tuple((one.hypothesis_id, one.sentence) for one in hypotheses[:_HYPOTHESES]),
    )


def _told(one: LinkedTicket) -> str:
    return f"; told of the {', '.join(map(label, one.told))}" if one.told else ""


def marks_of(state: IncidentState) -> dict[str, str]:
    """Services that are in trouble or may get into it: `affected`, `at risk` or `faulty`, by name."""
    if state.diagnosis is None:
        return {}
    radius = state.diagnosis.blast_radius
    marks = dict.fromkeys(radius.at_risk, "at risk") | dict.fromkeys(radius.affected, "affected")
    if state.cause is not None and state.cause.service is not None:
        marks[state.cause.service] = "faulty"
    return marks


def _said_of(word: RejectedSolution | None) -> str:
    if word is None:
        return ""
    if word.refutes:
        return f"carried out, and taken back: {word.reason}"
    by = "carried out, and it failed" if word.by == "surehand" else f"turned down by {word.by}"
    return f"{by}: {word.reason}"
