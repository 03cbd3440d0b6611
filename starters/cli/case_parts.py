"""What the pages of every kind of case have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.table import Table

from domain.cases.parts import ParkedStep
from domain.cases.state import CaseState
from domain.cases.timeline import TimelineEntry
from starters.cases import Attempt
from starters.cli import report
from starters.cli.words import clock, due, left


def timeline_lines(entries: Iterable[TimelineEntry]) -> Table:
    """The timeline as aligned lines."""
    return report.table(("when", "who", "what"), [(clock(entry.at), entry.actor, entry.text) for entry in entries])


def facts_table(facts: Iterable[tuple[str, str]]) -> Table:
    """Names and values, aligned; what has no value is left out."""
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, value in facts:
        if value:
            grid.add_row(report.text(name), report.text(value))
    return grid


def waits_of(state: CaseState) -> Iterator[tuple[ParkedStep | None, str]]:
    """What waits for a person in any case, a line each, with the parked step that it is about."""
    for request in state.pending_approvals:
        rung = request.current_rung
        until = f", {left(rung.expires_at)}" if rung is not None else ""
        yield None, f"approval {request.request_id}{until}: {request.question.summary} (surehand approvals)"
    for step in state.parked.values():
        words = "retry, skip or give-up" if step.can_skip else "retry or give-up"
        yield step, f"parked step {step.step}: {step.title}. {step.problem} (surehand case unpark: {words})"
        for effect in step.left_undone:
            yield None, f"  to undo by hand: {effect}"


def attempts_of(under_way: Iterable[Attempt]) -> Iterator[str]:
    """The calls that a case waits for, a line each."""
    for call in under_way:
        if not call.problem:
            yield f"{call.step}: under way"
        elif call.next_at is None:
            yield f"{call.step}: attempt {call.attempt} is under way; the one before failed: {call.problem}"
        else:
            yield f"{call.step}: attempt {call.attempt} {due(call.next_at)}; the one before failed: {call.problem}"
