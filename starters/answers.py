"""What Temporal answers, in our words: one place where its errors become ours, and where waiting for a worker ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.client import (
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import NotReachable, Refused, SurehandError, UnknownCase

PATIENCE = timedelta(seconds=10)
"""How long an answer may take when a worker is there: its own sticky time-out, and room for a busy machine."""
NO_WORKER = "No worker answers: start one with `surehand worker`."
NO_WORKER_YET = f"{NO_WORKER} What you said may still be taken in then, and saying it again is safe."
UNKNOWN_CASE = "There is no case by that name: see `surehand case list`, or give its tenant with --tenant."
NOT_LET_IN = "Temporal does not let us in: correct SUREHAND_TEMPORAL__API_KEY or the certificate."
CLOSED = "This case is closed: submit a new ticket."
INCIDENT_CLOSED = "This incident is closed: open a new one."
RUN_ENDED = "This run has ended: start the playbook again under another key."
STUCK = (
    "The worker's code cannot carry this case on (see `surehand replay --from-server`): deploy code that can. "
    "The case waits, and saying it again then is safe."
)


@asynccontextmanager
async def answered_within(patience: timedelta, *, changes: bool = False, closed: str = CLOSED) -> AsyncIterator[None]:
    """Translate what goes wrong while a case is asked or told something.

    Args:
        patience: give up after this long; the workflow may still take what was said.
        changes: whether something was said, so that a time-out leaves the outcome unknown.
        closed: what to say of one that has ended.

    Raises:
        NotReachable: no worker, or no Temporal, answers.
        UnknownCase: there is no such case.
        Refused: the case does not take it.
    """
    limit = asyncio.timeout(patience.total_seconds())
    try:
        async with limit:
            yield
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        if not limit.expired():
            raise asyncio.CancelledError from None
        raise NotReachable(NO_WORKER_YET) from None
    except TimeoutError:
        raise NotReachable(NO_WORKER_YET if changes else NO_WORKER) from None
    except (WorkflowUpdateFailedError, WorkflowFailureError) as error:
        raise Refused(_sentence(error.cause)) from None
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
        raise Refused(STUCK if _DIVERGED in str(error) else f"The case cannot be read: {error}") from None
    except RPCError as error:
        raise translated(error, changes=changes, closed=closed) from None


_OVER = ("already completed", "aborted by closing workflow")
"""What the server says of a workflow that has ended, and of one that ended while it was told something."""
_DIVERGED = "TMPRL1100"
"""The SDK's mark of a history that the code does not match."""


def translated(error: RPCError, *, changes: bool = False, closed: str = CLOSED) -> SurehandError:
    """An error of the server as one of ours.

    Args:
        error: what the server said.
        changes: whether something was said to a case.
        closed: what to say of one that has ended.
    """
    status, text = error.status, str(error).lower()
    is_over = any(words in text for words in _OVER)
    sentences: dict[RPCStatusCode, SurehandError] = {
        RPCStatusCode.NOT_FOUND: Refused(closed) if is_over else UnknownCase(UNKNOWN_CASE),
        RPCStatusCode.DEADLINE_EXCEEDED: NotReachable(NO_WORKER_YET if changes else NO_WORKER),
        RPCStatusCode.PERMISSION_DENIED: NotReachable(NOT_LET_IN),
        RPCStatusCode.UNAUTHENTICATED: NotReachable(NOT_LET_IN),
        RPCStatusCode.RESOURCE_EXHAUSTED: NotReachable("Temporal is overloaded: try again in a moment."),
    }
    if status is RPCStatusCode.FAILED_PRECONDITION and "failed state" in text:
        return Refused(STUCK)
    if status is RPCStatusCode.FAILED_PRECONDITION and "poller" in text:
        return NotReachable(NO_WORKER_YET if changes else NO_WORKER)
    if status is RPCStatusCode.INVALID_ARGUMENT and "search attribute" in text:
        return NotReachable("Temporal does not know Surehand's search attributes yet: run `surehand setup`.")
    other = NotReachable(f"Temporal does not answer ({status.name.lower()}): see `surehand doctor`.")
    return sentences.get(status, other)


def _sentence(cause: BaseException | None) -> str:
    return str(getattr(cause, "message", None) or cause or "The case did not say why.")
