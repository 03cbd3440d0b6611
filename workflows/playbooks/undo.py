"""Undo: what a run did is registered before it is done, and taken back newest first. Safe when it never took effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.cases.parts import ParkedStep
    from domain.cases.terms import UnparkAction
    from domain.cases.timeline import TimelineKind
    from domain.model import JsonValue
    from domain.playbook.definition import Task
    from domain.playbook.errors import PlaybookError, PlaybookFault, standard
    from domain.playbook.state import Effect, PlaybookState
    from domain.tools.tool import Safety, ToolBrief, ToolCategory

from workflows.cases.failing import could_not_undo
from workflows.playbooks.data import Running, Scope
from workflows.playbooks.interpreter import Interpreter
from workflows.playbooks.strands import Stop

Repeat = Callable[[Effect], Awaitable[JsonValue]]
"""Makes a call again with its own key, to learn what became of it; raises `PlaybookFault`."""
GiveBack = Callable[[str], Awaitable[None]]
"""Takes a call, by its key, off the limits that it counted towards."""


def effects_due(state: PlaybookState) -> list[Effect]:
    """What must be taken back before a run may close, oldest first."""
    return [effect for effect in state.effects if effect.needs_undo and (state.ending or effect.unwanted)]


class Undo:
    """The effects of one run."""

    def __init__(self, interpreter: Interpreter) -> None:
        """Work on a run."""
        self._interpreter = interpreter
        self._state = interpreter.state
        self.under_way = 0
        """Effects that are being taken back now; the run is not continued as new meanwhile."""
        self.repeat: Repeat | None = None
        self.give_back: GiveBack | None = None
        """Both set by whoever makes calls."""

    # Registering

    def register(self, running: Running, brief: ToolBrief, arguments: dict[str, JsonValue], key: str) -> Effect | None:
        """Remember a call before it is made; None for one that changes nothing, or that takes something back."""
        if running.scope.undoing or brief.safety is Safety.SAFE:
            return None
        known = next((effect for effect in self._state.effects if effect.key == key), None)
        if known is not None:
            return known
        author = running.task.undo
        effect = Effect(
            number=self._state.effect_count,
            what=f"{running.what} ({brief.name})",
            place=running.place,
            reference=running.reference,
            tool=brief.name,
            arguments=arguments,
            key=key,
            input=running.frame.input if author is not None else None,
            undo=author,
            tool_undo=None if author is not None else brief.undo,
            needs_undo=not (
                running.task.needs_no_undo
                or (brief.category is ToolCategory.COMMUNICATION and author is None and brief.undo is None)
            ),
        )
        self._state.effect_count += 1
        self._state.effects.append(effect)
        return effect

    @staticmethod
    def took_effect(effect: Effect | None, output: JsonValue) -> None:
        """The call came back."""
        if effect is not None:
            effect.known = True
            effect.output = output if effect.undo is not None or effect.tool_undo is not None else None

    async def never_happened(self, effect: Effect | None) -> None:
        """The call was refused for good: there is nothing to take back."""
        if effect is not None and effect in self._state.effects:
            await self._forget(effect)

    async def _forget(self, effect: Effect) -> None:
        self._state.effects.remove(effect)
        if effect.counted and self.give_back is not None:
            await self.give_back(effect.key)

    # Taking back

    async def take_back_below(self, place: str) -> None:
        """Take back what a part of the run did. What cannot be taken back now stays registered for the end."""
        below = place.rstrip("/") + "/"
        for effect in reversed(list(self._state.effects)):
            if effect.place == place or effect.place.startswith(below):
                effect.unwanted = not await self.take_back(effect)

    def stands(self, place: str) -> bool:
        """Whether something that a part of the run did, and that could be taken back, was not."""
        below = place.rstrip("/") + "/"
        return any(
            effect.needs_undo and (effect.undo is not None or effect.tool_undo is not None)
            for effect in self._state.effects
            if effect.place == place or effect.place.startswith(below)
        )

    async def take_back_everything(self) -> list[str]:
        """Take back all that the run did, newest first; park for a person with what cannot be taken back.

        Of a run that came to its end, only what was to be taken back on the way and could not be.

        Returns:
            What remains after the person's word.
        """
        while True:
            for effect in reversed(self.due()):
                await self.take_back(effect)
            left = [effect.what for effect in self.due()]
            if not left:
                return []
            answer = await self._interpreter.case.ask_person(
                ParkedStep(
                    step="undo",
                    title="Take back by hand what could not be undone",
                    problem=could_not_undo(left),
                    parked_at=workflow.now(),
                    left_undone=left,
                )
            )
            if answer.action is not UnparkAction.RETRY:
                return left

    def due(self) -> list[Effect]:
        """What must be taken back before the run may close, oldest first."""
        return effects_due(self._state)

    async def take_back(self, effect: Effect) -> bool:
        """Take back one effect.

        Returns:
            False when it could not be taken back and stays registered.
        """
        if not effect.needs_undo:
            return True
        self.under_way += 1
        try:
            return await self._take_back(effect)
        finally:
            self.under_way -= 1

    async def _take_back(self, effect: Effect) -> bool:
        try:
            if not effect.known and not await self._settle(effect):
                await self.never_happened(effect)
                self._note(f"Nothing to undo: {effect.what} never took effect")
                return True
            await self._carry_out(effect)
        except PlaybookFault as fault:
            self._note(f"Could not undo {effect.what}: {fault.error.title or fault.error.type}")
            return False
        await self._forget(effect)
        self._state.undone.append(effect.what)
        self._note(f"Undone: {effect.what}")
        return True

    async def _settle(self, effect: Effect) -> bool:
        """Learn what became of a call whose answer was lost, by making it again with the same key.

        Returns:
            Whether it stands; False when the vendor refuses it for good, so that it never took effect.

        Raises:
            PlaybookFault: nobody can say.
        """
        if self.repeat is None or (effect.undo is None and effect.tool_undo is None):
            raise PlaybookFault(self._no_undo(effect))
        try:
            output = await self.repeat(effect)
        except PlaybookFault as fault:
            if fault.exhausted:
                raise
            return False
        self.took_effect(effect, output)
        return True

    async def _carry_out(self, effect: Effect) -> None:
        """Run the undoing task: the author's, or the tool's own."""
        task = self._task_of(effect)
        place = f"{effect.place}/undo-{effect.number}"
        reference = f"{effect.reference}/metadata/undo"
        variables = {"arguments": effect.arguments, "output": effect.output, "key": effect.key, "input": effect.input}
        scope = Scope(reference, place, Stop(), variables, undoing=True)
        await self._interpreter.run_task(f"undo {effect.what}", task, scope, effect.output)

    def _task_of(self, effect: Effect) -> Task:
        if effect.undo is not None:
            return Task.model_validate(effect.undo)
        if effect.tool_undo is not None:
            return Task.model_validate({"call": effect.tool_undo.tool, "with": effect.tool_undo.arguments})
        raise PlaybookFault(self._no_undo(effect))

    @staticmethod
    def _no_undo(effect: Effect) -> PlaybookError:
        return standard("configuration", "nothing says how it is taken back", effect.reference)

    def _note(self, text: str) -> None:
        self._interpreter.case.note(TimelineKind.EFFECT, text)
