"""A playbook as a drawing: from top to bottom, with a frame around what is tried, repeated or done side by side.

Frames stand within frames instead of beside them, so that a long playbook stays as narrow as a page. The list of steps
beside the drawing says the same for who cannot see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup
from pydantic import ValidationError

from domain.playbook.definition import Playbook, SwitchCase, Task, TaskList, walk
from domain.playbook.describing import duration_text, task_words
from starters.console.drawings.shapes import Block, arrow, cut, group, picture, rect, words

_BOX, _LINE, _GAP, _PAD, _LANE = 230, 17, 20, 12, 14
_HEAD = 24
_WIDEST_FORK = 1_000
_END = frozenset({"end", "exit"})

Marks = Mapping[str, str]
"""Path of a task in the definition -> how it stands in a run, in a word."""


def drawn(playbook: Playbook, marks: Marks | None = None) -> Markup:
    """The drawing.

    Args:
        playbook: what to draw.
        marks: of a run; None for the playbook itself.
    """
    title = playbook.document.title or playbook.document.name
    name = f"Diagram of {title}; the list of steps says the same"
    return picture("diagram", name, _Drawer(playbook, marks or {}).list_of(playbook.do, "/do"))


class _Drawer:
    """Lays a playbook out."""

    def __init__(self, playbook: Playbook, marks: Marks) -> None:
        self._playbook = playbook
        self._marks = marks

    def list_of(self, tasks: TaskList | None, path: str) -> Block:
        """Tasks in order, one below the other; jumps run at the left."""
        items = tasks.items if tasks is not None else ()
        blocks = [self._task(name, task, f"{path}/{number}/{name}") for number, (name, task) in enumerate(items)]
        jumps = _jumps(items)
        margin = _LANE * len(jumps) + (6 if jumps else 0)
        inner = max((block.width for block in blocks), default=_BOX)
        places, top = [], 0
        for block in blocks:
            places.append(top)
            top += block.height + _GAP

        def paint(x: int, y: int) -> list[Markup]:
            left, middle = x + margin, x + margin + inner // 2
            parts = [part for block, at in zip(blocks, places, strict=True)
                     for part in block.paint(middle - block.width // 2, y + at)]  # fmt: skip
            for block, at in zip(blocks[:-1], places[:-1], strict=True):
                if block.falls:
                    end = y + at + block.height
                    parts.append(arrow((middle, end), (middle, end + _GAP)))
            for lane, (start, row, goal) in enumerate(jumps):
                from_x, to_x = middle - blocks[start].width // 2, middle - blocks[goal].width // 2
                from_y, to_y = y + places[start] + row, y + places[goal] + 10
                turn = left - 6 - _LANE * lane
                parts.append(arrow((from_x, from_y), (turn, from_y), (turn, to_y), (to_x, to_y), css="way jump"))
            return parts

        return Block(margin + inner, max(top - _GAP, 0), paint)

    def _task(self, name: str, task: Task, path: str) -> Block:
        ends = task.then is not None and task.then != "continue"
        leaves = ends or task.kind == "raise" or (task.kind == "switch" and _has_default(task))
        falls = not leaves or task.if_ is not None
        frame = task.kind in ("do", "for", "try", "fork") or (task.foreach is not None and task.foreach.do is not None)
        block = self._framed(name, task, path) if frame else self._leaf(name, task, path)
        return Block(block.width, block.height, block.paint, falls)

    def _leaf(self, name: str, task: Task, path: str) -> Block:
        what, mark = task_words(task), self._marks.get(path, "")
        ways = [f"{way.when or 'else'} → {way.then}" for _, way in _ways(task)]
        extra = [*ways, *_remarks(task)]
        room = 22 + _LINE * (bool(what) + len(extra))
        undo = _undo_words(task)
        height = room + 8 + (20 if undo else 0)

        def paint(x: int, y: int) -> list[Markup]:
            right = _room_of(mark)
            parts = [rect(x, y, _BOX, room + 8, _shape(task), radius=22 if _is_round(task) else 6)]
            parts.append(words(x + 10, y + 20, cut(task.title or name, _BOX - 22 - right), "name"))
            lines = [*([what] if what else []), *extra]
            parts += [words(x + 10, y + 20 + _LINE * (number + 1), cut(line, _BOX - 20, small=True), "what")
                      for number, line in enumerate(lines)]  # fmt: skip
            parts += _marked(x + _BOX, y, mark)
            if undo:
                parts.append(rect(x + 14, y + room + 8, _BOX - 28, 20, "undo", radius=3))
                parts.append(words(x + 22, y + room + 22, cut(undo, _BOX - 46, small=True), "what"))
            whole = "\n".join(filter(None, [task.title or name, *lines, undo, mark]))
            return [group(_css("task", mark), whole, parts)]

        return Block(_BOX, height, paint)

    def _framed(self, name: str, task: Task, path: str) -> Block:
        inside = [("", self._inner(task, path))]
        if task.catch is not None:
            inside.append((_catch_words(task), self.list_of(task.catch.do, f"{path}/catch/do")))
        head = " ".join(filter(None, (_frame_words(task), *_remarks(task))))
        undo, mark = _undo_words(task), self._marks.get(path, "")
        width = max(_BOX, *(block.width for _, block in inside)) + 2 * _PAD
        heights = [block.height + (_HEAD + 4 if label else 0) + _PAD for label, block in inside]
        top = _HEAD + (_LINE if head else 0) + 4
        height = top + sum(heights) + (20 if undo else 0)

        def paint(x: int, y: int) -> list[Markup]:
            right = _room_of(mark)
            parts = [rect(x, y, width, height, "frame")]
            parts.append(words(x + 10, y + 17, cut(task.title or name, width - 24 - right), "name"))
            if head:
                parts.append(words(x + 10, y + 17 + _LINE, cut(head, width - 20, small=True), "what"))
            parts += _marked(x + width, y, mark)
            if undo:
                parts.append(words(x + 10, y + height - 8, cut(undo, width - 20, small=True), "what undoing"))
            whole = "\n".join(filter(None, [task.title or name, head, undo, mark]))
            below, drawn_inside = y + top, []
            for (label, block), room in zip(inside, heights, strict=True):
                start = below + (_HEAD + 4 if label else 0)
                if label:
                    drawn_inside.append(rect(x + 5, below, width - 10, room - 4, "catch"))
                    text = words(x + 14, below + 17, cut(label, width - 28, small=True), "what")
                    drawn_inside.append(group("caught", label, [text]))
                drawn_inside += block.paint(x + (width - block.width) // 2, start)
                below += room
            return [group(_css("task", mark), whole, parts), *drawn_inside]

        return Block(width, height, paint)

    def _inner(self, task: Task, path: str) -> Block:
        if task.fork is not None:
            return self._fork(task.fork.branches, f"{path}/fork/branches")
        if task.try_ is not None:
            return self.list_of(task.try_, f"{path}/try")
        if task.foreach is not None:
            return self.list_of(task.foreach.do, f"{path}/foreach/do")
        return self.list_of(task.do, f"{path}/do")

    def _fork(self, branches: TaskList, path: str) -> Block:
        """Branches beside each other, or below each other where they would be too wide together."""
        blocks = [self._task(name, task, f"{path}/{number}/{name}")
                  for number, (name, task) in enumerate(branches.items)]  # fmt: skip
        beside = sum(block.width for block in blocks) + _PAD * (len(blocks) - 1)
        if beside > _WIDEST_FORK:
            return _stacked(blocks)

        def paint(x: int, y: int) -> list[Markup]:
            parts: list[Markup] = []
            for block in blocks:
                parts += block.paint(x, y)
                x += block.width + _PAD
            return parts

        return Block(beside, max((block.height for block in blocks), default=0), paint)


def _stacked(blocks: Sequence[Block]) -> Block:
    def paint(x: int, y: int) -> list[Markup]:
        parts: list[Markup] = []
        for block in blocks:
            parts += block.paint(x, y)
            y += block.height + _PAD
        return parts

    height = sum(block.height for block in blocks) + _PAD * (len(blocks) - 1)
    return Block(max(block.width for block in blocks), height, paint)


def _jumps(items: Sequence[tuple[str, Task]]) -> list[tuple[int, int, int]]:
    """Ways that lead elsewhere than on: index of the task, how far below its top, index of where to."""
    names = {name: number for number, (name, _) in enumerate(items)}
    found: list[tuple[int, int, int]] = []
    for number, (_, task) in enumerate(items):
        for row, (_, way) in enumerate(_ways(task)):
            if way.then in names and names[way.then] != number:
                found.append((number, 32 + _LINE * row, names[way.then]))
        if task.then in names:
            found.append((number, 16, names[task.then]))
    return found


def _ways(task: Task) -> list[tuple[str, SwitchCase]]:
    return [pair for named in task.switch or () for pair in named.items()]


def _has_default(task: Task) -> bool:
    return any(way.when is None and way.then != "continue" for _, way in _ways(task))


def _remarks(task: Task) -> list[str]:
    after = task.timeout.get("after") if isinstance(task.timeout, dict) else task.timeout
    said = [
        f"only if {task.if_}" if task.if_ is not None else "",
        f"within {duration_text(after)}" if after is not None else "",
        f"then {'the end' if task.then in _END else task.then}" if task.then not in (None, "continue") else "",
    ]
    return [one for one in said if one]


def _undo_words(task: Task) -> str:
    if task.undo is None:
        return ""
    try:
        undo = Task.model_validate(task.undo)
    except ValidationError:
        return "undo"
    inner = next((said for _, _, one in walk(TaskList(items=(("undo", undo),))) if (said := task_words(one))), "")
    return f"undo: {inner.removeprefix('call ') or undo.title or undo.kind}"


def _frame_words(task: Task) -> str:
    words_of: dict[str, Callable[[], str]] = {
        "for": lambda: f"for each {task.for_.each} in {task.for_.in_}" if task.for_ is not None else "",
        "try": lambda: "" if task.catch is not None else "try",
        "fork": lambda: "the first one wins" if task.fork is not None and task.fork.compete else "all side by side",
        "listen": lambda: f"{task_words(task)}, for each",
    }
    said = words_of[task.kind]() if task.kind in words_of else ""
    return f"{said}, while {task.while_}" if task.while_ is not None else said


def _catch_words(task: Task) -> str:
    caught = task.catch
    if caught is None:
        return ""
    kinds = [str(value).rpartition("/")[2] for value in (caught.errors.with_ if caught.errors else {}).values()]
    retry = ""
    if caught.retry is not None:
        delay = caught.retry.get("delay") if isinstance(caught.retry, dict) else None
        retry = f", tried again after {duration_text(delay)}" if delay is not None else ", tried again"
    when = f" when {caught.when}" if caught.when is not None else ""
    errors = f" ({', '.join(kinds)})" if kinds else ""
    return f"when it fails{errors}{when}{retry}{':' if caught.do else ''}"


def _is_round(task: Task) -> bool:
    return task.kind in ("wait", "listen", "emit") and not _ways(task)


def _shape(task: Task) -> str:
    if task.call == "approve":
        return "people"
    return {"wait": "pause", "listen": "pause", "emit": "pause", "raise": "error", "switch": "choice"}.get(
        task.kind, ""
    )


def _marked(right: int, top: int, mark: str) -> list[Markup]:
    return [words(right - 8, top + 18, mark, "mark")] if mark else []


def _room_of(mark: str) -> int:
    return len(mark) * 8 + 10 if mark else 0


def _css(base: str, mark: str) -> str:
    return f"{base} is-{mark.replace(' ', '-')}" if mark else base
