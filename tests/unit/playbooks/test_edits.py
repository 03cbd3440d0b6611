"""Other arguments for a parked call: how they are written, and what differs."""

from __future__ import annotations

import pytest

from domain.errors import InvalidInput
from domain.playbook.edits import changes_between
from starters.editing import edited

GIVEN = {"amount": 25, "order": "17", "items": [{"sku": "A", "quantity": 1}], "to": {"city": "Berlin"}}


def test_values_go_into_maps_and_lists_and_the_given_arguments_stay_as_they_are():
    after = edited(GIVEN, ["items.0.quantity=2", "to.country=DE", "amount=30.5"], None)
    assert after["items"] == [{"sku": "A", "quantity": 2}]
    assert after["to"] == {"city": "Berlin", "country": "DE"}
    assert after["amount"] == 30.5
    assert GIVEN["items"] == [{"sku": "A", "quantity": 1}]


def test_what_takes_the_place_of_a_text_stays_a_text():
    assert edited(GIVEN, ["order=18"], None)["order"] == "18"


def test_all_arguments_anew_with_values_over_them():
    assert edited(GIVEN, ["amount=2"], '{"amount": 1, "order": "9"}') == {"amount": 2, "order": "9"}


@pytest.mark.parametrize("wrong", ["amount", "=3", "a..b=1", "items.7.quantity=1", "amount.x=1"])
def test_an_assignment_that_leads_nowhere_is_refused(wrong):
    with pytest.raises(InvalidInput):
        edited(GIVEN, [wrong], None)


@pytest.mark.parametrize("wrong", ["[1]", "3", "/no/such/file.json"])
def test_arguments_that_are_no_map_are_refused(wrong):
    with pytest.raises(InvalidInput):
        edited(GIVEN, [], wrong)


def test_differences_are_named_by_their_place():
    after = {"amount": 25.0, "items": [{"sku": "B", "quantity": 1}], "to": {"city": "Berlin"}, "new": None}
    found = [(change.path, change.added, change.removed) for change in changes_between(GIVEN, after)]
    assert ("items.0.sku", False, False) in found
    assert ("new", True, False) in found
    assert ("order", False, True) in found
    assert not any(path.startswith("to") for path, *_ in found)


def test_the_same_arguments_have_no_differences():
    assert changes_between(GIVEN, dict(GIVEN)) == []
