"""What `surehand approvals` shows is all of what an approval holds for, in lines that somebody can read."""

from __future__ import annotations

import json

import pytest
import yaml

from domain.model import JsonValue
from starters.cli.approvals import shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Dear Helen,\nyes.", "Dear Helen,\nyes."),
        (49.9, "49.9"),
        (True, "true"),
        (None, "null"),
        ([], "[]"),
        ({}, "{}"),
        ({"service": "cart", "body": {"to": "v7"}}, "\nservice: cart\nbody:\n  to: v7"),
        ([{"tool": "payments.refund"}], "\n- tool: payments.refund"),
    ],
)
def test_a_value_is_shown_as_it_is_read(value: JsonValue, text: str) -> None:
    assert shown(value) == text


def test_nothing_of_a_call_is_left_out_or_changed() -> None:
    call: JsonValue = {
        "tool": "deployments.rollBack",
        "arguments": {
            "query": '{job="a"}',
            "number": "0012",
            "yes": "no",
            "at": "2026-11-22",
            "text": "ä" * 300 + "\n- b",
        },
        "certain": False,
    }
    assert json.dumps(yaml.safe_load(shown(call))) == json.dumps(call)
