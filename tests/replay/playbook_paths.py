"""Every path of the playbook lifecycle, each driven through a real worker on fake tools for recording."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowFailureError

from domain.cases.messages import AbortInput, UnparkInput
from domain.cases.terms import UnparkAction
from domain.errors import OutcomeUnknown, VendorRefused, VendorUnavailable
from domain.model import JsonValue
from domain.playbook.messages import CloudEvent
from domain.playbook.state import PlaybookState
from domain.policies.guardrails import GuardPoint, GuardrailRule, Guardrails, Limit, LimitPer, RuleAction, RuleCategory
from domain.tools.tool import Safety
from tests.workflows.playbook_world import PlaybookWorld, Run, a_tool, playbook
from workflows.playbook import PlaybookWorkflow

PlaybookPath = Callable[[PlaybookWorld], Awaitable[Run]]
PLAYBOOK_PATHS: dict[str, PlaybookPath] = {}
"""Name -> what happens. The recordings bear the same names."""
PLAYBOOKS_IN_REAL_TIME: set[str] = set()
"""Paths for the real server, as those of escalations that continue as new."""

DOWN = VendorUnavailable("shop", "503", "Down.", status=503)
NO = VendorRefused("shop", "no", "The shop refused.", status=422)

UNDONE = "metadata: {undo: {call: shop.undo, with: {what: '${ $output.id }'}}}"
THREE_STEPS = f"""
- one: {{call: shop.one, with: {{n: 1}}, {UNDONE}}}
- two: {{call: shop.two, with: {{n: 2}}, {UNDONE}}}
- three: {{call: shop.three, with: {{n: 3}}, {UNDONE}}}
"""
LOOP = """
- loop:
    for: {each: n, in: "[range(14)]"}
    do:
      - add:
          call: shop.one
          with: {n: "${ $n }"}
          metadata: {undo: {call: shop.undo, with: {what: "${ $arguments.n }"}}}
"""
BOTH = """
- both:
    fork:
      branches:
        - busy:
            for: {each: n, in: "[range(14)]"}
            do: [{add: {call: shop.one, with: {n: "${ $n }"}, metadata: {undo: none}}}]
        - asks: {call: shop.danger, with: {a: 1}, metadata: {undo: none}}
        - hears: {listen: {to: {all: [{with: {type: one}}, {with: {type: two}}]}}}
        - stuck: {call: shop.three, with: {n: 3}, metadata: {undo: none}}
        - sleeps: {wait: {seconds: 2}}
"""


def path(drive: PlaybookPath) -> PlaybookPath:
    """Register a path under its function's name."""
    PLAYBOOK_PATHS[drive.__name__] = drive
    return drive


def in_real_time(drive: PlaybookPath) -> PlaybookPath:
    """Register a path that needs no time skipped."""
    PLAYBOOKS_IN_REAL_TIME.add(drive.__name__)
    return path(drive)


def stocked(world: PlaybookWorld) -> PlaybookWorld:
    """A shop with three tools, one that takes back, and a dangerous one."""
    for name in ("one", "two", "three", "undo"):
        world.tools.add(a_tool(f"shop.{name}")).on(f"shop.{name}", {"id": name})
    world.tools.add(a_tool("shop.danger", Safety.DANGEROUS)).on("shop.danger", {"id": "danger"})
    return world


# What several paths do


async def start(world: PlaybookWorld, tasks: str, given: JsonValue = None, **more: Any) -> Run:
    """Begin a run that bears the path's name."""
    return await world.start(playbook(tasks, name="recorded", **more), given, key=world.task_queue)


async def ended(run: Run, status: str) -> Run:
    result = await run.result()
    assert result.status == status, result
    return run


async def parked(world: PlaybookWorld, run: Run) -> str:
    state = await world.until(run, lambda s: bool(s.parked))
    return next(iter(state.parked))


async def unpark(run: Run, step: str, action: UnparkAction, **more: Any) -> None:
    await run.execute_update(PlaybookWorkflow.unpark, UnparkInput(step=step, action=action, person_id="p-ruth", **more))


async def tell(run: Run, number: int, kind: str, **data: JsonValue) -> None:
    await run.signal(PlaybookWorkflow.event, CloudEvent(id=str(number), source="shop", type=kind, data=data))


