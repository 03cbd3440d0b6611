"""A playbook as a Mermaid flowchart: order, branches, loops, what is caught and retried, what is taken back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from domain.model import JsonValue
from domain.playbook.definition import Playbook, Task, TaskList
from domain.playbook.describing import duration_text, task_words

_UNSAFE = re.compile(r"[^\w .,:;!?%&+*/=@'()\-]")
_LONGEST = 80
_END = "end"


@dataclass
class _Drawing:
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def node(self, label: str, shape: str, style: str = "") -> str:
        """Draw a node and return its id. Ids are numbered, so that no name of a task can break the drawing."""
        self.count += 1
        name = f"n{self.count}"
        opening, closing = _SHAPES[shape]
        self.lines.append(f"{name}{opening}{_quoted(label)}{closing}" + (f":::{style}" if style else ""))
        return name

    def edge(self, start: str, end: str, label: str = "", *, dotted: bool = False) -> None:
        """Draw an arrow."""
        arrow = "-.->" if dotted else "-->"
        self.lines.append(f"{start} {arrow}{f'|{_quoted(label)}|' if label else ''} {end}")

    def open(self, label: str) -> str:
        """Begin a box around tasks."""
        self.count += 1
        self.lines.append(f"subgraph g{self.count}[{_quoted(label)}]")
        return f"g{self.count}"

    def close(self) -> None:
        """End the box."""
        self.lines.append("end")


_SHAPES = {
    "round": ("([", "])"),
    "box": ("[", "]"),
    "choice": ("{", "}"),
    "wait": ("{{", "}}"),
    "event": (">", "]"),
    "join": ("((", "))"),
    "people": ("[/", "/]"),
    "undo": ("[[", "]]"),
}

Loose = list[tuple[str, str]]
"""Ends of what is drawn so far that lead to whatever comes next: node and label of the arrow."""


def mermaid(playbook: Playbook) -> str:
    """A flowchart in Mermaid's language.

    Args:
        playbook: the definition.
    """
    drawing = _Drawing()
    start = drawing.node(f"{playbook.document.title or playbook.document.name} {playbook.document.version}", "round")
    ended: Loose = []
    loose = _Sequence(drawing, ended).draw(playbook.do, [(start, "")])
    finish = drawing.node("end", "round")
    for node, label in [*loose, *ended]:
        drawing.edge(node, finish, label)
    styles = [
        "classDef people fill:#fff3cd,stroke:#8a6d00",
        "classDef undo stroke-dasharray:4 3",
        "classDef error fill:#fde2e2,stroke:#a11212",
    ]
    return "\n".join(["flowchart TD", *(f"    {line}" for line in [*drawing.lines, *styles])]) + "\n"


class _Sequence:
    """Draws lists of tasks.

    Args:
        drawing: where to.
        ended: gets what leads to the end of the whole playbook.
    """

    def __init__(self, drawing: _Drawing, ended: Loose) -> None:
        self._drawing = drawing
        self._ended = ended

    def draw(self, tasks: TaskList, loose: Loose) -> Loose:
        """Draw a list.

        Args:
            tasks: in order.
            loose: what leads to the first.

        Returns:
            What leads on from the list.
        """
        waiting: dict[str, Loose] = {}
        entries: dict[str, str] = {}
        leaving: Loose = []
        known = {name for name, _ in tasks.items}
        for name, task in tasks.items:
            arriving = [*loose, *waiting.pop(name, [])]
            entry, ways = self._task(name, task)
            entries[name] = entry
            for node, label in arriving:
                self._drawing.edge(node, entry, label)
            loose = []
            for node, label, then in ways:
                if then == "exit":
                    leaving.append((node, label))
                elif then == _END:
                    self._ended.append((node, label))
                elif then in entries:
                    self._drawing.edge(node, entries[then], label)
                elif then in known:
                    waiting.setdefault(then, []).append((node, label))
                else:
                    loose.append((node, label))
            if task.if_ is not None:
                loose += self._skipped(task, entry)
        return [*loose, *leaving]

    def _skipped(self, task: Task, entry: str) -> Loose:
        return [(entry, f"unless {task.if_}")]

    def _task(self, name: str, task: Task) -> tuple[str, list[tuple[str, str, str]]]:
        """Draw a task. Returns its entry, and its ways out: node, label, where to."""
        then = task.then or "continue"
        if task.kind == "switch":
            return self._switch(name, task, then)
        if task.kind in ("do", "for", "try", "fork") or task.foreach is not None:
            entry, loose = self._composite(name, task)
            return entry, [(node, label, then) for node, label in loose]
        entry = self._leaf(name, task)
        if task.kind == "raise":
            return entry, []
        self._undo(entry, task)
        return entry, [(entry, "", then)]

    def _leaf(self, name: str, task: Task) -> str:
        shape, style = _LOOKS.get(task.kind, ("box", ""))
        if task.call == "approve":
            shape, style = "people", "people"
        return self._drawing.node(_label(name, task), shape, style)

    def _undo(self, entry: str, task: Task) -> None:
        if task.undo is None:
            return
        undo = Task.model_validate(task.undo)
        node = self._drawing.node(f"undo: {task_words(undo)}", "undo", "undo")
        self._drawing.edge(entry, node, "when taken back", dotted=True)

    def _switch(self, name: str, task: Task, then: str) -> tuple[str, list[tuple[str, str, str]]]:
        entry = self._drawing.node(_label(name, task), "choice")
        ways = []
        for case in task.switch or ():
            for label, way in case.items():
                ways.append((entry, way.when if way.when is not None else f"else ({label})", way.then))
        if not any(way.when is None for case in task.switch or () for way in case.values()):
            ways.append((entry, "else", then))
        return entry, ways

    def _composite(self, name: str, task: Task) -> tuple[str, Loose]:
        drawing = self._drawing
        drawing.open(_label(name, task))
        if task.kind == "fork":
            entry, loose = self._fork(task)
        elif task.kind == "try":
            entry, loose = self._try(task)
        elif task.kind == "for":
            entry, loose = self._loop(f"for each {task.for_.each} in {task.for_.in_}" if task.for_ else "", task.do)
        elif task.kind == "listen":
            entry, loose = self._loop(task_words(task), task.foreach.do if task.foreach else None, shape="event")
        else:
            entry = drawing.node(name, "join")
            loose = self.draw(task.do or TaskList(), [(entry, "")])
        self._undo(entry, task)
        drawing.close()
        return entry, loose

    def _loop(self, label: str, tasks: TaskList | None, shape: str = "wait") -> tuple[str, Loose]:
        head = self._drawing.node(label, shape)
        for node, way in self.draw(tasks or TaskList(), [(head, "next")]):
            if node != head:
                self._drawing.edge(node, head, way)
        return head, [(head, "done")]

    def _fork(self, task: Task) -> tuple[str, Loose]:
        drawing = self._drawing
        race = bool(task.fork and task.fork.compete)
        entry = drawing.node("first one wins" if race else "all of", "join")
        exits: Loose = []
        for name, branch in task.fork.branches.items if task.fork else ():
            start, ways = self._task(name, branch)
            drawing.edge(entry, start)
            exits += [(node, label) for node, label, then in ways if then != _END]
            self._ended += [(node, label) for node, label, then in ways if then == _END]
        join = drawing.node("first" if race else "all", "join")
        for node, label in exits:
            drawing.edge(node, join, label)
        return entry, [(join, "")]

    def _try(self, task: Task) -> tuple[str, Loose]:
        drawing = self._drawing
        entry = drawing.node("try", "join")
        loose = self.draw(task.try_ or TaskList(), [(entry, "")])
        caught = task.catch
        if caught is None:
            return entry, loose
        handler = drawing.node(f"catch {_errors(caught.errors.with_ if caught.errors else None)}", "choice", "error")
        drawing.edge(entry, handler, "error", dotted=True)
        if caught.retry is not None:
            drawing.edge(handler, entry, _retry_words(caught.retry), dotted=True)
        return entry, [*loose, *self.draw(caught.do or TaskList(), [(handler, "")])]


_LOOKS = {
    "wait": ("wait", ""),
    "listen": ("event", ""),
    "emit": ("event", ""),
    "raise": ("box", "error"),
}


def _label(name: str, task: Task) -> str:
    words = task_words(task)
    title = task.title or name
    return f"{title}: {words}" if words else title


def _errors(filters: dict[str, JsonValue] | None) -> str:
    if not filters:
        return "any error"
    return ", ".join(str(value).rpartition("/")[2] for value in filters.values())


def _retry_words(retry: JsonValue) -> str:
    if isinstance(retry, str):
        return f"retry: {retry}"
    delay = retry.get("delay") if isinstance(retry, dict) else None
    return f"retry after {duration_text(delay)}" if delay is not None else "retry"


def _quoted(label: str) -> str:
    """A label that Mermaid shows literally: what it could read as syntax or HTML becomes a character code."""
    flat = " ".join(label.split())
    short = flat if len(flat) <= _LONGEST else flat[: _LONGEST - 3] + "..."
    return '"' + _UNSAFE.sub(lambda found: f"#{ord(found.group())};", short) + '"'
