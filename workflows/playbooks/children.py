"""The run task: another playbook, as a child workflow with a history, an id and undos of its own."""

from __future__ import annotations

import asyncio
import hashlib

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, WorkflowAlreadyStartedError, is_cancelled_exception
from temporalio.workflow import ChildWorkflowCancellationType, ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from domain.cases.timeline import TimelineKind
    from domain.ids import playbook_workflow_id
    from domain.playbook.errors import PlaybookError, PlaybookFault, standard
    from domain.playbook.messages import PlaybookInput, PlaybookResult

from workflows import search_attributes, sharing
from workflows.playbooks.data import Running
from workflows.playbooks.interpreter import CONTINUE, Interpreter, Outcome


class Children:
    """Carries out the run tasks of one run."""

    def __init__(self, interpreter: Interpreter) -> None:
        """Register with the interpreter."""
        self._interpreter = interpreter
        self._case = interpreter.case
        interpreter.kinds["run"] = self._run

    async def _run(self, running: Running) -> Outcome:
        run = running.task.run or {}
        named = run.get("workflow")
        if not isinstance(named, dict):
            problem = "Only `run: workflow` is done here: call a tool instead."
            raise PlaybookFault(standard("configuration", problem, running.reference))
        state = self._case.state
        frame = running.frame
        # Continue-as-new waits for a child that is awaited, so a place has one child and its id can be the place's.
        key = hashlib.sha256(f"{workflow.info().workflow_id}{running.place}".encode()).hexdigest()[:32]
        name = str(named.get("name"))
        request = PlaybookInput(
            tenant=state.tenant,
            name=name,
            key=key,
            version=str(named["version"]) if named.get("version") not in (None, "latest") else None,
            input=self._interpreter.data.fill(named.get("input"), frame.input, running),
            started_by=state.started_by,
            customer_id=state.customer_id,
        )
        awaits = run.get("await") is not False
        try:
            child = await workflow.start_child_workflow(
                "PlaybookWorkflow",
                request,
                id=playbook_workflow_id(state.tenant, name, key),
                result_type=PlaybookResult,
                cancellation_type=ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
                parent_close_policy=ParentClosePolicy.REQUEST_CANCEL if awaits else ParentClosePolicy.ABANDON,
                search_attributes=search_attributes.at_playbook_start(state.tenant, name),
                static_summary=f"Playbook {name}, started by {state.name}",
                priority=sharing.as_urgent_as(state.triaged_priority),
            )
        except WorkflowAlreadyStartedError:
            problem = f"The playbook {name} runs already for this task."
            raise PlaybookFault(standard("runtime", problem, running.reference)) from None
        self._case.note(TimelineKind.STEP, f"{running.what}: playbook {name} started")
        if not awaits:
            return frame.input, CONTINUE
        try:
            result = await child
        except ChildWorkflowError as error:
            if is_cancelled_exception(error):
                raise asyncio.CancelledError from None
            problem = f"The playbook {name} ended abnormally."
            raise PlaybookFault(standard("runtime", problem, running.reference)) from None
        if result.status != "completed":
            raise PlaybookFault(_error_of(result, running))
        return result.output, CONTINUE


def _error_of(result: PlaybookResult, running: Running) -> PlaybookError:
    if result.error is None:
        return standard("runtime", f"{running.what}: the playbook was cancelled.", running.reference)
    return result.error.model_copy(update={"instance": running.reference})
