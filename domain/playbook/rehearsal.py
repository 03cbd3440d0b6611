"""The dry run: goes through a playbook as its interpreter would, calls nothing, and says what would be called.

What a call gives is unknown, unless an output is assumed for it; an expression over unknown data is unknown too. A
condition that cannot be decided is taken both ways. Everything is taken to succeed; what is caught stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

from domain.model import JsonValue
from domain.playbook.definition import Playbook, Task, TaskList
from domain.playbook.describing import duration_text, strategy_words, task_words
from domain.playbook.plan import Plan, PlannedStep, StepKind
from domain.playbook.rehearsal_calls import CallPlanner, Outlook
from domain.playbook.schema_check import problem_with
from domain.playbook.unknowns import Unevaluable, Unknown, evaluated, filled, has_unknown, merged, shown
from domain.policies.case_policy import Ladder
from domain.policies.guardrails import Guardrails
from domain.tools.tool import ToolBrief, canonical

MOST_STEPS = 500
MOST_ROUNDS = 20
_RUNTIME = {"name": "Surehand", "version": "1"}


@dataclass(frozen=True)
class Here:
    """Where the rehearsal stands."""

    path: str
    depth: int = 0
    when: str = ""
    variables: Mapping[str, JsonValue] = field(default_factory=dict)

    def below(self, suffix: str, **variables: JsonValue) -> Here:
        """Inside one of a task's lists."""
        return replace(
            self, path=f"{self.path}/{suffix}", depth=self.depth + 1, variables={**self.variables, **variables}
        )

    def on(self, condition: str) -> Here:
        """The same place, on one more condition."""
        return replace(self, when=" and ".join(part for part in (self.when, condition) if part))


@dataclass(frozen=True)
class Arrival:
    """Data on their way to a task of a list, and the condition on which they come there."""

    data: JsonValue
    when: str = ""


def rehearse(
    playbook: Playbook,
    given: JsonValue,
    *,
    tools: Mapping[str, tuple[ToolBrief, ...]] | None = None,
    guardrails: Guardrails | None = None,
    ladders: Mapping[str, Ladder] | None = None,
    assumed: Mapping[str, JsonValue] | None = None,
    facts: Mapping[str, JsonValue] | None = None,
) -> Plan:
    """Go through a playbook without doing anything.

    Args:
        playbook: the definition, checked.
        given: its input.
        tools: briefs by tool name, `capability:NAME` or path of a task, as an opened playbook has them; None when no
            tool is known here.
        guardrails: of the tenant.
        ladders: of the tenant, by name.
        assumed: outputs to take as given, by name or path of the task.
        facts: what guardrails see of the run, such as `tenant` and `customer_id`.
    """
    planner = CallPlanner(playbook, tools, guardrails or Guardrails(), ladders or {}, facts or {})
    return _Rehearsal(playbook, given, planner, assumed or {}).run()


