"""Checks the order of tasks: names, `then`, loops, and what is never reached."""

from __future__ import annotations

from collections.abc import Iterator

from domain.model import JsonValue
from domain.playbook.faults import Fault, Weight, advice, quoted, warning
from domain.playbook.outline import kind_of, listing, lists_in, mapping, named_tasks, spots, under

DIRECTIVES = ("continue", "exit", "end")

_LONGEST_LIST = 300
"""Tasks of one list that are searched for loops; nobody writes longer ones by hand."""

Named = list[tuple[int, str, dict[str, JsonValue]]]


def flow_faults(document: JsonValue) -> Iterator[Fault]:
    """Faults of every list of tasks."""
    everywhere = {spot.name for spot in spots(document)}
    for pointer, tasks in lists_in(document):
        named = list(named_tasks(tasks))
        yield from _name_faults(pointer, named)
        yield from _then_faults(pointer, named, everywhere)
        yield from _loops_without_wait(pointer, named)
        yield from _unreachable(pointer, named)
    for spot in spots(document):
        if spot.kind == "fork":
            branches = list(named_tasks(mapping(spot.task.get("fork")).get("branches")))
            here = under(spot.pointer, "fork", "branches")
            yield from _name_faults(here, branches)
            for index, name, task in branches:
                yield from _stray_then(under(here, index, name), task, "A branch of a fork has no next task")
        if spot.is_undo and spot.pointer.endswith("/metadata/undo"):
            yield from _stray_then(spot.pointer, spot.task, "An undoing task has no next task")


def _name_faults(pointer: str, named: Named) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, name, _ in named:
        here = under(pointer, index, name)
        if name in seen:
            sentence = f"Two tasks of this list are called {quoted(name)}: rename one."
            yield Fault(pointer=here, sentence=sentence, on_key=True)
        if name in DIRECTIVES:
            sentence = f"No task may be called {quoted(name)}, which has a meaning after `then`: rename it."
            yield Fault(pointer=here, sentence=sentence, on_key=True)
        seen.add(name)


def _stray_then(pointer: str, task: dict[str, JsonValue], sentence: str) -> Iterator[Fault]:
    then = task.get("then")
    if isinstance(then, str) and then not in DIRECTIVES:
        yield Fault(pointer=under(pointer, "then"), sentence=f"{sentence}: remove `then`.")


def directions(pointer: str, task: dict[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """Where a task says it goes on, with the pointer of each saying."""
    if isinstance(task.get("then"), str):
        yield under(pointer, "then"), task["then"]
    for index, name, case in named_tasks(task.get("switch")):
        if isinstance(case.get("then"), str):
            yield under(pointer, "switch", index, name, "then"), case["then"]


def _then_faults(pointer: str, named: Named, everywhere: set[str]) -> Iterator[Fault]:
    names = [name for _, name, _ in named]
    for index, name, task in named:
        for place, target in directions(under(pointer, index, name), task):
            if target in DIRECTIVES or target in names:
                continue
            if target in everywhere:
                sentence = f"{quoted(target)} stands in another list, and `then` stays in its own: move one of them."
            else:
                sentence = f"No task is called {quoted(target)}: {advice(target, [*names, *DIRECTIVES], 'correct it.')}"
            yield Fault(pointer=place, sentence=sentence)


def _loops_without_wait(pointer: str, named: Named) -> Iterator[Fault]:
    if len(named) > _LONGEST_LIST:
        return
    places = {name: position for position, (_, name, _) in reversed(list(enumerate(named)))}
    for position, (index, name, task) in enumerate(named):
        for place, target in directions(under(pointer, index, name), task):
            back = places.get(target, len(named))
            if target in DIRECTIVES or back > position or position not in _reached_at_once(named, back, places):
                continue
            sentence = f"This goes back to {quoted(target)} with no wait on the way: add a `wait` to the loop."
            yield warning(place, sentence)


def _reached_at_once(named: Named, start: int, places: dict[str, int]) -> set[int]:
    """Tasks that a list may come to from one of them without a pause in between, itself included."""
    reached: set[int] = set()
    to_see = [start]
    while to_see:
        position = to_see.pop()
        if position in reached or position >= len(named) or _pauses(named[position][2]):
            continue
        reached.add(position)
        to_see += _next_places(named[position][2], position, places)
    return reached


def _pauses(task: dict[str, JsonValue]) -> bool:
    """Whether time passes in a task for certain or by its nature: a wait, a listener, a question to people."""
    if kind_of(task) in ("wait", "listen") or task.get("call") == "approve":
        return True
    lists = (task.get("do"), task.get("try"), mapping(task.get("fork")).get("branches"))
    return any(_pauses(inner) for tasks in lists for _, _, inner in named_tasks(tasks))


def _unreachable(pointer: str, named: Named) -> Iterator[Fault]:
    places = {name: position for position, (_, name, _) in enumerate(named)}
    reached: set[int] = set()
    to_see = [0] if named else []
    while to_see:
        position = to_see.pop()
        if position in reached or position >= len(named):
            continue
        reached.add(position)
        to_see += _next_places(named[position][2], position, places)
    for position, (index, name, _) in enumerate(named):
        if position not in reached:
            sentence = f"Nothing leads to {quoted(name)}: lead there with `then`, or remove it."
            yield Fault(pointer=under(pointer, index, name), sentence=sentence, weight=Weight.WARNING, on_key=True)


def _next_places(task: dict[str, JsonValue], position: int, places: dict[str, int]) -> list[int]:
    """Where the list may go on after a task, as far as one can tell beforehand."""

    def place_of(target: JsonValue) -> list[int]:
        if target in ("exit", "end"):
            return []
        if isinstance(target, str) and target in places:
            return [places[target]]
        return [position + 1]

    kind = kind_of(task)
    own = [] if kind == "raise" else place_of(task.get("then"))
    # A task that is left out because of its `if` is followed by the next one.
    skipped = [position + 1] if "if" in task else []
    if kind != "switch":
        return own + skipped
    cases = [mapping(case) for entry in listing(task.get("switch")) for case in mapping(entry).values()]
    targets = [place for case in cases for place in place_of(case.get("then"))]
    has_default = any("when" not in case for case in cases)
    return targets + skipped + ([] if has_default else own)
