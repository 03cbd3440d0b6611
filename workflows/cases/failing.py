"""What went wrong, in a sentence for a person."""

from __future__ import annotations

from temporalio.exceptions import ActivityError, FailureError, TimeoutType
from temporalio.exceptions import TimeoutError as TimedOut

_TOO_LATE = {
    TimeoutType.SCHEDULE_TO_START: "No worker took it up in time.",
    TimeoutType.HEARTBEAT: "The worker that was at it stopped answering.",
    TimeoutType.START_TO_CLOSE: "It did not end in time.",
    TimeoutType.SCHEDULE_TO_CLOSE: "It did not succeed in the time that it has.",
}
"""The server's own words for these name its settings, which tell a person nothing."""


def problem_of(error: BaseException) -> str:
    """The sentence of the innermost failure, for a person."""
    error = last_failure(error)
    if isinstance(error, TimedOut) and error.type in _TOO_LATE:
        return _TOO_LATE[error.type]
    said = error.message if isinstance(error, FailureError) else str(error)
    return said or type(error).__name__


def last_failure(error: BaseException) -> BaseException:
    """What went wrong in the end: the failure of the last attempt, also where the time for further ones ran out."""
    while isinstance(error, (ActivityError, TimedOut)) and error.cause is not None:
        error = error.cause
    return error


def could_not_undo(left: list[str]) -> str:
    """The sentence that names what a person has to take back."""
    return f"Could not be undone: {', '.join(left).removesuffix('.')}."
