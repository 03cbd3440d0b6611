"""The engine with the real tables, and a policy with the teams of the reference document."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from domain.identity.people import Team
from domain.policies.case_policy import CasePolicy, Ladder, Rung, Timers
from domain.policies.sla import SlaPolicy, SlaTarget
from domain.rules import KeywordTables, Phrases, RulesEngine
from domain.tickets.ticket import Priority
from domain.triage.classification import Category
from domain.triage.decision import Urgency

CONFIG = Path(__file__).resolve().parents[3] / "config"
TEAM_OF = {
    Category.TECHNICAL: "engineering",
    Category.BILLING: "finance",
    Category.ACCOUNT: "customer_success",
    Category.PRODUCT: "product",
    Category.INTEGRATION: "technical_support",
    Category.SECURITY: "security_team",
    Category.BUG_REPORT: "engineering",
    Category.FEATURE_REQUEST: "product",
    Category.GENERAL_INQUIRY: "general_support",
}


@pytest.fixture(scope="session")
def phrases() -> Phrases:
    return Phrases.model_validate(yaml.safe_load((CONFIG / "phrases.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def keywords() -> KeywordTables:
    return KeywordTables.model_validate(yaml.safe_load((CONFIG / "keywords.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def engine(keywords: KeywordTables, phrases: Phrases) -> RulesEngine:
    return RulesEngine(keywords, phrases)


@pytest.fixture(scope="session")
def policy() -> CasePolicy:
    hour = timedelta(hours=1)
    target = SlaTarget(first_response=hour, next_response=hour, resolution=hour)
    names = {*TEAM_OF.values(), "senior_support", "management"}
    return CasePolicy(
        tenant="acme",
        version="1",
        teams={
            name: Team(name=name, label=f"our {name} team", email=f"{name}@example.com", slack_channel="#x", lead="p-1")
            for name in sorted(names)
        },
        category_team=TEAM_OF,
        catch_all_owner="p-1",
        duty_lead="p-1",
        escalation_mailbox="e@example.com",
        reports_mailbox="r@example.com",
        sla=SlaPolicy(targets=dict.fromkeys(Priority, target)),
        calendars={},
        ladders={"default": Ladder(rungs=(Rung(name="lead", roles=("support_lead",), time_allowed=hour),))},
        timers=Timers(
            urgency_delay={urgency: timedelta(0) for urgency in Urgency},
            claim_within={urgency: timedelta(0) for urgency in Urgency},
        ),
    )
