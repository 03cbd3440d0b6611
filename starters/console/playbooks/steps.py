"""The steps of a playbook as a list within lists: what its diagram shows, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from domain.playbook.definition import Task, TaskList
from domain.playbook.describing import task_words
from starters.cli.words import label


@dataclass(frozen=True)
class Step:
    """A task, with those inside it."""

    title: str
    what: str
    kind: str
    below: tuple[Step, ...] = ()
    mark: str = ""
    """How it stands in a run."""


def steps_of(tasks: TaskList | None, path: str, marks: Mapping[str, str] | None = None) -> Iterator[Step]:
    """The tasks of a list, in order.

    Args:
        tasks: the list.
        path: of the list in the definition, such as `/do`.
        marks: of a run, by path of the task.
    """
    for number, (name, task) in enumerate(tasks.items if tasks is not None else ()):
        yield _step(name, task, f"{path}/{number}/{name}", marks or {})


def _step(name: str, task: Task, path: str, marks: Mapping[str, str]) -> Step:
    ways = [
        Step(title=way, what=f"{case.when or 'else'} -> {case.then}", kind="way")
        for named in task.switch or ()
        for way, case in named.items()
    ]
    lists = (
        (task.do, "do"),
        (task.fork.branches if task.fork is not None else None, "fork/branches"),
        (task.try_, "try"),
        (task.foreach.do if task.foreach is not None else None, "foreach/do"),
    )
    below = [*ways, *(step for inner, field in lists for step in steps_of(inner, f"{path}/{field}", marks))]
    if task.catch is not None:
        caught = tuple(steps_of(task.catch.do, f"{path}/catch/do", marks))
        retried = "tried again first" if task.catch.retry is not None else ""
        below.append(Step(title="when it fails", what=retried, kind="catch", below=caught))
    if task.undo is not None:
        below.append(_undo(name, task.undo, path))
    return Step(
        title=task.title or name,
        what=task_words(task) or "",
        kind=label(task.kind),
        below=tuple(below),
        mark=marks.get(path, ""),
    )


def _undo(name: str, undo: object, path: str) -> Step:
    try:
        made = _step(f"undo {name}", Task.model_validate(undo), f"{path}/metadata/undo", {})
    except ValidationError:
        return Step(title=f"undo {name}", what="", kind="undo")
    return Step(title=made.title, what=made.what, kind="undo", below=made.below)