async def cancelled(run: Run) -> Run:
    await run.cancel()
    try:
        await run.result()
    except WorkflowFailureError:
        return run
    raise AssertionError("The run was to end as cancelled.")


def asked(state: PlaybookState) -> bool:
    return any(request.rungs for request in state.pending_approvals)


def a_rule(action: RuleAction, when: str) -> GuardrailRule:
    return GuardrailRule(
        name="rule",
        at=(GuardPoint.TOOL_CALL,),
        category=RuleCategory.OPERATIONAL_SAFETY,
        when=when,
        action=action,
        reason="It is not wanted.",
    )


# Tasks


@path
async def playbook_of_all_tasks(world: PlaybookWorld) -> Run:
    """Every kind of task once, with data in, out and exported."""
    stocked(world).tools.add(a_tool("shop.one", capabilities=("shop",)))
    world.model.answers["playbook"] = {"value": "billing"}
    run = await start(
        world,
        """
        - first:
            input: {from: .order}
            set: {total: "${ .price * .count }", price: "${ .price }"}
            export: {as: "{ sum: .total }"}
        - choose:
            switch:
              - much: {when: $context.sum > 10, then: several}
              - little: {then: end}
        - never: {set: {wrong: true}}
        - several:
            do:
              - nap: {wait: {hours: 1}}
              - look: {call: named, with: {n: 1}}
        - loop:
            for: {each: n, in: "[1, 2, 3]", at: place}
            while: $n < 3
            do: [{add: {call: shop.one, with: {n: "${ $n }"}}}]
        - both:
            fork:
              branches:
                - slow: {do: [{pause: {wait: {hours: 2}}}, {say: {set: {name: slow}}}]}
                - fast: {set: {name: fast}}
        - attempt:
            timeout: {after: {hours: 1}}
            try: [{bad: {raise: {error: {type: "https://example.org/broken", status: 418, title: Broken}}}}]
            catch: {as: err, do: [{tell: {set: {seen: "${ $err.status }"}}}]}
        - say: {emit: {event: {with: {source: "https://example.org/runs", type: done, data: {n: 1}}}}}
        - either: {call: use, with: {capability: shop, arguments: {n: 4}}, metadata: {undo: none}}
        - inform: {call: notify, with: {to: "person:p-tom", subject: Hello, text: It goes on.}}
        - guess: {call: ask_model, with: {prompt: playbook, input: {text: x}, fallback: {value: unknown}}}
        - skipped: {if: "false", set: {wrong: true}}
        - last: {set: {done: true}}
        """,
        {"order": {"price": 5, "count": 3}},
        use={"functions": {"named": {"call": "shop.two", "with": {"n": "${ .n }"}}}},
    )
    return await ended(run, "completed")


@path
async def playbook_event_before_its_listener(world: PlaybookWorld) -> Run:
    run = await start(world, "[{pause: {wait: {minutes: 5}}}, {hear: {listen: {to: {one: {with: {type: paid}}}}}}]")
    await tell(run, 1, "paid", n=1)
    await tell(run, 1, "paid", n=1)
    return await ended(run, "completed")


@path
async def playbook_events_after_their_listener(world: PlaybookWorld) -> Run:
    stocked(world)
    run = await start(
        world,
        """
        - hear:
            listen:
              to: {any: [{with: {type: opened}}], until: {one: {with: {type: stop}}}}
            foreach: {item: event, do: [{note: {call: shop.one, with: {n: "${ $event.n }"}}}]}
        """,
    )
    await world.until(run, lambda s: s.waiting_for_event == 1)
    for number, kind in enumerate(("opened", "unheard", "opened", "stop")):
        await tell(run, number, kind, n=number)
    return await ended(run, "completed")


@path
async def playbook_stopped_by_its_timeout(world: PlaybookWorld) -> Run:
    stocked(world)
    tasks = f"""
        - patience:
            timeout: {{after: {{hours: 1}}}}
            do:
              - one: {{call: shop.one, with: {{n: 1}}, {UNDONE}}}
              - hear: {{listen: {{to: {{one: {{with: {{type: never}}}}}}}}}}
        """
    return await ended(await start(world, tasks), "faulted")


