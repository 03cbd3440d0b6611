"""Changes to the released workflow of incidents, and since when a run knows of them.

A run asks once, before anything else, whether it began after them. To ask in the middle is not safe: where a local
activity outlasts a workflow task, its result and the marker of a change asked for right after it stand in different
tasks, and a replay that gets to the question early is told that the change was not there.
"""

from __future__ import annotations

from temporalio import workflow

PEOPLE_FIRST = "people-before-records"
BY_HAND_TAKES_TIME = "by-hand-takes-time"
SUPPOSING = "model-supposes-causes"
RUN_IS_FORGOTTEN = "run-is-forgotten-when-over"
STOPPED_AT_THE_END = "stopped-at-the-end-of-the-watch"
LOOKS_AGAIN = "looks-again-after-a-fix-did-not-hold"
LEFT_ONCE = "what-a-run-left-is-asked-once"
READ_MEANWHILE = "new-evidence-is-read-meanwhile"
TO_THE_END = "questions-are-answered-to-the-end"
LATE_TICKETS = "late-tickets-are-told"
THOUGHTS_ARE_ACTIVITIES = "thoughts-are-activities"
BUDGET_IS_RENEWED = "evidence-renews-the-budget"

SHOWN_AT_ONCE = "decisions-are-shown-at-once"
LAST_MOMENT = "what-comes-at-the-last-moment-is-taken"

KNOWN_AT_START = "changes-are-known-at-the-start"
_KNOWN = frozenset(
    {
        PEOPLE_FIRST,
        BY_HAND_TAKES_TIME,
        SUPPOSING,
        RUN_IS_FORGOTTEN,
        STOPPED_AT_THE_END,
        LOOKS_AGAIN,
        LEFT_ONCE,
        READ_MEANWHILE,
        TO_THE_END,
        LATE_TICKETS,
        THOUGHTS_ARE_ACTIVITIES,
        BUDGET_IS_RENEWED,
        SHOWN_AT_ONCE,
    }
)
"""What a run knows of that has the marker `KNOWN_AT_START`: one marker for one release, for each is an event."""
_LATER: tuple[str, ...] = (LAST_MOMENT,)
"""Each has a marker of its own. A new change belongs here and never into `_KNOWN`: runs from before it go on."""


def know_at_start() -> None:
    """Ask for all changes, as the first thing that a run does."""
    if workflow.patched(KNOWN_AT_START):
        for change in _LATER:
            workflow.patched(change)


def holds(change: str) -> bool:
    """Whether a change holds in this run.

    Args:
        change: its name. Runs from before `KNOWN_AT_START` know none of them.

    Raises:
        LookupError: it is not listed here, so no run would have asked for it at its start.
    """
    if change in _KNOWN:
        return workflow.patched(KNOWN_AT_START)
    if change not in _LATER:
        raise LookupError(f"The change {change} is not listed: add it to the later ones.")
    return workflow.patched(change)
