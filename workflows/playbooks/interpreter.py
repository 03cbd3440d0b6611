"""Runs a playbook's tasks: which comes next, what goes in and out of it, and who carries it out.

Each composite task keeps where it stands in a frame of the run's state, under its place. A new run starts the
definition from the top, meets the frames, and goes on where the last one rested.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.errors import InvalidInput
    from domain.model import JsonValue
    from domain.playbook.definition import Playbook, Task, TaskList
    from domain.playbook.errors import PlaybookFault, standard
    from domain.playbook.state import KEPT_RECENT, Frame, PlaybookState

from workflows.cases.case import Case
from workflows.playbooks.catching import Catching
from workflows.playbooks.data import Data, Running, Scope
from workflows.playbooks.strands import Stop, Strands, run_until

CONTINUE, EXIT, END = "continue", "exit", "end"

Outcome = tuple[JsonValue, str]
"""What a task gives, and the flow directive that follows from it."""
Carry = Callable[[Running], Awaitable[Outcome]]
"""Carries out one kind of task."""


class Interpreter:
    """Runs lists of tasks. The kinds of tasks register themselves in `kinds`."""

    def __init__(
        self, case: Case[PlaybookState], strands: Strands, playbook: Playbook, full: Callable[[], bool]
    ) -> None:
        """Work on a run.

        Args:
            case: the run.
            strands: where it waits.
            playbook: what to run.
            full: whether the history is so long that the run is to be continued as new.
        """
        self.case = case
        self.strands = strands
        self.playbook = playbook
        self.data = Data(case.state, playbook)
        self.catching = Catching(self.data)
        self.kinds: dict[str, Carry] = {}
        self._full = full

    @property
    def state(self) -> PlaybookState:
        """The run's state."""
        return self.case.state

    async def perform(self, stop: Stop) -> JsonValue:
        """Run the whole playbook.

        Returns:
            Its output.

        Raises:
            PlaybookFault: an error that nothing caught.
        """
        frame = self._frame_at("/", self.state.raw_input)
        if not frame.begun:
            frame.input = self.data.workflow_input(self.state.raw_input)
            frame.begun = True
        scope = Scope("/do", "/do", stop)
        after = self._duration_of(self.playbook.timeout, "/")
        deadline = None if after is None else frame.started_at + after
        inner = Stop(stop)
        try:
            output, _ = await run_until(
                self.run_list(self.playbook.do, Scope("/do", "/do", inner), frame.input),
                inner,
                deadline,
                "Timeout of the playbook" if deadline is not None else "",
            )
        except TimeoutError:
            raise PlaybookFault(standard("timeout", "The playbook took too long.", scope.reference)) from None
        return self.data.workflow_output(output)

    async def run_list(self, tasks: TaskList, scope: Scope, data: JsonValue) -> Outcome:
        """Run tasks in order, or as their directives say.

        Returns:
            The last task's output, and `continue`, or `end` when a task ended the whole playbook.
        """
        frame = self._frame_at(scope.place, data)
        while frame.next < len(tasks):
            await self.boundary(scope)
            name, task = tasks.items[frame.next]
            if not frame.begun:
                frame.visits[name] = frame.visits.get(name, 0) + 1
                frame.begun = True
            visit = frame.visits[name]
            again = f"~{visit}" if visit > 1 else ""
            step = f"{frame.next}/{name}"
            frame.data, directive = await self.run_task(
                name, task, scope.inside(f"{scope.reference}/{step}", f"{scope.place}/{step}{again}"), frame.data
            )
            if directive in (END, EXIT):
                self.forget(scope.place)
                return frame.data, (END if directive == END else CONTINUE)
            frame.next = self._index_after(tasks, frame.next, directive, scope)
            frame.begun = False
        self.forget(scope.place)
        return frame.data, CONTINUE

    @staticmethod
    def _index_after(tasks: TaskList, index: int, directive: str, scope: Scope) -> int:
        if directive == CONTINUE:
            return index + 1
        target = tasks.index_of(directive)
        if target is None:
            problem = f"There is no task {directive!r} beside this one: correct its `then`."
            raise PlaybookFault(standard("configuration", problem, scope.reference))
        return target

    async def run_task(self, name: str, task: Task, scope: Scope, raw: JsonValue) -> Outcome:
        """Run one task.

        Args:
            name: its name.
            task: its definition.
            scope: its own; reference and place are the task's.
            raw: what the task before gave.

        Returns:
            Its output, shaped and checked, and the directive that follows.
        """
        frame = self.state.frames.get(scope.place)
        try:
            if frame is None:
                frame = Frame(raw_input=raw, input=raw, started_at=workflow.now())
                running = Running(name, task, scope.reference, scope.place, frame, scope)
                if task.if_ is not None and not self.data.holds(task.if_, raw, running):
                    return raw, CONTINUE
                self.state.recent = [*self.state.recent[-(KEPT_RECENT - 1) :], running.reference]
                frame.input = self.data.task_input(task, raw, running)
                self.state.frames[scope.place] = frame
            running = Running(name, task, scope.reference, scope.place, frame, scope)
            output, directive = await self._within_time(running)
            output = self.data.task_output(running, output)
        except PlaybookFault:
            self.forget(scope.place)
            raise
        self.forget(scope.place)
        if directive == END:
            return output, END
        return output, directive if directive != CONTINUE else (task.then or CONTINUE)

    async def _within_time(self, running: Running) -> Outcome:
        after = self._duration_of(running.task.timeout, running.reference)
        if after is None:
            return await self._carry(running)
        stop = Stop(running.scope.stop)
        timed = replace(running, scope=running.scope.stopped_by(stop))
        try:
            return await run_until(
                self._carry(timed), stop, running.frame.started_at + after, f"Timeout of {running.what}"
            )
        except TimeoutError:
            problem = f"{running.what} took too long."
            raise PlaybookFault(standard("timeout", problem, running.reference)) from None

    async def _carry(self, running: Running) -> Outcome:
        """Carry out a task.

        Data of another shape than the task can deal with fault it. Left to raise, they would fail the workflow's task
        over and over, and the run would hang where nobody looks.
        """
        try:
            return await self.kinds[running.task.kind](running)
        except (InvalidInput, ValueError, TypeError, KeyError, AttributeError) as problem:
            sentence = (
                str(problem) if isinstance(problem, InvalidInput) else f"{running.what} cannot deal with its data."
            )
            kind = type(problem).__name__
            raise PlaybookFault(standard("validation", sentence, running.reference, detail=kind)) from problem

    def _duration_of(self, timeout: JsonValue, reference: str) -> timedelta | None:
        try:
            return self.playbook.timeout_of(timeout)
        except InvalidInput as problem:
            raise PlaybookFault(standard("configuration", str(problem), reference)) from None

    async def boundary(self, scope: Scope) -> None:
        """Between two tasks: stop when asked to, rest when the run is to be continued as new."""
        scope.stop.notice()
        # What is being undone is finished first: a new run could not tell how far that had come.
        if self._full() and not scope.undoing:
            await self.strands.rest()

    # Frames

    def _frame_at(self, place: str, data: JsonValue) -> Frame:
        frame = self.state.frames.get(place)
        if frame is None:
            frame = Frame(raw_input=data, input=data, data=data, started_at=workflow.now())
            self.state.frames[place] = frame
        return frame

    def forget(self, place: str) -> None:
        """Drop the frames of a place and of everything below it."""
        below = place.rstrip("/") + "/"
        for other in [other for other in self.state.frames if other == place or other.startswith(below)]:
            del self.state.frames[other]
