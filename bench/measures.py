"""The measurements. Each takes both worlds in turn, so that a slow moment of the machine slows both."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.worker import Replayer

from bench import bare
from bench.world import QUESTION, Bare, Product, World, both
from domain.cases.approval import ApprovalDecision
from domain.cases.messages import ResolveInput
from domain.tickets.ticket import CustomerTier
from runtime.temporal.connection import data_converter
from workers.worker import WORKFLOWS, workflow_runner
from workflows.escalation import EscalationWorkflow

Numbers = dict[str, Any]

QUICK_OUTCOME = {
    "resolution_check_after": timedelta(milliseconds=20),
    "survey_after": timedelta(milliseconds=40),
    "final_analysis_after": timedelta(milliseconds=60),
    "follow_up_after_silence": timedelta(milliseconds=50),
    "close_after_silence": timedelta(milliseconds=100),
}


async def _handed_over(world: World) -> tuple[WorkflowHandle[Any, Any], float]:
    """Submit, wait for the handoff; returns the case and the seconds."""
    began = time.perf_counter()
    handle = await world.start()
    await world.handoffs.of(handle.id).wait()
    return handle, time.perf_counter() - began


async def latency(client: Client, cases: int) -> Numbers:
    """Ticket submitted to handoff complete, one at a time, the two worlds in turn."""
    seconds: dict[str, list[float]] = {"surehand": [], "bare": []}
    async with both(client) as worlds:
        for number in range(cases + 3):
            for world in worlds:
                handle, taken = await _handed_over(world)
                if number >= 3:
                    seconds[world.name].append(taken)
                await handle.terminate()
    return _milliseconds(seconds)


async def throughput(client: Client, at_once: int, rounds: int) -> Numbers:
    """Cases to handoff per second, `at_once` submitted together."""
    rates: dict[str, list[float]] = {"surehand": [], "bare": []}
    async with both(client) as worlds:
        for number in range(rounds + 1):
            for world in worlds:
                began = time.perf_counter()
                done = await asyncio.gather(*(_handed_over(world) for _ in range(at_once)))
                if number:
                    rates[world.name].append(at_once / (time.perf_counter() - began))
                await asyncio.gather(*(handle.terminate() for handle, _ in done))
                await asyncio.sleep(0.3)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "surehand_per_second": round(medians["surehand"], 1),
        "bare_per_second": round(medians["bare"], 1),
        "ratio": round(medians["surehand"] / medians["bare"], 2),
    }


async def whole_cases(client: Client) -> Numbers:
    """Events, bytes and activities of whole cases, and the longest chain of activities to the handoff."""
    product = Product(client, timers=QUICK_OUTCOME)
    async with product.worker():
        escalated, _ = await _handed_over(product)
        await _resolve(escalated)
        await escalated.result()
        answered = await product.start(QUESTION)
        await answered.result()
        history = await escalated.fetch_history()
        before, chain = _to_handoff(history)
        return {
            "escalated_events": len(history.events),
            "escalated_bytes": await _bytes(escalated),
            "answered_events": len((await answered.fetch_history()).events),
            "answered_bytes": await _bytes(answered),
            "activities_to_handoff": before,
            "longest_chain": chain,
        }


async def histories(client: Client) -> dict[str, WorkflowHistory]:
    """One whole history of each world, for replay."""
    product, plain = Product(client, timers=QUICK_OUTCOME), Bare(client)
    async with product.worker(), plain.worker():
        case, _ = await _handed_over(product)
        await _resolve(case)
        await case.result()
        other, _ = await _handed_over(plain)
        await other.execute_update(bare.BareEscalation.resolve, "done")
        await other.result()
        return {"surehand": await case.fetch_history(), "bare": await other.fetch_history()}


async def replay(client: Client, times: int) -> Numbers:
    """Milliseconds per event, replaying a whole case in the sandbox."""
    recorded = await histories(client)
    kinds: dict[str, Any] = {"surehand": WORKFLOWS, "bare": [bare.BareEscalation]}
    spent: dict[str, list[float]] = {"surehand": [], "bare": []}
    replayers = {
        name: Replayer(workflows=kind, workflow_runner=workflow_runner(), data_converter=data_converter())
        for name, kind in kinds.items()
    }
    for number in range(times + 2):
        for name, replayer in replayers.items():
            began = time.perf_counter()
            await replayer.replay_workflow(recorded[name])
            if number >= 2:
                spent[name].append(time.perf_counter() - began)
    whole = {name: statistics.median(values) * 1_000 for name, values in spent.items()}
    per_event = {name: whole[name] / len(recorded[name].events) for name in whole}
    return {
        "surehand_ms": round(whole["surehand"], 1),
        "bare_ms": round(whole["bare"], 1),
        "surehand_events": len(recorded["surehand"].events),
        "bare_events": len(recorded["bare"].events),
        "surehand_ms_per_event": round(per_event["surehand"], 3),
        "bare_ms_per_event": round(per_event["bare"], 3),
        "ratio": round(per_event["surehand"] / per_event["bare"], 2),
    }


async def approvals(client: Client, cases: int) -> Numbers:
    """Approval by update until it is answered; worker warm, the two worlds in turn."""
    seconds: dict[str, list[float]] = {"surehand": [], "bare": []}
    async with both(client) as (product, plain):
        for number in range(cases + 3):
            for name, decide in (("surehand", _approve_case(product)), ("bare", _approve_bare(plain))):
                handle, act = await decide
                began = time.perf_counter()
                await act()
                if number >= 3:
                    seconds[name].append(time.perf_counter() - began)
                await handle.terminate()
    return _milliseconds(seconds)


Prepared = tuple[WorkflowHandle[Any, Any], Callable[[], Awaitable[Any]]]


async def _approve_case(product: Product) -> Prepared:
    handle = await product.start(QUESTION, CustomerTier.VIP)
    while True:
        state = await handle.query(EscalationWorkflow.query_state)
        request = next((r for r in state.pending_approvals if r.rungs), None)
        if request is not None and any("approval/" in message.step for message in state.sent):
            break
        await asyncio.sleep(0.02)
    word = ApprovalDecision(request_id=request.request_id, person_id="p-lena", approve=True, digest=request.digest)
    return handle, lambda: handle.execute_update(EscalationWorkflow.decide_approval, word)


BARE_EVENTS_BEFORE_APPROVAL = 40
"""Seven activities and the tasks between them."""


async def _approve_bare(plain: Bare) -> Prepared:
    handle = await plain.start(bare.BareApproval.run)
    while await _events(handle) < BARE_EVENTS_BEFORE_APPROVAL:  # noqa: ASYNC110 - another process's state
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.05)
    return handle, lambda: handle.execute_update(bare.BareApproval.decide, "yes")


# What histories say


async def _resolve(handle: WorkflowHandle[Any, Any]) -> None:
    await handle.execute_update(
        EscalationWorkflow.resolve, ResolveInput(person_id="p-ivan", resolution="Rotated the signing keys.")
    )


async def _bytes(handle: WorkflowHandle[Any, Any]) -> int:
    return (await handle.describe()).raw_description.workflow_execution_info.history_size_bytes


async def _events(handle: WorkflowHandle[Any, Any]) -> int:
    return (await handle.describe()).history_length


def _to_handoff(history: WorkflowHistory) -> tuple[int, int]:
    """Activities scheduled up to the handoff's last leg, and the longest chain among them.

    The chain is the longest way through the history: an activity follows whatever was completed before it was
    scheduled.
    """
    depth: dict[int, int] = {}
    done = 0
    names: dict[int, str] = {}
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            name = event.activity_task_scheduled_event_attributes.activity_type.name
            if name == "save_case":
                break
            names[event.event_id] = name
            depth[event.event_id] = done + 1
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            done = max(done, depth[event.activity_task_completed_event_attributes.scheduled_event_id])
    return len(names), max(depth.values(), default=0)


def _milliseconds(seconds: dict[str, list[float]]) -> Numbers:
    found: Numbers = {}
    for name, values in seconds.items():
        ordered = sorted(value * 1_000 for value in values)
        found[f"{name}_p50_ms"] = round(statistics.median(ordered), 1)
        found[f"{name}_p95_ms"] = round(ordered[max(0, round(len(ordered) * 0.95) - 1)], 1)
    found["ratio_p50"] = round(found["surehand_p50_ms"] / found["bare_p50_ms"], 2)
    found["ratio_p95"] = round(found["surehand_p95_ms"] / found["bare_p95_ms"], 2)
    return found
