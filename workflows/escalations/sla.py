"""The SLA clocks of a case: started, stopped and watched here; the arithmetic is in `domain/sla/clocks.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.cases.timeline import TimelineKind
    from domain.model import JsonValue
    from domain.policies.sla import Calendar
    from domain.sla import clocks as rules
    from domain.sla.clocks import ClockName, SlaClock, SlaEvent
    from domain.tickets.ticket import Priority

from workflows.cases.case import Case, ServedStateT


class SlaWatch:
    """Three clocks: first response, next response, resolution."""

    def __init__(
        self, case: Case[ServedStateT], team: Callable[[], str], on_breach: Callable[[SlaEvent], None]
    ) -> None:
        """Watch a case.

        Args:
            case: the case.
            team: the team whose calendar counts, as of now.
            on_breach: what a breach moves besides telling the lead.
        """
        self._case = case
        self._team = team
        self._on_breach = on_breach
        self._changes = 0
        """Rises with every change of a clock, so that the watch sets its timer anew."""

    # What happens to the clocks

    def start(self, priority: Priority) -> None:
        """Start first response and resolution, at the ticket's arrival."""
        targets = self._case.policy.sla.targets[priority]
        for name in (ClockName.FIRST_RESPONSE, ClockName.RESOLUTION):
            self._clocks[name] = SlaClock(
                name=name, target=rules.target_of(name, targets), running_since=self._case.state.opened_at
            )
        self._changes += 1

    def customer_wrote(self, priority: Priority) -> None:
        """The customer waits for us: everything runs, and the next response is due once the first was given."""
        now = self._case.now()
        first = self._clocks.get(ClockName.FIRST_RESPONSE)
        running = self._clocks.get(ClockName.NEXT_RESPONSE)
        if first is not None and first.is_over and (running is None or running.is_over):
            target = rules.target_of(ClockName.NEXT_RESPONSE, self._case.policy.sla.targets[priority])
            self._clocks[ClockName.NEXT_RESPONSE] = SlaClock(
                name=ClockName.NEXT_RESPONSE, target=target, running_since=now
            )
        for clock in self._clocks.values():
            rules.resume(clock, now)
        self._changes += 1

    def answered(self, *, customer_has_the_word: bool) -> None:
        """An answer went out: responses are met; the resolution pauses while the customer has the word."""
        now = self._case.now()
        for name in (ClockName.FIRST_RESPONSE, ClockName.NEXT_RESPONSE):
            if name in self._clocks:
                rules.meet(self._clocks[name], self._calendar, now)
        resolution = self._clocks.get(ClockName.RESOLUTION)
        if resolution is not None and customer_has_the_word:
            rules.pause(resolution, self._calendar, now)
        self._changes += 1

    def resolved(self) -> None:
        """Nothing is due any more."""
        for clock in self._clocks.values():
            rules.meet(clock, self._calendar, self._case.now())
        self._changes += 1

    def reopened(self) -> None:
        """The resolution runs on from where it stood."""
        resolution = self._clocks.get(ClockName.RESOLUTION)
        if resolution is not None:
            resolution.met_at = None
            rules.resume(resolution, self._case.now())
        self._changes += 1

    def retarget(self, priority: Priority) -> None:
        """The priority or the team changed: measure what is left against the new targets."""
        targets = self._case.policy.sla.targets[priority]
        for name, clock in self._clocks.items():
            if not clock.is_over:
                rules.retarget(clock, rules.target_of(name, targets), self._calendar, self._case.now())
        self._changes += 1

    def due_at(self) -> datetime | None:
        """The first breach that is coming."""
        dues = (rules.deadline(clock, self._calendar) for clock in self._clocks.values())
        return min((due for due in dues if due is not None), default=None)

    # The lane

    async def watch(self, is_over: Callable[[], bool]) -> None:
        """Warn at each threshold and act on a breach, until `is_over`."""
        while not is_over():
            seen = self._changes
            event = rules.next_event(list(self._clocks.values()), self._calendar, self._warn_at)
            changed = await self._case.lanes.wait(
                lambda seen=seen: is_over() or self._changes != seen,  # type: ignore[misc]  # a default binds the loop's value
                until=event.at if event is not None else None,
                summary=f"SLA: {event.clock.label} {event.percent} %" if event is not None else "SLA: nothing runs",
            )
            if not changed and event is not None:
                await self._reach(event)

    async def _reach(self, event: SlaEvent) -> None:
        clock = self._clocks[event.clock]
        rules.record_event(clock, event, self._case.now(), self._warn_at)
        due = rules.reaches(clock, self._calendar, 100)
        context: dict[str, JsonValue] = {
            "case_number": self._case.state.case_number,
            "workflow_id": workflow.info().workflow_id,
            "clock": event.clock.label,
            "percent": event.percent,
            "due_at": due.isoformat(timespec="seconds") if due is not None else "",
            "team": self._case.policy.team(self._team()).label,
        }
        step = self._case.state.begin(f"sla/{event.clock.value}-{event.percent}")
        team = self._case.policy.team(self._team())
        if event.percent < 100:
            self._case.note(TimelineKind.SLA, f"{event.clock.label}: {event.percent} % of its time is gone")
            # Fewer and fewer people should be woken for less and less: the lead hears of the last warning only.
            people = (team.lead,) if event.percent >= max(self._warn_at) else ()
            await self._case.tell_people(people, step, "sla_warning", context, team.slack_channel)
            return
        self._case.state.sla_breaches += 1
        self._case.note(TimelineKind.SLA, f"{event.clock.label}: breached")
        self._on_breach(event)
        self._case.changed()
        await self._case.tell_people(
            (team.lead, self._case.policy.duty_lead), step, "sla_breach", context, team.slack_channel
        )

    @property
    def _clocks(self) -> dict[ClockName, SlaClock]:
        return self._case.state.clocks

    @property
    def _calendar(self) -> Calendar:
        return self._case.policy.calendar_of(self._team())

    @property
    def _warn_at(self) -> tuple[int, ...]:
        return self._case.policy.sla.warn_at_percent
