"""`guardrails.yaml`: layers, tenants' overrides, and a fault with file and line for what could never work."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import ConfigurationProblem
from domain.policies.guardrails import RuleAction
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "user").mkdir()
    return tmp_path / "user"


def configured(folder: Path, text: str, name: str = "guardrails.yaml") -> Configuration:
    (folder / name).write_text(text, "utf-8")
    return Configuration((SHIPPED_CONFIG, folder))


def test_every_shipped_rule_and_limit_has_what_people_need_to_know() -> None:
    rails = Configuration((SHIPPED_CONFIG,)).guardrails_for("default")
    assert len(rails.rules) >= 19
    assert all(rule.reason.endswith(".") and len(rule.reason) > 20 for rule in rails.rules)
    assert {limit.name for limit in rails.limits} >= {"calls_per_case", "refunds_per_customer"}
    with pytest.raises(ConfigurationProblem, match="not configured"):
        Configuration((SHIPPED_CONFIG,)).guardrails_for("nobody")


def test_a_folder_changes_adds_and_takes_away_by_name(folder: Path) -> None:
    text = """
rules:
  unknown_links: null
  large_amounts: {when: .amount > 900}
  on_fridays: {at: [tool_call], category: operational_safety, when: .facts.friday, action: escalate, reason: Friday.}
limits:
  calls_per_case: {at_most: 10}
"""
    rails = configured(folder, text).guardrails_for("default")
    rules = {rule.name: rule for rule in rails.rules}
    assert "unknown_links" not in rules
    assert rules["large_amounts"].when == ".amount > 900"
    assert rules["large_amounts"].action is RuleAction.REQUIRE_APPROVAL
    assert rules["on_fridays"].action is RuleAction.ESCALATE
    assert {limit.name: limit.at_most for limit in rails.limits}["calls_per_case"] == 10


def test_a_tenants_overrides_hold_for_that_tenant_only(folder: Path) -> None:
    text = "tenants: {acme-us: {overrides: {guardrails: {approval_from_risk: 30, rules: {large_amounts: null}}}}}"
    configuration = configured(folder, text, "tenants.yaml")
    own, others = configuration.guardrails_for("acme-us"), configuration.guardrails_for("default")
    assert (own.approval_from_risk, others.approval_from_risk) == (30, 60)
    assert len(own.rules) == len(others.rules) - 1


def test_an_internal_host_that_is_open_to_tools_may_be_named_without_being_listed_twice(folder: Path) -> None:
    (folder / "tools.yaml").write_text("web: {internal_hosts: ['billing.internal:8080']}", "utf-8")
    rails = configured(folder, "target_hosts: [wiki]").guardrails_for("default")
    assert rails.target_hosts == ("wiki", "billing.internal:8080")


RULE = "rules:\n  mine: {at: [tool_call], category: compliance, action: deny, reason: No.,\n    when: '%s'}"
LIMIT = "limits:\n  mine: {tools: [%s], per: case, at_most: 1%s}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (RULE % ".amount >", "guardrails.yaml:3: rule mine: its `when` cannot be read"),
        (RULE % "now > 3", "guardrails.yaml:3: rule mine: its `when` cannot be read"),
        (RULE % "$ENV.HOME", "its `when` cannot be read"),
        (RULE % "nonsense(1)", "its `when` cannot be read"),
        (RULE % ".amont > 3", "'amont' is nothing that a rule can ask about: write one of point, tool"),
        (RULE % ".tool.vendro", "'vendro' is nothing that .tool has: write one of name, title"),
        (RULE % ".signals.shel", "'shel' is nothing that .signals has"),
        ("rules: {Mine: {}}", "'Mine' is no name"),
        ("rules: {mine: {at: [], category: compliance, action: deny, reason: x, when: .text}}", "looked at nowhere"),
        ("rules: {mine: {at: [later], category: compliance, action: deny, reason: x, when: .text}}", "at.0 is not one"),
        ("rules: {secrets_in_words: {sanitise: [passwords]}}", "'passwords' cannot be sanitised"),
        ("rules: {secrets_in_words: {actoin: deny}}", "actoin is not known here"),
        ("ruls: {}", "'ruls' is not known here"),
        (LIMIT % ("a*b", ""), "'a*b' names no tool"),
        (LIMIT % ("a.b", ", action: log"), "limit mine cannot log: write require_approval or deny"),
        (LIMIT % ("a.b", ", measure: money"), "limit mine measures 'money'"),
        ("approval_from_risk: 99", "approval_from_risk must not be above deny_from_risk"),
        ("link_hosts: ['https://x.test/']", "is no host"),
    ],
)
def test_what_could_never_work_is_refused_with_its_place(folder: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationProblem) as problem:
        configured(folder, text)
    assert sentence in str(problem.value)
    assert "guardrails.yaml" in str(problem.value)
