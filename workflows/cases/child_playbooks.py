"""Playbooks that a case runs: children with a history, an id and undos of their own."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, is_cancelled_exception
from temporalio.workflow import ChildWorkflowCancellationType, ChildWorkflowHandle, ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from domain.cases.state import CaseState
    from domain.ids import playbook_workflow_id
    from domain.model import JsonValue
    from domain.playbook.messages import PlaybookInput, PlaybookResult, ReleaseInput

from workflows import search_attributes, sharing


class PlaybookRun:
    """A run that a case started and has not heard the end of."""

    def __init__(self, handle: ChildWorkflowHandle[Any, PlaybookResult]) -> None:
        """Follow a child that was started."""
        self._handle = handle
        self._end: asyncio.Task[PlaybookResult] = asyncio.ensure_future(_end_of(handle))

    @property
    def workflow_id(self) -> str:
        """Of the run."""
        return self._handle.id

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self._end.done()

    async def release(self, *, keep: bool, reason: str = "") -> PlaybookResult | None:
        """Say whether what it did stays, and wait for its end; None when it ended abnormally."""
        if not self.is_over:
            await self._handle.signal("release", ReleaseInput(keep=keep, reason=reason))
        return await self.end()

    async def end(self) -> PlaybookResult | None:
        """How it ended; None when it ended abnormally, for example by force."""
        try:
            return await self._end
        except ChildWorkflowError as error:
            if is_cancelled_exception(error):
                return PlaybookResult(status="cancelled")
            return None

    async def cancel(self) -> None:
        """Have it undo what it did, and wait until it has."""
        self._end.cancel()
        with suppress(asyncio.CancelledError, ChildWorkflowError):
            await self._end


async def _end_of(handle: ChildWorkflowHandle[Any, PlaybookResult]) -> PlaybookResult:
    return await handle


async def start_held_playbook(
    state: CaseState,
    name: str,
    step: str,
    given: JsonValue,
    *,
    approved: tuple[str, ...] = (),
    customer_id: str | None,
    version: str | None = None,
) -> PlaybookRun:
    """Start a playbook that holds on to what it did until the case says whether it stays.

    The case gets the signal `playbook_held` once all is done. Arguments are those of `run_playbook`, and `version`, of
    the playbook that people saw; the newest when None.
    """
    key = _key(step)
    request = PlaybookInput(
        tenant=state.tenant,
        name=name,
        key=key,
        version=version,
        input=given,
        customer_id=customer_id,
        approved=approved,
        held=True,
    )
    return PlaybookRun(await _started(state, request, key))


async def _started(state: CaseState, request: PlaybookInput, key: str) -> ChildWorkflowHandle[Any, PlaybookResult]:
    return await workflow.start_child_workflow(
        "PlaybookWorkflow",
        request,
        id=playbook_workflow_id(state.tenant, request.name, key),
        result_type=PlaybookResult,
        cancellation_type=ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
        search_attributes=search_attributes.at_playbook_start(state.tenant, request.name),
        static_summary=f"Playbook {request.name} for case {state.case_number}",
        priority=sharing.as_urgent_as(state.triaged_priority),
    )


def _key(step: str) -> str:
    return hashlib.sha256(f"{workflow.info().workflow_id}/{step}".encode()).hexdigest()[:32]


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
    key = _key(step)
    request = PlaybookInput(
        tenant=state.tenant, name=name, key=key, input=given, customer_id=customer_id, approved=approved
    )
    try:
        result = await (await _started(state, request, key))
    except ChildWorkflowError as error:
        if is_cancelled_exception(error):
            raise asyncio.CancelledError from None
        raise
    return result