class _Rehearsal:
    def __init__(
        self, playbook: Playbook, given: JsonValue, planner: CallPlanner, assumed: Mapping[str, JsonValue]
    ) -> None:
        self._playbook = playbook
        self._given = given
        self._planner = planner
        self._assumed = assumed
        self._context: JsonValue = None
        self._steps: list[PlannedStep] = []
        self._notes: list[str] = []
        self._kinds: dict[str, Callable[[str, Task, JsonValue, Here], JsonValue]] = {
            "do": lambda name, task, data, here: self._list(task.do, data, here.below("do")),
            "for": self._for,
            "fork": self._fork,
            "try": self._try,
            "call": self._call,
            "set": self._set,
            "wait": self._wait,
            "listen": self._listen,
            "emit": self._emit,
            "raise": self._raise,
            "run": self._run,
        }

    def run(self) -> Plan:
        """The whole playbook."""
        data = self._given
        schema = self._playbook.input.schema_ if self._playbook.input is not None else None
        if (problem := problem_with(schema, data)) is not None:
            self._notes.append(f"The input does not fit its schema: {problem}.")
        if self._playbook.input is not None and self._playbook.input.from_ is not None:
            data = self._shape(self._playbook.input.from_, data, Here("/"), data)
        output = self._list(self._playbook.do, data, Here("/do"))
        if self._playbook.output is not None and self._playbook.output.as_ is not None:
            output = self._shape(self._playbook.output.as_, output, Here("/"), output)
        document = self._playbook.document
        return Plan(
            name=document.name,
            version=document.version,
            steps=tuple(self._steps),
            output=shown(output),
            notes=tuple(dict.fromkeys([*self._notes, *self._planner.notes])),
            tools=tuple(dict.fromkeys(step.tool for step in self._steps if step.tool)),
        )

    # Order

    def _list(self, tasks: TaskList | None, data: JsonValue, here: Here) -> JsonValue:
        """Go through a list, each task once: where ways come together again, what they agree on is known."""
        if tasks is None or not len(tasks):
            return data
        arrivals: dict[int, list[Arrival]] = {0: [Arrival(data, here.when)]}
        order, seen, out = [0], set[int](), list[Arrival]()
        while order:
            index = heappop(order)
            if index in seen:
                continue
            seen.add(index)
            arrival = _joined(arrivals[index], here.when)
            name, task = tasks.items[index]
            at = replace(here, path=f"{here.path}/{index}/{name}", when=arrival.when)
            for target, onward in self._task(name, task, arrival.data, at):
                place = index + 1 if target == "continue" else tasks.index_of(target)
                if target in ("exit", "end") or (target == "continue" and place == len(tasks)):
                    out.append(onward)
                elif place is None:
                    self._notes.append(f"{at.path}: there is no task {target!r} to go on with.")
                elif place in seen:
                    self._remark(at, f"goes back to {target}")
                else:
                    arrivals.setdefault(place, []).append(onward)
                    heappush(order, place)
        return _joined(out, here.when).data if out else Unknown("the list does not end by itself")

    def _remark(self, here: Here, remark: str) -> None:
        for position, step in reversed(list(enumerate(self._steps))):
            if step.path == here.path:
                self._steps[position] = step.model_copy(update={"remark": remark})
                return

    def _task(self, name: str, task: Task, raw: JsonValue, here: Here) -> list[tuple[str, Arrival]]:
        """One task: where the way goes on, and with what."""
        if len(self._steps) >= MOST_STEPS:
            self._notes.append(f"More than {MOST_STEPS} steps: the rest is left out.")
            return []
        decided = self._decide(task.if_, raw, raw, here)
        if decided is False:
            return [("continue", Arrival(raw, here.when))]
        at = here if decided is True else here.on(str(task.if_))
        data = raw if task.input is None or task.input.from_ is None else self._shape(task.input.from_, raw, at, raw)
        if task.kind == "switch":
            return self._switch(name, task, data, at)
        output = self._kinds[task.kind](name, task, data, at)
        if task.kind == "raise":
            return [] if decided is True else [("continue", Arrival(raw, here.when))]
        if task.output is not None and task.output.as_ is not None:
            output = self._shape(task.output.as_, output, at, data)
        self._export(task, output, data, at)
        if decided is True:
            return [(task.then or "continue", Arrival(output, here.when))]
        return [(task.then or "continue", Arrival(output, at.when)), ("continue", Arrival(raw, here.when))]

    def _export(self, task: Task, output: JsonValue, data: JsonValue, here: Here) -> None:
        if task.export is None or task.export.as_ is None:
            return
        context = self._shape(task.export.as_, output, here, data, output=output)
        self._context = merged(self._context, context) if here.when else context

    def _switch(self, name: str, task: Task, data: JsonValue, here: Here) -> list[tuple[str, Arrival]]:
        ways: list[tuple[str, Arrival]] = []
        open_conditions: list[str] = []
        for case in (way for named in task.switch or () for way in named.values()):
            decided = self._decide(case.when, data, data, here)
            if decided is False:
                continue
            condition = str(case.when) if decided is None else " and ".join(f"not ({one})" for one in open_conditions)
            ways.append((case.then, Arrival(data, here.on(condition).when)))
            if decided is True:
                break
            open_conditions.append(str(case.when))
        else:
            rest = " and ".join(f"not ({one})" for one in open_conditions)
            ways.append((task.then or "continue", Arrival(data, here.on(rest).when)))
        if len(ways) > 1:
            targets = ", ".join(f"{way.when or 'always'}: {target}" for target, way in ways)
            self._add(here, name, StepKind.BRANCH, "cannot be decided now", remark=targets)
        return ways

    # Data

    def _variables(self, here: Here, data: JsonValue, **more: JsonValue) -> dict[str, JsonValue]:
        started = Unknown("time of the run")
        workflow = {"id": Unknown("id of the run"), "input": self._given, "startedAt": started}
        task = {"name": here.path.rpartition("/")[2], "reference": here.path, "input": data, "startedAt": started}
        known = {"context": self._context, "input": data, "runtime": _RUNTIME, "workflow": workflow, "task": task}
        return {**known, **here.variables, **more}

    def _shape(
        self, template: JsonValue, value: JsonValue, here: Here, data: JsonValue, **more: JsonValue
    ) -> JsonValue:
        variables = self._variables(here, data, **more)
        try:
            return (
                evaluated(template, value, variables)
                if isinstance(template, str)
                else filled(template, value, variables)
            )
        except Unevaluable as problem:
            return self._fails(here, str(template) if isinstance(template, str) else "data", problem)

    def _fill(self, template: JsonValue, data: JsonValue, here: Here, **more: JsonValue) -> JsonValue:
        try:
            return filled(template, data, self._variables(here, data, **more))
        except Unevaluable as problem:
            return self._fails(here, "data", problem)

    def _decide(self, condition: str | None, value: JsonValue, data: JsonValue, here: Here) -> bool | None:
        if condition is None:
            return True
        result = self._shape(condition, value, here, data)
        return None if isinstance(result, Unknown) else result is not None and result is not False

    def _fails(self, here: Here, text: str, problem: Unevaluable) -> Unknown:
        self._notes.append(f"{here.path}: an expression will fail: {problem}")
        return Unknown(text)

    def _add(self, here: Here, name: str, kind: StepKind, what: str, **more: JsonValue) -> None:
        self._steps.append(
            PlannedStep(path=here.path, name=name, depth=here.depth, kind=kind, what=what, when=here.when, **more)
        )

    # Tasks

    def _set(self, name: str, task: Task, data: JsonValue, here: Here) -> JsonValue:
        return self._fill(task.set, data, here)

    def _wait(self, name: str, task: Task, data: JsonValue, here: Here) -> JsonValue:
        duration = self._fill(task.wait, data, here)
        words = str(shown(duration)) if has_unknown(duration) else duration_text(duration)
        self._add(here, name, StepKind.WAIT, f"wait {words}")
        return data

    def _raise(self, name: str, task: Task, data: JsonValue, here: Here) -> JsonValue:
        self._add(here, name, StepKind.RAISE, task_words(task))
        return data

    def _emit(self, name: str, task: Task, data: JsonValue, here: Here) -> JsonValue:
        event = (task.emit or {}).get("event") or {}
        values = self._fill(event.get("with") or {}, data, here)
        self._add(here, name, StepKind.EMIT, task_words(task), arguments=shown(values), certain=not has_unknown(values))
        given = {"specversion": "1.0", "id": Unknown("id of the event"), "time": Unknown("time of the event")}
        return {**given, **values} if isinstance(values, dict) else Unknown(name)

    def _listen(self, name: str, task: Task, data: JsonValue, here: Here) -> JsonValue:
        what = f"wait for {strategy_words(task.listen.to)}" if task.listen is not None else "wait for events"
        self._add(here, name, StepKind.LISTEN, what, remark=self._limit(task))
        foreach = task.foreach
        if foreach is not None:
            event = Unknown(f"event of {name}")
            inside = here.below("foreach/do", **{foreach.item: event, foreach.at: Unknown("index")})
            self._list(foreach.do, event, inside.on(f"for each event of {name}"))
        return self._assumption(name, here, Unknown(f"events of {name}"))

    @staticmethod
    def _limit(task: Task) -> str:
        after = task.timeout.get("after") if isinstance(task.timeout, dict) else task.timeout
        return f"for {duration_text(after)} at most" if after is not None else ""

    def _run(self, name: str, task: Task, data: JsonValue, here: Here) -> JsonValue:
        flow = (task.run or {}).get("workflow") or {}
        values = self._fill(flow.get("input"), data, here)
        self._add(
            here, name, StepKind.PLAYBOOK, task_words(task), arguments=shown(values), certain=not has_unknown(values)
        )
        return self._assumption(name, here, Unknown(f"output of {name}"))

    def _call(self, name: str, task: Task, data: JsonValue, here: Here) -> JsonValue:
        arguments = self._fill(task.with_, data, here)
        function = self._playbook.use.functions.get(task.call or "")
        if function is not None:
            return self._function(name, function, arguments, here)
        outlook = self._planner.plan(here.path, name, task, arguments, data)
        undo = self._undo(name, task, outlook, data, here)
        self._steps.append(
            PlannedStep(
                path=here.path, name=name, depth=here.depth, when=here.when, undo=undo, **outlook.fields(task.title)
            )
        )
        return self._assumption(name, here, outlook.output)

    def _function(self, name: str, function: Task, arguments: JsonValue, here: Here) -> JsonValue:
        if here.depth > 20:
            self._notes.append(f"{here.path}: functions call each other without an end.")
            return Unknown(name)
        ways = self._task(name, function, arguments, here.below("call"))
        return _joined([way for _, way in ways], here.when).data if ways else Unknown(name)

    def _undo(self, name: str, task: Task, outlook: Outlook, data: JsonValue, here: Here) -> str:
        if task.undo is None:
            return outlook.undo
        undo = Task.model_validate(task.undo)
        variables = {"arguments": outlook.arguments, "output": outlook.output, "key": Unknown("key"), "input": data}
        values = self._fill(undo.with_, outlook.output, here, **variables) if undo.with_ else None
        sent = self._planner.sent(undo, values, outlook.output)
        return f"{task_words(undo)} {canonical(shown(sent))}" if sent else task_words(undo) or undo.kind

    def _assumption(self, name: str, here: Here, otherwise: JsonValue) -> JsonValue:
        return self._assumed.get(here.path, self._assumed.get(name, otherwise))

    def _for(self, name: str, task: Task, data: JsonValue, here: Here) -> JsonValue:
        loop = task.for_
        if loop is None:
            return data
        items = self._shape(loop.in_, data, here, data)
        if isinstance(items, Unknown):
            item, number = Unknown(f"item of {name}"), Unknown("index")
            once = here.on(f"for each item of {name}")
            inside = replace(once, path=here.path).below("do#n", **{loop.each: item, loop.at: number})
            self._add(here, name, StepKind.BRANCH, f"for each {loop.each} of {loop.in_}, whose number is not known now")
            return merged(data, self._list(task.do, data, inside))
        every = items if isinstance(items, list) else [] if items is None else [items]
        for index, item in enumerate(every[:MOST_ROUNDS]):
            inside = here.below(f"do#{index}", **{loop.each: item, loop.at: index})
            if self._decide(task.while_, data, data, inside) is False:
                return data
            data = self._list(task.do, data, inside)
        if len(every) > MOST_ROUNDS:
            self._add(here, name, StepKind.BRANCH, f"{len(every) - MOST_ROUNDS} more rounds like these")
            return Unknown(f"output of {name}")
        return data

    def _fork(self, name: str, task: Task, data: JsonValue, here: Here) -> JsonValue:
        if task.fork is None:
            return data
        race, outputs = task.fork.compete, []
        what = "side by side, the first one wins" if race else "side by side"
        self._add(here, name, StepKind.BRANCH, what)
        for index, (branch, inner) in enumerate(task.fork.branches.items):
            inside = here.below(f"fork/branches/{index}/{branch}")
            ways = self._task(branch, inner, data, inside)
            outputs.append(_joined([way for _, way in ways], here.when).data if ways else Unknown(branch))
        return Unknown(f"output of the branch of {name} that wins") if race else outputs

    def _try(self, name: str, task: Task, data: JsonValue, here: Here) -> JsonValue:
        output = self._list(task.try_, data, here.below("try"))
        caught = task.catch
        if caught is not None and caught.do is not None:
            filters = caught.errors.with_ if caught.errors is not None else {}
            which = ", ".join(f"{key} {value}" for key, value in filters.items()) or "any error"
            inside = here.below("catch/do", **{caught.as_: Unknown("the error")}).on(f"{name} fails with {which}")
            self._add(replace(here, when=inside.when), name, StepKind.CATCH, f"when {name} fails with {which}")
            context = self._context
            self._list(caught.do, data, inside)
            self._context = context
        return output


def _joined(arrivals: list[Arrival], around: str) -> Arrival:
    data = arrivals[0].data
    for other in arrivals[1:]:
        data = merged(data, other.data)
    conditions = list(dict.fromkeys(arrival.when for arrival in arrivals))
    # Ways that part at one place and meet again: what comes after is taken whichever way it was.
    return Arrival(data, conditions[0] if len(conditions) == 1 else around)
