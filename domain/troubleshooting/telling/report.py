"""What is said of an incident: the post-mortem in Markdown, and the same on a page of plain text.

Every text that came from outside is data: it is shown literally, and nothing in it can be clicked or run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from domain.model import Value
from domain.troubleshooting.hypotheses import Hypothesis, HypothesisStatus, Weighed
from domain.troubleshooting.incident import Solution
from domain.troubleshooting.records import ExecutionState, MonitoringState
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.telling.asked import clearest, facts_of, line_of
from domain.troubleshooting.telling.escaping import literal
from domain.troubleshooting.telling.events import confidence, other_hypotheses, second_faults, shortly, telling_events
from domain.troubleshooting.telling.follow_ups import follow_ups
from domain.troubleshooting.telling.moments import moment
from domain.troubleshooting.telling.service_graph import marks_of, mermaid
from domain.troubleshooting.terms import TroublePhase

_SHOWN = 8
_EVENTS = 30
_SHORTLY = " (shortly before the onset)"


class Brief(Value):
    """An incident on one page, as plain text; whoever shows it escapes it."""

    title: str
    status: str
    phase: str
    summary: tuple[str, ...]
    next_act: tuple[str, ...] = ()
    """What is proposed and not decided or done yet: steps, risk, undo, and how success shows."""
    impact: tuple[str, ...]
    services: dict[str, str]
    """Service -> `faulty`, `affected` or `at_risk`."""
    timeline: tuple[str, ...]
    shown: tuple[str, ...] = ()
    """The clearest of what the evidence shows, whatever the cause is, and what it says plainly."""
    evidence_for: tuple[str, ...]
    evidence_against: tuple[str, ...]
    refuted_by: str
    others: tuple[str, ...]
    """Further hypotheses, open and refuted."""
    done: tuple[str, ...]
    fallbacks: tuple[str, ...]
    follow_ups: tuple[str, ...]


def brief(state: IncidentState) -> Brief:
    """Everything that matters, in plain sentences."""
    cause = state.cause
    return Brief(
        title=f"{state.case_number}: {state.report.title}",
        status=state.current_status().label,
        phase=state.trouble_phase.label,
        summary=tuple(_summary(state)),
        next_act=tuple(_next_act(state)),
        impact=tuple(_impact(state)),
        services=marks_of(state),
        timeline=tuple(f"{moment(at)}  {kind}: {text}" for at, kind, text in _events(state)),
        shown=tuple(_shown(state)),
        evidence_for=tuple(_weighed(cause.evidence_for)) if cause is not None else (),
        evidence_against=tuple(_weighed(cause.evidence_against)) if cause is not None else (),
        refuted_by=cause.refuted_by if cause is not None else "",
        others=tuple(_others(state)),
        done=tuple(_done(state)),
        fallbacks=tuple(_fallbacks(state)),
        follow_ups=follow_ups(state),
    )


def markdown(state: IncidentState) -> str:
    """The post-mortem, ready for a file or a wiki.

    Args:
        state: the incident, at any point of its life; what is not known yet is said to be so.
    """
    page = brief(state)
    graph = mermaid(state)
    parts = [
        f"# {literal(page.title)}",
        f"Status: {literal(page.status)}. Opened {moment(state.opened_at)} by {literal(state.report.reported_by)}.",
        *_section("Summary", page.summary, paragraph=True),
        *_section("What to do next", page.next_act),
        *_section("Impact", page.impact),
        *_section("Timeline", page.timeline, otherwise="Nothing is dated."),
        "## Cause",
        literal(state.cause.sentence) if state.cause is not None else literal(_no_cause(state)),
        *_section("Evidence for it", page.evidence_for, level=3),
        *_section("Evidence against it", page.evidence_against, level=3),
        *_section("What would refute it", [page.refuted_by] if page.refuted_by else [], level=3, paragraph=True),
        *_section("Other possible causes", page.others, level=3),
        *(["### Services", f"```mermaid\n{graph}\n```"] if graph else []),
        *_section("What the evidence shows", page.shown),
        *_section("What was looked at", [f"{call.why}: {call.outcome}" for call in state.calls]),
        *_section("What was done and undone", page.done, otherwise="Nothing was changed."),
        *_section("Who answered", page.fallbacks, otherwise="The first choice answered everywhere."),
        *_section("Follow-ups", page.follow_ups, otherwise="None."),
    ]
    return "\n\n".join(parts) + "\n"


def _section(
    title: str, lines: Iterable[str], *, level: int = 2, paragraph: bool = False, otherwise: str = ""
) -> Iterator[str]:
    shown = [literal(line) for line in lines] or ([otherwise] if otherwise else [])
    if shown:
        yield f"{'#' * level} {title}"
        yield "\n".join(shown if paragraph else [f"- {line}" for line in shown])


# The parts


def _summary(state: IncidentState) -> Iterator[str]:
    cause = state.cause
    if cause is not None:
        confirmed = " A person confirmed it." if state.confirmed_cause == cause.hypothesis_id else ""
        yield f"{_ended(cause.sentence)} Confidence: {confidence(state, cause)}.{confirmed}"
        yield from (f"Beside it, a second fault: {_ended(one.sentence)}" for one in second_faults(state))
    else:
        yield _no_cause(state)
    if state.resolution:
        yield f"Resolved by {state.resolved_by or 'the incident itself'}: {state.resolution}"
    elif state.solution is not None:
        yield f"Proposed: {state.solution.title}."
    if state.escalated_because:
        yield f"Handed to people: {state.escalated_because}"


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _next_act(state: IncidentState) -> Iterator[str]:
    solution = state.solution
    if solution is None or state.execution is not None or state.is_resolved:
        return
    yield f"{solution.title}{_how(solution)}. {solution.because}".strip()
    yield from solution.steps
    yield f"Risk: {solution.risk}"
    yield f"Undo: {solution.undo}"
    yield f"It worked when: {solution.success.sentence}"


def _no_cause(state: IncidentState) -> str:
    why = state.diagnosis.why_not if state.diagnosis is not None else "The evidence was not judged yet."
    return f"The cause is not known. {why}".strip()


def _impact(state: IncidentState) -> Iterator[str]:
    diagnosis = state.diagnosis
    if diagnosis is not None:
        radius = diagnosis.blast_radius
        yield f"Severity {radius.severity}, scope: {radius.scope}."
        if radius.affected:
            yield f"Affected: {', '.join(radius.affected[: _SHOWN * 2])}"
        if radius.at_risk:
            yield f"At risk: {', '.join(radius.at_risk[: _SHOWN * 2])}"
        yield from radius.reasons[:_SHOWN]
        if diagnosis.onset is not None:
            over = state.resolved_at
            lasted = f", over at {moment(over)} ({_minutes(over - diagnosis.onset)})" if over is not None else ""
            yield f"Onset {moment(diagnosis.onset)}{lasted}."
    if state.linked:
        yield f"{len(state.linked)} tickets: {', '.join(one.ticket_id for one in state.linked[: _SHOWN * 2])}"


def _minutes(lasted: timedelta) -> str:
    minutes = max(0, round(lasted.total_seconds() / 60))
    return f"{minutes} minutes" if minutes < 180 else f"{minutes / 60:.1f} hours"


def _events(state: IncidentState) -> list[tuple[datetime, str, str]]:
    """What happened to the system and what was done about it, in order."""
    system = [
        (event.at, f"{event.kind}{_SHORTLY if event.before_onset else ''}", shortly(event.text))
        for event in (telling_events(state.diagnosis.timeline) if state.diagnosis is not None else ())
    ]
    own = [(one.at, one.to_phase.label, one.trigger) for one in state.transitions if one.to_phase in _TELLING]
    people = [(one.at, "rejected", f"{one.title}: {one.reason}") for one in state.rejected]
    return sorted([*system, *own, *people], key=lambda event: event[0].timestamp())[-_EVENTS * 2 :]


_TELLING = frozenset(
    {
        TroublePhase.INTAKE_CLASSIFICATION,
        TroublePhase.PROPOSE_SOLUTION,
        TroublePhase.EXECUTE_SOLUTION,
        TroublePhase.MONITOR_OUTCOME,
        TroublePhase.ERROR_RECOVERY,
        TroublePhase.ESCALATION,
        TroublePhase.CASE_CLOSURE,
    }
)


def _weighed(weighed: Iterable[Weighed]) -> Iterator[str]:
    for one in weighed:
        text = shortly(one.text)
        yield f"{text} ({one.source}; weight {one.weight:+.1f})" if one.source else f"{text} ({one.weight:+.1f})"


def _shown(state: IncidentState) -> Iterator[str]:
    yield from (line_of(one, dated=True) for one in clearest(state, _SHOWN))
    yield from facts_of(state)


def _others(state: IncidentState) -> Iterator[str]:
    chosen = state.cause
    for one in other_hypotheses(state):
        if chosen is None or one.hypothesis_id != chosen.hypothesis_id:
            yield _other(one)


def _other(one: Hypothesis) -> str:
    how = "refuted" if one.status is HypothesisStatus.REFUTED else f"{one.posterior:.0%}"
    test = f" Test: {one.refuted_by}" if one.refuted_by else ""
    return f"{one.sentence} ({how}).{test}"


def _done(state: IncidentState) -> Iterator[str]:
    turned_down = {one.solution_id: one for one in state.rejected}
    for solution in state.solutions:
        word = turned_down.get(solution.solution_id)
        by = "it failed" if word is not None and word.by == "surehand" else f"turned down by {word.by if word else ''}"
        if word is not None:
            yield f"{solution.title}: {by}: {word.reason}"
        elif solution != state.solution or state.execution is not None or state.is_resolved:
            yield f"{solution.title}{_how(solution)}"
    if state.execution is not None:
        yield from _execution(state.execution)
    if state.monitoring is not None:
        yield _watched(state.monitoring)


def _how(solution: Solution) -> str:
    return f" (playbook {solution.playbook})" if solution.playbook is not None else " (by hand)"


def _execution(execution: ExecutionState) -> Iterator[str]:
    yield f"Carried out: {execution.status.replace('_', ' ')}. {execution.sentence}"
    yield from (f"Done: {what}" for what in execution.done)
    yield from (f"Undone: {what}" for what in execution.undone)
    yield from (f"Could not be undone, left to a person: {what}" for what in execution.left)


def _watched(watch: MonitoringState) -> str:
    outcome = {"held": "it held", "regressed": "it came back", "unknown": "nobody could tell"}.get(watch.outcome)
    seen = f"Watched {watch.looks} times until {moment(watch.until)}: {outcome or 'still being watched'}."
    return f"{seen} {watch.success.sentence}"


def _fallbacks(state: IncidentState) -> Iterator[str]:
    for use in state.fallbacks:
        why = f" ({use.why})" if use.why else ""
        yield f"{use.chain.capitalize()}, {use.what}: {use.level.replace('_', ' ')}{why}"
