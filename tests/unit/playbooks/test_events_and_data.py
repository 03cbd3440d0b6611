"""Data and events as the command line takes them."""

import re
from datetime import UTC, datetime

import pytest

from domain.errors import InvalidInput
from starters.playbook_files import is_path, read_data
from starters.playbooks import fresh_key, read_event


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], None),
        (['{"a": 1}'], {"a": 1}),
        (["[1, 2]"], [1, 2]),
        (["5"], 5),
        (["null"], None),
        (['"text"'], "text"),
        (["{a: 1, b: yes}"], {"a": 1, "b": "yes"}),
        (["order=A1", "amount=5", "paid=true", 'tags=["x"]', "note=a = b"],
         {"order": "A1", "amount": 5, "paid": True, "tags": ["x"], "note": "a = b"}),
        (["customer.id=7", "customer.name=Ann"], {"customer": {"id": 7, "name": "Ann"}}),
        (["x="], {"x": ""}),
        (["x=NaN"], {"x": "NaN"}),
    ],
)  # fmt: skip
def test_data_are_pairs_json_or_a_file(given, expected):
    assert read_data(given) == expected


def test_a_file_may_be_yaml_or_json(tmp_path):
    (tmp_path / "a.yaml").write_text("on: yes\n")
    (tmp_path / "b.json").write_text('{"on": true}')
    assert read_data([str(tmp_path / "a.yaml")]) == {"on": "yes"}
    assert read_data([str(tmp_path / "b.json")]) == {"on": True}


@pytest.mark.parametrize("given", [["nowhere.yaml"], ["{a: "], ["a=1", "b"], ["a=1", "a.b=2"]])
def test_what_is_no_data_is_refused_in_a_sentence(given):
    with pytest.raises(InvalidInput) as refused:
        read_data(given)
    assert str(refused.value).endswith(".")


def test_files_and_names_are_told_apart():
    assert all(is_path(named) for named in ("a.yaml", "./refund", "x/y", "-", "a.json"))
    assert not any(is_path(named) for named in ("refund", "cancel-refund", "a.txt"))


def test_an_event_keeps_its_extensions():
    event = read_event(
        {"id": "1", "source": "/x", "type": "t", "specversion": "1.0", "data": {"a": 1}, "traceparent": "z"}
    )
    assert event.data == {"a": 1}
    assert event.extensions == {"traceparent": "z"}


@pytest.mark.parametrize(
    "given", [None, [], "x", {}, {"id": "", "source": "s", "type": "t"}, {"id": 1, "source": "s", "type": "t"}]
)
def test_what_is_no_event_is_refused(given):
    with pytest.raises(InvalidInput, match="CloudEvent"):
        read_event(given)


def test_a_fresh_key_says_when_and_is_no_other():
    now = datetime(2026, 1, 31, 12, 30, 5, tzinfo=UTC)
    assert re.fullmatch(r"20260131-123005-[0-9a-f]{6}", fresh_key(now))
    assert fresh_key(now) != fresh_key(now)
