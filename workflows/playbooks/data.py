"""What a task sees and gives: variables, expressions, and the checks of its data. Source: dsl.md, "Data Flow"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.expressions import ExpressionFault, ExpressionSyntax, compile_expression, fill, inner, is_expression
    from domain.model import JsonValue
    from domain.playbook.definition import DataIn, DataOut, Playbook, Task
    from domain.playbook.errors import PlaybookFault, standard
    from domain.playbook.schema_check import problem_with
    from domain.playbook.state import Frame, PlaybookState

from workflows.playbooks.strands import Stop

Variables = Mapping[str, JsonValue] | None

RUNTIME = {"name": "Surehand", "version": "1"}


@dataclass(frozen=True)
class Scope:
    """Where a list of tasks stands."""

    reference: str
    """Path as errors name it: `/do/0/loop/do`."""
    place: str
    """Key of it within this run: the path with rounds and attempts, so that each is its own."""
    stop: Stop
    variables: Mapping[str, JsonValue] = field(default_factory=dict)
    """Of loops and catches around it."""
    catches: tuple[Running, ...] = ()
    """The `try` tasks around it, innermost last."""
    undoing: bool = False
    """Whether this takes something back: then nobody is asked, and nothing is registered to be undone."""

    def inside(self, reference: str, place: str, variables: Mapping[str, JsonValue] | None = None) -> Scope:
        """The scope of a list within a task of this one."""
        return replace(self, reference=reference, place=place, variables={**self.variables, **(variables or {})})

    def stopped_by(self, stop: Stop) -> Scope:
        """The same scope, listening to a stop of its own."""
        return replace(self, stop=stop)


@dataclass(frozen=True)
class Running:
    """One task at work."""

    name: str
    task: Task
    reference: str
    place: str
    frame: Frame
    scope: Scope

    def below(self, field_name: str, suffix: str = "", variables: Mapping[str, JsonValue] | None = None) -> Scope:
        """The scope of one of the task's own lists."""
        return self.scope.inside(f"{self.reference}/{field_name}", f"{self.place}/{field_name}{suffix}", variables)

    @property
    def what(self) -> str:
        """The task, for a person."""
        return self.task.title or self.name


class Data:
    """Evaluates expressions and checks data for one run."""

    def __init__(self, state: PlaybookState, playbook: Playbook) -> None:
        """Work on a run's state."""
        self._state = state
        self._playbook = playbook

    # Expressions

    def evaluate(self, expression: str, value: JsonValue, running: Running | None, more: Variables = None) -> JsonValue:
        """The first result of an expression, given with or without `${ }`."""
        where = running.reference if running is not None else "/"
        try:
            return compile_expression(expression).evaluate(value, self._variables(running, more))
        except (ExpressionFault, ExpressionSyntax) as problem:
            raise PlaybookFault(standard("expression", str(problem), where)) from None

    def holds(self, expression: str, value: JsonValue, running: Running | None, more: Variables = None) -> bool:
        """Whether a condition holds: anything but false and null, as in jq."""
        result = self.evaluate(expression, value, running, more)
        return result is not None and result is not False

    def fill(self, template: JsonValue, value: JsonValue, running: Running | None, more: Variables = None) -> JsonValue:
        """A template with its expressions replaced by their values."""
        where = running.reference if running is not None else "/"
        try:
            return fill(template, value, self._variables(running, more))
        except (ExpressionFault, ExpressionSyntax) as problem:
            raise PlaybookFault(standard("expression", str(problem), where)) from None

    def _shape(
        self, template: JsonValue, value: JsonValue, running: Running | None, more: Variables = None
    ) -> JsonValue:
        """`from` and `as`: a string is an expression even without `${ }`, an object is a template."""
        if isinstance(template, str):
            text = inner(template) if is_expression(template) else template
            return self.evaluate(text, value, running, more)
        return self.fill(template, value, running, more)

    def _variables(self, running: Running | None, more: Variables) -> dict[str, JsonValue]:
        variables: dict[str, JsonValue] = {
            "context": self._state.context,
            "runtime": RUNTIME,
            "workflow": {
                "id": workflow.info().workflow_id,
                "definition": self._state.opened.definition if self._state.opened else None,
                "input": self._state.raw_input,
                "startedAt": instant(self._state.opened_at),
            },
        }
        if running is not None:
            variables |= {
                "input": running.frame.input,
                "task": {
                    "name": running.name,
                    "reference": running.reference,
                    "input": running.frame.raw_input,
                    "startedAt": instant(running.frame.started_at),
                },
                **running.scope.variables,
            }
        return {**variables, **(more or {})}

    # The stations of data flow

    def workflow_input(self, raw: JsonValue) -> JsonValue:
        """Check and shape what the run was given."""
        return self._take_in(self._playbook.input, raw, None, "/")

    def workflow_output(self, raw: JsonValue) -> JsonValue:
        """Shape and check what the run gives."""
        return self._give_out(self._playbook.output, raw, None, "/")

    def task_input(self, task: Task, raw: JsonValue, running: Running) -> JsonValue:
        """Check and shape a task's input."""
        return self._take_in(task.input, raw, running, running.reference)

    def task_output(self, running: Running, raw: JsonValue) -> JsonValue:
        """Shape and check a task's output, and export it to the context."""
        output = self._give_out(running.task.output, raw, running, running.reference)
        self.export(running.task.export, output, running)
        return output

    def item_output(self, part: DataOut | None, raw: JsonValue, running: Running) -> JsonValue:
        """Shape and check what one round gave."""
        return self._give_out(part, raw, running, running.reference)

    def export(self, part: DataOut | None, output: JsonValue, running: Running) -> None:
        """Replace the context where a task says so."""
        if part is None:
            return
        context = self._state.context
        if part.as_ is not None:
            context = self._shape(part.as_, output, running, {"output": output})
        self._check(part.schema_, context, "context", running.reference)
        self._state.context = context

    def _take_in(self, part: DataIn | None, raw: JsonValue, running: Running | None, where: str) -> JsonValue:
        if part is None:
            return raw
        self._check(part.schema_, raw, "input", where)
        return raw if part.from_ is None else self._shape(part.from_, raw, running)

    def _give_out(self, part: DataOut | None, raw: JsonValue, running: Running | None, where: str) -> JsonValue:
        if part is None:
            return raw
        output = raw if part.as_ is None else self._shape(part.as_, raw, running)
        self._check(part.schema_, output, "output", where)
        return output

    @staticmethod
    def _check(schema: JsonValue, value: JsonValue, what: str, where: str) -> None:
        problem = problem_with(schema, value)
        if problem is not None:
            raise PlaybookFault(standard("validation", f"The {what} does not fit its schema: {problem}.", where))


def instant(at: datetime) -> dict[str, JsonValue]:
    """A date and time as expressions see it (dsl.md, "DateTime Descriptor")."""
    seconds = int(at.timestamp())
    return {
        "iso8601": at.isoformat().replace("+00:00", "Z"),
        "epoch": {"seconds": seconds, "milliseconds": int(at.timestamp() * 1000)},
    }
