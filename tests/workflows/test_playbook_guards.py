"""Guardrails in a running playbook: words that leave or reach a model, sanitised calls, limits, and who is asked."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from domain.errors import VendorRefused
from domain.playbook.messages import PlaybookResult
from domain.policies.guardrails import GuardPoint, GuardrailRule, Guardrails, Limit, LimitPer, RuleAction, RuleCategory
from domain.tools.tool import RefusalKind, Safety, ToolRefusal
from runtime.configuration.policies import Configuration
from tests.workflows.playbook_world import PlaybookWorld, a_tool, playbook
from workflows.playbook import PlaybookWorkflow

NOTIFY = "[{tell: {call: notify, with: {to: 'customer:a@example.org', subject: Hi, text: The code is xyzzy.}}}]"
ASK = "[{ask: {call: ask_model, with: {prompt: Summarise., input: {text: xyzzy}, fallback: by rules}}}]"
ORDER = "[{one: {call: shop.one, with: {n: 1, note: xyzzy}}}]"
TWICE = """
- one: {call: shop.one, with: {n: 1}, metadata: {undo: none}}
- two: {call: shop.one, with: {n: 2}, metadata: {undo: none}}
"""


@pytest.fixture
def world(environment: WorkflowEnvironment, configuration: Configuration) -> PlaybookWorld:
    world = PlaybookWorld(environment, configuration)
    world.tools.add(a_tool("shop.one"), a_tool("shop.risky", Safety.DANGEROUS))
    world.tools.on("shop.one", {"id": "one"})
    return world


def guard(world: PlaybookWorld, action: RuleAction, *, at: GuardPoint, **more: Any) -> None:
    """One rule that holds for whatever has the word xyzzy in it."""
    rule = GuardrailRule(
        name="xyzzy",
        at=(at,),
        category=RuleCategory.COMPLIANCE,
        when='(.text // (.arguments | tostring)) | contains("xyzzy")',
        action=action,
        reason="The word may not be said.",
        **more,
    )
    world.guardrails.guardrails = Guardrails(rules=(rule,))


def denied(result: PlaybookResult) -> str:
    assert result.error is not None
    assert result.error.type.endswith("authorization")
    return result.error.title


async def test_a_message_that_a_rule_denies_does_not_leave(world: PlaybookWorld) -> None:
    guard(world, RuleAction.DENY, at=GuardPoint.OUTPUT)
    assert "may not be said" in denied(await world.run(playbook(NOTIFY)))
    assert world.mailer.sent == {}


async def test_a_message_that_a_rule_stops_leaves_only_once_people_approve(world: PlaybookWorld) -> None:
    guard(world, RuleAction.REQUIRE_APPROVAL, at=GuardPoint.OUTPUT)
    async with world.worker():
        for approve, sent in ((False, 0), (True, 1)):
            run = await world.start(playbook(NOTIFY))
            state = await world.until(run, lambda s: any(r.rungs for r in s.pending_approvals))
            assert state.pending_approvals[0].question.arguments["text"] == "The code is xyzzy."
            assert world.mailer.to("a@example.org") == []
            await world.decide(run, approve=approve, reason="because")
            result = await run.result()
            assert result.status == ("completed" if approve else "faulted")
            assert len(world.mailer.to("a@example.org")) == sent


async def test_what_a_rule_keeps_from_models_reaches_none(world: PlaybookWorld) -> None:
    world.model.answers["author"] = world.model.answers["playbook"] = {"value": "done"}
    guard(world, RuleAction.REQUIRE_APPROVAL, at=GuardPoint.MODEL_INPUT)
    denied(await world.run(playbook(ASK)))
    assert world.model.questions == []


async def test_a_call_is_made_with_what_a_rule_left_of_its_arguments(world: PlaybookWorld) -> None:
    guard(world, RuleAction.SANITISE, at=GuardPoint.TOOL_CALL, sanitise=("arguments.note",))
    assert (await world.run(playbook(ORDER))).status == "completed"
    assert [call.arguments for call in world.tools.calls_of("shop.one")] == [{"n": 1}]


async def test_a_rule_that_escalates_lets_a_call_through_and_tells_the_duty_lead_once(world: PlaybookWorld) -> None:
    guard(world, RuleAction.ESCALATE, at=GuardPoint.TOOL_CALL)
    assert (await world.run(playbook(ORDER))).status == "completed"
    lead = world.directory.people[world.policies.policy.duty_lead]
    assert ["may not be said" in mail.text for mail in world.mailer.to(lead.email)] == [True]


def limited(world: PlaybookWorld, *, per: LimitPer, action: RuleAction = RuleAction.DENY, at_most: int = 1) -> None:
    limit = Limit(name="few", tools=("shop.*",), per=per, at_most=at_most, action=action)
    world.guardrails.guardrails = Guardrails(limits=(limit,))


async def test_what_a_run_did_counts_towards_its_own_limits(world: PlaybookWorld) -> None:
    limited(world, per=LimitPer.CASE)
    assert "few" in denied(await world.run(playbook(TWICE)))
    assert len(world.tools.calls_of("shop.one")) == 1


async def test_what_had_no_effect_or_was_undone_counts_towards_no_limit(world: PlaybookWorld) -> None:
    limited(world, per=LimitPer.TENANT_DAY, at_most=9)
    undo = "metadata: {undo: {call: shop.one, with: {n: 0}}}"
    world.tools.add(a_tool("shop.no"))
    world.tools.on("shop.no", VendorRefused("shop", "no", "The shop refused.", status=422))
    fails = f"[{{one: {{call: shop.one, with: {{n: 1}}, {undo}}}}}, {{two: {{call: shop.no, {undo}}}}}]"
    result = await world.run(playbook(fails))
    assert len(result.undone) == 1
    assert world.allowances.claims == {}


async def test_what_nobody_approves_counts_towards_no_limit(world: PlaybookWorld) -> None:
    limited(world, per=LimitPer.TENANT_DAY)
    async with world.worker():
        run = await world.start(playbook("[{one: {call: shop.risky, with: {n: 1}}}]"))
        state = await world.until(run, lambda s: any(r.rungs for r in s.pending_approvals))
        request = state.pending_approvals[0]
        unbound = request.question.model_copy(update={"binding": ""})
        assert request.digest == request.question.digest != unbound.digest  # it holds for this tool as it is now
        assert len(world.allowances.claims) == 1
        await world.decide(run, approve=False, reason="no")
        await run.result()
    assert world.allowances.claims == {}


async def test_an_approval_that_lifts_a_limit_lifts_it_for_one_call(world: PlaybookWorld) -> None:
    limited(world, per=LimitPer.TENANT_DAY, action=RuleAction.REQUIRE_APPROVAL)
    async with world.worker():
        run = await world.start(playbook(TWICE))
        state = await world.until(run, lambda s: any(r.rungs for r in s.pending_approvals))
        assert "over the limit few" in " ".join(state.pending_approvals[0].question.evidence)
        assert len(world.tools.calls_of("shop.one")) == 1
        await world.decide(run)
        assert (await run.result()).status == "completed"
    assert len(world.tools.calls_of("shop.one")) == len(world.allowances.claims) == 2


async def test_nobody_is_asked_about_a_call_that_could_not_be_made(world: PlaybookWorld) -> None:
    world.tools.refuse_on_check = ToolRefusal(kind=RefusalKind.INVALID_ARGUMENTS, sentence="n: is no number.")
    async with world.worker():
        run = await world.start(playbook("[{one: {call: shop.risky, with: {n: seven}}}]"))
        result = await run.result()
        state = await run.query(PlaybookWorkflow.query_state)
    assert result.error is not None
    assert "n: is no number" in result.error.title
    assert state.approvals == {}
