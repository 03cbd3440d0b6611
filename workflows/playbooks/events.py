"""The tasks on events: listen and emit. Events that came before their listener wait in the run's state."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.playbook_functions import PlaybookFunctions, PublishEventInput
    from domain.cases.timeline import TimelineKind
    from domain.ids import effect_key
    from domain.model import JsonValue
    from domain.playbook.definition import EventFilter, EventStrategy
    from domain.playbook.errors import PlaybookFault, standard
    from domain.playbook.messages import CloudEvent

from workflows import options
from workflows.playbooks.data import Running
from workflows.playbooks.interpreter import CONTINUE, END, Interpreter, Outcome
from workflows.playbooks.steps import Steps

KEPT_EVENTS = 500
"""Events that wait for a listener; beyond this the oldest are dropped and the timeline says so."""
KEPT_EVENT_IDS = 2_000

_TAKEN = "taken"
_DONE = "done"
_SEEN_VALUES = "correlated"


class Events:
    """Carries out the event tasks of one run."""

    def __init__(self, interpreter: Interpreter, steps: Steps) -> None:
        """Register with the interpreter."""
        self._interpreter = interpreter
        self._case = interpreter.case
        self._data = interpreter.data
        self._steps = steps
        interpreter.kinds |= {"listen": self._listen, "emit": self._emit}

    # Emit

    async def _emit(self, running: Running) -> Outcome:
        frame = running.frame
        if "event" not in frame.outputs:
            given = (running.task.emit or {}).get("event", {}).get("with", {})
            filled = self._data.fill(given, frame.input, running)
            event = {
                "specversion": "1.0",
                "id": str(workflow.uuid4()),
                "time": workflow.now().isoformat().replace("+00:00", "Z"),
                **(filled if isinstance(filled, dict) else {}),
            }
            if "data" in event:
                event.setdefault("datacontenttype", "application/json")
            frame.outputs["event"] = event
        event = frame.outputs["event"]
        try:
            envelope = as_cloud_event(event)
        except ValueError:
            problem = "The event lacks id, source or type, or one of them is too long."
            raise PlaybookFault(standard("validation", problem, running.reference)) from None
        publication = PublishEventInput(
            tenant=self._case.state.tenant,
            key=effect_key(workflow.info().workflow_id, running.place.lstrip("/")),
            event=envelope,
        )
        await self._steps.must(
            running,
            lambda: self._case.do(
                PlaybookFunctions.publish_event, publication, running.what, options.vendor(self._case.policy.timers)
            ),
        )
        self._case.note(TimelineKind.STEP, f"{running.what}: event {envelope.type} published")
        return event, CONTINUE

    # Listen

    async def _listen(self, running: Running) -> Outcome:
        listen, frame = running.task.listen, running.frame
        assert listen is not None  # noqa: S101  (the kind says so)
        frame.outputs.setdefault(_TAKEN, [])
        while not self._is_through(running, listen.to):
            found = self._find(running, listen.to)
            if found is not None:
                await self._take(running, listen.to, *found)
                continue
            self._case.state.waiting_for_event += 1
            self._case.changed()
            try:
                # No time limit of its own: a task's `timeout` gives it one.
                await self._interpreter.strands.wait(
                    lambda: self._find(running, listen.to) is not None,
                    summary=f"Listen: {running.what}",
                )
            finally:
                self._case.state.waiting_for_event -= 1
            running.scope.stop.notice()
        self._case.changed()
        return await self._read(running)

    def _is_through(self, running: Running, strategy: EventStrategy) -> bool:
        taken = running.frame.outputs[_TAKEN]
        if running.frame.outputs.get(_DONE):
            return True
        if strategy.all is not None:
            return len({entry["filter"] for entry in taken}) == len(strategy.all)
        if strategy.any is not None and strategy.until is not None:
            return False
        return bool(taken)

    def _find(self, running: Running, strategy: EventStrategy) -> tuple[int, int] | None:
        """The first waiting event that counts: its index, and which filter it is for (-1: it ends the listening)."""
        done = {entry["filter"] for entry in running.frame.outputs[_TAKEN]} if strategy.all is not None else set()
        ends = self._ending_filter(strategy)
        filters = strategy.all or strategy.any or ((strategy.one,) if strategy.one is not None else ())
        for index, event in enumerate(self._case.state.events):
            if ends is not None and self._fits(running, ends, event):
                return index, -1
            if strategy.any is not None and not strategy.any:
                return index, 0
            for number, wanted in enumerate(filters):
                if number not in done and self._fits(running, wanted, event):
                    return index, number
        return None

    @staticmethod
    def _ending_filter(strategy: EventStrategy) -> EventFilter | None:
        if not isinstance(strategy.until, dict):
            return None
        one = strategy.until.get("one")
        return EventFilter.model_validate(one) if isinstance(one, dict) else None

    async def _take(self, running: Running, strategy: EventStrategy, index: int, number: int) -> None:
        """Take a waiting event, and do the listener's tasks for it."""
        event = self._case.state.events.pop(index)
        if number < 0:
            running.frame.outputs[_DONE] = True
            return
        self._remember_correlation(running, strategy, number, event)
        running.frame.outputs[_TAKEN] = [*running.frame.outputs[_TAKEN], {"filter": number, "event": event}]
        self._case.note(TimelineKind.STEP, f"{running.what}: event {event.get('type')} taken")
        read = self._as_read(running, event)
        if isinstance(strategy.until, str) and self._data.holds(strategy.until, read, running):
            running.frame.outputs[_DONE] = True
        await self._round(running, len(running.frame.outputs[_TAKEN]) - 1, event)

    def _fits(self, running: Running, wanted: EventFilter, event: dict[str, JsonValue]) -> bool:
        for name, value in wanted.with_.items():
            seen = event if name == "data" and isinstance(value, str) else event.get(name)
            if isinstance(value, str) and value.strip().startswith("${"):
                if not self._data.holds(value, event if name == "data" else seen, running):
                    return False
            elif event.get(name) != value:
                return False
        known = running.frame.outputs.get(_SEEN_VALUES) or {}
        for name, rule in wanted.correlate.items():
            value = self._data.evaluate(str(rule["from"]), event, running)
            if value is None:
                return False
            expected = (
                self._data.fill(rule["expect"], running.frame.input, running) if "expect" in rule else known.get(name)
            )
            if expected is not None and value != expected:
                return False
        return True

    def _remember_correlation(
        self, running: Running, strategy: EventStrategy, number: int, event: dict[str, JsonValue]
    ) -> None:
        filters = strategy.all or strategy.any or ((strategy.one,) if strategy.one is not None else ())
        if number >= len(filters):
            return
        known = dict(running.frame.outputs.get(_SEEN_VALUES) or {})
        for name, rule in filters[number].correlate.items():
            known.setdefault(name, self._data.evaluate(str(rule["from"]), event, running))
        running.frame.outputs[_SEEN_VALUES] = known

    def _as_read(self, running: Running, event: JsonValue) -> JsonValue:
        """An event as the task wants to read it: its data, or the whole envelope."""
        listen = running.task.listen
        return event if listen is not None and listen.read != "data" else event.get("data")

    # What is done with events

    async def _round(self, running: Running, index: int, event: JsonValue) -> None:
        foreach = running.task.foreach
        rounds = running.frame.outputs.setdefault("rounds", [])
        if foreach is None or len(rounds) > index:
            return
        item = self._as_read(running, event)
        scope = running.below("foreach/do", f"#{index}", {foreach.item: item, foreach.at: index})
        output: JsonValue = item
        if foreach.do is not None:
            output, directive = await self._interpreter.run_list(foreach.do, scope, item)
            if directive == END:
                running.frame.outputs[_DONE] = True
        output = self._data.item_output(foreach.output, output, running)
        self._data.export(foreach.export, output, running)
        running.frame.outputs["rounds"] = [*rounds, output]

    async def _read(self, running: Running) -> Outcome:
        taken = running.frame.outputs[_TAKEN]
        if running.task.foreach is not None:
            # A run that was continued as new in the middle of a round comes back to it here.
            for index, entry in enumerate(taken):
                await self._round(running, index, entry["event"])
            return running.frame.outputs.get("rounds", []), CONTINUE
        return [self._as_read(running, entry["event"]) for entry in taken], CONTINUE


def as_cloud_event(event: dict[str, JsonValue]) -> CloudEvent:
    """An event's attributes as a checked value; extension attributes go into `extensions`.

    Raises:
        ValueError: it lacks what every event has.
    """
    known = set(CloudEvent.model_fields) - {"extensions"}
    return CloudEvent.model_validate(
        {
            **{name: value for name, value in event.items() if name in known},
            "extensions": {name: value for name, value in event.items() if name not in known},
        }
    )
