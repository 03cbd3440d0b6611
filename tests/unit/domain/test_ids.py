"""Ids: checked, hashed when they do not fit, and free of personal data."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.ids import case_id, check_tenant, effect_key, escalation_workflow_id, workflow_id_for


@given(st.text())
def test_every_outside_id_gives_a_safe_case_id(outside: str) -> None:
    safe = case_id(outside)
    assert 1 <= len(safe) <= 64
    assert all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in safe)


@given(st.text(), st.text())
def test_no_two_tickets_share_a_case(one: str, other: str) -> None:
    assert (case_id(one) == case_id(other)) == (one == other)


def test_id_that_looks_like_a_hash_cannot_take_anothers_place() -> None:
    hashed = case_id("an id with spaces")
    assert case_id(hashed) != hashed


@pytest.mark.parametrize(
    "outside", ["jane.doe@example.com", "a/b", "x' OR WorkflowId STARTS_WITH 'w", "\x00", "\ud800"]
)
def test_address_and_hostile_text_never_stand_in_an_id(outside: str) -> None:
    workflow_id = escalation_workflow_id("default", outside)
    assert outside not in workflow_id
    assert workflow_id.startswith("escalation:default:x-")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "x" * 65, "ä", "a\n"])
def test_tenant_name_that_does_not_fit_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="rename the tenant"):
        check_tenant(name)


def test_effect_key_has_no_run_id() -> None:
    assert effect_key("escalation:default:T-1", "reply-1") == "escalation:default:T-1/reply-1"


@pytest.mark.parametrize("rest", ["x' OR ParentWorkflowId != 'y", 'a"b', "a\\b", "ü", "a b", "x" * 65])
@pytest.mark.parametrize("kind", ["playbook", "troubleshooting", "escalation"])
def test_what_could_be_no_id_of_ours_is_never_passed_on_as_it_was_written(kind: str, rest: str) -> None:
    made = workflow_id_for("acme", f"{kind}:acme:{rest}")
    assert re.fullmatch(r"[a-z]+:acme:x-[0-9a-f]{32}", made)
    assert workflow_id_for("acme", made) == made


def test_a_workflow_id_of_ours_names_itself() -> None:
    for name in ("playbook:acme:order:20261121-1", "troubleshooting:acme:INC-7", "escalation:acme:T-1"):
        assert workflow_id_for("acme", name) == name
