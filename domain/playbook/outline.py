"""A playbook's outline, read from any JSON: every task with its place and the variables it sees.

For the checks, which must get through a document with faults in it. What is not shaped as expected is passed over; the
schema has reported it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from domain.model import JsonValue

KINDS = ("call", "do", "fork", "emit", "for", "listen", "raise", "run", "set", "switch", "try", "wait")
KNOWN_TO_TASKS = frozenset({"context", "input", "task", "workflow", "runtime", "authorization"})
"""Variables of a task's expressions; `export.as` sees `output` too. Source: dsl.md, "Runtime expression arguments",
without `secrets`."""
KNOWN_TO_INPUT = frozenset({"workflow", "runtime"})
KNOWN_TO_OUTPUT = frozenset({"context", "workflow", "runtime"})
KNOWN_TO_UNDO = frozenset({"arguments", "output", "key", "input"})


@dataclass(frozen=True)
class Spot:
    """A task and where it stands."""

    pointer: str
    name: str
    task: dict[str, JsonValue]
    variables: frozenset[str] = KNOWN_TO_TASKS
    is_undo: bool = False
    """The task takes another one back, or is part of such a task."""
    list_pointer: str = ""
    position: int = 0
    inner: frozenset[str] = field(default=frozenset())
    """Variables that only its own loop or listener brings in."""

    @property
    def kind(self) -> str:
        """The specification's word for it; empty when it has none."""
        return kind_of(self.task)


def kind_of(task: dict[str, JsonValue]) -> str:
    """What kind of task it is; empty when it is none."""
    first = ("for", "call", "fork", "emit", "listen", "raise", "run", "set", "switch", "try", "wait", "do")
    return next((kind for kind in first if kind in task), "")


def mapping(value: JsonValue) -> dict[str, JsonValue]:
    """The value where it is a map, else an empty one."""
    return value if isinstance(value, dict) else {}


def listing(value: JsonValue) -> list[JsonValue]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def under(pointer: str, *steps: str | int) -> str:
    """The JSON pointer of a part (RFC 6901)."""
    return pointer + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def named_tasks(tasks: JsonValue) -> Iterator[tuple[int, str, dict[str, JsonValue]]]:
    """Place, name and task of every well-formed entry of a list of tasks."""
    for index, entry in enumerate(listing(tasks)):
        for name, task in mapping(entry).items():
            if isinstance(task, dict):
                yield index, name, task


def spots(document: JsonValue) -> Iterator[Spot]:
    """Every task of a document: of its list, its functions and its undos; outer before inner."""
    root = mapping(document)
    yield from _in_list(root.get("do"), "/do", KNOWN_TO_TASKS, is_undo=False)
    for name, task in mapping(mapping(root.get("use")).get("functions")).items():
        if isinstance(task, dict):
            yield from _with_inner(Spot(under("/use/functions", name), name, task))


def undos_in(document: JsonValue) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    """Every undoing task that stands in a task's metadata."""
    for spot in spots(document):
        undo = mapping(spot.task.get("metadata")).get("undo")
        if isinstance(undo, dict) and not spot.is_undo:
            yield under(spot.pointer, "metadata", "undo"), undo


def lists_in(document: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """Every list of tasks whose order counts (branches of a fork have none), with its pointer."""
    yield "/do", mapping(document).get("do")
    for spot in spots(document):
        task, kind = spot.task, spot.kind
        if kind in ("do", "for"):
            yield under(spot.pointer, "do"), task.get("do")
        if kind == "try":
            yield under(spot.pointer, "try"), task.get("try")
            yield under(spot.pointer, "catch", "do"), mapping(task.get("catch")).get("do")
        if kind == "listen":
            yield under(spot.pointer, "foreach", "do"), mapping(task.get("foreach")).get("do")


def word(value: JsonValue, otherwise: str) -> str:
    """The name of a variable as an author gave it, else its default."""
    return value if isinstance(value, str) and value else otherwise


def _in_list(tasks: JsonValue, pointer: str, variables: frozenset[str], *, is_undo: bool) -> Iterator[Spot]:
    for index, name, task in named_tasks(tasks):
        here = under(pointer, index, name)
        yield from _with_inner(Spot(here, name, task, variables, is_undo=is_undo, list_pointer=pointer, position=index))


def _with_inner(spot: Spot) -> Iterator[Spot]:
    task, here = spot.task, spot.pointer
    loop = _loop_variables(spot)
    yield replace(spot, inner=loop)
    inside = spot.variables | loop
    kind = spot.kind
    if kind in ("do", "for"):
        yield from _in_list(task.get("do"), under(here, "do"), inside, is_undo=spot.is_undo)
    elif kind == "fork":
        branches = mapping(task.get("fork")).get("branches")
        yield from _in_list(branches, under(here, "fork", "branches"), inside, is_undo=spot.is_undo)
    elif kind == "listen":
        inner = mapping(task.get("foreach")).get("do")
        yield from _in_list(inner, under(here, "foreach", "do"), inside, is_undo=spot.is_undo)
    elif kind == "try":
        yield from _in_list(task.get("try"), under(here, "try"), spot.variables, is_undo=spot.is_undo)
        caught = mapping(task.get("catch"))
        yield from _in_list(caught.get("do"), under(here, "catch", "do"), inside, is_undo=spot.is_undo)
    undo = mapping(task.get("metadata")).get("undo")
    if isinstance(undo, dict) and not spot.is_undo:
        pointer = under(here, "metadata", "undo")
        yield from _with_inner(Spot(pointer, spot.name, undo, spot.variables | KNOWN_TO_UNDO, is_undo=True))


def _loop_variables(spot: Spot) -> frozenset[str]:
    task, kind = spot.task, spot.kind
    if kind == "for":
        loop = mapping(task.get("for"))
        return frozenset({word(loop.get("each"), "item"), word(loop.get("at"), "index")})
    if kind == "listen" and isinstance(task.get("foreach"), dict):
        each = mapping(task.get("foreach"))
        return frozenset({word(each.get("item"), "item"), word(each.get("at"), "index")})
    if kind == "try":
        return frozenset({word(mapping(task.get("catch")).get("as"), "error")})
    return frozenset()