@path
async def playbook_that_does_not_exist(world: PlaybookWorld) -> Run:
    run = await world.start({"document": {"name": "recorded"}}, key=world.task_queue)
    return await ended(run, "faulted")


# Errors and retries


@path
async def playbook_retried_with_jitter(world: PlaybookWorld) -> Run:
    stocked(world)
    answers = iter([NO, NO, {"id": "three"}])
    world.tools.on("shop.three", lambda _: next(answers))
    run = await start(
        world,
        f"""
        - attempt:
            try:
              - one: {{call: shop.one, with: {{n: 1}}, {UNDONE}}}
              - three: {{call: shop.three, metadata: {{undo: none}}}}
            catch:
              retry:
                delay: {{minutes: 5}}
                backoff: {{exponential: {{}}}}
                jitter: {{from: {{seconds: 1}}, to: {{seconds: 90}}}}
                limit: {{attempt: {{count: 4}}}}
        """,
    )
    return await ended(run, "completed")


@path
async def playbook_caught_when_attempts_are_used_up(world: PlaybookWorld) -> Run:
    stocked(world).tools.on("shop.two", DOWN)
    run = await start(
        world,
        """
        - attempt:
            try: [{two: {call: shop.two, with: {n: 2}, metadata: {undo: none}}}]
            catch: {errors: {with: {status: 503}}, do: [{instead: {set: {done: later}}}]}
        """,
    )
    return await ended(run, "completed")


@path
async def playbook_taking_the_next_tool(world: PlaybookWorld) -> Run:
    world.tools.add(a_tool("north.ship", capabilities=("ship",)), a_tool("south.ship", capabilities=("ship",)))
    world.tools.on("north.ship", [*[DOWN] * 30, NO])
    tasks = "[{ship: {call: use, with: {capability: ship, arguments: {n: 1}}, metadata: {undo: none}}}]"
    return await ended(await start(world, tasks), "completed")


# Approvals and limits

ASKS = f"""
- one: {{call: shop.one, with: {{n: 1}}, {UNDONE}}}
- danger: {{call: shop.danger, with: {{n: 2}}, {UNDONE}}}
"""


@path
async def playbook_approval_granted(world: PlaybookWorld) -> Run:
    run = await start(stocked(world), ASKS)
    await world.decide(run)
    return await ended(run, "completed")


@path
async def playbook_approval_denied(world: PlaybookWorld) -> Run:
    run = await start(stocked(world), ASKS)
    await world.decide(run, approve=False, reason="too early")
    return await ended(run, "faulted")


@path
async def playbook_approval_expired(world: PlaybookWorld) -> Run:
    run = await start(stocked(world), ASKS)
    await world.until(run, asked)
    await world.pass_time(timedelta(days=3))
    return await ended(run, "faulted")


@path
async def playbook_approval_superseded_by_another_branch(world: PlaybookWorld) -> Run:
    run = await start(
        stocked(world),
        f"""
        - race:
            fork:
              compete: true
              branches:
                - asks: {{call: shop.danger, with: {{n: 2}}, {UNDONE}}}
                - hears: {{listen: {{to: {{one: {{with: {{type: never_mind}}}}}}}}}}
        """,
    )
    await world.until(run, asked)
    await tell(run, 1, "never_mind")
    return await ended(run, "completed")


@path
async def playbook_asking_by_itself(world: PlaybookWorld) -> Run:
    run = await start(
        world,
        "[{ask: {call: approve, with: {summary: Shall it go on, action: reply}, output: {as: .granted}}}]",
    )
    await world.decide(run)
    return await ended(run, "completed")


@path
async def playbook_over_a_limit(world: PlaybookWorld) -> Run:
    limit = Limit(name="twice", tools=("shop.*",), per=LimitPer.TENANT_DAY, at_most=2)
    stocked(world).guardrails.guardrails = Guardrails(limits=(limit,))
    return await ended(await start(world, THREE_STEPS), "faulted")


