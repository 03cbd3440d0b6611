"""The parts of an incident's page: possible causes with what speaks for and against them, the services, proposals."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from domain.troubleshooting.hypotheses import Hypothesis, TimelineEvent
from domain.troubleshooting.incident import RejectedSolution
from domain.troubleshooting.records import ExecutionState, MonitoringState, QueryRecord
from domain.troubleshooting.state import IncidentState
from starters.cli.words import ago
from starters.console.graph import drawn

_HYPOTHESES = 8
_EVENTS = 30
_TICKETS = 50


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


def parts_of(state: IncidentState) -> IncidentParts:
    """The parts, the most pressing first."""
    diagnosis, cause = state.diagnosis, state.cause
    hypotheses = diagnosis.hypotheses if diagnosis is not None else ()
    said = {one.solution_id: one for one in state.rejected}
    marks = _marks(state)
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
            (one.ticket_id, f"linked {ago(one.linked_at)} by {one.linked_by}") for one in state.linked[:_TICKETS]
        ),
    )


def _marks(state: IncidentState) -> dict[str, str]:
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
