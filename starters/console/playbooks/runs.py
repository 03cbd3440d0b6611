"""The parts of a run's page: its diagram with how each step stands, where it is, what it listens for."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from domain.model import JsonValue
from domain.playbook.definition import Playbook
from domain.playbook.state import PlaybookState
from starters.console.drawings.diagram import drawn
from starters.console.playbooks.run_marks import marks_of, playbook_of
from starters.console.playbooks.steps import Step, steps_of

_EVENTS = 20


@dataclass(frozen=True)
class RunParts:
    """What only a run has."""

    diagram: Markup
    steps: tuple[Step, ...]
    """The same for who cannot see the drawing."""
    at_work: tuple[str, ...]
    """Paths of the tasks that are under way."""
    events: tuple[str, ...]
    """That came and that no task has taken."""
    listens: bool
    playbook: str
    version: str
    given: JsonValue
    """Its input, for who may see arguments as they are."""


def run_parts(state: PlaybookState) -> RunParts:
    """The parts."""
    playbook: Playbook | None = playbook_of(state)
    marks = marks_of(state, playbook) if playbook is not None else {}
    return RunParts(
        diagram=drawn(playbook, marks) if playbook is not None else Markup(""),
        steps=tuple(steps_of(playbook.do, "/do", marks)) if playbook is not None else (),
        at_work=tuple(state.at_work) if not (state.closed or state.withdrawn) else (),
        events=tuple(
            f"{event.get('type')} from {event.get('source')} (id {event.get('id')})"
            for event in state.events[-_EVENTS:]
        ),
        listens=not (state.closed or state.withdrawn or state.ending),
        playbook=state.name,
        given=state.raw_input,
        version=state.opened.version if state.opened is not None else "",
    )