@path
async def playbook_over_a_limit_that_people_lift(world: PlaybookWorld) -> Run:
    limit = Limit(
        name="once",
        tools=("shop.one", "shop.two"),
        per=LimitPer.TENANT_DAY,
        at_most=1,
        action=RuleAction.REQUIRE_APPROVAL,
    )
    stocked(world).guardrails.guardrails = Guardrails(limits=(limit,))
    run = await start(world, THREE_STEPS)
    await world.decide(run)
    return await ended(run, "completed")


@path
async def playbook_that_a_guardrail_shows_to_the_duty_lead(world: PlaybookWorld) -> Run:
    stocked(world).guardrails.guardrails = Guardrails(rules=(a_rule(RuleAction.ESCALATE, ".arguments.n == 2"),))
    return await _decided_if_asked(world, await start(world, THREE_STEPS))


async def _decided_if_asked(world: PlaybookWorld, run: Run) -> Run:
    state = await world.until(run, lambda s: asked(s) or s.closed)
    if not state.closed:
        await world.decide(run)
    return await ended(run, "completed")


@path
async def playbook_denied_by_a_guardrail(world: PlaybookWorld) -> Run:
    stocked(world).guardrails.guardrails = Guardrails(rules=(a_rule(RuleAction.DENY, ".arguments.n == 3"),))
    return await ended(await start(world, THREE_STEPS), "faulted")


# Parked


@path
async def playbook_parked_then_retried(world: PlaybookWorld) -> Run:
    stocked(world).tools.on("shop.two", DOWN)
    run = await start(world, THREE_STEPS)
    step = await parked(world, run)
    world.tools.on("shop.two", {"id": "two"})
    await unpark(run, step, UnparkAction.RETRY)
    return await ended(run, "completed")


@path
async def playbook_parked_then_edited(world: PlaybookWorld) -> Run:
    stocked(world).tools.on("shop.two", lambda call: {"id": "two"} if call.arguments["n"] == 7 else DOWN)
    run = await start(world, THREE_STEPS)
    step = await parked(world, run)
    # The first call never took effect, as it turns out when it is settled.
    never = VendorRefused("shop", "no", "No such thing.")
    world.tools.on("shop.two", lambda call: {"id": "two"} if call.arguments["n"] == 7 else never)
    await unpark(run, step, UnparkAction.RETRY, arguments={"n": 7}, reason="typing error")
    return await ended(run, "completed")


@path
async def playbook_parked_then_skipped(world: PlaybookWorld) -> Run:
    stocked(world).tools.on("shop.two", DOWN)
    run = await start(world, THREE_STEPS)
    step = await parked(world, run)
    await unpark(run, step, UnparkAction.SKIP)
    return await ended(run, "completed")


@path
async def playbook_parked_then_given_up(world: PlaybookWorld) -> Run:
    """The call's answer was lost: it is settled by its key, and taken back with the others."""
    stocked(world).tools.on("shop.two", OutcomeUnknown("shop", "timeout", "No answer."))
    run = await start(world, THREE_STEPS)
    step = await parked(world, run)
    world.tools.on("shop.two", {"id": "two"})
    await unpark(run, step, UnparkAction.GIVE_UP)
    return await ended(run, "faulted")


# Undone


@path
async def playbook_undone_after_a_failure(world: PlaybookWorld) -> Run:
    stocked(world).tools.on("shop.three", NO)
    return await ended(await start(world, THREE_STEPS), "faulted")


async def _waiting(world: PlaybookWorld) -> Run:
    run = await start(stocked(world), f"{THREE_STEPS}- pause: {{wait: {{days: 2}}}}\n")
    await world.until(run, lambda s: len(s.effects) == 3 and all(effect.known for effect in s.effects))
    return run


@path
async def playbook_undone_after_cancellation(world: PlaybookWorld) -> Run:
    return await cancelled(await _waiting(world))


@path
async def playbook_undone_after_an_abort(world: PlaybookWorld) -> Run:
    run = await _waiting(world)
    await run.execute_update(PlaybookWorkflow.abort, AbortInput(person_id="p-ruth", reason="wrong customer"))
    return await ended(run, "cancelled")


