"""Playbooks that a case runs: children with a history, an id and undos of their own."""

from __future__ import annotations

import asyncio
import hashlib

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, is_cancelled_exception
from temporalio.workflow import ChildWorkflowCancellationType, ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from domain.case import CaseState
    from domain.ids import playbook_workflow_id
    from domain.model import JsonValue
    from domain.playbook.messages import PlaybookInput, PlaybookResult

from workflows import search_attributes


async def run_playbook(
    state: CaseState,
    name: str,
    step: str,
    given: JsonValue,
    *,
    approved: tuple[str, ...] = (),
    customer_id: str | None = None,
) -> PlaybookResult:
    """Run a playbook for a case, and wait for its end; cancelled with the case, and then undone.

    Args:
        state: of the case.
        name: of the playbook.
        step: the run's key within the case; the same step is the same run.
        given: the input.
        approved: digests of calls that people approved in the case.
        customer_id: for limits per customer.

    Returns:
        How it ended, also when it failed; what it had done is undone then.

    Raises:
        ChildWorkflowError: it ended abnormally.
    """
    key = hashlib.sha256(f"{workflow.info().workflow_id}/{step}".encode()).hexdigest()[:32]
    request = PlaybookInput(
        tenant=state.tenant, name=name, key=key, input=given, customer_id=customer_id, approved=approved
    )
    try:
        result: PlaybookResult = await workflow.execute_child_workflow(
            "PlaybookWorkflow",
            request,
            id=playbook_workflow_id(state.tenant, name, key),
            result_type=PlaybookResult,
            cancellation_type=ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
            parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
            search_attributes=search_attributes.at_playbook_start(state.tenant, name),
            static_summary=f"Playbook {name} for case {state.case_number}",
        )
    except ChildWorkflowError as error:
        if is_cancelled_exception(error):
            raise asyncio.CancelledError from None
        raise
    return result
