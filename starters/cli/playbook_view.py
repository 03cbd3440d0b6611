"""Playbooks and dry runs on a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

from domain.playbook.definition import Playbook, Task, TaskList
from domain.playbook.describing import duration_text, task_words
from domain.playbook.plan import Plan, PlannedStep, StepKind
from domain.tools.tool import ToolBrief
from starters.cli import report
from starters.cli.words import harmless, label

if TYPE_CHECKING:
    from rich.tree import Tree

_INDENT = "  "


def tree_of(playbook: Playbook, tools: Mapping[str, ToolBrief]) -> Tree:
    """A playbook as a tree: every task with its kind, tool, safety, time-out and undo.

    Args:
        playbook: the definition.
        tools: the tenant's, by name, as far as they are known.
    """
    from rich.tree import Tree  # noqa: PLC0415 - Rich costs a tenth of a second

    document = playbook.document
    tree = Tree(report.text(f"{document.title or document.name} {document.version}", "bold"))
    _grow(tree, playbook.do, playbook, tools)
    for name, function in playbook.use.functions.items():
        branch = tree.add(report.text(f"function {name}", "dim"))
        _add(branch, name, function, playbook, tools)
    return tree


def _grow(tree: Tree, tasks: TaskList | None, playbook: Playbook, tools: Mapping[str, ToolBrief]) -> None:
    for name, task in tasks.items if tasks is not None else ():
        _add(tree, name, task, playbook, tools)


def _add(tree: Tree, name: str, task: Task, playbook: Playbook, tools: Mapping[str, ToolBrief]) -> None:
    line = report.text(task.title or name, "bold")
    line.append_text(report.text(f"  {task_words(task) or task.kind}"))
    for remark in _remarks(task, tools.get(task.call or "")):
        line.append_text(report.text(f"  {remark}", "dim"))
    branch = tree.add(line)
    for case_name, case in ((name, case) for named in task.switch or () for name, case in named.items()):
        branch.add(report.text(f"{case_name}: {case.when or 'else'} -> {case.then}"))
    _grow(branch, task.do, playbook, tools)
    _grow(branch, task.fork.branches if task.fork is not None else None, playbook, tools)
    _grow(branch, task.try_, playbook, tools)
    _grow(branch, task.foreach.do if task.foreach is not None else None, playbook, tools)
    if task.catch is not None:
        retry = ", retried" if task.catch.retry is not None else ""
        caught = branch.add(report.text(f"catch {_caught(task)}{retry}", "yellow"))
        _grow(caught, task.catch.do, playbook, tools)
    if task.undo is not None:
        undo = branch.add(report.text("undo", "magenta"))
        _add(undo, f"undo {name}", Task.model_validate(task.undo), playbook, tools)


def _remarks(task: Task, tool: ToolBrief | None) -> list[str]:
    after = task.timeout.get("after") if isinstance(task.timeout, dict) else task.timeout
    remarks = [
        f"if {task.if_}" if task.if_ is not None else "",
        "first one wins" if task.fork is not None and task.fork.compete else "",
        f"each {task.for_.each} of {task.for_.in_}" if task.for_ is not None else "",
        label(tool.safety.value) if tool is not None else "",
        f"undo: {tool.undo.tool}" if tool is not None and tool.undo is not None and task.undo is None else "",
        f"within {duration_text(after)}" if after is not None else "",
        f"then {task.then}" if task.then is not None else "",
    ]
    return [remark for remark in remarks if remark]


def _caught(task: Task) -> str:
    filters = task.catch.errors.with_ if task.catch is not None and task.catch.errors is not None else {}
    return ", ".join(f"{name} {value}" for name, value in filters.items()) or "any error"


def put_plan(plan: Plan) -> None:
    """Print a dry run."""
    typer.echo(harmless(f"{plan.name} {plan.version}: nothing is called. It would:"))
    for number, step in enumerate(plan.steps, 1):
        for line in _step_lines(number, step):
            typer.echo(harmless(line))
    typer.echo(harmless(f"Output: {_json(plan.output)}"))
    for note in plan.notes:
        report.note(f"Problem: {note}")


def _step_lines(number: int, step: PlannedStep) -> list[str]:
    start = f"{number:>3}. {_INDENT * step.depth}"
    below = " " * len(start)
    tool = f" [{step.tool}, {label(step.safety)}]" if step.tool else ""
    lines = [f"{start}{step.name}: {step.what}{tool}"]
    if step.when and step.kind is not StepKind.CATCH:  # such a step says it in its own words
        lines.append(f"{below}when {step.when}")
    if step.arguments not in (None, {}):
        lines.append(f"{below}with {_json(step.arguments)}")
    if step.tool and not step.certain:
        lines.append(f"{below}the guardrails judge it again once all arguments are known")
    lines += [f"{below}DENIED: {reason}" for reason in step.denied]
    if step.approval is not None:
        rungs = f" ({', then '.join(step.approval.rungs)})" if step.approval.rungs else ""
        lines.append(f"{below}needs approval of {step.approval.ladder}{rungs}")
        lines += [f"{below}{_INDENT}{reason}" for reason in step.approval.reasons]
    if step.undo:
        lines.append(f"{below}undo: {step.undo}")
    if step.remark:
        lines.append(f"{below}{step.remark}")
    return lines


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
