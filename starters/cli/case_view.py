"""One case on a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from domain.sla import deadline
from starters.cli import report
from starters.cli.words import ago, clock, due, label, left, one_line, sentences

if TYPE_CHECKING:
    from domain.escalation import EscalationState
    from domain.records import CaseRecord
    from domain.timeline import CaseMessage, TimelineEntry

_MESSAGES = 6
_ENTRIES = 12


def put_state(workflow_id: str, state: EscalationState, *, as_json: bool) -> None:
    """Print a case that Temporal has."""
    if as_json:
        report.put_json({"workflow_id": workflow_id, **state.model_dump(mode="json", exclude={"policy"})})
    else:
        report.console().print(page(workflow_id, state))


def put_record(record: CaseRecord, *, as_json: bool) -> None:
    """Print a case that only the store has."""
    if as_json:
        report.put_json(record)
        return
    report.note("Temporal keeps this case no longer; this is what the store has.")
    facts = [
        ("status", label(record.status)),
        ("subject", one_line(record.subject)),
        ("triage", f"{label(record.category)}, priority {record.priority}, risk {record.risk}"),
        ("decision", f"{label(record.decision)} to {label(record.team)}"),
        ("opened", ago(record.opened_at)),
        ("closed", ago(record.closed_at)),
    ]
    report.console().print(report.text(f"Case {record.case_id}", style="bold"), _facts(facts))


def page(workflow_id: str, state: EscalationState) -> RenderableType:
    """Everything a person wants to know, the most pressing first."""
    parts: list[RenderableType] = [
        Text.assemble((f"Case {state.case_number}", "bold"), "  ", (state.current_status().label, "bold")),
        _facts(_about(workflow_id, state)),
    ]
    for title, lines in (
        ("Waits for a person", list(_waits(state))),
        ("Conversation", [_spoken(message) for message in state.conversation[-_MESSAGES:]]),
    ):
        if lines:
            parts += [Text(), report.text(title, style="bold"), *(report.text(f"  {line}") for line in lines)]
    parts += [Text(), report.text("Timeline", style="bold"), timeline_lines(state.timeline[-_ENTRIES:])]
    return Group(*parts)


def timeline_lines(entries: Iterable[TimelineEntry]) -> Table:
    """The timeline as aligned lines."""
    return report.table(("when", "who", "what"), [(clock(entry.at), entry.actor, entry.text) for entry in entries])


def _facts(facts: Iterable[tuple[str, str]]) -> Table:
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, value in facts:
        if value:
            grid.add_row(report.text(name), report.text(value))
    return grid


def _about(workflow_id: str, state: EscalationState) -> Iterator[tuple[str, str]]:
    ticket, customer = state.ticket, state.ticket.customer
    yield "subject", one_line(ticket.subject)
    yield "customer", ", ".join(filter(None, (customer.tier.label, customer.customer_id, customer.email)))
    yield "opened", f"{ago(state.opened_at)}, by {ticket.channel.label}"
    if state.classification is not None:
        kind = state.classification
        yield "triage", f"{kind.category.label}, priority {state.priority.value}, {kind.complexity.label}"
        yield "signals", ", ".join(signal.label for signal in kind.signals)
    if state.risk is not None:
        yield "risk", f"{state.risk.overall} of 100, frustration {state.frustration} of 100"
    if state.decision is not None:
        also = f", also told: {', '.join(map(label, state.decision.also_notify))}" if state.decision.also_notify else ""
        by = " (decided by rules: no model answered)" if state.degraded else ""
        to = "to" if state.decision.escalates else "so far, in the queue of"
        yield "decision", f"{state.decision.kind.label} {to} {label(state.decision.team)}{also}{by}"
        yield "because", sentences(state.decision.reasons)
    yield from _handoff(state)
    yield from _clocks(state)
    if state.is_resolved:
        how = one_line(state.outcome.resolution)
        yield "resolved", f"{ago(state.resolved_at)} by {state.outcome.resolved_by}: {how}"
    yield "workflow", workflow_id


def _clocks(state: EscalationState) -> Iterator[tuple[str, str]]:
    if state.policy is None or state.is_resolved:
        return
    team = state.decision.team if state.decision is not None else state.policy.immediate_team
    calendar = state.policy.calendar_of(team)
    for name, watched in state.clocks.items():
        yield f"{name.label} due", due(deadline(watched, calendar))


def _handoff(state: EscalationState) -> Iterator[tuple[str, str]]:
    if state.people_have_it and state.handoff is not None:
        how = ", by the emergency path" if state.handoff.emergency else ""
        yield "handed to", f"{label(state.handoff.team)} {ago(state.handoff.completed_at)}{how}"
        yield "claimed by", state.claim.claimed_by or "nobody yet"
    elif state.escalate_at is not None:
        yield "handoff", ago(state.escalate_at)


def _waits(state: EscalationState) -> Iterator[str]:
    for request in state.pending_approvals:
        rung = request.current_rung
        until = f", {left(rung.expires_at)}" if rung is not None else ""
        yield f"approval {request.request_id}{until}: {request.question.summary} (surehand approvals)"
    for step in state.parked.values():
        words = "retry, skip or give-up" if step.can_skip else "retry or give-up"
        yield f"parked step {step.step}: {step.title}. {step.problem} (surehand case unpark: {words})"
        for effect in step.left_undone:
            yield f"  to undo by hand: {effect}"
    if state.people_have_it and state.claim.claimed_by is None and not state.is_resolved:
        yield f"a claim: surehand claim {state.case_number} --as PERSON"


def _spoken(message: CaseMessage) -> str:
    return f"{clock(message.at)}  {message.author}: {one_line(message.text, 160)}"
