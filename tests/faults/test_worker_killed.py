"""A worker is killed while each step of a case is under way: every effect happens once, and no case is stuck."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tests.faults.installation import (
    ACKNOWLEDGEMENT,
    HANDOFF,
    OUTAGE_TICKET,
    PASSWORD_TICKET,
    REFUND_TICKET,
    REPLY,
    RESOLVED,
    SURVEY,
    WRITES_4711,
    Case,
    Installation,
    WorkerProcess,
    met,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

ESCALATED = ("acknowledge", "reply-1", "handoff-1/mail", "handoff-1/chat", "resolved-1", "survey-1")
ANSWERED = ("acknowledge", "reply-1", "resolved-1", "survey-1")
UNANSWERED = ("hang", "drop")
"""The request is lost, or it takes effect and its answer is lost."""


async def nothing(case: Case) -> None:
    """The step comes by itself."""


async def handed_over(case: Case) -> None:
    await case.until(lambda s: s.people_have_it and s.next_unhandled() is None)


async def approve_reply(case: Case) -> None:
    await case.approve(await case.asked(), "p-lena")


async def approve_refund(case: Case) -> None:
    await case.approve(await case.asked(), "p-greta")


@dataclass(frozen=True)
class Step:
    """Where a worker dies."""

    name: str
    vendor: str
    match: str
    text: str = OUTAGE_TICKET
    changes: dict[str, Any] = field(default_factory=dict)
    before: Callable[[Case], Awaitable[Any]] = nothing
    """Brings the case to the step; the fault is set after it."""
    trigger: Callable[[Case], Awaitable[Any]] = nothing
    """Sets the step off."""

    def __str__(self) -> str:
        return self.name


VIP = {"customer": {"tier": "vip"}}
KNOWN = {"external_id": "4711"}

STEPS = (
    Step("acknowledgement", "smtp", ACKNOWLEDGEMENT, PASSWORD_TICKET),
    Step("handoff by e-mail", "smtp", HANDOFF, changes=KNOWN),
    Step("handoff in chat", "slack", "chat.postMessage", changes=KNOWN),
    Step("handoff in the ticketing system", "zendesk", WRITES_4711, changes=KNOWN),
    Step("notice to the customer", "smtp", REPLY),
    Step("request for approval", "slack", "chat.postMessage", PASSWORD_TICKET, VIP),
    Step("answer", "smtp", REPLY, PASSWORD_TICKET, VIP, before=Case.asked, trigger=approve_reply),
    Step("refund", "stripe", "/v1/refunds", REFUND_TICKET, before=Case.asked, trigger=approve_refund),
    Step("resolution", "smtp", RESOLVED, before=handed_over, trigger=Case.resolve),
    Step("survey", "smtp", SURVEY, before=handed_over, trigger=Case.resolve),
    Step("ticket solved", "zendesk", WRITES_4711, changes=KNOWN, before=handed_over, trigger=Case.resolve),
    Step("customer profile", "hubspot", "/contacts/", before=handed_over, trigger=Case.resolve),
    Step("performance report", "smtp", "reports", before=handed_over, trigger=Case.resolve),
)


def killed_while(step: Step, lost: str) -> Callable[[Client, Path], Awaitable[None]]:
    async def scenario(client: Client, folder: Path) -> None:
        async with Installation(client, folder, retry_first="3 s") as installation:
            worker = installation.worker()
            if step.before is nothing:
                fault = installation.break_vendor(step.vendor, lost, match=step.match)
                case = await installation.submit(step.text, **step.changes)
            else:
                case = await installation.submit(step.text, **step.changes)
                await step.before(case)
                fault = installation.break_vendor(step.vendor, lost, match=step.match)
                await step.trigger(case)
            await met(fault)
            await worker.restart()
            await live_to_the_end(case)

    scenario.__qualname__ = f"{step.name}-{lost}"
    return scenario


async def live_to_the_end(case: Case, *steps: str) -> None:
    """Approve what is asked, resolve, and see that everything happened once; `steps` at the least."""
    await case.approve_what_is_asked()
    state = await case.until(lambda s: (s.last_word_at is not None and s.next_unhandled() is None) or s.is_resolved)
    if state.decision is not None and state.decision.escalates and not state.is_resolved:
        await handed_over(case)
    if not state.is_resolved:
        await case.resolve()
    result = await case.result()
    assert result.status == "closed"
    assert not result.emergency_handoff
    await case.assert_each_effect_once(*(steps or (ESCALATED if result.escalated else ANSWERED)))


# Steps that touch the model, and steps that touch nothing but the store


def killed_while_the_model_thinks(name: str, after: int, times: int) -> Callable[[Client, Path], Awaitable[None]]:
    async def scenario(client: Client, folder: Path) -> None:
        async with Installation(client, folder, model=True) as installation:
            worker = installation.worker()
            fault = installation.break_vendor("openai", "hang", match="/chat/completions", after=after, times=times)
            case = await installation.submit(PASSWORD_TICKET)
            await met(fault)
            await worker.restart()
            await live_to_the_end(case, "acknowledge", "resolved-1", "survey-1")

    scenario.__qualname__ = f"{name}-hang"
    return scenario


async def killed_while_the_case_is_opened(client: Client, folder: Path) -> None:
    async with Installation(client, folder) as installation:
        worker = installation.worker()
        # The store is made by the first worker; a case that is through says that it is there.
        await (await installation.submit(PASSWORD_TICKET)).until(lambda s: s.last_word_at is not None)
        lock = installation.lock_store()
        case = await installation.submit(OUTAGE_TICKET)
        await killed_while_the_store_is_locked(case, worker, lock, "open_case")


async def killed_while_a_milestone_is_saved(client: Client, folder: Path) -> None:
    async with Installation(client, folder) as installation:
        worker = installation.worker()
        installation.break_vendor("zendesk", "fail", match=WRITES_4711, times=None)
        case = await installation.submit(OUTAGE_TICKET, external_id="4711")
        # Everything else of the handoff is in the ledger, and Zendesk needs none; what comes next is the milestone.
        before = {"acknowledge", "handoff-1/mail", "handoff-1/chat", "reply-1"}
        await case.until(lambda s: before <= {message.step for message in s.sent})
        lock = installation.lock_store()
        installation.sandbox.faults.remove(vendor="zendesk")
        await killed_while_the_store_is_locked(case, worker, lock, "save_case")


async def killed_while_the_outcome_is_recorded(client: Client, folder: Path) -> None:
    # Long enough for the survey to be out and the store locked before it, on a busy machine too.
    async with Installation(client, folder, final_analysis_after="12 s") as installation:
        worker = installation.worker()
        case = await installation.submit(OUTAGE_TICKET)
        await handed_over(case)
        await case.resolve()
        await case.until(lambda s: "survey-1" in {message.step for message in s.sent})
        await killed_while_the_store_is_locked(case, worker, installation.lock_store(), "record_outcome")


async def killed_while_the_store_is_locked(
    case: Case, worker: WorkerProcess, lock: sqlite3.Connection, activity: str
) -> None:
    await case.started(activity)
    worker.kill()
    lock.close()
    worker.start()
    await live_to_the_end(case)


KILLS_IN_THOUGHT = [
    killed_while_the_model_thinks("classification and analysis", 0, 2),
    killed_while_the_model_thinks("decision", 2, 1),
    killed_while_the_model_thinks("writing", 3, 1),
]
KILLS_AT_THE_STORE = [
    killed_while_the_case_is_opened,
    killed_while_a_milestone_is_saved,
    killed_while_the_outcome_is_recorded,
]
KILLS = [killed_while(step, lost) for step in STEPS for lost in UNANSWERED]


@pytest.mark.parametrize(
    "scenario", [*KILLS, *KILLS_IN_THOUGHT, *KILLS_AT_THE_STORE], ids=lambda scenario: scenario.__qualname__
)
async def test_worker_killed_while_a_step_runs_leaves_each_effect_once(scenario: Any, running: Any) -> None:
    await running(scenario)
