"""What went wrong is said in words that a person can use."""

from __future__ import annotations

import pytest
from temporalio.exceptions import ActivityError, ApplicationError, RetryState, TimeoutType
from temporalio.exceptions import TimeoutError as TimedOut

from workflows.cases.failing import could_not_undo, problem_of

SERVERS = "Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up retrying"


def failed(cause: BaseException) -> ActivityError:
    error = ActivityError(
        "Activity task timed out", scheduled_event_id=1, started_event_id=2, identity="w", activity_type="mail_team",
        activity_id="8", retry_state=RetryState.TIMEOUT,
    )  # fmt: skip
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("kind", list(TimeoutType))
def test_a_call_that_came_too_late_is_told_without_the_servers_own_words(kind: TimeoutType) -> None:
    said = problem_of(failed(TimedOut(SERVERS, type=kind, last_heartbeat_details=[])))
    assert "Schedule" not in said
    assert said.endswith(".")


def test_of_a_call_that_was_tried_until_its_time_was_up_the_last_failure_is_told() -> None:
    late = TimedOut(SERVERS, type=TimeoutType.SCHEDULE_TO_CLOSE, last_heartbeat_details=[])
    late.__cause__ = ApplicationError("The bank is closed.")
    assert problem_of(failed(late)) == "The bank is closed."


def test_what_could_not_be_undone_is_one_sentence() -> None:
    assert could_not_undo(["Void the hold", "Take back what you wrote."]) == (
        "Could not be undone: Void the hold, Take back what you wrote."
    )
