"""One run of a playbook on a page. Arguments are shown without personal data and secrets unless asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from domain.cases.parts import ParkedStep
from domain.model import JsonValue
from domain.playbook.state import PlaybookState
from domain.text.redaction import Redactor
from starters.cases import Attempt
from starters.cli import report
from starters.cli.case_parts import attempts_of, facts_table, timeline_lines, waits_of
from starters.cli.words import ago, one_line, times
from starters.folding import folded

_RECENT = 5
_ENTRIES = 12
_EFFECTS = 20
_LONGEST_VALUE = 300
_LEFT_OUT = {"policy", "opened", "raw_input", "context", "frames", "seen_events", "unsaved_audit", "step_numbers"}


def run_page(
    workflow_id: str, state: PlaybookState, under_way: Sequence[Attempt] = (), *, reveal: bool = False
) -> RenderableType:
    """Everything a person wants to know of a run, the most pressing first."""
    parts: list[RenderableType] = [
        Text.assemble((f"Run {state.case_number}", "bold"), "  ", (state.current_status().label, "bold")),
        facts_table(_about(workflow_id, state)),
    ]
    for title, lines in (
        ("Waits for a person", list(_waits(state, reveal=reveal))),
        ("Calls under way", list(attempts_of(under_way))),
        ("Events that no task has taken", [_event(event) for event in state.events]),
        ("Done", _done(state)),
        ("Undone", state.undone[-_EFFECTS:]),
    ):
        if lines:
            parts += [Text(), report.text(title, style="bold"), *(report.text(f"  {line}") for line in lines)]
    parts += [Text(), report.text("Timeline", style="bold"), timeline_lines(list(folded(state.timeline))[-_ENTRIES:])]
    return Group(*parts)


def run_json(workflow_id: str, state: PlaybookState, *, reveal: bool = False) -> dict[str, Any]:
    """A run as JSON: without its policy, its definition and what its tasks work on."""
    dumped = state.model_dump(mode="json", exclude=_LEFT_OUT)
    opened = state.opened
    dumped["status"] = state.current_status().value
    dumped["version"] = opened.version if opened is not None else None
    dumped["definition_digest"] = opened.digest if opened is not None else None
    dumped["at"] = state.at_work
    dumped["effects"] = [
        {"what": effect.what, "tool": effect.tool, "known": effect.known, "needs_undo": effect.needs_undo}
        for effect in state.effects
    ]
    dumped["events"] = [{name: event.get(name) for name in ("id", "source", "type")} for event in state.events]
    for parked in dumped["parked"].values():
        for name in ("arguments", "edited"):
            if parked[name] is not None:
                parked[name] = shown_arguments(parked[name], reveal=reveal)
    return {"workflow_id": workflow_id, "kind": "playbook", **dumped}


def shown_arguments(arguments: JsonValue, *, reveal: bool) -> JsonValue:
    """Arguments as they may stand on a screen."""
    return arguments if reveal else Redactor().redact_json(arguments).value


def _about(workflow_id: str, state: PlaybookState) -> Iterator[tuple[str, str]]:
    opened = state.opened
    yield "playbook", f"{state.name} {opened.version if opened is not None else '(not opened yet)'}"
    yield "opened", f"{ago(state.opened_at)}, by {state.started_by}"
    yield "customer", state.customer_id or ""
    yield "at", ", ".join(state.at_work)
    yield "begun last", ", ".join(state.recent[-_RECENT:])
    if state.waiting_for_event:
        yield "listens", f"{state.waiting_for_event} tasks wait for an event (surehand playbook event)"
    if state.runs > 1:
        yield "continued", times(state.runs - 1)
    if state.stopped_by:
        yield "aborted by", state.stopped_by
    if isinstance(state.error, dict):
        where = state.error.get("instance")
        yield "error", f"{state.error.get('status')} {state.error.get('title') or state.error.get('type')} at {where}"
    yield "workflow", workflow_id


def _waits(state: PlaybookState, *, reveal: bool) -> Iterator[str]:
    for parked, line in waits_of(state):
        yield line
        if parked is not None and parked.arguments is not None:
            yield from _arguments(parked, reveal=reveal)


def _arguments(parked: ParkedStep, *, reveal: bool) -> Iterator[str]:
    shown = shown_arguments(parked.arguments, reveal=reveal)
    yield f"  {parked.tool} was called with"
    for name, value in shown.items() if isinstance(shown, dict) else ():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"    {name}: {one_line(text, _LONGEST_VALUE)}"


def _done(state: PlaybookState) -> list[str]:
    lines = []
    for effect in state.effects[-_EFFECTS:]:
        unknown = "" if effect.known else " (nobody knows whether it took effect)"
        lines.append(f"{effect.what}{unknown}")
    if len(state.effects) > _EFFECTS:
        lines.insert(0, f"... and {len(state.effects) - _EFFECTS} before these")
    return lines


def _event(event: dict[str, Any]) -> str:
    return f"{event.get('type')} from {event.get('source')} (id {event.get('id')})"
