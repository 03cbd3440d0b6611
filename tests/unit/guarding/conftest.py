"""What the guardrail tests share: the shipped rules, and tools of every kind."""

from __future__ import annotations

from typing import Any

import pytest

from domain.policies.guardrails import GuardPoint, GuardrailRule, Guardrails, RuleAction, RuleCategory, Severity
from domain.tools.tool import Safety, ToolBrief, ToolCategory, ToolUndo
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG

UNDO = ToolUndo(tool="ops.undo")


@pytest.fixture(scope="session")
def shipped() -> Guardrails:
    return Configuration((SHIPPED_CONFIG,)).guardrails_for("default")


def tool(safety: Safety = Safety.CONFIRM, **changes: Any) -> ToolBrief:
    fields: dict[str, Any] = {"name": "ops.apply", "vendor": "ops", "undo": UNDO, "pre_approved": True, **changes}
    return ToolBrief(safety=safety, **fields)


def rule(action: RuleAction, when: str = "true", **changes: Any) -> GuardrailRule:
    fields: dict[str, Any] = {
        "name": f"test_{action.value}",
        "at": tuple(GuardPoint),
        "category": RuleCategory.COMPLIANCE,
        "severity": Severity.LOW,
        "reason": "It is so.",
        **changes,
    }
    return GuardrailRule(when=when, action=action, **fields)


SEARCH = ToolCategory.SEARCH
COMMUNICATION = ToolCategory.COMMUNICATION