@path
async def playbook_undone_in_part(world: PlaybookWorld) -> Run:
    """One undo is refused; a person has it tried again, and then says that it was done by hand."""
    stocked(world).tools.on("shop.three", NO)
    world.tools.on("shop.undo", lambda call: NO if call.arguments["what"] == "two" else {})
    run = await start(world, THREE_STEPS)
    await world.until(run, lambda s: "undo" in s.parked)
    await unpark(run, "undo", UnparkAction.RETRY)
    await world.until(run, lambda s: "undo" in s.parked)
    await unpark(run, "undo", UnparkAction.SKIP)
    return await ended(run, "faulted")


@path
async def playbook_race_whose_loser_is_undone(world: PlaybookWorld) -> Run:
    run = await start(
        stocked(world),
        f"""
        - race:
            fork:
              compete: true
              branches:
                - slow:
                    do:
                      - one: {{call: shop.one, with: {{n: 1}}, {UNDONE}}}
                      - pause: {{wait: {{days: 2}}}}
                - fast: {{do: [{{pause: {{wait: {{hours: 1}}}}}}, {{say: {{set: {{name: fast}}}}}}]}}
        """,
    )
    return await ended(run, "completed")


# Children


async def _parent(world: PlaybookWorld, more: str = "") -> Run:
    stocked(world).library.definitions["smaller"] = playbook(THREE_STEPS, name="smaller")
    child = "run: {workflow: {namespace: tests, name: smaller, version: '1.0.0', input: {n: 1}}"
    return await start(world, f"[{{part: {{{child}{more}}}}}}}, {{after: {{set: {{done: true}}}}}}]")


@path
async def playbook_with_a_child(world: PlaybookWorld) -> Run:
    return await ended(await _parent(world), "completed")


@path
async def playbook_with_a_child_that_fails(world: PlaybookWorld) -> Run:
    stocked(world).tools.on("shop.two", NO)
    world.library.definitions["smaller"] = playbook(THREE_STEPS, name="smaller")
    child = "run: {workflow: {namespace: tests, name: smaller, version: '1.0.0'}}"
    tasks = f"""
        - attempt:
            try: [{{part: {{{child}}}}}]
            catch: {{do: [{{instead: {{set: {{done: false}}}}}}]}}
        """
    return await ended(await start(world, tasks), "completed")


@path
async def playbook_with_a_child_that_is_left_alone(world: PlaybookWorld) -> Run:
    return await ended(await _parent(world, ", await: false"), "completed")


@path
async def playbook_cancelled_with_its_child(world: PlaybookWorld) -> Run:
    definition = playbook(f"{THREE_STEPS}- pause: {{wait: {{days: 2}}}}\n", name="smaller")
    stocked(world).library.definitions["smaller"] = definition
    tasks = "[{part: {run: {workflow: {namespace: tests, name: smaller, version: '1.0.0'}}}}]"
    run = await start(world, tasks)
    async with asyncio.timeout(20):
        while len(world.tools.calls_of("shop.three")) == 0:  # noqa: ASYNC110 - the fake shop tells nobody
            await asyncio.sleep(0.02)
    return await cancelled(run)


# Long runs


@in_real_time
async def playbook_continued_in_a_loop(world: PlaybookWorld) -> Run:
    """And what earlier runs did is undone by the last one."""
    stocked(world).tools.on("shop.three", NO)
    world.continue_after_events = 30
    run = await start(world, f"{LOOP}- three: {{call: shop.three}}\n")
    await ended(run, "faulted")
    assert len(world.tools.calls_of("shop.undo")) == 14
    return run


@in_real_time
async def playbook_continued_in_a_fork(world: PlaybookWorld) -> Run:
    """An open question, a listener, a parked call and a timer go with it."""
    stocked(world).tools.on("shop.three", DOWN)
    world.continue_after_events = 30
    run = await start(world, BOTH)
    await tell(run, 1, "one", n=1)
    await world.until(run, lambda s: s.runs > 1 and bool(s.parked) and asked(s))
    step = await parked(world, run)
    world.tools.on("shop.three", {"id": "three"})
    await unpark(run, step, UnparkAction.RETRY)
    await world.decide(run)
    await tell(run, 2, "two", n=2)
    await ended(run, "completed")
    assert len(world.tools.calls_of("shop.one")) == 14
    return run
