"""The playbook lifecycle: a durable procedure as data, with approvals, undo and dead letters. One workflow per run.

State first, then the business process, queries, updates and signals with their validators. How each kind of task is
carried out is in `workflows/playbooks/`.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.playbooks import OpenPlaybookInput, PlaybookActivities
    from domain.cases.messages import AbortInput, Accepted, UnparkInput, UnparkReceipt
    from domain.cases.terms import Status, UnparkAction
    from domain.cases.timeline import TimelineKind
    from domain.ids import case_id, tenant_in
    from domain.model import JsonValue
    from domain.playbook.definition import parse_playbook
    from domain.playbook.errors import PlaybookError, PlaybookFault, standard
    from domain.playbook.messages import CloudEvent, HeldPlaybook, PlaybookInput, PlaybookResult, ReleaseInput
    from domain.playbook.state import PlaybookState, shared_opening
    from domain.policies.case_policy import shared

from workflows import options
from workflows.cases.approvals import Approvals
from workflows.cases.case import Case, problem_of
from workflows.cases.lifecycle import Lifecycle
from workflows.cases.telling import Telling
from workflows.playbooks.calls import Calls
from workflows.playbooks.children import Children
from workflows.playbooks.control import Control
from workflows.playbooks.edits import Edits
from workflows.playbooks.events import KEPT_EVENT_IDS, KEPT_EVENTS, Events
from workflows.playbooks.interpreter import Interpreter
from workflows.playbooks.permission import Permission
from workflows.playbooks.record import PlaybookRecord, ShownPlaybook
from workflows.playbooks.steps import Steps
from workflows.playbooks.strands import Stop, Strands, ended, shielded
from workflows.playbooks.tool_calls import ToolCalls
from workflows.playbooks.undo import Undo, effects_due

FAULTED, CANCELLED = "faulted", "cancelled"


@workflow.defn
class PlaybookWorkflow(Lifecycle[PlaybookState]):
    """Runs one playbook."""

    IS_OVER = "this run has ended"
    INSTEAD = "start the playbook again"

    @workflow.init
    def __init__(self, request: PlaybookInput) -> None:
        """Build the state, or take over the one that the last run left."""
        self._request = request
        self.state = request.state or _first_state(request)
        if self.state.policy is not None:
            self.state.policy = shared(self.state.policy)
        if self.state.opened is not None:
            self.state.opened = shared_opening(self.state.tenant, self.state.opened)
        self._shown = ShownPlaybook()
        self.case: Case[PlaybookState] = Case(self.state, self._show)
        self.strands = Strands()
        self.case.lanes = self.strands
        self.approvals = Approvals(self.case)
        self.record = PlaybookRecord(self.case)
        self.edits = Edits(self.case)
        self.telling = Telling(self.case, tuple, self.record.write)
        self._output: JsonValue = None

    # The business process

    @workflow.run
    async def run(self, request: PlaybookInput) -> PlaybookResult:
        """Open the playbook, do its tasks, take back what it did if it does not come to its end, and record that."""
        cancelled = False
        try:
            await self._open()
            self.telling.begin()
            await self._perform()
            await self._wait_for_leave_to_end()
        except asyncio.CancelledError:
            cancelled = True
            self._end_early(CANCELLED, "It was cancelled")
        except PlaybookFault as fault:
            self.state.error = fault.error.as_json()
            self._end_early(FAULTED, f"It failed: {fault.error.title or fault.error.type}")

        def note_cancellation() -> None:
            nonlocal cancelled
            cancelled = True

        await shielded(self._wind_up(), note_cancellation)
        await self.telling.stop()
        await workflow.wait_condition(lambda: workflow.all_handlers_finished() and not self.record.is_writing)
        if cancelled:
            raise asyncio.CancelledError
        return self._result()

    async def _open(self) -> None:
        """Look up everything that the run keeps: definition, tools, guardrails, policy."""
        if self.state.opened is not None:
            return
        request = self._request
        opening = OpenPlaybookInput(
            tenant=request.tenant,
            name=request.name,
            version=request.version,
            definition=request.definition,
            case_number=self.state.case_number,
            customer_id=request.customer_id,
            opened_at=self.state.opened_at,
        )
        try:
            opened = await self.case.do(
                PlaybookActivities.open_playbook, opening, f"Open playbook {request.name}", options.opening()
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise asyncio.CancelledError from None
            raise PlaybookFault(standard("configuration", problem_of(error), "/")) from None
        self.state.policy, self.state.channels = shared(opened.policy), opened.channels
        self.state.opened = shared_opening(self.state.tenant, opened.opened)
        self.case.changed()

    async def _perform(self) -> None:
        """Do the tasks; stop them when a person aborts the run, rest them when it is to be continued as new."""
        stop = Stop()
        body = asyncio.create_task(self._interpreter().perform(stop))
        try:
            await workflow.wait_condition(lambda: body.done() or bool(self.state.stopped_by) or self._may_leave())
        except asyncio.CancelledError:
            stop.ask()
            await ended(body)
            raise
        if not body.done() and not self.state.stopped_by:
            self.strands.leaving = True
            await ended(body)
            await self._continue_as_new()
        if not body.done():
            stop.ask()
            await ended(body)
        if self.state.stopped_by and (body.cancelled() or body.exception() is not None):
            self._end_early(CANCELLED, f"Aborted by {self.state.stopped_by}")
            return
        self._output = body.result()

    async def _wait_for_leave_to_end(self) -> None:
        """Hold on to what was done until the case that started this, and watches it, says whether it stays."""
        parent = workflow.info().parent
        if not self._request.held or parent is None or self.state.ending:
            return
        if not self.state.held:
            self.state.held = True
            self.case.note(TimelineKind.CASE, "All is done; the case that started it watches whether it helps")
            self.case.changed()
            done = tuple(effect.what for effect in self.state.effects if effect.known)
            await workflow.get_external_workflow_handle(parent.workflow_id).signal(
                "playbook_held", HeldPlaybook(workflow_id=workflow.info().workflow_id, done=done)
            )
        await workflow.wait_condition(lambda: self.state.kept is not None or bool(self.state.stopped_by))
        self.state.held = False
        if self.state.stopped_by:
            self._end_early(CANCELLED, f"Aborted by {self.state.stopped_by}")
        elif not self.state.kept:
            self._end_early(CANCELLED, f"Taken back: {self.state.kept_because or 'it did not help'}")

    async def _wind_up(self) -> None:
        """Undo what was done where the run did not come to its end, and write down how it ended."""
        self.strands.winding_down = True
        if self.state.ending:
            self.state.phase = "undoing"
            self.state.parked.clear()
            self.approvals.supersede_all(f"the run is {self.state.ending}")
            self.case.changed()
        if self.state.opened is not None and effects_due(self.state):
            self._interpreter()
            await self._undo.take_back_everything()
        self.state.phase = self.state.ending or "completed"
        self.state.closed = True
        self.state.withdrawn = self.state.ending == CANCELLED
        self.case.note(TimelineKind.CASE, f"The playbook is {self.state.phase}")
        self.case.changed()
        if self.state.policy is not None:
            await self.approvals.show_outcomes()
            await self.record.save(self.state.phase)

    def _interpreter(self) -> Interpreter:
        """The parts that work on the run, bound to each other."""
        opened = self.state.opened
        assert opened is not None  # noqa: S101  (the caller opened the playbook)
        interpreter = Interpreter(self.case, self.strands, parse_playbook(opened.definition), self._is_full)
        self._undo = Undo(interpreter)
        steps = Steps(interpreter, self._undo)
        permission = Permission(interpreter, self.approvals, self._approved_before())
        tools = ToolCalls(interpreter, self._undo, permission)
        Control(interpreter, self._undo)
        Calls(interpreter, tools, steps, self.approvals)
        Events(interpreter, steps)
        Children(interpreter)
        return interpreter

    def _approved_before(self) -> frozenset[str]:
        """What the case that started this run had approved. Only a parent of the same tenant is believed.

        The server records who the parent is, so nobody who merely starts a run can claim an approval.
        """
        parent = workflow.info().parent
        if parent is None or tenant_in(parent.workflow_id) != self.state.tenant:
            return frozenset()
        return frozenset(self._request.approved)

    def _end_early(self, how: str, why: str) -> None:
        if not self.state.ending:
            self.state.ending = how
            self.case.note(TimelineKind.CASE, why)

    def _result(self) -> PlaybookResult:
        return PlaybookResult(
            status=self.state.ending or "completed",
            output=self._output if not self.state.ending else None,
            error=PlaybookError.model_validate(self.state.error) if self.state.error else None,
            done=tuple(effect.what for effect in self.state.effects if effect.known),
            unknown=tuple(effect.what for effect in self.state.effects if not effect.known),
            undone=tuple(self.state.undone),
            left=tuple(effect.what for effect in effects_due(self.state)),
        )

    def _show(self) -> None:
        self._shown.show(self.state)

    # Continue as new

    def _is_full(self) -> bool:
        limit, info = self._request.continue_after_events, workflow.info()
        return info.is_continue_as_new_suggested() or (limit is not None and info.get_current_history_length() >= limit)

    def _may_leave(self) -> bool:
        is_writing = self.record.is_writing or self.telling.is_writing
        rests = self.strands.all_rest() and not is_writing and not self._undo.under_way
        return self._is_full() and rests and workflow.all_handlers_finished()

    async def _continue_as_new(self) -> None:
        await self.telling.stop()
        await self.record.save("continued")
        self.state.forget_what_is_saved()
        self.state.runs += 1
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(
            self._request.model_copy(update={"state": self.state, "definition": None, "input": None})
        )

    # Queries

    @workflow.query(name="state")
    def query_state(self) -> PlaybookState:
        """Everything the run knows."""
        return self.state

    # Updates and signals

    @workflow.update
    async def unpark(self, word: UnparkInput) -> UnparkReceipt:
        """A person says how a parked step goes on; a retry may carry other arguments.

        Arguments that the tool or the guardrails refuse change nothing: the step stays parked for a better word.
        """
        parked = self.state.parked[word.step]
        if word.arguments is not None:
            refusal = await self.edits.refusal(parked, word)
            if refusal is not None:
                return UnparkReceipt(
                    text=f"{refusal.sentence} The step stays parked.",
                    status=self.state.current_status(),
                    refusal=refusal,
                )
            # Somebody else may have said something meanwhile.
            self._check_unpark(word)
        parked = self.case.take_word(word)
        self.record.write_soon()
        return UnparkReceipt(text=f"{parked.title}: {word.action.label}.", status=self.state.current_status())

    @unpark.validator
    def _check_unpark(self, word: UnparkInput) -> None:
        self._refuse_when_over()
        why = self.case.refusal_of(word)
        if (
            why is None
            and word.arguments is not None
            and (word.action is not UnparkAction.RETRY or self.state.parked[word.step].tool is None)
        ):
            why = "Only the retry of a tool's call takes other arguments."
        if why is not None:
            raise ApplicationError(why, non_retryable=True)

    @workflow.update
    def abort(self, word: AbortInput) -> Accepted:
        """A person stops the run; what it did is undone."""
        self.state.stopped_by = word.person_id
        self.case.note(TimelineKind.CASE, f"Aborted: {word.reason}", word.person_id)
        return self._accepted("The run stops, and what it did is undone.")

    @abort.validator
    def _check_abort(self, word: AbortInput) -> None:
        self._refuse_when_over()
        if self.state.ending or self.state.stopped_by:
            raise ApplicationError("This run is ending already.", non_retryable=True)

    @workflow.signal
    def release(self, word: ReleaseInput) -> None:
        """The case that started this says whether what was done stays. The first word counts."""
        if self.state.kept is None and not self.state.closed:
            self.state.kept, self.state.kept_because = word.keep, word.reason

    @workflow.signal
    def event(self, event: CloudEvent) -> None:
        """Something happened outside. A repeat of an event, known by source and id, is dropped."""
        name = f"{event.source} {event.id}"
        if self.state.closed or name in self.state.seen_events:
            return
        self.state.seen_events = [*self.state.seen_events[-(KEPT_EVENT_IDS - 1) :], name]
        if len(self.state.events) >= KEPT_EVENTS:
            dropped = self.state.events.pop(0)
            self.case.note(TimelineKind.STEP, f"An event {dropped.get('type')} was dropped: too many wait")
        attributes = event.model_dump(mode="json", exclude_none=True)
        self.state.events.append({**attributes.pop("extensions", {}), **attributes})


def _first_state(request: PlaybookInput) -> PlaybookState:
    info = workflow.info()
    state = PlaybookState(
        tenant=request.tenant,
        case_number=f"{case_id(request.name)}:{case_id(request.key)}",
        opened_at=info.start_time,
        name=request.name,
        status=Status.RUNNING,
        phase="running",
        started_by=request.started_by,
        customer_id=request.customer_id,
        raw_input=request.input,
    )
    state.note(state.opened_at, TimelineKind.CASE, f"Playbook {request.name} started", request.started_by)
    return state
