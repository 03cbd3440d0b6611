"""One incident on a page that a tired engineer can read in a minute: what it is, why, who decides, what comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from domain.troubleshooting.hypotheses import Hypothesis, HypothesisStatus
from domain.troubleshooting.incident import RejectedSolution
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.telling.asked import clearest, facts_of, line_of
from domain.troubleshooting.telling.events import confidence, other_hypotheses, second_faults, shortly, telling_events
from starters.cases import Attempt
from starters.cli import report
from starters.cli.case_parts import attempts_of, facts_table, timeline_lines, waits_of
from starters.cli.words import ago, clock, one_line, reach_of
from starters.folding import folded

_HYPOTHESES = 5
_WEIGHED = 5
_WEIGHED_BESIDE = 2
_SHOWN = 8
_EVENTS = 12
_CALLS = 10
_ENTRIES = 16
_LONGEST = 160
_DEEPEST = 4
_TICKETS = 20


def incident_page(workflow_id: str, state: IncidentState, under_way: Sequence[Attempt] = ()) -> RenderableType:
    """Everything a person wants to know of an incident, the most pressing first."""
    parts: list[RenderableType] = [
        Text.assemble((state.case_number, "bold"), "  ", (state.current_status().label, "bold")),
        facts_table(_about(workflow_id, state)),
    ]
    for title, lines in (
        ("Waits for a person", [line for _, line in waits_of(state)]),
        ("Calls under way", list(attempts_of(under_way))),
        ("Cause", list(_cause(state))),
        ("Proposals", list(_proposals(state))),
        ("Possible causes", list(_hypotheses(state))),
        ("What the evidence shows", list(_shown(state))),
        ("What happened to the system", list(_system_timeline(state))),
        ("Services", list(_services(state))),
        ("Looked at", list(_once(f"{call.capability}: {one_line(call.outcome, _LONGEST)}" for call in state.calls))),
        ("Questions", list(_questions(state))),
        ("Tickets", list(_tickets(state))),
        ("Answered by less than the best", list(_once(map(_fallback, state.fallbacks)))),
    ):
        if lines:
            parts += [Text(), report.text(title, style="bold"), *(report.text(f"  {line}") for line in lines)]
    parts += [Text(), report.text("Timeline", style="bold"), timeline_lines(list(folded(state.timeline))[-_ENTRIES:])]
    return Group(*parts)


def incident_json(workflow_id: str, state: IncidentState) -> dict[str, Any]:
    """An incident as JSON: without its policy and what its tools found word for word."""
    dumped = state.model_dump(mode="json", exclude={"policy", "observed", "seen_message_ids", "step_numbers"})
    dumped["status"] = state.current_status().value
    dumped["priority"] = state.priority.value
    return {"workflow_id": workflow_id, "kind": "troubleshooting", **dumped}


def _about(workflow_id: str, state: IncidentState) -> Iterator[tuple[str, str]]:
    yield "incident", one_line(state.report.title)
    yield "opened", f"{ago(state.opened_at)}, by {state.report.reported_by}"
    yield "priority", state.priority.label
    yield "phase", state.trouble_phase.label
    diagnosis, handoff = state.diagnosis, state.handoff
    if diagnosis is not None:
        radius = diagnosis.blast_radius
        yield "onset", clock(diagnosis.onset) if diagnosis.onset is not None else "not known"
        yield "reach", reach_of(radius)
    spent = state.spent
    yield "spent", f"{spent.iterations} rounds, {spent.tool_calls} tool calls, {spent.model_calls} model calls"
    if state.escalated_because:
        holder = state.claim.claimed_by or "nobody yet"
        team = handoff.team if handoff is not None else "nobody"
        yield "people", f"handed to {team}, claimed by {holder}. {state.escalated_because}"
    yield "resolution", one_line(state.resolution)
    yield "workflow", workflow_id


def _cause(state: IncidentState) -> Iterator[str]:
    cause, diagnosis = state.cause, state.diagnosis
    if cause is not None:
        yield f"{cause.sentence} ({confidence(state, cause)})"
        yield from _weighed(cause)
        for one in second_faults(state):
            yield f"Beside it, a second fault: {one.sentence}"
            yield from _weighed(one, _WEIGHED_BESIDE)
    elif diagnosis is not None:
        yield f"Not known. {diagnosis.why_not}"


def _weighed(one: Hypothesis, most: int = _WEIGHED) -> Iterator[str]:
    for weighed in one.evidence_for[:most]:
        source = f" ({weighed.source})" if weighed.source else ""
        yield f"  for: {one_line(shortly(weighed.text), _LONGEST)}{source}"
    for weighed in one.evidence_against[:most]:
        yield f"  against: {one_line(shortly(weighed.text), _LONGEST)}"
    if one.refuted_by:
        yield f"  would refute it: {one_line(one.refuted_by, _LONGEST)}"


def _hypotheses(state: IncidentState) -> Iterator[str]:
    others = other_hypotheses(state)
    gone = [one for one in others if one.status is HypothesisStatus.REFUTED]
    for one in [one for one in others if one.status is not HypothesisStatus.REFUTED][:_HYPOTHESES]:
        yield f"{one.posterior:>7.0%}  {one_line(one.sentence, _LONGEST)}  [{one.hypothesis_id}]"
    why = {one.hypothesis_id: one.reason for one in state.rejected if one.refutes}
    for one in gone:
        because = f": {one_line(why[one.hypothesis_id], _LONGEST)}" if one.hypothesis_id in why else ""
        yield f"refuted  {one_line(one.sentence, _LONGEST)}{because}  [{one.hypothesis_id}]"


def _shown(state: IncidentState) -> Iterator[str]:
    """The clearest findings and plain facts, first those about what was reported."""
    yield from (one_line(line_of(one, dated=True, sourced=False), _LONGEST + 60) for one in clearest(state, _SHOWN))
    yield from (one_line(fact, _LONGEST + 40) for fact in facts_of(state))


def _system_timeline(state: IncidentState) -> Iterator[str]:
    """What happened closest to the onset: changes before it, and the first symptoms."""
    diagnosis = state.diagnosis
    if diagnosis is None:
        return
    events, onset = telling_events(diagnosis.timeline), diagnosis.onset
    if onset is not None:
        nearest = sorted(events, key=lambda event: (not event.before_onset, abs(event.at - onset)))[:_EVENTS]
        events = tuple(event for event in events if event in nearest)
    for event in events[-_EVENTS:]:
        mark = "> " if event.before_onset else "  "
        yield f"{mark}{clock(event.at)}  {event.kind:8}  {one_line(shortly(event.text), _LONGEST)}"


def _services(state: IncidentState) -> Iterator[str]:
    """The part of the graph that matters: from the entries down to what is affected."""
    diagnosis = state.diagnosis
    if diagnosis is None or not state.topology.calls:
        return
    marks = dict.fromkeys(diagnosis.blast_radius.at_risk, "at risk")
    marks |= dict.fromkeys(diagnosis.blast_radius.affected, "affected")
    if state.cause is not None and state.cause.service is not None:
        marks[state.cause.service] = "FAULTY"
    entries = [name for name in state.topology.names() if not state.topology.callers(name)]
    seen: set[str] = set()

    def walk(name: str, depth: int) -> Iterator[str]:
        below = (
            [line for callee in state.topology.callees(name) for line in walk(callee, depth + 1)]
            if (depth < _DEEPEST and name not in seen)
            else []
        )
        seen.add(name)
        if name in marks or below:
            mark = f"  <- {marks[name]}" if name in marks else ""
            yield f"{'  ' * depth}{name}{mark}"
            yield from below

    for entry in entries:
        yield from walk(entry, 0)


def _proposals(state: IncidentState) -> Iterator[str]:
    said = {one.solution_id: one for one in state.rejected}
    for solution in state.solutions:
        turned_down = said.get(solution.solution_id)
        outcome = f" ({_said_of(turned_down)}: {one_line(turned_down.reason, _LONGEST)})" if turned_down else ""
        yield f"{solution.solution_id} {solution.title}{outcome}"
        if not turned_down:
            yield from (f"  - {one_line(step, _LONGEST + 60)}" for step in solution.steps)
            yield f"  risk: {solution.risk}"
            yield f"  undo: {solution.undo}"
            yield f"  it worked when: {solution.success.sentence}"
    execution, watch = state.execution, state.monitoring
    if execution is not None:
        yield f"carried out: {execution.status}. {execution.sentence}"
        if execution.run and execution.status in ("running", "held"):
            yield f"  by {execution.run}; stop it and have it undone with: surehand playbook abort {execution.run}"
        yield from (f"  undone: {what}" for what in execution.undone)
        yield from (f"  left to you: {what}" for what in execution.left)
    if watch is not None:
        yield f"watched {watch.looks} times until {clock(watch.until)}: {watch.outcome or 'still being watched'}"


def _said_of(word: RejectedSolution) -> str:
    if word.refutes:
        return "carried out, and taken back"
    return "carried out, and it failed" if word.by == "surehand" else f"turned down by {word.by}"


def _questions(state: IncidentState) -> Iterator[str]:
    for query in state.queries[-3:]:
        yield f"{query.author}: {one_line(query.text, _LONGEST)}"
        yield f"  {one_line(query.answer, 400) if query.answer else 'no answer yet'}"


def _tickets(state: IncidentState) -> Iterator[str]:
    """The linked tickets, with their customers' ids and what the customers were told."""
    for one in state.linked[:_TICKETS]:
        customer = state.customers.get(one.ticket_id)
        told = f"told {ago(max(one.told.values()))}" if one.told else "not told yet"
        by = f"linked {ago(one.linked_at)} by {one.linked_by}"
        yield f"{one.ticket_id}{f' of customer {customer}' if customer else ''}, {by}, {told}"
    if len(state.linked) > _TICKETS:
        yield f"and {len(state.linked) - _TICKETS} more"


def _once(lines: Iterable[str]) -> Iterator[str]:
    """The last lines, each one once, with how often it came."""
    counted = Counter(lines)
    for line, times in list(counted.items())[-_CALLS:]:
        yield f"{line} ({times} times)" if times > 1 else line


def _fallback(use: Any) -> str:
    why = f" ({one_line(use.why, _LONGEST)})" if use.why else ""
    return f"{use.what}: {use.level.replace('_', ' ')}{why}"
