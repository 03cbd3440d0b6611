"""What a playbook does outside: approval where safety asks for it, undo, parking, limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from domain.cases.messages import AbortInput, UnparkInput
from domain.cases.terms import UnparkAction
from domain.errors import OutcomeUnknown, VendorRefused, VendorUnavailable
from domain.policies.guardrails import GuardPoint, GuardrailRule, Guardrails, Limit, LimitPer, RuleAction, RuleCategory
from domain.tools.tool import RefusalKind, Safety, ToolCall, ToolRefusal, ToolUndo, call_digest
from runtime.configuration.policies import Configuration
from tests.workflows.playbook_world import PlaybookWorld, a_tool, playbook
from workflows.playbook import PlaybookWorkflow

THREE_STEPS = """
- one: {call: shop.one, with: {n: 1}, metadata: {undo: {call: shop.undo, with: {what: "${ $output.id }"}}}}
- two: {call: shop.two, with: {n: 2}, metadata: {undo: {call: shop.undo, with: {what: "${ $output.id }"}}}}
- three: {call: shop.three, with: {n: 3}, metadata: {undo: {call: shop.undo, with: {what: "${ $output.id }"}}}}
"""


@pytest.fixture
def world(environment: WorkflowEnvironment, configuration: Configuration) -> PlaybookWorld:
    world = PlaybookWorld(environment, configuration)
    for name in ("one", "two", "three", "undo"):
        world.tools.add(a_tool(f"shop.{name}"))
        world.tools.on(f"shop.{name}", {"id": name})
    return world


def undone(world: PlaybookWorld) -> list[str]:
    return [call.arguments["what"] for call in world.tools.calls_of("shop.undo")]


async def test_a_run_that_fails_takes_back_what_it_did_newest_first(world: PlaybookWorld) -> None:
    world.tools.on("shop.three", VendorRefused("shop", "no", "The shop refused.", status=422))
    result = await world.run(playbook(THREE_STEPS))
    assert result.status == "faulted"
    assert undone(world) == ["two", "one"]
    assert (result.done, result.left) == ((), ())
    assert result.error is not None
    assert result.error.instance == "/do/2/three"


async def test_a_step_whose_answer_was_lost_is_settled_and_taken_back(world: PlaybookWorld) -> None:
    world.tools.on("shop.two", [OutcomeUnknown("shop", "timeout", "No answer.")] * 8 + [{"id": "two"}])
    definition = playbook(THREE_STEPS)
    async with world.worker():
        run = await world.start(definition)
        await world.until(run, lambda s: bool(s.parked))
        step = next(iter((await run.query(PlaybookWorkflow.query_state)).parked))
        world.tools.on("shop.two", {"id": "two"})
        await run.execute_update(
            PlaybookWorkflow.unpark, UnparkInput(step=step, action=UnparkAction.GIVE_UP, person_id="p-ruth")
        )
        result = await run.result()
    assert result.status == "faulted"
    assert undone(world) == ["two", "one"]
    assert len({call.key for call in world.tools.calls_of("shop.two")}) == 1


async def test_what_cannot_be_undone_is_named_and_waits_for_a_person(world: PlaybookWorld) -> None:
    world.tools.on("shop.three", VendorRefused("shop", "no", "The shop refused."))
    world.tools.on(
        "shop.undo", lambda call: VendorRefused("shop", "no", "No.") if call.arguments["what"] == "two" else {}
    )
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS))
        state = await world.until(run, lambda s: "undo" in s.parked)
        assert state.parked["undo"].left_undone == ["two (shop.two)"]
        assert state.undone == ["one (shop.one)"]
        await run.execute_update(
            PlaybookWorkflow.unpark, UnparkInput(step="undo", action=UnparkAction.SKIP, person_id="p-ruth")
        )
        result = await run.result()
    assert result.left == ("two (shop.two)",)


async def test_what_a_caught_failure_left_behind_is_taken_back_before_a_run_completes(world: PlaybookWorld) -> None:
    world.tools.on("shop.two", VendorRefused("shop", "no", "The shop refused."))
    world.tools.on("shop.undo", VendorRefused("shop", "no", "Not now."))
    tasks = """
    - attempt:
        try:
          - one: {call: shop.one, metadata: {undo: {call: shop.undo, with: {what: one}}}}
          - two: {call: shop.two}
        catch: {do: [{other: {set: {done: otherwise}}}]}
    - three: {call: shop.three, metadata: {undo: {call: shop.undo, with: {what: three}}}, output: {as: $input}}
    """
    async with world.worker():
        run = await world.start(playbook(tasks))
        state = await world.until(run, lambda s: "undo" in s.parked)
        assert state.parked["undo"].left_undone == ["one (shop.one)"]
        world.tools.on("shop.undo", {})
        word = UnparkInput(step="undo", action=UnparkAction.RETRY, person_id="p-ruth")
        await run.execute_update(PlaybookWorkflow.unpark, word)
        result = await run.result()
    # What the run wanted stands.
    assert (result.status, result.output, result.left) == ("completed", {"done": "otherwise"}, ())
    assert (result.undone, result.done) == (("one (shop.one)",), ("three (shop.three)",))


async def test_cancellation_takes_back_what_was_done(world: PlaybookWorld) -> None:
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS + "\n- pause: {wait: {days: 2}}"))
        await world.until(run, lambda s: len(s.effects) == 3)
        await run.cancel()
        with pytest.raises(WorkflowFailureError):
            await run.result()
    assert undone(world) == ["three", "two", "one"]


async def test_a_person_aborts_a_run_and_it_is_undone(world: PlaybookWorld) -> None:
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS + "\n- pause: {wait: {days: 2}}"))
        await world.until(run, lambda s: len(s.effects) == 3)
        await run.execute_update(PlaybookWorkflow.abort, AbortInput(person_id="p-ruth", reason="wrong customer"))
        result = await run.result()
    assert (result.status, undone(world)) == ("cancelled", ["three", "two", "one"])


async def test_a_dangerous_tool_waits_for_approval_even_where_the_author_forgot_it(world: PlaybookWorld) -> None:
    world.tools.add(a_tool("shop.two", Safety.DANGEROUS))
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS))
        state = await world.until(run, lambda s: bool(s.pending_approvals))
        assert world.tools.calls_of("shop.two") == []
        assert state.pending_approvals[0].question.arguments == {"n": 2}
        await world.decide(run)
        result = await run.result()
    assert result.status == "completed"
    assert len(world.tools.calls_of("shop.two")) == 1


async def test_a_call_that_nobody_approves_is_not_made(world: PlaybookWorld) -> None:
    world.tools.add(a_tool("shop.two", Safety.CONFIRM, pre_approved=False))
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS))
        await world.decide(run, approve=False, reason="too early")
        result = await run.result()
    assert result.error is not None
    assert (result.error.status, "too early" in result.error.title) == (403, True)
    assert world.tools.calls_of("shop.two") == []
    assert undone(world) == ["one"]


async def test_whoever_started_a_run_does_not_approve_its_calls(world: PlaybookWorld) -> None:
    world.tools.add(a_tool("shop.two", Safety.DANGEROUS))
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS), started_by="p-lena")
        state = await world.until(run, lambda s: any(r.rungs for r in s.pending_approvals))
        assert "p-lena" not in state.pending_approvals[0].rungs[0].approvers
        with pytest.raises(WorkflowUpdateFailedError):
            await world.decide(run, person="p-lena")
        await run.cancel()


async def test_a_tool_that_changed_after_its_approval_is_refused(world: PlaybookWorld) -> None:
    world.tools.add(a_tool("shop.two", Safety.DANGEROUS))
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS))
        await world.until(run, lambda s: any(r.rungs for r in s.pending_approvals))
        world.tools.add(a_tool("shop.two", Safety.DANGEROUS, target="https://elsewhere.example"))
        await world.decide(run)
        result = await run.result()
    assert result.status == "faulted"
    assert world.tools.effects.keys() & {call.key for call in world.tools.calls_of("shop.two")} == set()


def only_seven(otherwise: Exception) -> Callable[[ToolCall], object]:
    """A tool that takes one number and no other."""
    return lambda call: {"id": "two"} if call.arguments["n"] == 7 else otherwise


async def test_an_exhausted_call_is_parked_and_retried_with_other_arguments(world: PlaybookWorld) -> None:
    world.tools.on("shop.two", only_seven(VendorUnavailable("shop", "503", "Down.")))
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS))
        state = await world.until(run, lambda s: bool(s.parked))
        step = next(iter(state.parked))
        assert state.parked[step].tool == "shop.two"
        assert state.parked[step].arguments == {"n": 2}
        world.tools.on("shop.two", only_seven(VendorRefused("shop", "no", "Never took effect.")))
        word = UnparkInput(
            step=step, action=UnparkAction.RETRY, person_id="p-ruth", arguments={"n": 7}, reason="typing error"
        )
        await run.execute_update(PlaybookWorkflow.unpark, word)
        result = await run.result()
    assert result.status == "completed"
    assert world.tools.calls_of("shop.two")[-1].arguments == {"n": 7}
    assert world.tools.calls_of("shop.two")[-1].key != world.tools.calls_of("shop.two")[0].key
    texts = [entry.text for entry in await world.store.timeline(run.id)]
    assert any("typing error" in text for text in texts)


async def test_an_edited_call_is_judged_and_approved_anew(world: PlaybookWorld) -> None:
    world.tools.add(a_tool("shop.two", Safety.DANGEROUS))
    world.tools.on("shop.two", only_seven(VendorUnavailable("shop", "503", "Down.")))
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS))
        await world.decide(run)
        state = await world.until(run, lambda s: bool(s.parked))
        world.tools.on("shop.two", only_seven(VendorRefused("shop", "no", "Never took effect.")))
        word = UnparkInput(
            step=next(iter(state.parked)), action=UnparkAction.RETRY, person_id="p-ruth", arguments={"n": 7}
        )
        await run.execute_update(PlaybookWorkflow.unpark, word)
        state = await world.until(run, lambda s: bool(s.pending_approvals))
        assert state.pending_approvals[0].question.arguments == {"n": 7}
        await world.decide(run)
        result = await run.result()
    assert result.status == "completed"


async def test_an_exhausted_call_that_a_catch_is_for_is_not_parked(world: PlaybookWorld) -> None:
    world.tools.on("shop.two", VendorUnavailable("shop", "503", "Down.", status=503))

    def shop_is_back(call: ToolCall) -> dict[str, str]:
        world.tools.on("shop.two", VendorRefused("shop", "no", "Never took effect."))
        return {}

    world.tools.on("shop.one", shop_is_back)
    result = await world.run(
        playbook(
            """
            - attempt:
                try: [{two: {call: shop.two, with: {n: 2}, metadata: {undo: {call: shop.undo, with: {what: two}}}}}]
                catch:
                  errors: {with: {status: 503}}
                  do: [{tell: {call: shop.one, with: {}}}, {instead: {set: {done: later}}}]
            """
        )
    )
    assert result.output == {"done": "later"}


async def test_the_next_tool_with_a_capability_is_taken_when_the_first_is_out_of_order(world: PlaybookWorld) -> None:
    world.tools.add(
        a_tool("north.ship", capabilities=("ship",), undo=ToolUndo(tool="shop.undo", arguments={"what": "north"})),
        a_tool("south.ship", capabilities=("ship",)),
    )
    world.tools.on("north.ship", VendorRefused("north", "closed", "Closed."))
    refused = await world.run(playbook("[{ship: {call: use, with: {capability: ship, arguments: {n: 1}}}}]"))
    assert refused.status == "faulted"
    down = [VendorUnavailable("north", "503", "Down.")] * 30
    world.tools.on("north.ship", [*down, VendorRefused("north", "closed", "Closed.")])
    async with world.worker():
        run = await world.start(
            playbook("[{ship: {call: use, with: {capability: ship, arguments: {n: 1}}, metadata: {undo: none}}}]")
        )
        result = await asyncio.wait_for(run.result(), 20)
    assert result.status == "completed"
    assert len(world.tools.calls_of("south.ship")) == 1


def a_rule(action: RuleAction, when: str) -> GuardrailRule:
    return GuardrailRule(
        name="rule",
        at=(GuardPoint.TOOL_CALL,),
        category=RuleCategory.OPERATIONAL_SAFETY,
        when=when,
        action=action,
        reason="It is not wanted.",
    )


async def test_a_denied_call_is_an_authorization_error_that_a_playbook_can_catch(world: PlaybookWorld) -> None:
    world.guardrails.guardrails = Guardrails(rules=(a_rule(RuleAction.DENY, ".arguments.n == 2"),))
    result = await world.run(
        playbook(
            """
            - attempt:
                try: [{two: {call: shop.two, with: {n: 2}}}]
                catch: {errors: {with: {status: 403}}, as: err, do: [{tell: {set: {why: "${ $err.title }"}}}]}
            """
        )
    )
    assert "not wanted" in result.output["why"]
    assert world.tools.calls == []


async def test_a_limit_of_the_day_is_counted_once_and_given_back(world: PlaybookWorld) -> None:
    limit = Limit(name="twice", tools=("shop.*",), per=LimitPer.TENANT_DAY, at_most=2)
    world.guardrails.guardrails = Guardrails(limits=(limit,))
    result = await world.run(playbook(THREE_STEPS))
    assert result.error is not None
    assert "twice" in result.error.title
    assert undone(world) == ["two", "one"]


async def test_approval_time_outs_deny(world: PlaybookWorld) -> None:
    world.tools.add(a_tool("shop.two", Safety.DANGEROUS))
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS))
        await world.until(run, lambda s: any(r.rungs for r in s.pending_approvals))
        await world.pass_time(timedelta(days=2))
        result = await run.result()
    assert result.error is not None
    assert result.error.status == 403


async def test_other_arguments_that_the_tool_refuses_change_nothing_and_the_step_stays_parked(
    world: PlaybookWorld,
) -> None:
    world.tools.on("shop.two", VendorUnavailable("shop", "503", "Down."))
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS))
        state = await world.until(run, lambda s: bool(s.parked))
        step = next(iter(state.parked))
        world.tools.refuse_on_check = ToolRefusal(kind=RefusalKind.INVALID_ARGUMENTS, sentence="n: is no number.")
        word = UnparkInput(step=step, action=UnparkAction.RETRY, person_id="p-ruth", arguments={"n": "seven"})
        receipt = await run.execute_update(PlaybookWorkflow.unpark, word)
        assert receipt.refusal is not None
        assert receipt.refusal.kind is RefusalKind.INVALID_ARGUMENTS
        assert receipt.text == "n: is no number. The step stays parked."
        state = await run.query(PlaybookWorkflow.query_state)
        assert state.parked[step].action is None
        assert world.store.interventions == {}
        world.tools.refuse_on_check = None
        world.tools.on("shop.two", {"id": "two"})
        word = UnparkInput(step=step, action=UnparkAction.RETRY, person_id="p-ruth", arguments={"n": 7})
        assert (await run.execute_update(PlaybookWorkflow.unpark, word)).refusal is None
        assert (await run.result()).status == "completed"


async def test_a_word_on_a_parked_step_is_in_the_store_while_the_run_goes_on(world: PlaybookWorld) -> None:
    world.tools.on("shop.two", VendorUnavailable("shop", "503", "Down."))
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS + "\n- pause: {wait: {days: 2}}"))
        state = await world.until(run, lambda s: bool(s.parked))
        parked = next(iter(state.parked.values()))
        world.tools.on("shop.two", {"id": "two"})
        await run.execute_update(
            PlaybookWorkflow.unpark,
            UnparkInput(
                step=parked.step,
                action=UnparkAction.RETRY,
                person_id="p-ruth",
                arguments={"n": 7},
                reason="typing error",
                parked_at=parked.parked_at,
            ),
        )
        await world.until(run, lambda s: bool(world.store.interventions) and len(s.effects) == 3)
        (said,) = await world.store.interventions_of(run.id)
        assert (said.person_id, said.action, said.reason, said.tool) == ("p-ruth", "retry", "typing error", "shop.two")
        assert said.digest_before == call_digest("shop.two", {"n": 2})
        assert said.digest_after == call_digest("shop.two", {"n": 7})
        await run.cancel()
        with pytest.raises(WorkflowFailureError):
            await run.result()
    assert len(world.store.interventions) == 1


async def test_a_word_on_an_earlier_parking_does_not_count_for_a_later_one(world: PlaybookWorld) -> None:
    world.tools.on("shop.two", VendorUnavailable("shop", "503", "Down."))
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS))
        parked = next(iter((await world.until(run, lambda s: bool(s.parked))).parked.values()))
        word = UnparkInput(step=parked.step, action=UnparkAction.RETRY, person_id="p-ruth", parked_at=parked.parked_at)
        await run.execute_update(PlaybookWorkflow.unpark, word)
        await world.until(run, lambda s: any(p.parked_at > parked.parked_at for p in s.parked.values()))
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await run.execute_update(PlaybookWorkflow.unpark, word)
        assert "parked anew" in str(refused.value.cause)
        await run.terminate()


async def test_other_arguments_wait_until_the_vendor_says_what_became_of_the_first_call(world: PlaybookWorld) -> None:
    world.tools.on("shop.two", OutcomeUnknown("shop", "timeout", "No answer."))
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS))
        parked = next(iter((await world.until(run, lambda s: bool(s.parked))).parked.values()))
        word = UnparkInput(step=parked.step, action=UnparkAction.RETRY, person_id="p-ruth", arguments={"n": 7})
        await run.execute_update(PlaybookWorkflow.unpark, word)
        state = await world.until(run, lambda s: any(p.parked_at > parked.parked_at for p in s.parked.values()))
        assert "could not be taken back yet" in next(iter(state.parked.values())).problem
        assert {call.arguments["n"] for call in world.tools.calls_of("shop.two")} == {2}
        world.tools.on("shop.two", {"id": "two"})
        await run.execute_update(PlaybookWorkflow.unpark, word)
        result = await run.result()
    assert result.status == "completed"
    assert undone(world) == ["two"]
    assert [call.arguments["n"] for call in world.tools.effects.values() if call.tool == "shop.two"] == [2, 7]


async def test_nobody_approves_arguments_that_they_wrote_themselves(world: PlaybookWorld) -> None:
    world.tools.add(a_tool("shop.two", Safety.DANGEROUS))
    world.tools.on("shop.two", VendorUnavailable("shop", "503", "Down."))
    async with world.worker():
        run = await world.start(playbook(THREE_STEPS))
        await world.decide(run)
        state = await world.until(run, lambda s: bool(s.parked))
        word = UnparkInput(
            step=next(iter(state.parked)), action=UnparkAction.RETRY, person_id="p-ruth", arguments={"n": 7}
        )
        await run.execute_update(PlaybookWorkflow.unpark, word)
        state = await world.until(run, lambda s: bool(s.pending_approvals))
        question = state.pending_approvals[0].question
        assert question.requested_by == "p-ruth"
        assert "p-ruth wrote these arguments" in question.evidence[-1]
        await run.terminate()
