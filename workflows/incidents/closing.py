"""The end of an incident: customers are told, the last questions answered, and what it taught is kept."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.incidents import IncidentActivities, LearnInput
    from domain.cases.timeline import TimelineKind
    from domain.troubleshooting.state import IncidentState
    from domain.troubleshooting.telling.news import lesson_of, news_for_customers

from workflows import options
from workflows.cases.approvals import Approvals
from workflows.cases.case import Case
from workflows.incidents.changes import LATE_TICKETS, TO_THE_END, holds
from workflows.incidents.informing import OUTCOME, Informing
from workflows.incidents.record import IncidentRecord


class Closing:
    """Ends one incident."""

    def __init__(
        self, case: Case[IncidentState], approvals: Approvals, informing: Informing, record: IncidentRecord
    ) -> None:
        """Work on an incident."""
        self._case = case
        self._approvals = approvals
        self._informing = informing
        self._record = record
        self._told = False
        self._asked_about: set[str] = set()

    @property
    def _state(self) -> IncidentState:
        return self._case.state

    async def close(self) -> None:
        """Do all that is left, and what comes up meanwhile: nobody who asked or was linked is forgotten."""
        await self._tell_and_answer()
        await self._approvals.show_outcomes()
        await self._learn()
        await self._end()
        await self.take_late()

    async def take_late(self) -> None:
        """Open the incident once more, for as long as something came while it was written down as closed."""
        while self.came_late and holds(LATE_TICKETS):
            self._state.closed = False
            self._case.note(TimelineKind.CASE, "Opened once more for what came while it was closed")
            await self._tell_and_answer()
            await self._approvals.show_outcomes()
            await self._end()

    async def _end(self) -> None:
        self._state.closed = True
        self._case.note(TimelineKind.CASE, "Closed")
        self._case.changed()
        await self._record.save("closed")

    @property
    def came_late(self) -> bool:
        """Whether somebody asked, or a ticket was linked, of whom nothing was heard yet when it was closed."""
        return bool(self._state.open_query) or bool(self._not_asked_about())

    def _not_asked_about(self) -> list[str]:
        return [one.ticket_id for one in self._state.untold(OUTCOME) if one.ticket_id not in self._asked_about]

    # Telling and answering

    async def _tell_and_answer(self) -> None:
        self._told = False
        await self._case.lanes.run(self._tell(), self._answer(), leave=lambda: False)

    async def _tell(self) -> None:
        """Tell the customers of all tickets that are linked, also of those that are linked while people decide."""
        try:
            while True:
                tickets = self._not_asked_about()
                again = bool(self._asked_about)
                if again and not (tickets and holds(LATE_TICKETS)):
                    return
                self._asked_about.update(tickets)
                await self._informing.tell_customers(news_for_customers(), tickets, again=again)
                if not tickets:
                    return
        finally:
            self._told = True

    async def _answer(self) -> None:
        """The lane of questions, until all is told."""
        await self._case.lanes.wait(lambda: self._told or self._state.open_query is not None)
        if self._state.open_query is not None and holds(TO_THE_END):
            await self._informing.answer_questions(lambda: self._told)
        await self._case.lanes.wait(lambda: self._told)

    async def _learn(self) -> None:
        """Keep what it taught as a draft. It is worth trying, and not worth holding up the end."""
        lesson = lesson_of(self._state)
        if lesson is None:
            return
        learned = LearnInput(tenant=self._state.tenant, lesson=lesson)
        reference = await self._case.attempt(
            "Keep what it taught",
            lambda: self._case.do(
                IncidentActivities.learn_from_incident,
                learned,
                "Keep what it taught, for a person to review",
                options.store(self._case.policy.timers),
            ),
        )
        self._state.knowledge_id = reference or None
