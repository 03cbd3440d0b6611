"""Verdicts: the strongest of rules, limits, risk and safety floor, and nothing that makes one weaker."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.guarding import action_of, case_counts, claims_for, judge_call, judge_text
from domain.money.currencies import Currencies
from domain.policies.guardrails import GuardPoint, Guardrails, Limit, LimitPer, RuleAction, Severity
from domain.tools.tool import Safety, ToolCategory
from tests.unit.guarding.conftest import COMMUNICATION, SEARCH, rule, tool

NONE = Guardrails()


@pytest.mark.parametrize(
    ("safety", "pre_approved", "expected"),
    [
        (Safety.SAFE, False, RuleAction.ALLOW),
        (Safety.SAFE, True, RuleAction.ALLOW),
        (Safety.CONFIRM, False, RuleAction.REQUIRE_APPROVAL),
        (Safety.CONFIRM, True, RuleAction.ALLOW),
        (Safety.DANGEROUS, False, RuleAction.REQUIRE_APPROVAL),
        (Safety.DANGEROUS, True, RuleAction.REQUIRE_APPROVAL),
    ],
)
def test_without_any_rule_the_safety_level_decides(safety: Safety, pre_approved: bool, expected: RuleAction) -> None:
    assert judge_call(NONE, tool(safety, pre_approved=pre_approved), {}, {}).action is expected


@pytest.mark.parametrize("action", list(RuleAction))
@pytest.mark.parametrize("point", list(GuardPoint))
def test_a_rule_that_holds_gives_its_action_at_every_point(action: RuleAction, point: GuardPoint) -> None:
    rails = Guardrails(rules=(rule(action, at=(point,)),))
    if point is GuardPoint.TOOL_CALL:
        verdict = judge_call(rails, tool(Safety.SAFE), {"x": 1}, {})
    else:
        verdict = judge_text(rails, point, "words", {})
    assert verdict.action is action
    assert [hit.rule for hit in verdict.hits] == [f"test_{action.value}"]
    assert verdict.reasons == ("It is so.",)


@pytest.mark.parametrize("when", ["false", "null", ".facts.missing", '.tool.name == "other"'])
def test_false_and_null_do_not_hold(when: str) -> None:
    assert judge_call(Guardrails(rules=(rule(RuleAction.DENY, when),)), tool(), {}, {}).hits == ()


@pytest.mark.parametrize("when", ["0", '""', "[]", "{}", "1"])
def test_anything_else_holds(when: str) -> None:
    assert judge_call(Guardrails(rules=(rule(RuleAction.DENY, when),)), tool(), {}, {}).action is RuleAction.DENY


def test_a_rule_is_looked_at_only_where_it_says() -> None:
    rails = Guardrails(rules=(rule(RuleAction.DENY, at=(GuardPoint.OUTPUT,)),))
    assert judge_call(rails, tool(), {}, {}).action is RuleAction.ALLOW
    assert judge_text(rails, GuardPoint.MODEL_INPUT, "x", {}).action is RuleAction.ALLOW
    assert judge_text(rails, GuardPoint.OUTPUT, "x", {}).action is RuleAction.DENY


@pytest.mark.parametrize(
    "when", ['error("no")', ".arguments.note + 1", "[range(10000000)] | length", "[recurse(.)] | length"]
)
@pytest.mark.parametrize("action", list(RuleAction))
def test_a_rule_that_faults_or_runs_out_counts_as_held_and_asks_people(when: str, action: RuleAction) -> None:
    verdict = judge_call(Guardrails(rules=(rule(action, when),)), tool(Safety.SAFE), {"note": "a"}, {})
    assert verdict.action is (RuleAction.DENY if action is RuleAction.DENY else RuleAction.REQUIRE_APPROVAL)
    assert "could not be evaluated" in verdict.reasons[0]


WEAKER = [RuleAction.ALLOW, RuleAction.LOG, RuleAction.SANITISE, RuleAction.ESCALATE]
CONDITIONS = [
    "true",
    'error("x")',
    ".facts.trusted",
    ".facts.claimed.safe",
    '.tool.safety == "dangerous"',
    ".amount == null",
    ".signals.instructions | not",
]
FACTS = st.dictionaries(
    st.sampled_from(["trusted", "claimed", "approved", "safety", "audience", "customer_id"]),
    st.one_of(st.booleans(), st.text(max_size=20), st.dictionaries(st.sampled_from(["safe", "risk"]), st.booleans())),
)


@given(
    rules=st.lists(
        st.tuples(st.sampled_from(WEAKER), st.sampled_from(CONDITIONS), st.sampled_from(list(Severity))), max_size=6
    ),
    safety=st.sampled_from([Safety.CONFIRM, Safety.DANGEROUS]),
    category=st.sampled_from(list(ToolCategory)),
    arguments=st.dictionaries(st.sampled_from(["approved", "safety", "note"]), st.one_of(st.booleans(), st.text())),
    facts=FACTS,
    thresholds=st.tuples(st.integers(1, 100), st.integers(1, 100)),
)
@settings(max_examples=150, deadline=None)
def test_no_combination_of_weaker_rules_and_facts_lowers_the_floor(  # noqa: PLR0917 - one for each thing that varies
    rules: list[Any],
    safety: Safety,
    category: ToolCategory,
    arguments: dict[str, Any],
    facts: dict[str, Any],
    thresholds: tuple[int, int],
) -> None:
    rails = Guardrails(
        rules=tuple(
            rule(action, when, name=f"r{number}", severity=severity)
            for number, (action, when, severity) in enumerate(rules)
        ),
        approval_from_risk=min(thresholds),
        deny_from_risk=max(thresholds),
    )
    called = tool(safety, category=category, pre_approved=False)
    with_rules = judge_call(rails, called, arguments, facts)
    without = judge_call(rails.model_copy(update={"rules": ()}), called, arguments, facts)
    assert with_rules.action.rank >= without.action.rank >= RuleAction.REQUIRE_APPROVAL.rank
    assert with_rules.risk >= without.risk
    assert 0 <= with_rules.risk <= 100


@given(claims=st.dictionaries(st.sampled_from(["safe", "approved", "risk"]), st.one_of(st.booleans(), st.integers())))
@settings(max_examples=60, deadline=None)
def test_what_a_model_claims_never_makes_a_verdict_weaker(claims: dict[str, Any]) -> None:
    rails = Guardrails(
        rules=(
            rule(RuleAction.DENY, ".facts.claimed.safe != true", name="a"),
            rule(RuleAction.REQUIRE_APPROVAL, ".facts.claimed.approved | not", name="b"),
            rule(RuleAction.ESCALATE, ".facts.claimed.risk == 1", name="c"),
        )
    )
    without = judge_call(rails, tool(Safety.SAFE), {}, {})
    claimed = judge_call(rails, tool(Safety.SAFE), {}, {"claimed": claims})
    assert claimed.action.rank >= without.action.rank
    assert {hit.rule for hit in claimed.hits} >= {hit.rule for hit in without.hits}


# Risk


def test_risk_adds_up_as_documented() -> None:
    limit = Limit(name="l", tools=("ops.*",), measure="amount", per=LimitPer.CASE, at_most=100)
    rails = Guardrails(rules=(rule(RuleAction.LOG, severity=Severity.HIGH),), limits=(limit,))
    called = tool(Safety.DANGEROUS, undo=None, amount=".amount")
    assert judge_call(NONE, tool(Safety.SAFE), {}, {}).risk == 0
    assert judge_call(NONE, tool(Safety.CONFIRM, category=SEARCH), {}, {}).risk == 25
    assert judge_call(NONE, tool(Safety.CONFIRM, category=COMMUNICATION), {}, {}).risk == 30
    assert judge_call(NONE, tool(Safety.CONFIRM, undo=None), {}, {}).risk == 45
    assert judge_call(rails, called, {"amount": 50}, {}).risk == 40 + 10 + 10 + 7 + 15
    assert judge_call(rails, called, {"amount": 100}, {}).risk == 40 + 10 + 10 + 15 + 15


def test_risk_alone_asks_people_and_at_its_end_denies() -> None:
    critical = Guardrails(rules=(rule(RuleAction.LOG, severity=Severity.CRITICAL),), approval_from_risk=60)
    assert judge_call(critical, tool(Safety.CONFIRM), {}, {}).action is RuleAction.REQUIRE_APPROVAL
    assert judge_call(critical, tool(Safety.SAFE), {}, {}).action is RuleAction.LOG
    worst = tool(Safety.DANGEROUS, undo=None, amount=".amount")
    denied = judge_call(critical, worst, {"amount": "much"}, {})
    assert denied.action is RuleAction.DENY
    assert denied.risk == 100


@pytest.mark.parametrize("amount", [None, "12", -1, True, [], math.nan, math.inf])
def test_an_amount_that_nobody_can_tell_asks_people(amount: Any) -> None:
    verdict = judge_call(NONE, tool(amount=".amount"), {"amount": amount}, {})
    assert verdict.action is RuleAction.REQUIRE_APPROVAL
    assert "what amount" in verdict.reasons[0]


# Limits

PER_CASE = Limit(name="calls", tools=("ops.*",), per=LimitPer.CASE, at_most=2, action=RuleAction.DENY)
MONEY = Limit(
    name="money",
    tools=("ops.apply",),
    measure="amount",
    per=LimitPer.CUSTOMER_DAY,
    at_most=50,
    action=RuleAction.REQUIRE_APPROVAL,
)
TENANT = Limit(name="all", tools=("*",), per=LimitPer.TENANT_DAY, at_most=9)
LIMITED = Guardrails(limits=(PER_CASE, MONEY, TENANT))
PAYING = tool(amount=".amount", customer=".customer")
IN_DOLLARS = Guardrails(limits=(MONEY,), currencies=Currencies(own="USD", rates={"EUR": 2.0}))


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (50, "USD", RuleAction.ALLOW),
        (50, "usd", RuleAction.ALLOW),
        (51, "USD", RuleAction.REQUIRE_APPROVAL),
        (25, "EUR", RuleAction.ALLOW),
        (26, "EUR", RuleAction.REQUIRE_APPROVAL),
        (1, "JPY", RuleAction.REQUIRE_APPROVAL),
        (1, None, RuleAction.REQUIRE_APPROVAL),
    ],
)
def test_limits_on_money_are_in_the_tenants_own_currency(amount: int, currency: Any, expected: RuleAction) -> None:
    paying = tool(amount=".amount", currency=".currency", customer=".customer")
    arguments = {"amount": amount, "currency": currency, "customer": "c"}
    assert judge_call(IN_DOLLARS, paying, arguments, {}).action is expected


def test_what_a_call_claims_of_a_limit_is_in_the_tenants_own_currency() -> None:
    paying = tool(amount=".amount", currency=".currency", customer=".customer")
    (claim,) = claims_for(IN_DOLLARS, paying, {"amount": 20, "currency": "EUR", "customer": "c"}, {}, tenant="acme")
    assert claim.amount == 40


def test_without_a_currency_of_the_tenants_own_amounts_count_as_they_are() -> None:
    paying = tool(amount=".amount", currency=".currency", customer=".customer")
    arguments = {"amount": 50, "currency": "JPY", "customer": "c"}
    assert judge_call(Guardrails(limits=(MONEY,)), paying, arguments, {}).action is RuleAction.ALLOW


@pytest.mark.parametrize(("used", "expected"), [(0, RuleAction.ALLOW), (1, RuleAction.ALLOW), (2, RuleAction.DENY)])
def test_a_limit_per_case_is_judged_from_what_the_case_used_up(used: float, expected: RuleAction) -> None:
    facts = {"totals": {"calls": used}}
    assert judge_call(LIMITED, PAYING, {"amount": 1}, facts).action is expected


@pytest.mark.parametrize("totals", [{"calls": "none"}, {"calls": None}, {"calls": True}])
def test_a_total_that_is_no_number_leaves_nothing(totals: Any) -> None:
    assert judge_call(LIMITED, PAYING, {"amount": 1}, {"totals": totals}).action is RuleAction.DENY


def test_limits_over_cases_are_named_for_the_store_and_claimed_by_customer_and_tenant() -> None:
    arguments = {"amount": 20, "customer": " CUS_1 "}
    assert judge_call(LIMITED, PAYING, arguments, {}).limits == ("money", "all")
    claims = claims_for(LIMITED, PAYING, arguments, {}, tenant="acme")
    assert [(claim.limit, claim.subject, claim.amount, claim.at_most) for claim in claims] == [
        ("money", "cus_1", 20.0, 50.0),
        ("all", "acme", 1.0, 9.0),
    ]
    lifted = claims_for(LIMITED, PAYING, arguments, {}, tenant="acme", lifted=("money",))
    assert [claim.at_most > 1e12 for claim in lifted] == [True, False]
    assert case_counts(LIMITED, PAYING, arguments, {}) == {"calls": 1.0}


def test_a_customer_that_no_argument_names_is_the_cases_and_else_one_for_all() -> None:
    def subject(facts: dict[str, Any]) -> str:
        return claims_for(LIMITED, PAYING, {"amount": 1}, facts, tenant="acme")[0].subject

    assert subject({"customer_id": "Cus_9"}) == "cus_9"
    assert subject({}) == subject({"customer_id": ""}) == "(unknown)"


def test_a_call_that_alone_is_over_a_limit_needs_no_store_to_be_stopped() -> None:
    assert judge_call(LIMITED, PAYING, {"amount": 51}, {}).action is RuleAction.REQUIRE_APPROVAL
    assert judge_call(LIMITED, tool(), {}, {}).action is RuleAction.REQUIRE_APPROVAL, "nobody can tell its amount"


def test_taking_back_what_was_done_is_held_up_by_no_limit_but_by_rules() -> None:
    undoing = {"totals": {"calls": 9}, "undoing": True}
    verdict = judge_call(LIMITED, PAYING, {"amount": 51}, undoing)
    assert (verdict.action, verdict.limits) == (RuleAction.ALLOW, ())
    pretended = judge_call(LIMITED, PAYING, {"amount": 51}, {**undoing, "undoing": "yes"})
    assert pretended.action is RuleAction.DENY
    denied = LIMITED.model_copy(update={"rules": (rule(RuleAction.DENY),)})
    assert judge_call(denied, PAYING, {"amount": 1}, undoing).action is RuleAction.DENY


def test_reading_counts_towards_no_limit_on_money() -> None:
    assert judge_call(LIMITED, tool(Safety.SAFE), {}, {}).limits == ("all",)


def test_going_over_several_limits_does_the_strongest() -> None:
    assert action_of(LIMITED, ("money",)) is RuleAction.REQUIRE_APPROVAL
    assert action_of(LIMITED, ("money", "all")) is RuleAction.DENY
    assert action_of(LIMITED, ("nobody knows this one",)) is RuleAction.DENY
    assert action_of(LIMITED, ()) is RuleAction.ALLOW


# Sanitising

KEY = "sk-live-abcdefghijklmnop1234567890"


def sanitise(value: Any, *words: str, link_hosts: tuple[str, ...] = ()) -> Any:
    rails = Guardrails(rules=(rule(RuleAction.SANITISE, sanitise=words),), link_hosts=link_hosts)
    return judge_text(rails, GuardPoint.OUTPUT, value, {})


def test_secrets_go_and_addresses_stay_unless_asked_for() -> None:
    text = f"Your key {KEY}, mail ann@example.com, card 4111 1111 1111 1111"
    assert sanitise(text, "secrets").value == "Your key [SECRET_1], mail ann@example.com, card [CARD_1]"
    assert sanitise(text, "personal").value == f"Your key {KEY}, mail [EMAIL_1], card 4111 1111 1111 1111"
    assert sanitise({"a": [{"password": "hunter2!"}]}, "secrets").value == {"a": [{"password": "[SECRET_1]"}]}
    untouched = sanitise("Hello", "secrets", "personal", "links")
    assert (untouched.value, untouched.sanitised) == ("Hello", False)


def test_a_path_of_the_arguments_is_left_out() -> None:
    rails = Guardrails(rules=(rule(RuleAction.SANITISE, sanitise=("arguments.customer.notes",)),))
    arguments = {"customer": {"id": 1, "notes": "x"}, "notes": "y"}
    verdict = judge_call(rails, tool(), arguments, {})
    assert verdict.value == {"customer": {"id": 1}, "notes": "y"}
    assert verdict.sanitised
    assert arguments["customer"] == {"id": 1, "notes": "x"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://evil.test/x?y=1.", "see hxxps[:]//evil[.]test/x?y=1[.]"),
        ("see https://help.example.com/a", "see https://help.example.com/a"),
        ("www.evil.test", "www[.]evil[.]test"),
        ("evil.test/login now", "evil[.]test/login now"),
        ("javascript:alert(1)", "javascript[:]alert(1)"),
        ("https://help.example.com@evil.test/", "hxxps[:]//help[.]example[.]com@evil[.]test/"),
        ("https://help.example.com.evil.test/", "hxxps[:]//help[.]example[.]com[.]evil[.]test/"),
        ("https:\\\\evil.test", "hxxps[:]\\\\evil[.]test"),
        ("//evil.test/x", "//evil[.]test/x"),
    ],
)
def test_links_to_unknown_hosts_are_shown_and_lead_nowhere(text: str, shown: str) -> None:
    assert sanitise(text, "links", link_hosts=("*.example.com",)).value == shown


def test_what_is_too_large_to_be_looked_through_asks_people() -> None:
    for verdict in (
        judge_call(NONE, tool(Safety.SAFE), {"note": "a" * 100_001}, {}),
        judge_text(NONE, GuardPoint.OUTPUT, ["b" * 60_000, "c" * 60_000], {}),
    ):
        assert verdict.action is RuleAction.REQUIRE_APPROVAL
