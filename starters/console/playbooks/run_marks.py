"""How each task of a run stands, told by what the run keeps of itself: where it is, what it began, did and undid."""

from __future__ import annotations

import re

from domain.errors import InvalidInput
from domain.playbook.definition import Playbook, parse_playbook, walk
from domain.playbook.state import PlaybookState

DONE, AT_WORK, PARKED, UNDONE, FAILED, UNKNOWN = "done", "at work", "parked", "undone", "failed", "not known"
_ROUND = re.compile(r"[#~]\d+(?=/|$)")


def playbook_of(state: PlaybookState) -> Playbook | None:
    """What a run carries out, as it was when it began; None before it was opened."""
    if state.opened is None:
        return None
    try:
        return parse_playbook(state.opened.definition)
    except InvalidInput:
        return None


def marks_of(state: PlaybookState, playbook: Playbook) -> dict[str, str]:
    """A word for each task that was begun, by its path. Of a loop, the latest round counts.

    A run remembers the tasks that it began last; what was begun long before has a word only where it had an effect.

    Args:
        state: of the run.
        playbook: that it carries out.
    """
    marks = dict.fromkeys(state.recent, DONE)
    marks |= {effect.reference: DONE if effect.known else UNKNOWN for effect in state.effects}
    marks |= _undone(state, playbook)
    marks |= dict.fromkeys(_failed(state, playbook), FAILED)
    if not state.closed and not state.withdrawn:
        for place in state.at_work:
            parts = path_of(place).split("/")
            marks |= {"/".join(parts[:end]): AT_WORK for end in range(2, len(parts) + 1)}
    marks |= {path_of(step): PARKED for step in state.parked}
    known = {path for path, _, _ in walk(playbook.do)}
    return {path: mark for path, mark in marks.items() if path in known}


def path_of(place: str) -> str:
    """The path in the definition of a place in a run: without the rounds of loops and the attempts."""
    return _ROUND.sub("", place)


def _undone(state: PlaybookState, playbook: Playbook) -> dict[str, str]:
    """What was taken back is known by what it was called: the task's title and its tool."""
    kept = {effect.reference for effect in state.effects}
    gone = {what.rpartition(" (")[0] for what in state.undone}
    titles = ((path, task.title or name) for path, name, task in walk(playbook.do) if path not in kept)
    return {path: UNDONE for path, title in titles if title in gone}


def _failed(state: PlaybookState, playbook: Playbook) -> list[str]:
    """Where the run's own error was, and what was begun last before something was caught."""
    failed = [str(state.error["instance"])] if isinstance(state.error, dict) and "instance" in state.error else []
    for path, _, task in walk(playbook.do):
        if task.try_ is None:
            continue
        caught = [n for n, begun in enumerate(state.recent) if begun.startswith(f"{path}/catch/do/")]
        tried = [n for n, begun in enumerate(state.recent) if begun.startswith(f"{path}/try/")]
        before = [n for n in tried if caught and n < caught[0]]
        if before and max(tried) < caught[0]:
            failed.append(state.recent[before[-1]])
    return failed
