"""The tasks that steer: do, for, fork, switch, set, raise, wait and try. Source: dsl-reference.md."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.cases.timeline import TimelineKind
    from domain.errors import InvalidInput
    from domain.model import JsonValue
    from domain.playbook.definition import Catch
    from domain.playbook.duration import parse_duration
    from domain.playbook.errors import PlaybookError, PlaybookFault, standard
    from domain.playbook.retrying import delay_before, may_retry

from workflows.playbooks.catching import name_of
from workflows.playbooks.data import Running, Scope
from workflows.playbooks.interpreter import CONTINUE, END, Interpreter, Outcome
from workflows.playbooks.strands import Stop, ended, run_until
from workflows.playbooks.undo import Undo


class Control:
    """Carries out the steering tasks of one run."""

    def __init__(self, interpreter: Interpreter, undo: Undo) -> None:
        """Register with the interpreter."""
        self._interpreter = interpreter
        self._data = interpreter.data
        self._undo = undo
        interpreter.kinds |= {
            "do": self._do,
            "for": self._for,
            "fork": self._fork,
            "switch": self._switch,
            "set": self._set,
            "raise": self._raise,
            "wait": self._wait,
            "try": self._try,
        }

    async def _do(self, running: Running) -> Outcome:
        assert running.task.do is not None  # noqa: S101  (the kind says so)
        return await self._interpreter.run_list(running.task.do, running.below("do"), running.frame.input)

    async def _set(self, running: Running) -> Outcome:
        return self._data.fill(running.task.set, running.frame.input, running), CONTINUE

    async def _switch(self, running: Running) -> Outcome:
        for named in running.task.switch or ():
            for case in named.values():
                if case.when is None or self._data.holds(case.when, running.frame.input, running):
                    return running.frame.input, case.then
        return running.frame.input, CONTINUE

    async def _raise(self, running: Running) -> Outcome:
        given = (running.task.raise_ or {}).get("error")
        if isinstance(given, str):
            given = self._interpreter.playbook.use.errors.get(given)
        error = self._data.fill(given, running.frame.input, running)
        if not isinstance(error, dict) or "type" not in error:
            problem = "The error to raise is not defined: give it a type and a status."
            raise PlaybookFault(standard("configuration", problem, running.reference))
        raise PlaybookFault(
            PlaybookError(
                type=str(error["type"]),
                status=int(error.get("status") or 500),
                title=str(error.get("title") or ""),
                detail=str(error.get("detail") or ""),
                instance=str(error.get("instance") or running.reference),
            )
        )

    async def _wait(self, running: Running) -> Outcome:
        if running.frame.until is None:
            agreed = self.duration(running.task.wait, running)
            running.frame.until = running.frame.started_at + self._interpreter.case.policy.timers.lasting(agreed)
        await self._interpreter.strands.pause(running.frame.until, f"Wait: {running.what}")
        return running.frame.input, CONTINUE

    def duration(self, given: JsonValue, running: Running) -> timedelta:
        """A duration given in place or by an expression."""
        try:
            return parse_duration(self._data.fill(given, running.frame.input, running))
        except InvalidInput as problem:
            raise PlaybookFault(standard("validation", str(problem), running.reference)) from None

    # Loops

    async def _for(self, running: Running) -> Outcome:
        task, frame = running.task, running.frame
        assert task.for_ is not None  # noqa: S101  (the kind says so)
        assert task.do is not None  # noqa: S101  (the schema requires it)
        if not frame.begun:
            items = self._data.evaluate(task.for_.in_, frame.input, running)
            frame.outputs["items"] = items if isinstance(items, list) else [] if items is None else [items]
            frame.data, frame.begun = frame.input, True
        items = frame.outputs["items"]
        while frame.next < len(items):
            variables = {task.for_.each: items[frame.next], task.for_.at: frame.next}
            scope = running.below("do", f"#{frame.next}", variables)
            within = replace(running, scope=scope)
            if task.while_ is not None and not self._data.holds(task.while_, frame.data, within):
                break
            await self._interpreter.boundary(scope)
            frame.data, directive = await self._interpreter.run_list(task.do, scope, frame.data)
            if directive == END:
                return frame.data, END
            frame.next += 1
        return frame.data, CONTINUE

    # Branches

    async def _fork(self, running: Running) -> Outcome:
        fork, frame = running.task.fork, running.frame
        assert fork is not None  # noqa: S101  (the kind says so)
        open_branches = [index for index in range(len(fork.branches)) if str(index) not in frame.outputs]
        if not open_branches:
            return [frame.outputs[str(index)] for index in range(len(fork.branches))], CONTINUE
        strands = self._interpreter.strands
        stops = {index: Stop(running.scope.stop) for index in open_branches}
        strands.forked(len(open_branches))
        tasks = {index: asyncio.create_task(self._branch(running, index, stops[index])) for index in open_branches}
        winner: int | None = None
        try:
            await workflow.wait_condition(lambda: _is_decided(list(tasks.values()), compete=fork.compete))
            # Looked at before the others are stopped: one of them may still come through while it is being stopped.
            winner = next((index for index, task in tasks.items() if _is_through(task)), None)
        finally:
            for index, task in tasks.items():
                if not task.done():
                    stops[index].ask()
            await ended(*tasks.values())
            strands.joined()
        return await self._after_branches(running, tasks, winner)

    async def _branch(self, running: Running, index: int, stop: Stop) -> Outcome:
        fork = running.task.fork
        assert fork is not None  # noqa: S101  (checked by the caller)
        name, task = fork.branches.items[index]
        scope = running.below(f"fork/branches/{index}/{name}").stopped_by(stop)
        try:
            output, directive = await self._interpreter.run_task(name, task, scope, running.frame.input)
        finally:
            self._interpreter.strands.branch_ended()
        if not fork.compete:
            running.frame.outputs[str(index)] = output
        return output, END if directive == END else CONTINUE

    async def _after_branches(
        self, running: Running, tasks: dict[int, asyncio.Task[Outcome]], winner: int | None
    ) -> Outcome:
        fork = running.task.fork
        assert fork is not None  # noqa: S101  (checked by the caller)
        running.scope.stop.notice()
        through = [index for index, task in tasks.items() if _is_through(task)]
        faults = [task.exception() for task in tasks.values() if task.done() and not task.cancelled()]
        fault = next((error for error in faults if error is not None), None)
        ending = next((tasks[index].result() for index in through if tasks[index].result()[1] == END), None)
        if ending is not None:
            return ending
        if fork.compete and winner is not None:
            for index in tasks:
                if index != winner:
                    name = fork.branches.items[index][0]
                    await self._undo.take_back_below(running.below(f"fork/branches/{index}/{name}").place)
            return tasks[winner].result()
        if fault is not None:
            raise fault
        return [running.frame.outputs[str(index)] for index in range(len(fork.branches))], CONTINUE

    # Errors

    async def _try(self, running: Running) -> Outcome:
        task, frame, catch = running.task, running.frame, running.task.catch
        assert task.try_ is not None  # noqa: S101  (the kind says so)
        assert catch is not None  # noqa: S101  (the schema requires it)
        while True:
            if frame.error is None:
                below = running.below("try", f"#{frame.attempt}")
                scope = replace(below, catches=(*below.catches, running))
                try:
                    return await self._attempt(running, scope)
                except PlaybookFault as fault:
                    if not self._interpreter.catching.catches(running, fault.error):
                        raise
                    await self._caught(running, fault, scope.place)
            if frame.until is None:
                return await self._handle(running, catch)
            await self._interpreter.strands.pause(frame.until, f"Try again: {running.what}")
            frame.attempt, frame.error, frame.until = frame.attempt + 1, None, None

    async def _attempt(self, running: Running, scope: Scope) -> Outcome:
        """One attempt at the block, within the time that the retry policy allows one."""
        assert running.task.try_ is not None  # noqa: S101  (checked by the caller)
        policy = self._interpreter.playbook.retry_policy(running.task.catch.retry if running.task.catch else None)
        limit = policy.limit.attempt.duration if policy and policy.limit and policy.limit.attempt else None
        if limit is None:
            return await self._interpreter.run_list(running.task.try_, scope, running.frame.input)
        if "attempt_at" not in running.frame.outputs or running.frame.outputs["attempt"] != running.frame.attempt:
            running.frame.outputs |= {"attempt_at": workflow.now().isoformat(), "attempt": running.frame.attempt}
        started = datetime.fromisoformat(running.frame.outputs["attempt_at"])
        stop = Stop(scope.stop)
        try:
            return await run_until(
                self._interpreter.run_list(running.task.try_, scope.stopped_by(stop), running.frame.input),
                stop,
                started + self.duration(limit, running),
                f"Timeout of one attempt: {running.what}",
            )
        except TimeoutError:
            problem = f"One attempt at {running.what} took too long."
            raise PlaybookFault(standard("timeout", problem, running.reference)) from None

    async def _caught(self, running: Running, fault: PlaybookFault, place: str) -> None:
        """Undo what the block did, and see whether it is tried again."""
        frame = running.frame
        title = fault.error.title or fault.error.type
        self._interpreter.case.note(TimelineKind.STEP, f"{running.what}: caught {fault.error.status} {title}")
        self._interpreter.forget(place)
        if running.task.metadata.get("keep") is not True:
            await self._undo.take_back_below(place)
        policy = self._interpreter.playbook.retry_policy(running.task.catch.retry if running.task.catch else None)
        frame.error = fault.error.as_json()
        if policy is None:
            return
        seen = {name_of(running.task.catch): frame.error}
        wanted = (policy.when is None or self._data.holds(policy.when, frame.input, running, seen)) and (
            policy.except_when is None or not self._data.holds(policy.except_when, frame.input, running, seen)
        )
        delay = delay_before(policy, frame.attempt, workflow.random())
        if wanted and may_retry(policy, frame.attempt, workflow.now() + delay - frame.started_at):
            frame.until = workflow.now() + delay
        elif running.task.catch is not None and running.task.catch.do is None:
            raise fault

    async def _handle(self, running: Running, catch: Catch) -> Outcome:
        if catch.do is None:
            return running.frame.input, CONTINUE
        scope = running.below("catch/do", "", {name_of(catch): running.frame.error})
        return await self._interpreter.run_list(catch.do, scope, running.frame.input)


def _is_through(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _is_decided(tasks: list[asyncio.Task[Outcome]], *, compete: bool) -> bool:
    if all(task.done() for task in tasks):
        return True
    if any(_is_through(task) and task.result()[1] == END for task in tasks):
        return True
    if compete:
        return any(_is_through(task) for task in tasks)
    return any(task.done() and not task.cancelled() and task.exception() is not None for task in tasks)
