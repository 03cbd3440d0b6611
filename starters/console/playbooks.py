"""Playbooks: the tenant's library, and each with its steps and its diagram."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.responses import Response

from domain.errors import InvalidInput
from domain.playbook.definition import Playbook, Task, TaskList, parse_playbook
from domain.playbook.describing import task_words
from domain.playbook.diagram import mermaid
from starters.case_list import CaseFilter, list_cases
from starters.cli.words import label
from starters.console.pages import Ask, shown
from starters.service.errors import Problem

_RUNS = 10


@dataclass(frozen=True)
class Step:
    """A task, with those inside it."""

    title: str
    what: str
    kind: str
    below: tuple[Step, ...] = ()


async def page(ask: Ask) -> Response:
    """The list."""
    shelf = await asyncio.to_thread(ask.services.library.shelf, ask.tenant)
    return ask.page("playbooks", shelf=shelf)


async def one(ask: Ask) -> Response:
    """The page of one."""
    name, version = ask.request.path_params["name"], ask.request.query_params.get("version") or None
    try:
        shelved = await asyncio.to_thread(ask.services.library.shelved, ask.tenant, name, version)
        runs = await list_cases(
            ask.services.client,
            CaseFilter(tenant=ask.tenant, playbook=name),
            limit=_RUNS,
            open_store=ask.services.case_store,
        )
    except InvalidInput:
        raise Problem(404, "NOT_FOUND", "There is no such playbook, or no such version of it.") from None
    playbook = parse_playbook(shelved.definition) if shelved.definition is not None else None
    return ask.page(
        "playbook",
        shelved=shelved,
        faults=[str(finding) for finding in shelved.errors],
        steps=list(steps_of(playbook.do, playbook)) if playbook is not None else [],
        diagram=mermaid(playbook) if playbook is not None else "",
        definition=shown(shelved.definition) if shelved.definition is not None else "",
        runs=runs,
    )


def steps_of(tasks: TaskList | None, playbook: Playbook) -> Iterator[Step]:
    """The tasks of a list, in order."""
    for name, task in tasks.items if tasks is not None else ():
        yield _step(name, task, playbook)


def _step(name: str, task: Task, playbook: Playbook) -> Step:
    ways = [
        Step(title=way, what=f"{case.when or 'else'} -> {case.then}", kind="way")
        for named in task.switch or ()
        for way, case in named.items()
    ]
    below = [
        *ways,
        *steps_of(task.do, playbook),
        *steps_of(task.fork.branches if task.fork is not None else None, playbook),
        *steps_of(task.try_, playbook),
        *steps_of(task.foreach.do if task.foreach is not None else None, playbook),
    ]
    if task.catch is not None:
        caught = tuple(steps_of(task.catch.do, playbook))
        retried = "tried again first" if task.catch.retry is not None else ""
        below.append(Step(title="when it fails", what=retried, kind="catch", below=caught))
    if task.undo is not None:
        undo = _step(f"undo {name}", Task.model_validate(task.undo), playbook)
        below.append(Step(title=undo.title, what=undo.what, kind="undo", below=undo.below))
    return Step(title=task.title or name, what=task_words(task) or "", kind=label(task.kind), below=tuple(below))
