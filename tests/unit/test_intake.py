"""Tickets from outside: what is read, what is refused with a sentence, and what never gets in."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.text.normalise import normalise_text
from domain.tickets.intake import SUBJECT_LIMIT, read_ticket, read_ticket_with_notes, read_tickets, split_long_text
from domain.tickets.ticket import INLINE_TEXT_LIMIT, TEXT_LIMIT, Channel, CustomerTier, Priority

GOOD = {"id": "T-1", "subject": "Hello", "description": "It does not work.", "customerEmail": "a@example.com"}


def test_a_ticket_in_camel_case_is_read_whole() -> None:
    ticket = read_ticket(
        {
            **GOOD, "channel": "phone", "customerId": "C-1", "customerTier": "enterprise",
            "accountValue": 100000,
            "previousTicketCount": 8, "supportHistory": ["a"], "escalationHistory": ["E-1"], "priority": "high",
            "externalId": 4711, "slackThreadId": "1700000000.000100", "tags": ["x"],
            "createdAt": "2026-01-31T09:00:00Z",
        }
    )  # fmt: skip
    assert ticket.ticket_id == "T-1"
    assert ticket.channel is Channel.PHONE
    assert ticket.customer.tier is CustomerTier.ENTERPRISE
    assert (ticket.customer.account_value, ticket.customer.previous_tickets) == (100000.0, 8)
    assert ticket.stated_priority is Priority.HIGH
    assert (ticket.external_id, ticket.slack_thread_id) == ("4711", "1700000000.000100")
    assert ticket.received_at is not None


def test_snake_case_and_the_other_words_of_the_reference_documents_are_read() -> None:
    ticket = read_ticket(
        {"ticket_id": "TKT-1", "customer_id": "C", "customer_tier": "premium", "content": "Help", "channel": "chat"}
    )
    assert (ticket.ticket_id, ticket.body, ticket.customer.tier) == ("TKT-1", "Help", CustomerTier.PAID)
    nested = read_ticket({"message": "Help", "customer": {"id": "C-9", "email": "b@example.com", "name": "Bo"}})
    assert (nested.customer.customer_id, nested.customer.email) == ("C-9", "b@example.com")
    assert nested.ticket_id != "C-9"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"subject": "", "description": " \n\t "}, "empty"),
        ({"subject": "\u200b", "description": "\x00\u202e"}, "empty"),
        ({"description": "x" * (TEXT_LIMIT + 1)}, "longer than"),
        ({"priority": "super-duper"}, "priority"),
        ({"priority": 1}, "priority"),
        ({"customerTier": "root"}, "customerTier"),
        ({"channel": "pigeon"}, "channel"),
        ({"customerEmail": None}, "no customer e-mail"),
        ({"customerEmail": "", "channel": "web"}, "no customer e-mail"),
        ({"customerEmail": "a@example.com\r\nBcc: b@example.com"}, "malformed"),
        ({"customerEmail": "Eve <eve@example.com>"}, "malformed"),
        ({"customerEmail": "a@"}, "malformed"),
        ({"customerEmail": "a@localhost"}, "malformed"),
        ({"customerEmail": "a@b@example.com"}, "malformed"),
        ({"customerEmail": ["a@example.com"]}, "malformed"),
        ({"customerEmail": "x" * 65 + "@example.com"}, "malformed"),
        ({"description": {"text": "x"}}, "must be text"),
        ({"subject": 5}, "must be text"),
        ({"accountValue": float("nan")}, "accountValue"),
        ({"accountValue": float("inf")}, "accountValue"),
        ({"accountValue": -1}, "accountValue"),
        ({"accountValue": 10**400}, "accountValue"),
        ({"accountValue": "5000"}, "accountValue"),
        ({"accountValue": True}, "accountValue"),
        ({"previousTicketCount": -1}, "previousTicketCount"),
        ({"previousTicketCount": 1.5}, "previousTicketCount"),
        ({"supportHistory": "abc"}, "supportHistory"),
        ({"supportHistory": [{"deep": [[[[]]]]}]}, "supportHistory"),
        ({"supportHistory": ["x"] * 1000}, "supportHistory"),
        ({"id": "x" * 300}, "id"),
        ({"id": {"a": 1}}, "id"),
        ({"createdAt": "yesterday"}, "createdAt"),
        ({"createdAt": "2026-01-31T09:00:00"}, "createdAt"),
        ({f"k{number}": number for number in range(300)}, "fields"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence_that_says_what_to_do(
    change: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_ticket({**GOOD, **change})
    sentence = str(refused.value)
    assert words in sentence
    assert sentence.endswith(".")
    assert ": " in sentence
    assert "\n" not in sentence
    assert "eve@example.com" not in sentence


@pytest.mark.parametrize("raw", [None, 1, "text", [], [1], True])
def test_what_is_no_object_is_refused(raw: object) -> None:
    with pytest.raises(InvalidInput, match="JSON object"):
        read_ticket(raw)


@pytest.mark.parametrize("channel", ["phone", "chat", "social", "api"])
def test_channels_that_can_call_back_need_no_address(channel: str) -> None:
    assert not read_ticket({"id": "1", "message": "Help", "channel": channel}).can_be_answered


def test_triage_alone_needs_no_address() -> None:
    assert read_ticket({"message": "Help"}, require_address=False).body == "Help"


def test_a_ticket_without_an_id_gets_one_from_its_content() -> None:
    first, again = (read_ticket({**GOOD, "id": None}) for _ in range(2))
    other = read_ticket({**GOOD, "id": None, "description": "Something else."})
    assert first.ticket_id == again.ticket_id != other.ticket_id
    assert "example.com" not in first.ticket_id


def test_unknown_fields_are_ignored_and_reported() -> None:
    ticket, notes = read_ticket_with_notes({**GOOD, "status": "resolved", "approved_by": "me"})
    assert ticket.ticket_id == "T-1"
    assert len(notes) == 2
    assert any("'approved_by'" in note for note in notes)


def test_text_is_made_safe() -> None:
    ticket = read_ticket({**GOOD, "subject": "a\r\nb\u202ec\x00", "description": "x\ud800y\r\nz\u200b e\u0301"})
    assert ticket.subject == "a bc"
    assert ticket.body == "x\ufffdy\nz \u00e9"
    ticket.model_dump_json().encode("utf-8")


def test_emoji_and_persian_keep_their_joiners() -> None:
    emoji, persian = "\U0001f469\u200d\U0001f680", "\u0645\u06cc\u200c\u062e\u0648\u0627"
    assert normalise_text(f"{emoji} {persian} pass\u200cword") == f"{emoji} {persian} password"


def test_a_long_subject_moves_to_the_body() -> None:
    ticket = read_ticket({**GOOD, "subject": "s" * 2000})
    assert len(ticket.subject) <= SUBJECT_LIMIT
    assert "s" * 2000 in ticket.body


def test_one_bad_ticket_never_loses_the_others() -> None:
    results = read_tickets(json.dumps([GOOD, {**GOOD, "id": "T-2", "priority": "no"}, 7, {**GOOD, "id": "T-3"}]))
    assert [result.ticket.ticket_id if result.ticket else None for result in results] == ["T-1", None, None, "T-3"]
    assert (results[1].raw_id, results[1].position) == ("T-2", 1)
    assert results[1].problem is not None


def test_json_lines_are_read_line_by_line() -> None:
    text = "\ufeff" + json.dumps(GOOD) + "\n\n{broken\n" + json.dumps({**GOOD, "id": "T-2"}) + "\n"
    results = read_tickets(text)
    assert [bool(result.ticket) for result in results] == [True, False, True]
    assert results[1].position == 2
    assert "Line 3" in (results[1].problem or "")


@pytest.mark.parametrize("text", ["", "  \n", "[]", "[" * 100_000, '{\n"id": \n}', "not json\nat all"])
def test_a_file_without_tickets_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_tickets(text)


def test_nested_monsters_and_giant_numbers_are_refused_or_ignored() -> None:
    deep = json.loads("[" * 400 + "]" * 400)
    ticket, notes = read_ticket_with_notes({**GOOD, "extra": deep})
    assert ticket.ticket_id == "T-1"
    assert len(notes) == 1
    assert read_tickets('{"id": 1' + "0" * 4000 + ', "message": "x", "channel": "chat"}')[0].ticket is None


def test_long_text_keeps_its_beginning_and_end_inline() -> None:
    body = "begin " + "m" * 100_000 + " the end"
    short, full = split_long_text(read_ticket({**GOOD, "description": body}))
    assert full == body
    assert len(short.body) <= INLINE_TEXT_LIMIT
    assert short.body.startswith("begin")
    assert short.body.endswith("the end")
    assert "left out" in short.body
    assert split_long_text(read_ticket(GOOD)) == (read_ticket(GOOD), None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
FIELDS = "id subject description customerEmail customerTier accountValue channel priority supportHistory customer tags"
keys = st.sampled_from(FIELDS.split()) | st.text(max_size=5)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(keys, json_values, max_size=8))
def test_any_object_is_read_or_refused_and_never_breaks(raw: dict[str, object]) -> None:
    with contextlib.suppress(InvalidInput):
        read_ticket(raw, require_address=False).model_dump_json().encode("utf-8")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=200))
def test_normalising_twice_changes_nothing_further(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once
    once.encode("utf-8")
