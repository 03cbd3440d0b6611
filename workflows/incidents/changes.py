"""Changes to the released workflow of incidents, and since when a run knows of them.

A run asks once, before anything else, whether it began after all of them. To ask in the middle is not safe: where a
local activity outlasts a workflow task, its result and the marker of a change asked for right after it stand in
different tasks, and a replay that gets to the question early is told that the change was not there.
"""

from __future__ import annotations

from temporalio import workflow

from workflows.cases.approvals import SHOWN_AT_ONCE

KNOWN_AT_START = "changes-are-known-at-the-start"


def know_at_start() -> None:
    """Ask, as the first thing that a run does.

    A later change gets a name of its own that is asked for here, too, beside `SHOWN_AT_ONCE`.
    """
    if workflow.patched(KNOWN_AT_START):
        workflow.patched(SHOWN_AT_ONCE)


def holds(change: str) -> bool:
    """Whether a change holds in this run.

    Args:
        change: its name. Runs from before `KNOWN_AT_START` ask for it where they did.
    """
    return workflow.patched(KNOWN_AT_START) or workflow.patched(change)
