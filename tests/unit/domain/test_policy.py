"""Policies: shared between cases when equal, and only then."""

from __future__ import annotations

from domain.policies.case_policy import CasePolicy, shared
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG


def test_equal_policies_are_one_object_and_different_ones_are_not() -> None:
    text = Configuration((SHIPPED_CONFIG,)).policy_for("default").model_dump_json()
    first, second = (shared(CasePolicy.model_validate_json(text)) for _ in range(2))
    assert first is second
    changed = CasePolicy.model_validate_json(text).model_copy(update={"emergency_channel": "#elsewhere"})
    assert shared(changed) is changed
    assert shared(changed).emergency_channel == "#elsewhere"
