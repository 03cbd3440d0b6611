"""Two tenants side by side: each has its own words, manner, tools, limits of money and budget of models."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.notices import MailInput, NoticeActivities
from activities.replies import DraftInput, ReplyActivities
from activities.triage import DecideInput, TriageActivities, TriageInput
from domain.cases.records import Spending
from domain.errors import ConfigurationProblem
from domain.guarding import judge_call
from domain.policies.guardrails import RuleAction
from domain.ports.models import ModelUnavailable, Question
from domain.rules import Phrases, RulesEngine
from domain.tickets.ticket import Customer, Ticket
from domain.tools.tool import Safety, ToolBrief
from integrations.llm.budget import Spender
from integrations.rendering import Templates
from runtime.configuration.policies import Configuration
from runtime.configuration.tenants import Tenants
from runtime.settings.environment import SHIPPED_CONFIG, load_settings
from tests.fakes import FakeDirectory, FakeMailer, FakeModel, FakeStore
from workers.clients import TEMPLATES, toolbox_to_look_at

OURS = """
tenants:
  acme-us:
    share: 2.5
    overrides:
      replies:
        reply:
          terms: {case: matter, ticket: enquiry, customer: client, team: practice}
          formality: formal
          tone: Measured and precise, as a law firm writes.
        budget: {per_case: 0.05, per_day: 1.5, calls_per_case: 3}
      tools:
        providers: {accounting: null}
        tools: {payments.refund: {enabled: false}}
      guardrails:
        rules: {large_amounts: {when: ".tool.safety != \\"safe\\" and .amount != null and .amount > 20"}}
"""
TICKET = Ticket(
    ticket_id="T-1",
    subject="Password",
    body="hey, i forgot my password, how do i get back in? thx!",
    customer=Customer(name="Ann", email="ann@example.org"),
)


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    folder = tmp_path_factory.mktemp("config")
    (folder / "tenants.yaml").write_text(OURS, "utf-8")
    return Configuration((SHIPPED_CONFIG, folder))


def reply_of(configuration: Configuration, tenant: str) -> Any:
    return configuration.policy_for(tenant).reply


async def test_a_mail_has_the_tenants_own_words(configuration: Configuration) -> None:
    mailer = FakeMailer()
    notices = NoticeActivities(mailer, None, Templates(TEMPLATES), FakeDirectory([]), FakeStore())
    context = {"case_number": "T-1", "subject": "Password", "resolution": "", "signature": "Us"}
    for tenant in ("default", "acme-us"):
        mail = MailInput(
            tenant=tenant,
            step=tenant,
            template="mail/closed.txt",
            context=context,
            to=("ann@example.org",),
            terms=reply_of(configuration, tenant).terms,
        )
        await ActivityEnvironment().run(notices.mail_customer, mail)
    usual, own = mailer.to("ann@example.org")

    assert usual.subject == "[Case T-1] Resolved: Password"
    assert own.subject == "[Matter T-1] Resolved: Password"
    assert "your case T-1" in usual.text
    assert "your matter T-1" in own.text
    assert "case" not in own.text


async def test_answers_by_rules_and_by_models_are_in_the_tenants_words_and_manner(configuration: Configuration) -> None:
    rules = RulesEngine(configuration.keywords, Phrases.model_validate(configuration.phrases))
    model = FakeModel()
    model.answers["none of ours"] = {}  # configured, and knows no answer
    triage, replies = TriageActivities(model, rules, FakeStore()), ReplyActivities(model, rules)
    texts, asked = {}, {}
    for tenant in ("default", "acme-us"):
        policy, run = configuration.policy_for(tenant), ActivityEnvironment().run
        request = TriageInput(tenant=tenant, ticket=TICKET, budget=policy.budget)
        classification = (await run(triage.classify_ticket, request)).classification
        analysis = (await run(triage.analyse_ticket, request)).analysis
        known: dict[str, Any] = {"tenant": tenant, "ticket": TICKET, "policy": policy}
        known |= {"classification": classification, "analysis": analysis}
        decided = await run(triage.decide_escalation, DecideInput(**known))
        draft = DraftInput(**known, step="reply-1", decision=decided.decision, strategy=decided.strategy, articles=())
        texts[tenant] = (await run(replies.draft_reply, draft)).reply.text
        asked[tenant] = model.questions[-1].context

    assert texts["default"].startswith("Hi Ann,")
    assert "the same case" in texts["default"]
    assert texts["acme-us"].startswith("Dear Ann,")
    assert "the same matter" in texts["acme-us"]
    assert asked["default"]["house_tone"] == ""
    assert asked["acme-us"]["house_tone"] == "formal with everybody; Measured and precise, as a law firm writes."
    assert asked["acme-us"]["terms"] == {
        "case": "matter",
        "ticket": "enquiry",
        "customer": "client",
        "team": "practice",
    }


def test_prompts_that_write_speak_of_the_house() -> None:
    written = Templates(TEMPLATES).text("prompts/_writing_rules.j2")
    assert "data.house_tone" in written
    assert "data.terms" in written


async def test_a_tool_that_one_tenant_may_not_use_is_none_of_its_tools(configuration: Configuration) -> None:
    vendors = {"SUREHAND_STRIPE__API_KEY": "k", "SUREHAND_SERVERS__ACCOUNTING": "http://127.0.0.1:9"}
    settings = load_settings(environ={**vendors, "SUREHAND_SECRETS__ACCOUNTING_KEY": "k"})
    toolbox = toolbox_to_look_at(settings, configuration, ledger=None)  # type: ignore[arg-type]  # nothing is called
    try:
        usual = {spec.name for spec in await toolbox.specs("default")}
        own = {spec.name for spec in await toolbox.specs("acme-us")}
        with pytest.raises(ConfigurationProblem, match="not configured"):
            await toolbox.specs("nobody")
    finally:
        await toolbox.close()
    lost = usual - own
    assert "payments.refund" in lost
    assert all(name == "payments.refund" or name.startswith("accounting.") for name in lost)


def test_money_that_one_tenant_lets_go_waits_for_a_person_with_the_other(configuration: Configuration) -> None:
    brief = ToolBrief(
        name="crm.pay",
        vendor="crm",
        title="Pay",
        safety=Safety.CONFIRM,
        pre_approved=True,
        amount=".amount",
        digest="d",
    )
    verdicts = {
        tenant: judge_call(configuration.guardrails_for(tenant), brief, {"amount": 50}, {"totals": {}})
        for tenant in ("default", "acme-us")
    }
    rules = {tenant: {hit.rule for hit in verdict.hits} for tenant, verdict in verdicts.items()}
    assert "large_amounts" not in rules["default"]
    assert "large_amounts" in rules["acme-us"]
    assert verdicts["acme-us"].action is RuleAction.REQUIRE_APPROVAL


class _Spent:
    def __init__(self, spent: Spending) -> None:
        self.spent = spent

    async def spending(self, tenant: str, workflow_id: str, now: datetime) -> Spending:
        return self.spent

    async def record(self, record: object) -> None:
        raise AssertionError("nothing is asked")


class _Costly:
    costs = True


@pytest.mark.parametrize(
    ("spent", "who_may_ask"),
    [
        (Spending(case_calls=2, case_cost=0.04, day_cost=1.0), {"default", "acme-us"}),
        (Spending(case_calls=3, case_cost=0.01, day_cost=0.1), {"default"}),
        (Spending(case_calls=1, case_cost=0.06, day_cost=0.1), {"default"}),
        (Spending(case_calls=1, case_cost=0.01, day_cost=1.6), {"default"}),
        (Spending(case_calls=1, case_cost=0.01, day_cost=51.0), set()),
    ],
)
async def test_what_is_left_of_the_budget_of_models_is_the_tenants_own(
    configuration: Configuration, spent: Spending, who_may_ask: set[str]
) -> None:
    spender = Spender(_Spent(spent), lambda: datetime.now(UTC))
    may = set()
    for tenant in ("default", "acme-us"):
        question = Question(
            prompt="reply",
            key="k",
            tenant=tenant,
            workflow_id=f"escalation:{tenant}:T-1",
            context={},
            budget=configuration.policy_for(tenant).budget,
        )
        try:
            await spender.check(question, _Costly())  # type: ignore[arg-type]
        except ModelUnavailable:
            continue
        may.add(tenant)
    assert may == who_may_ask


def test_a_share_of_busy_workers_is_the_tenants_own_and_a_wrong_one_is_refused_with_its_line(
    configuration: Configuration, tmp_path: Path
) -> None:
    assert (configuration.shares.share_of("default"), configuration.shares.share_of("acme-us")) == (1.0, 2.5)
    for wrong in ("0", "-1", "1001", "many"):
        (tmp_path / "tenants.yaml").write_text(f"tenants:\n  acme-us:\n    share: {wrong}\n", "utf-8")
        with pytest.raises(ConfigurationProblem, match=r"tenants\.yaml:3"):
            Tenants((SHIPPED_CONFIG, tmp_path))


@pytest.mark.parametrize("word", ["", "[case]", "{case}", "a\nb", "x" * 50, "<b>"])
def test_a_word_that_would_break_a_mail_is_refused(word: str, tmp_path: Path) -> None:
    import json

    said = json.dumps(word)
    text = f"tenants: {{acme-us: {{overrides: {{replies: {{reply: {{terms: {{case: {said}}}}}}}}}}}}}\n"
    (tmp_path / "tenants.yaml").write_text(text, "utf-8")
    with pytest.raises(ConfigurationProblem, match="case"):
        Configuration((SHIPPED_CONFIG, tmp_path))
